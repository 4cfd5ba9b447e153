from __future__ import annotations

from datetime import date
from enum import StrEnum

from mappings.customer_identity import trading_name
from mappings.tax_rules import Supply, TaxLevel, TaxRule
from models.base import Canonical
from models.money import Money
from models.party import BuyerIdentity

__all__ = ["FindingKind", "Sale", "TaxFinding"]


class FindingKind(StrEnum):
    """What is the matter with a fact that the invoice needs."""

    MISSING = "missing"
    MALFORMED = "malformed"
    """It cannot be a number of that kind, or not the kind that is wanted."""
    PERSONAL_NUMBER = "personal-number"
    """It is a person's number: it must be removed."""
    FORMAT_ONLY = "format-only"
    """Well-formed, which does not mean registered: nobody asked the registry."""
    INVOICE_CONTENT = "invoice-content"
    """Nothing is missing, but the invoice must show something more."""


class TaxFinding(Canonical):
    """One thing about the buyer's tax data that a person must know or fix before the first invoice. DOM-4."""

    level: TaxLevel
    kind: FindingKind
    code: str
    """Catalogue code of the blocker it would raise; empty where there is nothing to enter."""
    record: str
    field: str
    sentence: str
    requirement: str


class Sale(Canonical):
    """One contract as far as tax data is concerned: who sells what to whom, under which row of DOM-4.2."""

    buyer: BuyerIdentity
    country: str
    """The buyer's."""
    seller_country: str
    supply: Supply
    rule: TaxRule
    currency: str
    value: Money | None
    has_service_address: bool
    on: date

    @property
    def name(self) -> str:
        """The buyer's name, as findings name the record."""
        return trading_name(self.buyer)
