from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from stdnum.fr import siren

from mappings.customer_identity import trading_name
from mappings.registration_numbers import registration_of
from mappings.tax_findings import FindingKind, Sale, TaxFinding
from mappings.tax_numbers import NumberCheck, TaxNumber, mask, read_tax_number
from mappings.tax_particulars import country_particulars
from mappings.tax_rules import TaxLevel, rule_for, supply_between
from models.money import Money
from models.party import BuyerIdentity

__all__ = ["FindingKind", "TaxFinding", "TaxLevel", "check_tax_registration"]

_ALPHANUMERIC_CNPJ = date(2026, 7, 1)
_ROOT_OF_CNPJ = 8
_GST_PROGRAMME = "RT"


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
    if not country:
        return (_no_country(trading_name(buyer)),)
    sale = Sale(
        buyer=buyer,
        country=country,
        seller_country=seller_country,
        supply=supply_between(seller_country, country),
        rule=rule_for(country, on),
        currency=contract_currency,
        value=value,
        has_service_address=has_service_address,
        on=on,
    )
    return (*_number_findings(sale), *country_particulars(sale))


def _no_country(name: str) -> TaxFinding:
    return TaxFinding(
        level=TaxLevel.BLOCK_INVOICING,
        kind=FindingKind.MISSING,
        code="TL-CUS-006",
        record=name,
        field="country",
        sentence=f"{name} has no country. Enter it on the CRM account; no tax rule applies without it.",
        requirement="DOM-4.1",
    )


def _number_findings(sale: Sale) -> Iterator[TaxFinding]:
    number = read_tax_number(sale.buyer.tax_number, sale.country)
    wanted, level = sale.rule.number, sale.rule.missing.get(sale.supply)
    shown = f"The tax number of {sale.name} ({mask(number.compact)})"
    if number.check is NumberCheck.PERSONAL:
        yield _finding(
            sale,
            TaxLevel.BLOCK_SETUP,
            FindingKind.PERSONAL_NUMBER,
            f"The tax number of {sale.name} looks like a person's number. Remove it from the CRM account and enter the "
            f"company's {wanted}.",
        )
    elif number.check is NumberCheck.ABSENT:
        if level and not _is_spared(sale):
            sentence = f"{sale.name} has no {wanted}: {sale.rule.reason}. Enter it on the CRM account."
            yield _finding(sale, level, FindingKind.MISSING, sentence)
    elif fault := _fault_of(number, sale):
        sentence = f"{shown} {fault}. Correct it on the CRM account; wanted is the {wanted}."
        yield _finding(sale, level or TaxLevel.WARN, FindingKind.MALFORMED, sentence)
    elif sale.rule.registry:
        yield _finding(
            sale,
            TaxLevel.WARN,
            FindingKind.FORMAT_ONLY,
            f"{shown} has the right form; whether it is registered was not looked up. Look it up in "
            f"{sale.rule.registry} before the first invoice.",
        )


def _is_spared(sale: Sale) -> bool:
    """Whether the number is not wanted: a registration number serves as well, or the contract is too small."""
    registration, least, value = registration_of(sale.buyer), sale.rule.from_value, sale.value
    is_proven = siren.is_valid(registration.number) if sale.country == "FR" else bool(registration.number)
    if sale.rule.registration_number_suffices and is_proven:
        return True
    return bool(least and value and value.currency == sale.currency == least.currency and value < least)


def _fault_of(number: TaxNumber, sale: Sale) -> str:
    """What is wrong with a number that is there, as the end of a sentence; empty if nothing is."""
    if number.country != sale.country:
        return f"was issued in {number.country}, but the address is in {sale.country}"
    if number.country == "BR" and (fault := _fault_of_cnpj(number, sale.on)):
        return fault
    if number.check is NumberCheck.MALFORMED:
        return "is not valid: its length, characters or check digit are wrong"
    if number.country == "CA" and number.site and not number.site.startswith(_GST_PROGRAMME):
        return "names another tax account: a GST/HST account has RT and four digits after the business number"
    if number.country == "IN" and not number.site:
        return "is a PAN: the GSTIN has the state in front of it"
    return ""


def _fault_of_cnpj(number: TaxNumber, on: date) -> str:
    if len(number.compact) == _ROOT_OF_CNPJ:
        return "names the company but no establishment"
    if on < _ALPHANUMERIC_CNPJ and any(char.isalpha() for char in number.compact):
        return f"has letters, which a CNPJ may only have from {_ALPHANUMERIC_CNPJ:%d %B %Y} on"
    return ""


def _finding(sale: Sale, level: TaxLevel, kind: FindingKind, sentence: str) -> TaxFinding:
    return TaxFinding(
        level=level,
        kind=kind,
        code="TL-CUS-014" if kind is FindingKind.MISSING else "TL-CUS-015",
        record=sale.name,
        field="tax number",
        sentence=sentence,
        requirement=sale.rule.requirement,
    )
