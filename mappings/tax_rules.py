from __future__ import annotations

from datetime import date
from enum import StrEnum

from mappings.tax_numbers import EU_COUNTRIES
from models.base import Canonical
from models.money import Money

__all__ = ["TAX_RULES", "Supply", "TaxLevel", "TaxRule", "rule_for", "supply_between"]


class TaxLevel(StrEnum):
    """What a missing or wrong fact stops. DOM-4.1."""

    BLOCK_SETUP = "block-setup"
    """The customer cannot even be created."""
    BLOCK_INVOICING = "block-invoicing"
    """The project may start; invoices wait."""
    WARN = "warn"


class Supply(StrEnum):
    """Where our company and the buyer sit to each other."""

    DOMESTIC = "domestic"
    WITHIN_EU = "within-eu"
    FROM_ABROAD = "from-abroad"


class TaxRule(Canonical):
    """What a business customer of one country must give us, in force on `valid_from <= day < valid_until`. DOM-4.2."""

    country: str
    """ISO code; `EU` for every member state without a row of its own, empty for every other country."""
    number: str
    """What the number is called there."""
    missing: dict[Supply, TaxLevel]
    reason: str
    """Why it is wanted; ends the sentence "X has no ..."."""
    registration_number_suffices: bool = False
    from_value: Money | None = None
    """Nothing is wanted below this value, as far as the contract is in this currency."""
    registry: str = ""
    """Where it can be looked up whether the number is registered; empty where there is no public registry."""
    valid_from: date = date.min
    valid_until: date | None = None

    def covers(self, day: date) -> bool:
        """Whether it is in force that day."""
        return self.valid_from <= day and (self.valid_until is None or day < self.valid_until)

    @property
    def requirement(self) -> str:
        """The requirement this row serves."""
        return f"DOM-4.2/{self.country}" if self.country not in {"EU", ""} else "DOM-4.3"


def supply_between(seller_country: str, buyer_country: str) -> Supply:
    """Whether a supply is domestic, crosses a border inside the EU, or comes from outside. DOM-4.3."""
    if seller_country == buyer_country:
        return Supply.DOMESTIC
    if seller_country in EU_COUNTRIES and buyer_country in EU_COUNTRIES:
        return Supply.WITHIN_EU
    return Supply.FROM_ABROAD


def rule_for(country: str, on: date) -> TaxRule:
    """The row for a buyer's country on a day; countries without a row of their own fall to the general one."""
    wanted = (country, "EU" if country in EU_COUNTRIES else "", "")
    return next(rule for code in wanted for rule in TAX_RULES if rule.country == code and rule.covers(on))


def _all(level: TaxLevel) -> dict[Supply, TaxLevel]:
    return dict.fromkeys(Supply, level)


_WARN = TaxLevel.WARN
_HOLD = TaxLevel.BLOCK_INVOICING
_LOCAL_TAX = "without it we must charge our own country's tax, which is a price question for the customer"
_FRENCH_NUMBERS = date(2026, 9, 1)
"""E-invoicing of large and mid-size issuers, such as this firm; smaller ones follow on 1 Sep 2027."""

TAX_RULES: tuple[TaxRule, ...] = (
    TaxRule(
        country="US",
        number="EIN",
        missing={Supply.DOMESTIC: _WARN},
        reason="it belongs to the customer's W-9 data",
    ),
    TaxRule(
        country="CA",
        number="GST/HST account (BN with RT)",
        missing=_all(_WARN),
        reason="from CAD 500 the invoice must carry the buyer's name and the terms, and the number helps",
        registry="the GST/HST registry",
    ),
    TaxRule(
        country="GB",
        number="VAT number",
        missing={Supply.DOMESTIC: _WARN, Supply.WITHIN_EU: _HOLD, Supply.FROM_ABROAD: _HOLD},
        reason="it is the best evidence that the customer is a business; a company number is accepted too",
        registration_number_suffices=True,
        registry="the HMRC VAT checker",
    ),
    TaxRule(
        country="DE",
        number="VAT number (USt-IdNr.)",
        missing={Supply.DOMESTIC: _WARN, Supply.WITHIN_EU: _HOLD, Supply.FROM_ABROAD: _WARN},
        reason=_LOCAL_TAX,
        registry="VIES",
    ),
    TaxRule(
        country="FR",
        number="SIREN or VAT number",
        missing={Supply.DOMESTIC: _WARN, Supply.WITHIN_EU: _HOLD, Supply.FROM_ABROAD: _WARN},
        reason=_LOCAL_TAX,
        registration_number_suffices=True,
        registry="VIES",
        valid_until=_FRENCH_NUMBERS,
    ),
    TaxRule(
        country="FR",
        number="SIREN",
        missing=_all(_HOLD),
        reason="since 1 September 2026 the customer's SIREN is mandatory on e-invoices",
        registration_number_suffices=True,
        registry="VIES",
        valid_from=_FRENCH_NUMBERS,
    ),
    TaxRule(
        country="NL",
        number="VAT number (btw-id)",
        missing={Supply.DOMESTIC: _WARN, Supply.WITHIN_EU: _HOLD, Supply.FROM_ABROAD: _HOLD},
        reason="a reverse-charged invoice must carry it",
        registry="VIES",
    ),
    TaxRule(
        country="IE",
        number="VAT number",
        missing={Supply.DOMESTIC: _WARN, Supply.WITHIN_EU: _HOLD, Supply.FROM_ABROAD: _HOLD},
        reason="a reverse-charged invoice must carry it",
        registry="VIES",
    ),
    TaxRule(
        country="IN",
        number="GSTIN",
        missing=_all(_HOLD),
        reason="it is a mandatory invoice field for a registered customer",
        registry="the GST portal",
    ),
    TaxRule(
        country="AU",
        number="ABN",
        missing=_all(_WARN),
        reason="from AUD 1,000 the invoice must carry the buyer's identity or ABN; the name suffices",
        from_value=Money.of(1000, "AUD"),
        registry="the ABN register",
    ),
    TaxRule(
        country="BR",
        number="CNPJ of the establishment",
        missing=_all(TaxLevel.BLOCK_SETUP),
        reason="no nota fiscal can be issued without it",
        registry="the Receita Federal",
    ),
    TaxRule(
        country="JP",
        number="corporate number",
        missing=_all(_WARN),
        reason="it is helpful; the number that the invoice must carry is our own",
        registry="the corporate number site",
    ),
    TaxRule(
        country="SG",
        number="UEN or GST number",
        missing=_all(_WARN),
        reason="it is evidence of where the customer belongs",
        registry="the GST register",
    ),
    TaxRule(
        country="EU",
        number="VAT number",
        missing={Supply.DOMESTIC: _WARN, Supply.WITHIN_EU: _HOLD, Supply.FROM_ABROAD: _WARN},
        reason=_LOCAL_TAX,
        registry="VIES",
    ),
    TaxRule(
        country="",
        number="tax number",
        missing=_all(_WARN),
        reason="we have no rule for this country, so the tax team decides whether it is needed",
    ),
)
