from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from connectors.tryton import notes
from connectors.tryton.chart import ReferenceData
from connectors.tryton.config import INVOICE_METHODS, TrytonConfig
from connectors.tryton.notes import note
from connectors.tryton.schemas import wire_date, wire_decimal
from models.errors import Fatal, NeedsRepair
from models.money import Money
from models.operations import (
    ContractLine,
    EnsureBillingSchedule,
    EnsureContact,
    EnsureContract,
    EnsureCostCentre,
    EnsureCustomer,
    EnsureProject,
    ScheduleRow,
)
from models.party import Address
from models.records import RecordRef
from models.roles import Role

__all__ = [
    "Values", "internal_id", "numbered", "to_analytic_account", "to_contact", "to_customer", "to_project", "to_sale",
    "to_schedule",
]  # fmt: skip

Values = dict[str, Any]

_PRICE_DECIMALS = 4
_LONGEST_NAME = 200


def internal_id(ref: RecordRef) -> int:
    """The ERP's own id of a record, checked before it becomes part of a URL."""
    if not re.fullmatch(r"[0-9]{1,18}", ref.record_id):
        raise Fatal(f"{ref.record_id[:40]!r} is no Tryton id of a {ref.kind}.", record=ref.number or ref.record_id[:40])
    return int(ref.record_id)


def numbered(kind: str, number: str) -> str:
    """A number without a kind of its own in the ERP, with a word in front that tells what it is: `DUNS 007805067`."""
    return f"{kind} {re.sub(r'[^0-9A-Za-z]', '', number).upper() if kind != 'CRM' else number.strip()}"


def to_customer(request: EnsureCustomer, data: ReferenceData, config: TrytonConfig, subdivision: int | None) -> Values:
    """Party with its registrations and the address invoices go to."""
    numbers: list[Values] = [
        {"type": None, "code": numbered(kind, number)}
        for kind, number in (
            ("CRM", request.account_id), ("REG", request.registration_number), ("DUNS", request.duns),
            ("LEI", request.lei),
        )
        if number
    ]  # fmt: skip
    if request.tax_number:
        numbers.insert(0, {"type": _tax_type(request, config), "code": request.tax_number})
    values: Values = {
        "name": request.name,
        "addresses": [["create", [_address(request.address, data, subdivision)]]],
        "identifiers": [["create", numbers]],
    }
    if request.payment_terms_code:
        values["customer_payment_term"] = data.terms_id(request.payment_terms_code)
    if request.invoice_email:
        values["contact_mechanisms"] = [
            ["create", [{"type": "email", "value": request.invoice_email, "name": "Invoices"}]]
        ]
    return values


def to_contact(request: EnsureContact, customer: RecordRef, data: ReferenceData) -> Values:
    """A person: a party of its own, related to the customer."""
    if data.contact_relation is None:
        raise NeedsRepair(
            "Tryton has no relation type for contact persons under the name that the settings give "
            "(`contact_relation`). Add it in Tryton under Parties > Configuration > Relation Types, then press Retry.",
            record="relation type",
            field="contact_relation",
            owner=Role.MASTER_DATA,
        )
    person = request.person
    mechanisms = [
        {"type": kind, "value": value}
        for kind, value in (("email", person.email), ("phone", person.phone))
        if value
    ]
    if person.title and mechanisms:
        mechanisms[0]["name"] = person.title
    values: Values = {
        "name": f"{person.first_name} {person.last_name}".strip(),
        "identifiers": [["create", [{"type": None, "code": numbered("CRM", person.code)}]]],
        "relations": [["create", [{"to": internal_id(customer), "type": data.contact_relation}]]],
    }
    if mechanisms:
        values["contact_mechanisms"] = [["create", mechanisms]]
    return values


def to_analytic_account(request: EnsureCostCentre, data: ReferenceData) -> Values:
    """A cost centre under the analytic root of its legal entity."""
    root = data.root(request.legal_entity)
    company = data.company(request.legal_entity).id
    return {"name": request.name, "code": request.code, "type": "normal", "company": company, "root": root,
            "parent": root}  # fmt: skip


def to_project(
    request: EnsureProject, customer: RecordRef, parent: RecordRef | None, data: ReferenceData, key_note: str
) -> Values:
    """Project of the customer. The rates of work by time are the project manager's to enter."""
    company = data.company(request.legal_entity)
    method = INVOICE_METHODS[request.billing_type] if request.billing_type is not None else "manual"
    values: Values = {
        "name": request.name,
        "type": "project",
        "company": company.id,
        "party": internal_id(customer),
        "project_invoice_method": method,
        "timesheet_available": True,
        "timesheet_start_date": wire_date(request.start_on),
        "comment": note(
            [
                (notes.CONTRACT, request.contract_number), (notes.METHOD, method), ("Template", request.template),
                ("Cost centre", request.cost_centre), ("Starts on", request.start_on), (notes.ENDS, request.end_on),
                ("Price", request.price), (notes.CAP, request.cap), ("Cost budget", request.cost_budget),
                ("At risk", "yes" if request.is_at_risk else ""), (notes.KEY, key_note),
            ]
        ),
    }  # fmt: skip
    if parent is not None:
        values["parent"] = internal_id(parent)
    return values


def to_schedule(
    request: EnsureBillingSchedule, project: RecordRef, company: int, item: int, key_note: str
) -> Values:
    """A task of the project with one task a row: each is invoiced at its list price when it is marked as done."""
    head = [("Billing rule", request.billing_rule), ("Payment terms", request.payment_terms_code),
            (notes.KEY, key_note)]  # fmt: skip
    return {
        "name": request.name,
        "type": "task",
        "company": company,
        "parent": internal_id(project),
        "comment": note(head),
        "children": [["create", [_milestone(row, company, item) for row in request.rows]]],
    }


def to_sale(
    request: EnsureContract, customer: RecordRef, address: int, data: ReferenceData, key_note: str
) -> Values:
    """Contract with its lines. It invoices nothing by itself: the projects do, so that nothing is billed twice."""
    company = data.company(request.legal_entity)
    return {
        "company": company.id,
        "party": internal_id(customer),
        "currency": data.currency(request.currency),
        "payment_term": data.terms_id(request.payment_terms_code),
        "invoice_address": address,
        "shipment_address": address,
        "invoice_method": "manual",
        "shipment_method": "manual",
        "reference": request.contract_number,
        "sale_date": wire_date(request.signed_on),
        "comment": note(
            [
                (notes.HOLD, request.billing_hold), ("Starts on", request.start_on), (notes.ENDS, request.end_on),
                (notes.PO, request.po_number), (notes.FUNDED, request.funded), (notes.CAP, request.cap),
                (notes.WITH_OPTIONS, request.with_options), (notes.KEY, key_note),
            ]
        ),
        "lines": [["create", [_line(line, request.legal_entity, data) for line in request.lines]]],
    }  # fmt: skip


def _line(line: ContractLine, entity: str, data: ReferenceData) -> Values:
    item = data.item(line.item)
    quantity, price = _exact_price(line.amount, line.quantity)
    entry = {"root": data.root(entity), "account": data.cost_centre(entity, line.cost_centre).id}
    values: Values = {
        "type": "line",
        "product": item.product,
        "quantity": float(quantity),
        "unit": item.unit,
        "unit_price": wire_decimal(price),
        "description": line.description,
        "note": note(
            [
                (notes.CODE, line.code), ("Billing", line.billing_type.value), ("Sold quantity", line.quantity),
                ("Starts on", line.start_on), (notes.ENDS, line.end_on),
            ]
        ),
        "analytic_accounts": [["create", [entry]]],
    }  # fmt: skip
    if item.taxes:
        values["taxes"] = [["add", list(item.taxes)]]
    return values


def _exact_price(amount: Money, quantity: Decimal) -> tuple[Decimal, Decimal]:
    """Quantity and price whose product is the amount; one of the whole where the price would have to be rounded."""
    if quantity > 0 and quantity == quantity.to_integral_value():
        price = (amount.amount / quantity).quantize(Decimal(1).scaleb(-_PRICE_DECIMALS))
        if price * quantity == amount.amount:
            return quantity, price
    return Decimal(1), amount.amount


def _milestone(row: ScheduleRow, company: int, item: int) -> Values:
    return {
        "name": f"{row.code} {row.name}".strip()[:_LONGEST_NAME],
        "type": "task",
        "company": company,
        "product": item,
        "list_price": wire_decimal(row.amount.amount),
        "comment": note(
            [
                (notes.CODE, row.code), (notes.DUE, row.due_on), ("Earned by", row.trigger.value),
                ("Service from", row.service_from), ("Service until", row.service_until),
            ]
        ),
    }  # fmt: skip


def _address(address: Address, data: ReferenceData, subdivision: int | None) -> Values:
    street = address.street
    if address.region and subdivision is None:
        # A region that the ERP does not list still belongs on the envelope.
        street = "\n".join(part for part in (street, address.region) if part)
    values: Values = {"street": street, "city": address.city, "postal_code": address.postal_code}
    if address.country:
        values["country"] = data.country(address.country)
    if subdivision is not None:
        values["subdivision"] = subdivision
    return values


def _tax_type(request: EnsureCustomer, config: TrytonConfig) -> str:
    country = request.tax_country or request.address.country
    if found := config.tax_identifier_types.get(country):
        return found
    raise NeedsRepair(
        f"The settings do not say as what kind of identifier Tryton keeps tax numbers of {country or 'no country'} "
        f"(customer {request.name}). Enter the country on the CRM account, or add it to tax_identifier_types, then "
        "press Retry.",
        code="TL-CUS-014",
        record=request.name,
        field="tax country",
        owner=Role.SALES_OPERATIONS,
    )
