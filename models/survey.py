from __future__ import annotations

from datetime import date

from pydantic import Field

from models.base import Canonical
from models.ids import ContractNumber, ExternalKey, LegalEntityCode
from models.party import Address
from models.records import Guard, RecordRef

__all__ = [
    "Chart",
    "ChartEntity",
    "CustomerCandidate",
    "ErpTraits",
    "ExistingRecord",
    "Survey",
    "SurveyQuestion",
]


class ChartEntity(Canonical):
    """One of our legal entities as the ERP knows it."""

    code: LegalEntityCode
    record_id: str
    name: str
    functional_currency: str
    country: str


class Chart(Canonical):
    """Reference data of the ERP that plans are checked against; read seldom, kept for some minutes."""

    entities: tuple[ChartEntity, ...]
    currencies: dict[str, int]
    """ISO code -> decimals the ERP stores (DOM-0.1)."""
    terms: tuple[str, ...]
    """Codes of payment terms."""
    cost_centres: tuple[str, ...]
    items: tuple[str, ...]


class ErpTraits(Canonical):
    """What this ERP can and cannot do; the plan says so before anything is written."""

    one_billing_type_per_project: bool = False
    customer: Guard
    contact: Guard
    cost_centre: Guard
    project: Guard
    billing_schedule: Guard
    contract: Guard
    hold: Guard
    manual: tuple[str, ...] = ()
    """Sentences for what a person must do by hand, keyed by `billing-type: sentence`."""


class CustomerCandidate(Canonical):
    """An ERP customer that may be the buyer."""

    ref: RecordRef
    external_key: str = ""
    account_id: str = ""
    """The CRM id written on it, if any."""
    name: str
    aliases: tuple[str, ...] = ()
    address: Address = Address()
    tax_number: str = ""
    registration_number: str = ""
    duns: str = ""
    lei: str = ""
    is_active: bool = True
    merged_into: str = ""
    on_credit_hold: bool = False
    legal_entities: tuple[LegalEntityCode, ...] = ()


class ExistingRecord(Canonical):
    """A record that already carries one of our keys, with the fields a plan compares."""

    ref: RecordRef
    key: ExternalKey
    contract_number: str = ""
    fields: dict[str, str] = Field(default_factory=dict)
    """Canonical field name -> value as text, for diffs (`amount`, `currency`, `start_on`, ...)."""


class SurveyQuestion(Canonical):
    """What a plan must know about the ERP before it is made."""

    names: tuple[str, ...]
    """Spellings of the buyer, as written; the adapter widens them as its search allows."""
    country: str = ""
    tax_numbers: tuple[str, ...] = ()
    registration_number: str = ""
    duns: str = ""
    lei: str = ""
    account_id: str = ""
    erp_customer_id: str = ""
    customer_key: ExternalKey
    keys: tuple[ExternalKey, ...]
    """Keys of projects, schedules and contracts this plan would make."""
    contract_number: ContractNumber
    takes_on_project: bool = False
    """Work began at risk, before the signature: its project was opened by hand and carries the number alone."""
    on: date


class Survey(Canonical):
    """The ERP as it stands now, as far as this contract is concerned."""

    candidates: tuple[CustomerCandidate, ...] = ()
    existing: tuple[ExistingRecord, ...] = ()
    at_risk: RecordRef | None = None
    """The project that was opened by hand for this contract; asked for by `takes_on_project`."""
