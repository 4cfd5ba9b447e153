from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from models.base import Canonical
from models.blocker import Fix
from models.ids import ConnectionId, LegalEntityCode
from models.roles import Role
from models.terms import BillingType

__all__ = [
    "ApprovalPolicy",
    "ApprovalRow",
    "BillingRule",
    "BlockerKind",
    "ChangeApprovalRow",
    "ChangeCondition",
    "ChangePolicy",
    "Condition",
    "ErpRule",
    "LegalEntityRule",
    "Rule",
    "ServiceLineRule",
    "SigningRule",
    "TermsRule",
    "UsdRate",
    "WorkingTime",
]

Text = Annotated[str, Field(min_length=1)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class Rule(Canonical):
    """One dated choice of the firm: in force on `valid_from <= day < valid_until`."""

    id: Text
    requirement: Text
    valid_from: date
    valid_until: date | None = None

    @model_validator(mode="after")
    def _lasts(self) -> Rule:
        if self.valid_until is not None and self.valid_until <= self.valid_from:
            raise ValueError("valid_until must be later than valid_from; a rule that was replaced ends on that day")
        return self

    def covers(self, day: date) -> bool:
        """Whether it is in force that day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)

    def overlaps(self, other: Rule) -> bool:
        """Whether both are in force on some day."""
        return (other.valid_until is None or self.valid_from < other.valid_until) and (
            self.valid_until is None or other.valid_from < self.valid_until
        )


class LegalEntityRule(Rule):
    """One of our companies and every spelling of its name on signed papers."""

    code: LegalEntityCode
    names: tuple[Text, ...] = Field(min_length=1)
    country: Country
    functional_currency: Currency


class ErpRule(Rule):
    """In which ERP companies of ours keep their books. A contract is booked where the company that signed it does."""

    connection: ConnectionId = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    entities: tuple[LegalEntityCode, ...] = ()
    """Empty: every one of our companies, which only a firm with a single ERP may say."""


class SigningRule(Rule):
    """Which of our companies usually signs for a region (and service line); a check, never a replacement (DOM-5.1)."""

    regions: tuple[Text, ...] = Field(min_length=1)
    service_lines: tuple[Text, ...] = ()
    """Empty: any."""
    expected: tuple[LegalEntityCode, ...] = Field(min_length=1)


class TermsRule(Rule):
    """Signed payment terms -> the ERP's code, per legal entity (DOM-5.3)."""

    text: Text
    code: Text
    days: int = Field(ge=0, le=365)
    entities: tuple[LegalEntityCode, ...] = ()
    """Empty: every one of our companies."""


class ServiceLineRule(Rule):
    """What a service line becomes: project template and cost centre."""

    service_line: Text
    template: Text
    cost_centre: Text
    cost_centre_name: Text


class BillingRule(Rule):
    """What a billing type becomes: ERP items and billing rule."""

    billing_type: BillingType
    item: Text
    fee_item: str = ""
    """Item of the fee line, where cost and fee are lines of their own (cost plus)."""
    billing_rule: Text


class UsdRate(Rule):
    """Rate for comparing with people's limits only; never for booking (DOM-5.4)."""

    currency: Currency
    usd_per_unit: Decimal = Field(gt=0)


class Condition(StrEnum):
    """What an approval row looks at; the lines it is measured against stand in the policy."""

    VALUE = "value"
    NEW_CUSTOMER = "new-customer"
    """A new customer outside the countries of automatic set-up, or without any number that identifies it."""
    NEW_COUNTRY = "new-country"
    TERMS_LONG = "terms-over-45"
    TERMS_TOO_LONG = "terms-over-60"
    MARGIN_LOW = "margin-below-25"
    MARGIN_VERY_LOW = "margin-below-10"
    MARGIN_NEGATIVE = "margin-negative"
    COST_PLUS = "cost-plus"
    GOVERNMENT = "government"
    NEW_BILLING_TYPE = "new-billing-type"
    MATCH_UNDONE = "match-undone"
    """An account and its customer are told apart again (DOM-3.6); never holds for a contract."""


class ApprovalRow(Rule):
    """A signature a plan needs when its condition holds (DOM-9)."""

    slot: Text
    condition: Condition
    role: Role
    reason: Text
    over_usd: Decimal = Field(default=Decimal(0), ge=0)
    answers_for_usd: Decimal | None = None
    """The part of the value this signature answers for; above it a further row asks a higher role. None: all of it."""


class ApprovalPolicy(Canonical):
    """Lines, countries and billing types that the conditions of approval rows are measured against."""

    home_countries: tuple[Country, ...]
    """Countries where the firm has tax set-up; a new customer elsewhere asks the tax team."""
    automatic_countries: tuple[Country, ...]
    """Countries where a new customer whose identity is clear needs nobody."""
    known_billing_types: tuple[BillingType, ...]
    terms_long_days: int = 45
    terms_too_long_days: int = 60
    margin_low_percent: Decimal = Decimal(25)
    margin_very_low_percent: Decimal = Decimal(10)


class ChangeCondition(StrEnum):
    """What of a change order asks for a signature (DOM-6.1, DOM-9); its lines stand in the change policy."""

    INCREASE = "increase"
    """Sold value or cap grows by more than the policy lets through."""
    DECREASE = "decrease"
    """Sold value or cap falls, or something is credited."""
    RATE = "rate"
    """A rate changes in a way that the signed rate card did not announce."""
    BILLING_RULE = "billing-rule"
    TERMINATION = "termination"
    CLOSE_OUT = "close-out"
    OPTION_PRICE = "option-price"
    """An option is exercised at another price than it was offered for, or nobody knows what it was offered for."""
    FUNDING_BELOW_BILLED = "funding-below-billed"
    SENSITIVE_FIELD = "sensitive-field"
    """Who pays, or where invoices go: a fraud door (DOM-5.7)."""
    NAME_CHANGE = "name-change"


class ChangeApprovalRow(Rule):
    """A signature a change order needs when its condition holds (DOM-9)."""

    slot: Text
    condition: ChangeCondition
    role: Role
    reason: Text
    over_usd: Decimal = Field(default=Decimal(0), ge=0)
    answers_for_usd: Decimal | None = None


class ChangePolicy(Canonical):
    """What a change order may do without anybody's signature."""

    increase_percent: Decimal = Decimal(10)
    """Of the value before; both this and `increase_usd` must hold."""
    increase_usd: Decimal = Decimal(50_000)
    sensitive_fields: tuple[Text, ...] = ("payer", "bill_to", "invoice_email", "remittance")


class WorkingTime(Canonical):
    """Business hours of people who decide; one business day is eight hours."""

    zone: Text
    starts_at_hour: int = Field(default=9, ge=0, le=23)
    ends_at_hour: int = Field(default=17, ge=1, le=23)
    holidays: tuple[date, ...] = ()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as unknown:
            raise ValueError("no such time zone; write it like America/New_York") from unknown
        return zone

    @model_validator(mode="after")
    def _has_hours(self) -> WorkingTime:
        if self.ends_at_hour <= self.starts_at_hour:
            raise ValueError("ends_at_hour must be later than starts_at_hour")
        return self


class BlockerKind(Canonical):
    """One row of the blocker catalogue (DOM-11)."""

    code: str = Field(pattern=r"^TL-[A-Z]{3}-\d{3}$")
    owner: Role
    fix: Fix
    due_hours: int = Field(gt=0)
    title: Text
