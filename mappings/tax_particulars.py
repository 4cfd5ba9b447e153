from __future__ import annotations

from collections.abc import Iterator

from stdnum.de import leitweg

from mappings.tax_findings import FindingKind, Sale, TaxFinding
from mappings.tax_numbers import NumberCheck, read_tax_number
from mappings.tax_rules import Supply, TaxLevel
from models.money import Money

__all__ = ["country_particulars"]

_INDIAN_ADDRESS_FROM = Money.of(50000, "INR")
_LOCAL_CURRENCY = {
    "JP": ("JPY", "the consumption tax in JPY"),
    "SG": ("SGD", "net amount, GST and total in SGD"),
}


def country_particulars(sale: Sale) -> Iterator[TaxFinding]:
    """What single countries ask for beside the tax number. DOM-4.2, DOM-4.4."""
    yield from _route(sale)
    yield from _indian_address(sale)
    yield from _american_sale(sale)
    yield from _local_currency(sale)


def _route(sale: Sale) -> Iterator[TaxFinding]:
    """Public buyers in Germany take no invoice without a Leitweg-ID; in France they ask for a service code."""
    if not sale.buyer.is_government:
        return
    route = sale.buyer.route_id.strip()
    if sale.country == "FR" and not route:
        yield _route_finding(
            sale,
            TaxLevel.WARN,
            FindingKind.MISSING,
            f"The French public buyer {sale.name} has no service code. Enter it as route id on the CRM account.",
        )
    if sale.country == "DE" and not route:
        yield _route_finding(
            sale,
            TaxLevel.BLOCK_INVOICING,
            FindingKind.MISSING,
            f"The German public buyer {sale.name} needs a Leitweg-ID on each invoice. Enter it as route id on the CRM "
            "account.",
        )
    if sale.country == "DE" and route and not leitweg.is_valid(route):
        yield _route_finding(
            sale,
            TaxLevel.BLOCK_INVOICING,
            FindingKind.MALFORMED,
            f"The route id of {sale.name} is not a valid Leitweg-ID (its length or check digits are wrong). Correct it "
            "on the CRM account.",
        )


def _route_finding(sale: Sale, level: TaxLevel, kind: FindingKind, sentence: str) -> TaxFinding:
    return TaxFinding(
        level=level,
        kind=kind,
        code="TL-CUS-017",
        record=sale.name,
        field="route id",
        sentence=sentence,
        requirement=f"DOM-4.2/{sale.country}",
    )


def _indian_address(sale: Sale) -> Iterator[TaxFinding]:
    """An unregistered Indian customer needs address and state on invoices from INR 50,000."""
    value, address = sale.value, sale.buyer.address
    is_small = value is not None and value.currency == "INR" and value < _INDIAN_ADDRESS_FROM
    has_number = read_tax_number(sale.buyer.tax_number, "IN").check is not NumberCheck.ABSENT
    has_address = bool(address.street.strip() and address.region.strip())
    if sale.country == "IN" and not has_number and not has_address and not is_small:
        yield TaxFinding(
            level=TaxLevel.BLOCK_INVOICING,
            kind=FindingKind.MISSING,
            code="TL-CUS-006",
            record=sale.name,
            field="address",
            sentence=f"{sale.name} has no GSTIN, so from INR 50,000 the invoice needs its address and state. "
            "Enter street and state on the CRM account.",
            requirement="DOM-4.2/IN",
        )


def _american_sale(sale: Sale) -> Iterator[TaxFinding]:
    """Sales tax on services varies by state; an exempt buyer is only exempt with a certificate."""
    if sale.country != "US" or sale.supply is not Supply.DOMESTIC:
        return
    if not sale.has_service_address:
        yield TaxFinding(
            level=TaxLevel.BLOCK_INVOICING,
            kind=FindingKind.MISSING,
            code="TL-CUS-006",
            record=sale.name,
            field="service address",
            sentence=f"The contract of {sale.name} does not say where the service is used; sales tax varies by state. "
            "Enter street, state and postal code.",
            requirement="DOM-4.2/US",
        )
    if sale.buyer.is_government:
        yield TaxFinding(
            level=TaxLevel.WARN,
            kind=FindingKind.MISSING,
            code="TL-CUS-016",
            record=sale.name,
            field="exemption certificate",
            sentence=f"{sale.name} is a public buyer without a tax exemption certificate on record. Unless the federal "
            "government is billed and pays, enter the state's certificate; until then invoices carry tax.",
            requirement="DOM-4.4",
        )


def _local_currency(sale: Sale) -> Iterator[TaxFinding]:
    """Domestic invoices in a foreign currency must show tax in the country's own."""
    currency, shown = _LOCAL_CURRENCY.get(sale.country, (sale.currency, ""))
    if sale.supply is Supply.DOMESTIC and sale.currency != currency:
        yield TaxFinding(
            level=TaxLevel.WARN,
            kind=FindingKind.INVOICE_CONTENT,
            code="",
            record=sale.name,
            field="currency",
            sentence=f"Invoices to {sale.name} are in {sale.currency}; they must also show {shown}.",
            requirement=f"DOM-4.2/{sale.country}",
        )
