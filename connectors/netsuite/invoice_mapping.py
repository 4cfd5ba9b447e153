from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.netsuite.chart import ReferenceData
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.mapping import RowText
from models.errors import Fatal, NeedsRepair
from models.feedback import EngagementProgress
from models.ids import ContractNumber
from models.invoice import (
    Amounts,
    DocumentKind,
    DocumentState,
    Flag,
    FlagKind,
    HoldReason,
    Invoice,
    NextMilestone,
    SourceVersion,
)
from models.money import Money
from models.roles import Role

__all__ = ["Row", "to_invoice", "to_progress"]

Row = Mapping[str, Any]

_STATES = {
    "A": DocumentState.POSTED,
    "B": DocumentState.POSTED,
    "D": DocumentState.PENDING,
    "V": DocumentState.VOIDED,
}
"""Of invoices and of credit memos; paid or not is told by amounts. DOM-7.6."""
_REJECTED = "R"
_LONGEST_TEXT = 255
_PAYMENTS = frozenset({"CustPymt", "DepAppl"})
_WRITE_OFF, _WITHHOLDING = "write-off", "withholding"


def to_invoice(
    head: Row, parts: Sequence[Row], version: SourceVersion, data: ReferenceData, config: NetSuiteConfig
) -> Invoice:
    """One document with what was applied to it."""
    name = f"{'credit memo' if head['type'] == 'CustCred' else 'invoice'} {_text(head, 'number_') or head['id']}"
    currency = data.currency_code(_text(head, "currency"))
    state = _STATES.get(_text(head, "status"))
    if state is None:
        raise NeedsRepair(
            f"NetSuite's {name} has a status we do not know ({_text(head, 'status')[:20]}). Tell the integration team.",
            record=name, field="status", owner=Role.INTEGRATION,
        )  # fmt: skip
    links = [row for row in parts if row["source"] == "link"]
    returned = [
        _day(row, "day", name) for row in links if row.get("type") in _PAYMENTS and _text(row, "status") == _REJECTED
    ]
    return Invoice(
        connection=config.connection,
        record_id=str(head["id"]),
        kind=DocumentKind.CREDIT_NOTE if head["type"] == "CustCred" else DocumentKind.INVOICE,
        number=_text(head, "number_"),
        contract_number=ContractNumber(_text(head, "contract")),
        customer_id=_text(head, "customer"),
        document=state,
        issued_on=_day(head, "issued", name),
        due_on=_day(head, "due", name),
        amounts=_amounts(head, links, currency, name),
        flags=_flags(head, currency, config, name),
        credit_notes=tuple(sorted({_text(row, "number_") for row in links if row.get("type") == "CustCred"})),
        credits_invoice=next((_text(row, "number_") for row in parts if row["source"] == "origin"), ""),
        replaced_by=_text(head, "replaced_by"),
        payment_returned_on=max((day for day in returned if day is not None), default=None),
        rows=tuple(sorted({_text(row, "number_") for row in parts if row["source"] == "row"} - {""})),
        version=version,
    )


def to_progress(rows: Iterable[Row], data: ReferenceData) -> tuple[EngagementProgress, ...]:
    """Status of the project and milestones not ticked off, by contract."""
    status: dict[str, str] = {}
    milestones: dict[str, list[NextMilestone]] = {}
    for row in rows:
        contract = _text(row, "contract")
        status.setdefault(contract, "")
        if row["source"] == "project":
            status[contract] = _text(row, "status")
            continue
        name = f"milestones of contract {contract}"
        due_on, currency = _day(row, "day", name), data.currency_code(_text(row, "currency"))
        if due_on is None:
            continue
        milestones.setdefault(contract, []).append(
            NextMilestone(
                code=RowText.parse(_text(row, "code")).code,
                due_on=due_on,
                amount=Money.of(_number(row, "amount", name), currency),
            )
        )
    return tuple(
        EngagementProgress(
            contract_number=ContractNumber(contract),
            project_status=said,
            open_milestones=tuple(sorted(milestones.get(contract, []), key=lambda one: (one.due_on, one.code))),
        )
        for contract, said in status.items()
    )


def _amounts(head: Row, links: Sequence[Row], currency: str, name: str) -> Amounts:
    """The open amount is the ERP's own; links only tell what was no payment. A bounced payment pays nothing."""
    gross, unpaid = _number(head, "total", name), _number(head, "unpaid", name)
    other = {"credited": Decimal(0), "written_off": Decimal(0), "withheld": Decimal(0)}
    for row in links:
        amount = _number(row, "amount", name)
        match row.get("type"), _text(row, "kind").lower():
            case "CustCred", kind if kind == _WRITE_OFF:
                other["written_off"] += amount
            case "CustCred", kind if kind == _WITHHOLDING:
                other["withheld"] += amount
            case "CustCred", _:
                other["credited"] += amount
            case "Journal", _:
                other["written_off"] += amount
    paid = gross - unpaid - sum(other.values(), Decimal(0))
    money = {key: Money.of(value, currency) for key, value in (other | {"gross": gross, "paid": paid}).items()}
    return Amounts(**money)


def _flags(head: Row, currency: str, config: NetSuiteConfig, name: str) -> tuple[Flag, ...]:
    flags: list[Flag] = []
    if said := _text(head, "hold"):
        reason = config.hold_reasons.get(said.lower(), HoldReason.OTHER)
        text = _text(head, "hold_text") or (said if reason is HoldReason.OTHER else "")
        missing = _text(head, "hold_missing")
        flags.append(
            Flag(
                kind=FlagKind.ON_HOLD,
                reason=reason,
                text=text[:_LONGEST_TEXT],
                since=_day(head, "hold_since", name),
                po_number=_text(head, "po"),
                missing=Money.of(_number(head, "hold_missing", name), currency) if missing else None,
            )
        )
    for column, kind in (("disputed", FlagKind.DISPUTED), ("rejected", FlagKind.REJECTED)):
        if text := _text(head, column):
            flags.append(Flag(kind=kind, text=text[:_LONGEST_TEXT]))
    return tuple(flags)


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    return "" if value is None else str(value)


def _number(row: Row, name: str, record: str) -> Decimal:
    text = _text(row, name) or "0"
    try:
        number = Decimal(text)
    except InvalidOperation as unreadable:
        raise Fatal(f"NetSuite's {record} has an amount that is no number.", record=record, field=name) from unreadable
    if not number.is_finite():
        raise Fatal(f"NetSuite's {record} has an amount that is no number.", record=record, field=name)
    return number


def _day(row: Row, name: str, record: str) -> date | None:
    text = _text(row, name)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError as unreadable:
        raise Fatal(f"NetSuite's {record} has a date that is none.", record=record, field=name) from unreadable
