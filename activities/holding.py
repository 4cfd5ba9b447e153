from __future__ import annotations

from collections.abc import Sequence

from temporalio import activity

from activities.boundary import business_boundary
from activities.connected import Connected
from activities.exactly_once import EffectCall, ExactlyOnce
from models.base import digest_of
from models.blocker import Choice
from models.desk import Stage
from models.errors import NeedsRepair
from models.ids import Step, external_key, operation_key
from models.lost_deal import HoldCall, HoldTurn, Loss, LossAnswer, LossCall
from models.operations import CancelEngagement, HoldEngagement, ReleaseEngagement
from models.process import EngagementRef, StepDone
from models.records import Effect, Links, RecordKind, RecordRef, WorkDone
from ports.desk import Desk
from ports.erp import Erp
from ports.ledger import Intent, Ledger, OperationRow, OperationState

__all__ = ["HoldActivities", "is_held", "set_up_records"]

_TURNS = tuple(f"{turn.value}:" for turn in HoldTurn)
_SETTLED = {
    Stage.ON_HOLD: LossAnswer.FREEZE,
    Stage.CANCELLED: LossAnswer.CANCEL,
    Stage.KEPT: LossAnswer.KEEP,
}
_FREEZE = Choice(value=LossAnswer.FREEZE, label="Stay frozen: no time on the project, no invoices from the contract")
_CANCEL = Choice(value=LossAnswer.CANCEL, label="Close contract and project as cancelled; the customer stays")
_KEEP = Choice(value=LossAnswer.KEEP, label="Keep it open for time and billing although the deal is not won")
_MOST_NAMED = 3


class HoldActivities:
    """An engagement whose deal was lost after its set-up: looked at, frozen, opened again or closed. DOM-2.3."""

    def __init__(self, erps: Connected[Erp], ledger: Ledger, once: ExactlyOnce, desk: Desk) -> None:
        self._erps = erps
        self._ledger = ledger
        self._once = once
        self._desk = desk

    @activity.defn
    @business_boundary
    async def look_at_loss(self, call: LossCall) -> Loss:
        """What was decided about this loss before; else whether work has begun, and what a person may choose."""
        row = await self._desk.find_engagement(call.subject.engagement)
        if row is not None and row.stage in _SETTLED:
            return Loss(settled=_SETTLED[row.stage], sentence=row.sentence)
        rows = await self._ledger.list_operations(call.subject.engagement)
        newest = _turns(rows)[-1] if _turns(rows) else None
        project, contract = set_up_records(rows, call.subject)
        done = await self._erps.named(project.connection).get_work_done(project, contract)
        return Loss(
            under_way=_under_way(newest, has_begun=done.has_begun),
            is_frozen=is_held(rows) and newest is not None and newest.state is OperationState.APPLIED,
            may_be_frozen=is_held(rows),
            has_begun=done.has_begun,
            sentence=f"{call.sentence} {_begun(done) if done.has_begun else _NOT_BEGUN}",
            choices=(_FREEZE, _KEEP) if done.has_begun else (_CANCEL, _FREEZE, _KEEP),
        )

    @activity.defn
    @business_boundary
    async def hold_engagement(self, call: HoldCall) -> StepDone:
        """Freeze what was set up, open it again, or close it as cancelled."""
        rows = await self._ledger.list_operations(call.subject.engagement)
        project, contract = set_up_records(rows, call.subject)
        erp = self._erps.named(project.connection)
        step = _turn(rows, call)
        key = external_key(call.subject.engagement, *step.split(":", 1))
        request: HoldEngagement | ReleaseEngagement | CancelEngagement
        match call.turn:
            case HoldTurn.RELEASE:
                request = ReleaseEngagement(key=key, project=project, contract=contract)
            case HoldTurn.HOLD:
                request = HoldEngagement(key=key, project=project, contract=contract, reason=call.reason)
            case HoldTurn.CANCEL:
                request = CancelEngagement(key=key, project=project, contract=contract, reason=call.reason)
        intent = Intent.model_validate(
            {
                "key": operation_key(call.subject.firm, "quote-to-project", call.subject.contract_number, "", step),
                "payload_hash": digest_of(request),
                "engagement": call.subject.engagement,
                "step": step,
                "plan": "",
                "guard": erp.traits.hold,
                "connection": project.connection,
                "workflow_id": call.subject.workflow_id,
                "run_id": activity.info().workflow_run_id or "",
            }
        )

        async def find() -> Effect | None:
            match request:
                case ReleaseEngagement():
                    return await erp.find_release(request, Links())
                case HoldEngagement():
                    return await erp.find_hold(request, Links())
                case CancelEngagement():
                    return await erp.find_cancellation(request, Links())

        effect = await self._once.apply(intent, find=find, ensure=_ensure(erp, request), one_per_key=True)
        return StepDone(step=intent.step, ref=effect.ref, created=False, changed=effect.changed)


def _under_way(newest: OperationRow | None, *, has_begun: bool) -> LossAnswer | None:
    """What was decided before and may be half done. What nobody worked on is frozen without a decision."""
    if newest is None:
        return None
    if newest.step.startswith(f"{HoldTurn.CANCEL}:"):
        return LossAnswer.CANCEL
    is_half = newest.step.startswith(f"{HoldTurn.HOLD}:") and newest.state is not OperationState.APPLIED
    return LossAnswer.FREEZE if is_half and has_begun else None


def is_held(rows: Sequence[OperationRow]) -> bool:
    """Whether a freeze or a cancellation stands, or may still stand. The ledger knows; the desk may show another stage.

    A release counts when it is known to have landed: one whose worker was killed is made again, or nothing would be
    billed of a contract that looks active.
    """
    turns = _turns(rows)
    newest = turns[-1] if turns else None
    if newest is None:
        return False
    return not (newest.step.startswith(f"{HoldTurn.RELEASE}:") and newest.state is OperationState.APPLIED)


def _ensure(erp: Erp, request: HoldEngagement | ReleaseEngagement | CancelEngagement) -> EffectCall:
    async def ensure() -> Effect:
        match request:
            case ReleaseEngagement():
                return await erp.ensure_release(request, Links())
            case HoldEngagement():
                return await erp.ensure_hold(request, Links())
            case CancelEngagement():
                return await erp.ensure_cancellation(request, Links())

    return ensure


_NOT_BEGUN = (
    "Nothing is billed and no time is booked, so project and contract are frozen. Choose: close both as cancelled, "
    "leave them frozen, or keep them open."
)


def _begun(done: WorkDone) -> str:
    named = f" ({', '.join(done.invoices[:_MOST_NAMED])})" if done.invoices else ""
    counted = [
        f"{len(done.invoices)} invoice{'s' if len(done.invoices) != 1 else ''}{named}" if done.invoices else "",
        f"{done.time_entries} time entr{'ies' if done.time_entries != 1 else 'y'}" if done.time_entries else "",
    ]
    return (
        f"Work has begun: {' and '.join(one for one in counted if one)}. Nothing is frozen without a person's yes. "
        "Choose: freeze project and contract, or keep them open. Ending the contract needs a signed termination; "
        "nothing is voided here."
    )


def _turns(rows: Sequence[OperationRow]) -> list[OperationRow]:
    return [row for row in rows if row.step.startswith(_TURNS) and row.state is not OperationState.NOT_APPLIED]


def _turn(rows: Sequence[OperationRow], call: HoldCall) -> Step:
    """The write that this freeze, release or cancellation is. Asked for again while it is the newest, it is the same.

    The version of the deal alone does not tell: what we show on the deal gives it a new one, and a worker that takes
    over from a killed one reads that. A version that was answered before stays answered, however late it comes again.
    """
    wanted = Step(f"{call.turn}:{call.version}")
    turns = [row.step for row in rows if row.step.startswith(_TURNS)]
    if wanted not in turns and turns and turns[-1].startswith(f"{call.turn}:"):
        return turns[-1]
    return wanted


def set_up_records(rows: Sequence[OperationRow], subject: EngagementRef) -> tuple[RecordRef, RecordRef]:
    """Project and contract that were written for this engagement."""
    refs: dict[RecordKind, RecordRef] = {}
    for row in rows:
        if row.state is OperationState.APPLIED and row.effect is not None and row.step in {"project", "contract"}:
            refs[row.effect.ref.kind] = row.effect.ref
    try:
        return refs[RecordKind.PROJECT], refs[RecordKind.CONTRACT]
    except KeyError as missing:
        raise NeedsRepair(
            f"Contract {subject.contract_number} was only partly set up in the ERP, so it cannot be frozen. "
            "Look at its project there and decide by hand.",
            code="TL-CON-013",
            record=subject.contract_number,
        ) from missing
