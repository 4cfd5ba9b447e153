from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from stdnum.de import leitweg

from mappings.customer_identity import trading_name
from mappings.registration_numbers import registration_of
from mappings.tax_numbers import NumberCheck, TaxNumber, mask, read_tax_number
from mappings.tax_rules import Supply, TaxLevel, TaxRule, rule_for, supply_between
from models.base import Canonical
from models.money import Money
from models.party import BuyerIdentity

__all__ = ["FindingKind", "TaxFinding", "TaxLevel", "check_tax_registration"]

_ALPHANUMERIC_CNPJ = date(2026, 7, 1)
_INDIAN_ADDRESS_FROM = Money.of(50000, "INR")
_ROOT_OF_CNPJ = 8
_GST_PROGRAMME = "RT"


class FindingKind(StrEnum):
    """What is the matter with a fact that the invoice needs."""

    MISSING = "missing"
    MALFORMED = "malformed"
    """It cannot be a number of that kind, or not the kind that is wanted."""
    PERSONAL_NUMBER = "personal-number"
    """It is a person's number: it must be removed."""
    FORMAT_ONLY = "format-only"
    """Well-formed, which does not mean registered: nobody asked the registry."""


class TaxFinding(Canonical):
    """One thing about the buyer's tax data that a person must know or fix before the first invoice. DOM-4."""

    level: TaxLevel
    kind: FindingKind
    code: str
    """Catalogue code of the blocker it would raise."""
    record: str
    field: str
    sentence: str
    requirement: str


def check_tax_registration(
    buyer: BuyerIdentity,
    *,
    seller_country: str,
    contract_currency: str,
    value: Money | None,
    has_service_address: bool,
    on: date,
) -> tuple[TaxFinding, ...]:
    """What is missing or wrong in the buyer's tax data for a contract that our company in `seller_country` signs.

    Facts only: form and presence. The ERP or tax engine computes tax, a registry says what is registered (DOM-4.1).
    """
    country = buyer.address.country or read_tax_number(buyer.tax_number, "").country
    name = trading_name(buyer)
    if not country:
        return (
            TaxFinding(
                level=TaxLevel.BLOCK_INVOICING,
                kind=FindingKind.MISSING,
                code="TL-CUS-006",
                record=name,
                field="country",
                sentence=f"{name} has no country. Enter it on the CRM account; no tax rule applies without it.",
                requirement="DOM-4.1",
            ),
        )
    rule = rule_for(country, on)
    supply = supply_between(seller_country, country)
    return (
        *_number_findings(buyer, rule, supply, country, value, contract_currency, on),
        *_route_findings(buyer, country),
        *_indian_address(buyer, country, value),
        *_american_sale(buyer, country, seller_country, has_service_address=has_service_address),
    )


def _number_findings(
    buyer: BuyerIdentity,
    rule: TaxRule,
    supply: Supply,
    country: str,
    value: Money | None,
    currency: str,
    on: date,
) -> Iterator[TaxFinding]:
    number = read_tax_number(buyer.tax_number, country)
    if number.check is NumberCheck.PERSONAL:
        yield _finding(
            buyer, rule, TaxLevel.BLOCK_SETUP, FindingKind.PERSONAL_NUMBER,
            f"The tax number of {trading_name(buyer)} looks like a person's number. Remove it from the CRM account"
            f" and enter the company's {rule.number}.",
        )  # fmt: skip
        return
    level = rule.missing.get(supply)
    if number.check is NumberCheck.ABSENT:
        if level and not _is_spared(buyer, rule, value, currency):
            yield _finding(
                buyer, rule, level, FindingKind.MISSING,
                f"{trading_name(buyer)} has no {rule.number}: {rule.reason}. Enter it on the CRM account.",
            )  # fmt: skip
        return
    if fault := _fault_of(number, rule, on):
        yield _finding(
            buyer, rule, level or TaxLevel.WARN, FindingKind.MALFORMED,
            f"The tax number of {trading_name(buyer)} ({mask(number.compact)}) {fault}."
            f" Correct it on the CRM account; wanted is the {rule.number}.",
        )  # fmt: skip
        return
    if rule.registry and number.country == country:
        yield _finding(
            buyer, rule, TaxLevel.WARN, FindingKind.FORMAT_ONLY,
            f"The tax number of {trading_name(buyer)} ({mask(number.compact)}) has the right form; whether it is"
            f" registered was not looked up. Look it up in {rule.registry} before the first invoice.",
        )  # fmt: skip


def _is_spared(buyer: BuyerIdentity, rule: TaxRule, value: Money | None, currency: str) -> bool:
    """Whether the number is not wanted: a registration number serves as well, or the contract is too small."""
    if rule.registration_number_suffices and registration_of(buyer).number:
        return True
    if rule.from_value is None or value is None or currency != rule.from_value.currency:
        return False
    return value.currency == currency and value < rule.from_value


def _fault_of(number: TaxNumber, rule: TaxRule, on: date) -> str:
    """What is wrong with a number that is there, as the middle of a sentence; empty if nothing is."""
    has_letters = any(char.isalpha() for char in number.compact)
    if number.country == "BR" and len(number.compact) == _ROOT_OF_CNPJ:
        return "names the company but no establishment"
    if number.country == "BR" and has_letters and on < _ALPHANUMERIC_CNPJ:
        return f"has letters, which CNPJ numbers have from {_ALPHANUMERIC_CNPJ:%d %B %Y} on only"
    if number.check is NumberCheck.MALFORMED:
        return f"is not a valid {rule.number} (its length, characters or check digit are wrong)"
    if number.country == "CA" and number.site and not number.site.startswith(_GST_PROGRAMME):
        return "names another tax account; a GST/HST account has RT and four digits after the business number"
    if number.country == "IN" and not number.site:
        return "is a PAN; a GSTIN is wanted, which has the state in front"
    return ""


def _route_findings(buyer: BuyerIdentity, country: str) -> Iterator[TaxFinding]:
    """Public buyers in Germany take no invoice without a Leitweg-ID; in France they ask for a service code."""
    name, route = trading_name(buyer), buyer.route_id.strip()
    if not buyer.is_government or country not in {"DE", "FR"}:
        return
    if country == "FR":
        if not route:
            yield _route(
                name, country, TaxLevel.WARN, FindingKind.MISSING,
                f"The French public buyer {name} has no service code. Enter it as route id on the CRM account.",
            )  # fmt: skip
    elif not route:
        yield _route(
            name, country, TaxLevel.BLOCK_INVOICING, FindingKind.MISSING,
            f"The German public buyer {name} needs a Leitweg-ID on each invoice. Enter it as route id on the CRM"
            " account.",
        )  # fmt: skip
    elif not leitweg.is_valid(route):
        yield _route(
            name, country, TaxLevel.BLOCK_INVOICING, FindingKind.MALFORMED,
            f"The route id of {name} is not a valid Leitweg-ID (its length or check digits are wrong). Correct it on"
            " the CRM account.",
        )  # fmt: skip


def _route(name: str, country: str, level: TaxLevel, kind: FindingKind, sentence: str) -> TaxFinding:
    return TaxFinding(
        level=level, kind=kind, code="TL-CUS-017", record=name, field="route id", sentence=sentence,
        requirement=f"DOM-4.2/{country}",
    )  # fmt: skip


def _indian_address(buyer: BuyerIdentity, country: str, value: Money | None) -> Iterator[TaxFinding]:
    """An unregistered Indian customer needs address and state on invoices from INR 50,000."""
    is_small = value is not None and value.currency == "INR" and value < _INDIAN_ADDRESS_FROM
    has_number = read_tax_number(buyer.tax_number, country).check is not NumberCheck.ABSENT
    has_address = bool(buyer.address.street.strip() and buyer.address.region.strip())
    if country == "IN" and not has_number and not has_address and not is_small:
        name = trading_name(buyer)
        yield TaxFinding(
            level=TaxLevel.BLOCK_INVOICING, kind=FindingKind.MISSING, code="TL-CUS-006", record=name, field="address",
            sentence=f"{name} has no GSTIN, so from INR 50,000 the invoice needs its address and state."
            " Enter street and state on the CRM account.",
            requirement="DOM-4.2/IN",
        )  # fmt: skip


def _american_sale(
    buyer: BuyerIdentity, country: str, seller_country: str, *, has_service_address: bool
) -> Iterator[TaxFinding]:
    """Sales tax on services varies by state; an exempt buyer is only exempt with a certificate. DOM-4.2, 4.4."""
    if country != "US" or seller_country != "US":
        return
    name = trading_name(buyer)
    if not has_service_address:
        yield TaxFinding(
            level=TaxLevel.BLOCK_INVOICING, kind=FindingKind.MISSING, code="TL-CUS-006", record=name,
            field="service address",
            sentence=f"The contract of {name} does not say where the service is used; sales tax varies by state."
            " Enter street, state and postal code.",
            requirement="DOM-4.2/US",
        )  # fmt: skip
    if buyer.is_government:
        yield TaxFinding(
            level=TaxLevel.WARN, kind=FindingKind.MISSING, code="TL-CUS-016", record=name,
            field="exemption certificate",
            sentence=f"{name} is a public buyer without a tax exemption certificate on record. Unless the federal"
            " government is billed and pays, enter the state's certificate; until then invoices carry tax.",
            requirement="DOM-4.4",
        )  # fmt: skip


def _finding(buyer: BuyerIdentity, rule: TaxRule, level: TaxLevel, kind: FindingKind, sentence: str) -> TaxFinding:
    return TaxFinding(
        level=level, kind=kind, code="TL-CUS-014" if kind is FindingKind.MISSING else "TL-CUS-015",
        record=trading_name(buyer), field="tax number", sentence=sentence, requirement=rule.requirement,
    )  # fmt: skip
