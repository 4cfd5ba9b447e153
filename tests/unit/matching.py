from __future__ import annotations

from typing import Any

from models.ids import ConnectionId
from models.party import Address, BuyerIdentity
from models.records import RecordKind, RecordRef
from models.survey import CustomerCandidate


def buyer(name: str, country: str = "", **facts: Any) -> BuyerIdentity:
    """A CRM account; `city` and `postal_code` go to the address."""
    address = Address(country=country, city=facts.pop("city", ""), postal_code=facts.pop("postal_code", ""))
    return BuyerIdentity(account_id=facts.pop("account_id", "A-1"), name=name, address=address, **facts)


def customer(name: str, country: str = "", record_id: str = "4711", **facts: Any) -> CustomerCandidate:
    """An ERP customer."""
    address = Address(country=country, city=facts.pop("city", ""), postal_code=facts.pop("postal_code", ""))
    ref = RecordRef(connection=ConnectionId("erp-main"), kind=RecordKind.CUSTOMER, record_id=record_id)
    return CustomerCandidate(ref=ref, name=name, address=address, **facts)
