from __future__ import annotations

from cli.output import Output
from cli.running import Session
from models.change_order import ChangePlan
from models.change_process import base_of, change_orders_id, changes_of
from models.ids import ContractNumber, DealId
from models.plan import PlanVerdict
from models.process import EngagementRef

__all__ = ["amended_contract", "plan_of_changes", "show_change"]

_BASE_CONTRACT = frozenset({"", "0"})


def amended_contract(session: Session, given: str, amendment: str = "", contract: str = "") -> ContractNumber | None:
    """The contract whose amendments are meant: `C-1.changes`, or the deal of one of them. None: a contract itself."""
    base = base_of(session.engagement(given))
    if base is not None:
        return ContractNumber(base.partition("/")[2])
    return ContractNumber(contract) if amendment not in _BASE_CONTRACT else None


async def plan_of_changes(session: Session, contract: ContractNumber) -> PlanVerdict | None:
    """What would be done for the amendments of a contract. None where change orders are done by hand."""
    planning, firm = session.tieline.changes, session.settings.firm
    if planning is None:
        return None
    subject = EngagementRef(
        firm=firm,
        engagement=changes_of(firm, contract),
        deal_id=DealId(""),
        contract_number=contract,
        workflow_id=change_orders_id(firm, contract),
    )
    return await planning.verdict(subject)


def show_change(output: Output, change: ChangePlan) -> None:
    """Row by row: before, invoiced, after, difference; then what it comes to and who is told. DOM-6.9."""
    output.table(
        f"Amendments {', '.join(change.amendments)}, effective {change.effective_on:%d %b %Y}",
        ["row", "due", "before", "invoiced", "after", "difference", "state"],
        [
            [
                row.code, f"{row.due_on:%d %b %Y}", str(row.before), str(row.invoiced), str(row.after),
                str(row.difference), row.state.value,
            ]
            for row in change.rows
        ],
    )  # fmt: skip
    before, after = change.values_before.exercised, change.values_after.exercised
    output.line(f"Value {after or '-'} (was {before or '-'}); still to bill {change.still_to_bill}.")
    output.line(f"To credit {change.to_credit}; to release {change.to_release}.")
    if change.told:
        output.line(f"Told: {', '.join(role.value for role in change.told)}.")
