"""How a contract stands: rows of one query as canonical facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from connectors.netsuite.chart import ReferenceData
from connectors.netsuite.mapping import RowText
from connectors.netsuite.reading import Reader, to_amount, to_billed_day
from models.base import digest_of
from models.contract_standing import (
    AppliedAmendment,
    ContractStanding,
    ContractState,
    CreditRef,
    InvoiceRef,
    RowState,
    StandingLine,
    StandingRow,
)
from models.errors import NeedsRepair
from models.ids import ContractNumber
from models.money import Money
from models.records import RecordKind, RecordRef
from models.roles import Role
from models.terms import BillingType
from models.values import SoldValues

__all__ = ["Snapshot", "listed_numbers", "to_standing"]

Row = Mapping[str, Any]
_CLOSED = frozenset({"H", "C"})
_VOIDED, _PENDING = "V", "D"


@dataclass(frozen=True)
class Snapshot:
    """Rows of one answer, by what they are about."""

    contract: RecordRef
    order: Row
    lines: tuple[Row, ...]
    milestones: tuple[Row, ...]
    invoices: tuple[Row, ...]
    credits: tuple[Row, ...]
    projects: tuple[Row, ...]
    own_credits: str
    """How the external id of a credit note of ours begins."""

    @classmethod
    def of(cls, rows: Iterable[Row], contract: RecordRef, *, own_credits: str) -> Snapshot:
        """Sort the rows. Raises NeedsRepair when the contract is gone."""
        kinds: dict[str, list[Row]] = {}
        for row in rows:
            kinds.setdefault(str(row.get("source")), []).append(row)
        if not kinds.get("order"):
            name = f"contract {contract.number or contract.record_id}"
            raise NeedsRepair(
                f"NetSuite has no {name} any more. Look who deleted it there, then press Retry.",
                record=name,
                owner=Role.FINANCE_OPERATIONS,
            )
        return cls(
            contract=contract,
            order=kinds["order"][0],
            lines=tuple(sorted(kinds.get("line", []), key=lambda row: int(row["id"]))),
            milestones=tuple(sorted(kinds.get("row", []), key=lambda row: (row.get("parent", ""), int(row["id"])))),
            invoices=tuple(row for row in kinds.get("invoice", []) if row.get("status") != _VOIDED),
            credits=tuple(row for row in kinds.get("credit", []) if row.get("status") != _VOIDED),
            projects=tuple(kinds.get("project", [])),
            own_credits=own_credits,
        )

    def version_of(self, part: str) -> str:
        """Fingerprint of one part: `order`, `invoices`, `credits` or the id of a schedule."""
        rows: Sequence[Row] = {
            "order": (self.order, *self.lines), "invoices": self.invoices, "credits": self._credits_of_people(),
        }.get(part) or tuple(row for row in self.milestones if row.get("parent") == part)  # fmt: skip
        # What is open on an invoice changes with each payment; a plan that credits looks at the credits' own part.
        left_out = {"open_", "status"} if part == "invoices" else {"billed", "status"}
        texts = sorted(
            "|".join(f"{name}={row[name]}" for name in sorted(row) if name not in left_out and row[name] is not None)
            for row in rows
        )
        return digest_of(*texts)[:16]

    def _credits_of_people(self) -> tuple[Row, ...]:
        """Credit notes under our key never change by themselves, and a plan may bring several, one after the other."""
        return tuple(row for row in self.credits if not str(row.get("item", "")).startswith(self.own_credits))

    @property
    def version(self) -> str:
        """All parts, so that each write can tell whether what *it* touches still stands as planned."""
        schedules = sorted({str(row.get("parent", "")) for row in self.milestones})
        parts = ["order", "invoices", "credits", *schedules]
        return " ".join(f"{part}:{self.version_of(part)}" for part in parts)


def to_standing(seen: Snapshot, data: ReferenceData, reader: Reader) -> ContractStanding:
    """The contract in our words."""
    order, contract = seen.order, seen.contract
    currency = data.currency_code(_text(order, "currency"))
    invoices = _invoices(seen, currency, reader)
    lines = tuple(_line(row, currency, seen, reader) for row in seen.lines if row.get("flag") != "T")
    total = Money.total((line.amount for line in lines if not line.is_option), currency)
    top = next((row for row in seen.projects if row.get("parent") not in {one["id"] for one in seen.projects}), None)
    entity = _text(seen.lines[0], "entity") if seen.lines else ""
    return ContractStanding(
        contract_number=ContractNumber(_text(order, "code")),
        contract=contract.model_copy(update={"number": _text(order, "number_")}),
        project=reader.ref(RecordKind.PROJECT, _text(top, "id"), _text(top, "number_")) if top else None,
        state=ContractState.CLOSED if order.get("status") in _CLOSED else ContractState.ACTIVE,
        legal_entity=data.entity_code(entity),
        customer_name=_text(order, "name"),
        currency=currency,
        start_on=_day(order, "day", contract),
        end_on=_day(order, "until_day", contract),
        values=SoldValues(
            exercised=total,
            funded=_money(order, "funded", currency, contract),
            cap=_money(order, "cap", currency, contract),
            with_options=_money(order, "with_options", currency, contract),
        ),
        lines=lines,
        rows=_rows(seen, currency, invoices),
        invoices=invoices,
        applied=tuple(AppliedAmendment(number=number) for number in listed_numbers(_text(order, "item"))),
        version=seen.version,
    )


def listed_numbers(text: str) -> tuple[str, ...]:
    """Numbers of amendments as the contract's own field lists them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _line(row: Row, currency: str, seen: Snapshot, reader: Reader) -> StandingLine:
    word = _text(row, "billing_type")
    if word not in {item.value for item in BillingType}:
        name = f"line {row.get('code') or row['id']} of contract {_text(seen.order, 'number_')}"
        raise NeedsRepair(
            f"NetSuite does not say how {name} is billed ({word[:40] or 'nothing'}). Enter one of "
            f"{', '.join(BillingType)} on the line there, then press Retry.",
            record=name,
            field="billing type",
            owner=Role.BILLING,
        )
    number = next((_text(one, "number_") for one in seen.projects if one["id"] == row.get("project")), "")
    return StandingLine(
        code=_text(row, "code") or f"line {row['id']}",
        description=_text(row, "name"),
        billing_type=BillingType(word),
        amount=Money.of(to_amount(row, "amount", seen.contract), currency),
        schedule=_text(row, "parent"),
        project=reader.ref(RecordKind.PROJECT, _text(row, "project"), number) if row.get("project") else None,
    )


def _rows(seen: Snapshot, currency: str, invoices: tuple[InvoiceRef, ...]) -> tuple[StandingRow, ...]:
    billed = _billed_by(seen)
    balances = {invoice.number: invoice.balance for invoice in invoices}
    lines_of: dict[str, list[str]] = {}
    for line in seen.lines:
        lines_of.setdefault(_text(line, "parent"), []).append(_text(line, "code"))
    found: list[StandingRow] = []
    for row in seen.milestones:
        text, schedule = RowText.parse(_text(row, "code")), _text(row, "parent")
        amount = Money.of(to_amount(row, "amount", seen.contract), currency)
        numbers = billed.get(text.code, [])
        if numbers:
            is_paid = all(balances[number].is_zero for number in numbers)
            state = RowState.SETTLED if is_paid else RowState.INVOICED
        elif amount.is_zero:
            state = RowState.CANCELLED
        else:
            state = RowState.READY if row.get("flag") == "T" else RowState.PLANNED
        day = _day(row, "day", seen.contract)
        if day is None:
            raise NeedsRepair(
                f"Schedule row {text.code} of contract {_text(seen.order, 'number_')} has no date in NetSuite. Enter "
                "it there, then press Retry.",
                record=text.code,
                field="milestoneDate",
                owner=Role.BILLING,
            )
        own = lines_of.get(schedule, [])
        found.append(
            StandingRow(
                code=text.code, name=text.name, due_on=day, amount=amount, state=state, schedule=schedule,
                line_code=own[0] if len(own) == 1 else "", invoice=numbers[0] if numbers else "",
            )
        )  # fmt: skip
    return tuple(found)


def _billed_by(seen: Snapshot) -> dict[str, list[str]]:
    """Invoices by the code of the schedule row they bill: as their lines say, else by amount, else in due order."""
    found: dict[str, list[str]] = {}
    silent: dict[str, Decimal] = {}
    for line in seen.invoices:
        number = _text(line, "number_")
        if code := _text(line, "code"):
            numbers = found.setdefault(code, [])
            if number not in numbers:
                numbers.append(number)
        else:
            silent[number] = silent.get(number, Decimal(0)) + to_amount(line, "amount", seen.contract)
    due = sorted(seen.milestones, key=lambda row: (_text(row, "day"), int(row["id"])))
    amounts = {RowText.parse(_text(row, "code")).code: to_amount(row, "amount", seen.contract) for row in due}
    for number, net in silent.items():
        open_codes = [code for code, amount in amounts.items() if code not in found and amount > 0]
        exact = next((code for code in open_codes if amounts[code] == net), None)
        left = net
        for code in [exact] if exact is not None else open_codes:
            if left <= 0:
                break
            found[code] = [number]
            left -= amounts[code]
    return found


def _invoices(seen: Snapshot, currency: str, reader: Reader) -> tuple[InvoiceRef, ...]:
    by_id: dict[str, list[Row]] = {}
    for row in seen.invoices:
        by_id.setdefault(_text(row, "id"), []).append(row)
    found: list[InvoiceRef] = []
    for record_id in sorted(by_id, key=int):
        rows = by_id[record_id]
        net = sum((to_amount(row, "amount", seen.contract) for row in rows), Decimal(0))
        total = to_amount(rows[0], "total", seen.contract)
        unpaid = to_amount(rows[0], "open_", seen.contract)
        day = _day(rows[0], "day", seen.contract)
        if day is None:
            raise AssertionError("the vendor dates every transaction")
        found.append(
            InvoiceRef(
                number=_text(rows[0], "number_"),
                record=reader.ref(RecordKind.INVOICE, record_id, _text(rows[0], "number_")),
                issued_on=day,
                net=Money.of(net, currency),
                balance=Money.of(unpaid * net / total if total else Decimal(0), currency),
                credits=_credits(seen, record_id, currency),
                is_draft=rows[0].get("status") == _PENDING,
            )
        )  # fmt: skip
    return tuple(found)


def _credits(seen: Snapshot, invoice: str, currency: str) -> tuple[CreditRef, ...]:
    by_number: dict[str, list[Row]] = {}
    for row in seen.credits:
        if row.get("parent") == invoice:
            by_number.setdefault(_text(row, "number_"), []).append(row)
    return tuple(
        CreditRef(
            number=number,
            amount=Money.of(sum((to_amount(row, "amount", seen.contract) for row in rows), Decimal(0)), currency),
            is_posted=rows[0].get("status") != _PENDING,
        )
        for number, rows in sorted(by_number.items())
    )


def _money(row: Row, name: str, currency: str, ref: RecordRef) -> Money | None:
    return Money.of(to_amount(row, name, ref), currency) if _text(row, name) else None


def _day(row: Row, name: str, ref: RecordRef) -> date | None:
    return to_billed_day(_text(row, name), ref)


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)
