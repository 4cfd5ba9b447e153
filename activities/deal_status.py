from __future__ import annotations

from temporalio import activity

from activities.exactly_once import ExactlyOnce
from models.base import digest_of
from models.ids import PlanDigest, Step, operation_key
from models.operations import WriteBackDeal
from models.process import EngagementRef, StepDone
from models.records import Links
from ports.crm import Deals
from ports.ledger import Intent, Ledger, OperationState

__all__ = ["show_on_deal"]


async def show_on_deal(
    request: WriteBackDeal,
    subject: EngagementRef,
    *,
    crm: Deals,
    ledger: Ledger,
    once: ExactlyOnce,
    process: str,
    amendment: str = "",
) -> StepDone | None:
    """Say on the deal why it waits or was refused. None when the deal says that already.

    Each change of what is said is a write of its own, numbered: the same words may be true again later.
    """
    own = f":{amendment}" if amendment else ""
    written, said = f"write-back{own}", f"status{own}:"
    shown = [
        row
        for row in await ledger.list_operations(subject.engagement)
        if row.state is OperationState.APPLIED and (row.step == written or row.step.startswith(said))
    ]
    if shown and shown[-1].payload_hash == digest_of(request):
        return None
    statuses = sum(1 for row in shown if row.step != written)
    step = Step(f"{said}{statuses + 1}")
    intent = Intent(
        key=operation_key(subject.firm, process, subject.contract_number, amendment, f"status:{statuses + 1}"),
        payload_hash=digest_of(request),
        engagement=subject.engagement,
        step=step,
        plan=PlanDigest(""),
        guard=crm.guard_of_write_back(),
        connection=crm.connection,
        workflow_id=subject.workflow_id,
        run_id=(activity.info().workflow_run_id or "") if activity.in_activity() else "",
    )
    effect = await once.apply(
        intent,
        find=lambda: crm.find_write_back(request, Links()),
        ensure=lambda: crm.ensure_write_back(request, Links()),
    )
    return StepDone(step=step, ref=effect.ref, created=effect.created, changed=effect.changed)
