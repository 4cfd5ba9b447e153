from __future__ import annotations

from collections import Counter
from datetime import date

from models.operations import EnsureBillingSchedule, EnsureContract
from models.plan import Plan
from models.records import BilledRow, ReadBack

__all__ = ["differences"]

_Row = tuple[str, str, date | None]
_MOST_NAMED = 6


def differences(plan: Plan, read: ReadBack) -> dict[str, str]:
    """What the ERP will bill against what was approved, to the minor unit: kind of row -> what differs, in words.

    Code, amount and due date of each row must be those of the plan, and what must not be billed yet must be held. A
    hold that the plan does not know is somebody's decision in the ERP and no difference.
    """
    planned: dict[str, list[_Row]] = {"line": [], "milestone": []}
    hold = ""
    for operation in plan.operations:
        request = operation.request
        if isinstance(request, EnsureContract):
            hold = request.billing_hold
            planned["line"] += [(line.code, str(line.amount), None) for line in request.lines]
        elif isinstance(request, EnsureBillingSchedule):
            planned["milestone"] += [(row.code, str(row.amount), row.due_on) for row in request.rows]
    found: dict[str, str] = {}
    for source, wanted in planned.items():
        there = [_row_of(row) for row in read.rows if row.source == source]
        missing = list((Counter(wanted) - Counter(there)).elements())
        foreign = list((Counter(there) - Counter(wanted)).elements())
        if missing or foreign:
            found[source] = f"the ERP will bill {_listed(foreign)} as {source}s, the plan says {_listed(missing)}"
    if hold and not read.billing_hold:
        found["billing hold"] = f"the ERP bills it already, although it must wait: {hold.rstrip('.')}"
    return found


def _row_of(row: BilledRow) -> _Row:
    return row.code, str(row.amount), row.due_on


def _listed(rows: list[_Row]) -> str:
    shown = [
        f"{code or 'a row without code'} {amount}{f' due {due:%d %b %Y}' if due else ''}" for code, amount, due in rows
    ]
    text = ", ".join(shown[:_MOST_NAMED]) or "nothing else"
    return f"{text} and {len(shown) - _MOST_NAMED} more" if len(shown) > _MOST_NAMED else text
