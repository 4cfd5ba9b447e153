"""Rows of queries as canonical facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.netsuite.chart import ReferenceData
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.mapping import RowText, is_same_number
from connectors.netsuite.schemas import CustomerRecord
from models.errors import Fatal, NeedsRepair
from models.ids import ExternalKey
from models.money import Money
from models.party import Address
from models.records import BilledRow, ReadBack, RecordKind, RecordRef
from models.roles import Role
from models.survey import CustomerCandidate, ExistingRecord, Survey, SurveyQuestion

__all__ = ["Reader", "inactive", "to_address", "to_amount", "to_billed_day"]

Row = Mapping[str, Any]

_SCREENS = {
    RecordKind.CUSTOMER: "/app/common/entity/custjob.nl",
    RecordKind.CONTACT: "/app/common/entity/contact.nl",
    RecordKind.PROJECT: "/app/accounting/project/project.nl",
    RecordKind.CONTRACT: "/app/accounting/transactions/salesord.nl",
    RecordKind.BILLING_SCHEDULE: "/app/accounting/billing/billingschedule.nl",
    RecordKind.COST_CENTRE: "/app/common/otherlists/departmenttype.nl",
    RecordKind.INVOICE: "/app/accounting/transactions/custinvc.nl",
    RecordKind.CREDIT_NOTE: "/app/accounting/transactions/custcred.nl",
}


_NUMBERED = ("customer", "project")


class Reader:
    """Reads answers of one account."""

    def __init__(self, config: NetSuiteConfig) -> None:
        self._config = config

    def ref(self, kind: RecordKind, record_id: str, number: str = "") -> RecordRef:
        """A record of this account, with the address of its screen. What a contact is listed under is its name."""
        number = "" if kind is RecordKind.CONTACT else number
        url = f"{self._config.screens_url}{_SCREENS[kind]}?id={record_id}"
        return RecordRef(connection=self._config.connection, kind=kind, record_id=record_id, number=number, url=url)

    def survey(self, rows: Iterable[Row], question: SurveyQuestion, data: ReferenceData) -> Survey:
        """Candidates, one per customer, and the records under our keys."""
        customers: dict[str, list[Row]] = {}
        existing: list[ExistingRecord] = []
        at_risk: list[RecordRef] = []
        for row in rows:
            if row.get("kind") == "customer":
                customers.setdefault(_text(row, "id"), []).append(row)
            elif question.takes_on_project and row.get("kind") == "project" and not _text(row, "external_id"):
                at_risk.append(self.ref(RecordKind.PROJECT, _text(row, "id"), _text(row, "number_")))
            elif (found := self._existing(row, question, data)) is not None:
                existing.append(found)
        candidates = [self._candidate(same, question, data) for same in customers.values()]
        if len(at_risk) > 1 or (at_risk and any(one.ref.kind is RecordKind.PROJECT for one in existing)):
            raise _other_holder(at_risk[-1], self._config.prefixes.project, question)
        return Survey(
            candidates=tuple(candidates), existing=tuple(existing), at_risk=at_risk[0] if at_risk else None
        )

    def read_back(self, rows: Sequence[Row], data: ReferenceData, contract: RecordRef) -> ReadBack | None:
        """Contract lines, schedule rows and numbers; None when the rows tell neither sign nor currency."""
        lines = [row for row in rows if row.get("source") == "line"]
        total = sum((_decimal(row, "amount", contract) for row in lines), Decimal(0))
        header = _decimal(lines[0], "total", contract) if lines else Decimal(0)
        if total == 0 or header == 0:
            return None
        # The vendor keeps the lines of a sale with the sign of the ledger, opposite to the document's total.
        sign = 1 if (total > 0) == (header > 0) else -1
        currency = data.currency_code(_text(lines[0], "currency"))
        billed = [row for row in rows if row.get("source") in {"line", "milestone"}]
        called = {str(row["source"]): _text(row, "number_") for row in rows if row.get("source") in _NUMBERED}
        return ReadBack(
            rows=tuple(self._billed(row, sign, currency, contract) for row in billed),
            customer_number=called.get("customer", ""),
            project_number=called.get("project", ""),
            contract_number=_text(lines[0], "number_"),
            billing_hold=_text(lines[0], "hold"),
        )

    def _billed(self, row: Row, sign: int, currency: str, contract: RecordRef) -> BilledRow:
        amount = _decimal(row, "amount", contract)
        if row.get("source") == "line":
            return BilledRow(source="line", code=_text(row, "code"), amount=Money.of(sign * amount, currency))
        return BilledRow(
            source="milestone",
            code=RowText.parse(_text(row, "code")).code,
            amount=Money.of(amount, currency),
            due_on=_day(row, "due_on", contract),
        )

    def _candidate(self, rows: list[Row], question: SurveyQuestion, data: ReferenceData) -> CustomerCandidate:
        row = rows[0]
        key = _text(row, "external_id")
        prefix = self._config.prefixes.customer
        entities = {_text(one, name) for one in rows for name in ("entity", "other_entity")} - {""}
        codes = [code for code in (data.entity_code(one) for one in sorted(entities)) if code]
        return CustomerCandidate(
            ref=self.ref(RecordKind.CUSTOMER, _text(row, "id"), _text(row, "number_")),
            external_key=key[len(prefix) :] if key.startswith(prefix) else "",
            account_id=_text(row, "account_id"),
            name=_text(row, "name") or _text(row, "number_"),
            address=_address(row),
            tax_number=_tax_number(rows, question),
            registration_number=_text(row, "registration"),
            duns=_text(row, "duns"),
            lei=_text(row, "lei"),
            is_active=_text(row, "inactive") != "T",
            on_credit_hold=_text(row, "credit_hold").upper() == "ON",
            legal_entities=tuple(codes),
        )

    def _existing(self, row: Row, question: SurveyQuestion, data: ReferenceData) -> ExistingRecord | None:
        prefixes = self._config.prefixes
        ours = {
            RecordKind.PROJECT: prefixes.project,
            RecordKind.CONTRACT: prefixes.contract,
            RecordKind.BILLING_SCHEDULE: prefixes.billing_schedule,
        }
        if (kind := next((one for one in ours if one.value == row.get("kind")), None)) is None:
            raise Fatal("NetSuite's answer to the customer search has rows of a kind we did not ask for.")
        prefix = ours[kind]
        ref = self.ref(kind, _text(row, "id"), _text(row, "number_"))
        held = _text(row, "external_id")
        if not held.startswith(prefix):
            raise _other_holder(ref, prefix, question)
        key = ExternalKey(held[len(prefix) :])
        if key not in question.keys:
            return None
        if _text(row, "inactive") == "T":
            raise inactive(ref, held)
        contract_number = _text(row, "contract_number")
        return ExistingRecord(ref=ref, key=key, contract_number=contract_number, fields=_fields(row, kind, data, ref))


def inactive(ref: RecordRef, held: str) -> NeedsRepair:
    """Our record was switched off by somebody: never revived by us."""
    return NeedsRepair(
        f"The {ref.kind} {ref.number or ref.record_id} carries our key {held} but is inactive in NetSuite. Make it "
        "active again, or clear its external id so that a new one is made, then press Retry.",
        code="TL-CUS-003" if ref.kind is RecordKind.CUSTOMER else None,
        record=ref.number or ref.record_id,
        field="isInactive",
        owner=Role.MASTER_DATA,
    )


def _other_holder(ref: RecordRef, prefix: str, question: SurveyQuestion) -> NeedsRepair:
    return NeedsRepair(
        f"The {ref.kind} {ref.number or ref.record_id} in NetSuite carries contract number "
        f"{question.contract_number}, but not our key. If it is the right one, give it an external id that starts "
        f"with {prefix} (the plan's key: {', '.join(question.keys[:3])}); if not, clear its contract number. Then "
        "press Retry.",
        code="TL-CUS-004",
        record=ref.number or ref.record_id,
        field="external id",
        owner=Role.FINANCE_OPERATIONS,
    )


def _fields(row: Row, kind: RecordKind, data: ReferenceData, ref: RecordRef) -> dict[str, str]:
    """The signed terms a record holds, as text under the names of the request's fields; absent ones left out.

    Names, purchase orders and holds are booked facts that people change in the account: they are no other terms.
    """
    currency = data.currency_code(_text(row, "currency")) if _text(row, "currency") else ""
    found = {
        "currency": currency,
        "legal_entity": data.entity_code(_text(row, "entity")),
        "contract_number": _text(row, "contract_number"),
        "start_on": _text(row, "start_on"),
        "end_on": _text(row, "end_on"),
        "signed_on": _text(row, "signed_on"),
        "payment_terms_code": data.terms_code(_text(row, "terms")),
    }

    def money(column: str) -> Money | None:
        return Money.of(_decimal(row, column, ref), currency) if currency and _text(row, column) else None

    names = ("funded", "cap", "with_options")
    amounts = {"price": money("amount")} if kind is RecordKind.PROJECT else {name: money(name) for name in names}
    found |= {name: str(amount.amount) for name, amount in amounts.items() if amount is not None}
    if kind is RecordKind.CONTRACT and (total := money("amount")) is not None:
        found["amount"] = str(total.amount)
    return {name: value for name, value in found.items() if value}


def _tax_number(rows: list[Row], question: SurveyQuestion) -> str:
    """The registration that was asked for, else that of the buyer's country, else the first in order."""
    numbers = sorted(
        {(_text(row, "tax_number"), _text(row, "tax_country")) for row in rows if _text(row, "tax_number")}
    )
    for number, _ in numbers:
        if any(is_same_number(number, asked) for asked in question.tax_numbers):
            return number
    for number, country in numbers:
        if question.country and country == question.country:
            return number
    return numbers[0][0] if numbers else ""


def to_address(record: CustomerRecord) -> Address:
    """The address bills go to; empty when the customer has none."""
    entries = record.address_book.items
    chosen = next((entry for entry in entries if entry.is_billing), None) or (entries[0] if entries else None)
    if chosen is None:
        return Address()
    wire = chosen.address
    row = {
        "street": wire.addr1,
        "street2": wire.addr2,
        "street3": wire.addr3,
        "city": wire.city,
        "region": wire.state,
        "postal_code": wire.zip,
    }
    return _address(row | {"country": wire.country.id})


def _address(row: Row) -> Address:
    country = _text(row, "country").upper()
    return Address(
        street="\n".join(line for name in ("street", "street2", "street3") if (line := _text(row, name))),
        city=_text(row, "city"),
        region=_text(row, "region"),
        postal_code=_text(row, "postal_code"),
        country=country if len(country) == 2 and country.isalpha() and country.isascii() else "",  # noqa: PLR2004
    )


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _decimal(row: Row, name: str, ref: RecordRef) -> Decimal:
    text = _text(row, name)
    try:
        found = Decimal(text or "0")
    except InvalidOperation as unreadable:
        raise _unreadable(ref, name, text) from unreadable
    if not found.is_finite():
        raise _unreadable(ref, name, text)
    return found


def to_amount(row: Row, name: str, ref: RecordRef) -> Decimal:
    """A number of a row, exact; nothing is zero. Raises NeedsRepair when it cannot be read."""
    return _decimal(row, name, ref)


def to_billed_day(text: str, ref: RecordRef) -> date | None:
    """A date as the account's records write it; empty means none."""
    return _day({"due_on": text}, "due_on", ref)


def _day(row: Row, name: str, ref: RecordRef) -> date | None:
    text = _text(row, name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as unreadable:
        raise _unreadable(ref, name, text) from unreadable


def _unreadable(ref: RecordRef, name: str, text: str) -> NeedsRepair:
    return NeedsRepair(
        f"The {ref.kind} {ref.number or ref.record_id} in NetSuite has {text[:30]!r} as {name}, which cannot be read. "
        "Correct it there, then press Retry.",
        record=ref.number or ref.record_id,
        field=name,
        owner=Role.FINANCE_OPERATIONS,
    )
