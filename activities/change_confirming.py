from __future__ import annotations

from models.change_order import ChangePlan
from models.contract_standing import ContractStanding, RowState
from models.errors import NeedsRepair
from models.money import Money
from models.roles import Role

__all__ = ["check_agrees", "check_standing"]


def check_agrees(standing: ContractStanding) -> None:
    """Lines and schedule say the same, but for what was credited (DOM-0.8); else no change is planned from them.

    Somebody changed one of the two by hand: a difference folded into it would bill too much or too little.
    """
    lines = Money.total((line.amount for line in standing.lines if line.schedule), standing.currency)
    rows = Money.total((row.amount for row in standing.rows if row.state is not RowState.CANCELLED), standing.currency)
    credited = Money.total((invoice.credited for invoice in standing.invoices), standing.currency)
    if lines <= rows <= lines + credited:
        return
    raise NeedsRepair(
        f"Contract {standing.contract_number}: its lines that a schedule bills come to {lines}, the schedule to "
        f"{rows}. Correct the ERP record that is wrong, then repair; the amendment is planned from it.",
        code="TL-BIL-003",
        record=standing.contract_number,
        field="schedule",
        owner=Role.BILLING,
    )


def check_standing(change: ChangePlan, standing: ContractStanding) -> None:
    """The contract as read back is what was decided, to the minor unit. Raises NeedsRepair that names the row."""
    number = standing.contract_number
    wanted = {row.code: row.after for row in change.rows if row.state is not RowState.CANCELLED}
    found = {row.code: row.amount for row in standing.rows if row.state is not RowState.CANCELLED}
    for code in sorted(wanted.keys() | found.keys()):
        if wanted.get(code) != found.get(code):
            raise _differs(number, f"schedule row {code}", found.get(code), wanted.get(code), code)
    value = change.values_after.exercised
    if value is not None and standing.values.exercised != value:
        raise _differs(number, "value", standing.values.exercised, value, "value")


def _differs(number: str, what: str, found: Money | None, wanted: Money | None, field: str) -> NeedsRepair:
    return NeedsRepair(
        f"Contract {number}, {what}: the ERP has {found or 'nothing'}, the plan says {wanted or 'nothing'}. Correct "
        "the ERP record, then repair to compare again.",
        code="TL-BIL-003",
        record=number,
        field=field,
        owner=Role.BILLING,
    )
