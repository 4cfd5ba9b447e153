from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.queries import number_forms
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
    "CANCEL_MARK",
    "FREEZE_MARK",
    "ContractRefs",
    "ReferenceIds",
    "RowText",
    "external_id",
    "frozen_hold",
    "hold_before_freeze",
    "internal_id",
    "is_same_number",
    "person_name",
    "to_address_book",
    "to_contact",
    "to_customer",
    "to_department",
    "to_job",
    "to_sales_order",
    "to_schedule",
]

Body = dict[str, Any]

_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_-]{1,60}")
_INTERNAL_ID = re.compile(r"[0-9]{1,20}")
_RATE_DECIMALS = 8
_STREET_LINES = 3
FREEZE_MARK = "Frozen: "
CANCEL_MARK = "Cancelled: "
_BEFORE_MARK = " | before the freeze: "
_ROW_MARK = " | "


class ReferenceIds(Protocol):
    """Internal ids of the account's reference data, already resolved."""

    def entity(self, code: str) -> str:
        """Of one of our legal entities."""
        ...

    def currency(self, code: str) -> str:
        """Of a currency, by ISO code."""
        ...

    def terms(self, code: str) -> str:
        """Of payment terms."""
        ...

    def cost_centre(self, code: str) -> str:
        """Of a cost centre."""
        ...

    def item(self, code: str) -> str:
        """Of a service item."""
        ...


def external_id(prefix: str, key: str) -> str:
    """Our key as the account keeps it. Other characters would break the URL form (sheet 10.13)."""
    found = prefix + key
    if not _EXTERNAL_ID.fullmatch(found):
        raise NeedsRepair(
            f"{found[:80]!r} cannot be an external id in NetSuite: only letters, digits, _ and - are possible, at most "
            "60 of them. Correct the code in the rules, then press Retry.",
            record=found[:80],
            field="external id",
            owner=Role.INTEGRATION,
        )
    return found


def internal_id(ref: RecordRef) -> str:
    """The account's own id of a record, checked before it becomes part of a URL."""
    if not _INTERNAL_ID.fullmatch(ref.record_id):
        shown = ref.record_id[:40]
        raise Fatal(f"{shown!r} is no NetSuite id of a {ref.kind}.", record=ref.number or shown)
    return ref.record_id


def to_customer(request: EnsureCustomer, ids: ReferenceIds, config: NetSuiteConfig) -> Body:
    """Customer with its registrations and bill-to address."""
    custom = config.custom
    body: Body = {
        "companyName": request.name,
        "isPerson": False,
        "subsidiary": _ref(ids.entity(request.legal_entity)),
        "currency": _ref(ids.currency(request.currency)),
        custom.customer_crm_id: request.account_id,
    }
    if request.payment_terms_code:
        body["terms"] = _ref(ids.terms(request.payment_terms_code))
    if request.invoice_email:
        body["email"] = request.invoice_email
    for name, value in (
        (custom.customer_registration_number, request.registration_number),
        (custom.customer_duns, request.duns),
        (custom.customer_lei, request.lei),
    ):
        if name and value:
            body[name] = value
    if request.tax_number:
        country = request.tax_country or request.address.country
        if not country:
            raise NeedsRepair(
                f"The tax number of {request.name} has no country. Enter the country of the tax number or of the "
                "address on the CRM account, then press Retry.",
                code="TL-CUS-014",
                record=request.name,
                field="tax country",
                owner=Role.SALES_OPERATIONS,
            )
        registration: Body = {"nexusCountry": _ref(country), "taxRegistrationNumber": request.tax_number}
        body["taxRegistration"] = {"items": [registration]}
    if request.address != Address():
        body["addressBook"] = to_address_book(request.address, request.name)
    return body


def to_address_book(address: Address, addressee: str) -> Body:
    """The one address that bills go to."""
    entry: Body = {"defaultBilling": True, "defaultShipping": True, "label": "Bill to"}
    return {"items": [entry | {"addressBookAddress": _address(address, addressee)}]}


def to_contact(request: EnsureContact, customer: RecordRef, ids: ReferenceIds, *, name_suffix: str = "") -> Body:
    """A person at the customer. A suffix keeps apart namesakes, because contact names are unique in the account."""
    person = request.person
    body: Body = {
        "lastName": person.last_name,
        "company": _ref(internal_id(customer)),
        "subsidiary": _ref(ids.entity(request.legal_entity)),
    }
    for name, value in (
        ("firstName", person.first_name), ("email", person.email), ("phone", person.phone), ("title", person.title),
    ):  # fmt: skip
        if value:
            body[name] = value
    if name_suffix:
        body["entityId"] = f"{person_name(request)} {name_suffix}"
    return body


def person_name(request: EnsureContact) -> str:
    """The name under which the account lists a person."""
    return f"{request.person.first_name} {request.person.last_name}".strip()


def to_department(request: EnsureCostCentre, ids: ReferenceIds) -> Body:
    """A cost centre that the legal entity may book to."""
    return {"name": request.name, "subsidiary": {"items": [_ref(ids.entity(request.legal_entity))]}}


def to_job(request: EnsureProject, parent: RecordRef, ids: ReferenceIds, config: NetSuiteConfig) -> Body:
    """Project under its customer, or under the parent project of a mixed contract."""
    body: Body = {
        "companyName": request.name,
        "parent": _ref(internal_id(parent)),
        "subsidiary": _ref(ids.entity(request.legal_entity)),
        "currency": _ref(ids.currency(request.currency)),
        "startDate": request.start_on.isoformat(),
        "allowTime": True,
        "allowExpenses": True,
        config.custom.project_contract_number: request.contract_number,
    }
    if request.billing_type is not None:
        kind = config.job_kinds[request.billing_type]
        if kind.job_type:
            body["jobType"] = _ref(kind.job_type)
        if kind.job_billing_type:
            body["jobBillingType"] = _ref(kind.job_billing_type)
    if request.end_on is not None:
        body["projectedEndDate"] = request.end_on.isoformat()
    if request.price is not None:
        body["jobPrice"] = request.price.amount
    if request.cost_budget is not None:
        body["estimatedCost"] = request.cost_budget.amount
    if request.template:
        # Project templates are no record of the interface; the name tells the project manager which one to use.
        body["comments"] = f"Project template: {request.template}"
    if config.custom.project_at_risk:
        body[config.custom.project_at_risk] = request.is_at_risk
    return body


def to_schedule(request: EnsureBillingSchedule, project: RecordRef, ids: ReferenceIds, config: NetSuiteConfig) -> Body:
    """Billing schedule of dated amounts. Amounts are money, never percentages (DOM-0.4)."""
    terms = ids.terms(request.payment_terms_code) if request.payment_terms_code else ""
    return {
        "name": request.name,
        "scheduleType": _ref(config.schedule_type),
        "job": _ref(internal_id(project)),
        "isPublic": False,
        "milestone": {"items": [_milestone(row, terms) for row in request.rows]},
    }


def to_sales_order(request: EnsureContract, refs: ContractRefs, ids: ReferenceIds, config: NetSuiteConfig) -> Body:
    """Contract with its lines. It waits for approval while there is a reason not to bill."""
    custom = config.custom
    body: Body = {
        "entity": _ref(internal_id(refs.customer)),
        "job": _ref(internal_id(refs.project)),
        "subsidiary": _ref(ids.entity(request.legal_entity)),
        "currency": _ref(ids.currency(request.currency)),
        "tranDate": request.signed_on.isoformat(),
        "startDate": request.start_on.isoformat(),
        "terms": _ref(ids.terms(request.payment_terms_code)),
        "orderStatus": _ref("A" if request.billing_hold else "B"),
        custom.contract_number: request.contract_number,
        custom.contract_billing_hold: request.billing_hold or None,
    }
    if request.end_on is not None:
        body["endDate"] = request.end_on.isoformat()
    if request.po_number:
        body["otherRefNum"] = request.po_number
    values = ((custom.contract_funded, request.funded), (custom.contract_cap, request.cap),
              (custom.contract_with_options, request.with_options))  # fmt: skip
    for name, value in values:
        if name and value is not None:
            body[name] = value.amount
    body["item"] = {"items": [_line(line, refs, ids, config) for line in request.lines]}
    return body


@dataclass(frozen=True)
class ContractRefs:
    """Records that the contract and its lines point at; project and schedule by line code."""

    customer: RecordRef
    project: RecordRef
    projects: dict[str, RecordRef]
    schedules: dict[str, RecordRef]


@dataclass(frozen=True)
class RowText:
    """Code and name of a schedule row; the vendor's row has one text for both."""

    code: str
    name: str = ""

    @classmethod
    def parse(cls, comments: str) -> RowText:
        """Read back what `str` wrote."""
        code, _, name = comments.partition(_ROW_MARK)
        return cls(code=code, name=name)

    def __str__(self) -> str:
        return f"{self.code}{_ROW_MARK}{self.name}" if self.name else self.code


def frozen_hold(reason: str, hold_now: str, *, mark: str = FREEZE_MARK) -> str:
    """Hold text of a frozen contract; keeps why billing waited before, so that a release does not lose it."""
    before = hold_before_freeze(hold_now)
    text = mark + reason.replace(_BEFORE_MARK, " ")
    return text + _BEFORE_MARK + before if before else text


def hold_before_freeze(hold_now: str) -> str:
    """Why billing waited before the freeze or the cancellation; empty when it did not."""
    return hold_now.partition(_BEFORE_MARK)[2] if hold_now.startswith((FREEZE_MARK, CANCEL_MARK)) else hold_now


def _line(line: ContractLine, refs: ContractRefs, ids: ReferenceIds, config: NetSuiteConfig) -> Body:
    custom = config.custom
    body: Body = {
        "item": _ref(ids.item(line.item)),
        "quantity": line.quantity,
        "amount": line.amount.amount,
        "description": line.description,
        "department": _ref(ids.cost_centre(line.cost_centre)),
        "job": _ref(internal_id(refs.projects[line.code])),
        custom.line_code: line.code,
    }
    if config.custom_price_level:
        body["price"] = _ref(config.custom_price_level)
    if (rate := _exact_rate(line.amount, line.quantity)) is not None:
        body["rate"] = rate
    if line.code in refs.schedules:
        body["billingSchedule"] = _ref(internal_id(refs.schedules[line.code]))
    if custom.line_billing_type:
        body[custom.line_billing_type] = line.billing_type.value
    for name, day in ((custom.line_start_on, line.start_on), (custom.line_end_on, line.end_on)):
        if name and day is not None:
            body[name] = day.isoformat()
    return body


def _exact_rate(amount: Money, quantity: Decimal) -> Decimal | None:
    """Amount per unit, if it is a short decimal: a rounded rate would make the account compute another amount."""
    if quantity == 0:
        return None
    rate = amount.amount / quantity
    short = rate.quantize(Decimal(1).scaleb(-_RATE_DECIMALS))
    return short.normalize() + 0 if short * quantity == amount.amount else None


def _milestone(row: ScheduleRow, terms: str) -> Body:
    body: Body = {
        "milestoneAmount": row.amount.amount,
        "milestoneDate": row.due_on.isoformat(),
        "comments": str(RowText(code=row.code, name=row.name)),
    }
    if terms:
        body["milestoneTerms"] = _ref(terms)
    return body


def _address(address: Address, addressee: str) -> Body:
    street = [line.strip() for line in address.street.splitlines() if line.strip()]
    lines = (*street[:2], ", ".join(street[2:])) if len(street) > _STREET_LINES else tuple(street)
    parts = (
        *((f"addr{number}", line) for number, line in enumerate(lines, start=1)),
        ("city", address.city), ("state", address.region), ("zip", address.postal_code),
    )  # fmt: skip
    body: Body = {"addressee": addressee} if addressee else {}
    body |= {name: value for name, value in parts if value}
    if address.country:
        body["country"] = _ref(address.country)
    return body


def _ref(record_id: str) -> Body:
    return {"id": record_id}


def is_same_number(one: str, other: str) -> bool:
    """Equal but for separators, case and a country in front."""
    return bool(set(number_forms([one])) & set(number_forms([other])))
