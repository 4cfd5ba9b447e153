from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import activity

from activities.boundary import business_boundary
from activities.doorbell import ring_change_orders
from mappings.business_calendar import ladder_for
from mappings.rulebook import RuleBook
from models.blocker import Blocker, Choice, Fix, blocker_id
from models.change_process import changes_of
from models.desk import SET_UP_STAGES, EngagementRow, Stage
from models.ids import ConnectionId
from models.pausing import SIGN_IN_REFUSED
from models.process import EscalateCall, FinishCall, LadderRung, Outcome, ParkCall, Parked, Remedy, Trouble
from models.roles import Role
from ports.desk import Desk

__all__ = ["DeskActivities"]

_STAGE_OF = {
    Outcome.ACTIVE: Stage.ACTIVE,
    Outcome.NOTHING_TO_DO: Stage.ACTIVE,
    Outcome.REFUSED: Stage.REFUSED,
    Outcome.REJECTED: Stage.REJECTED,
    Outcome.WITHDRAWN: Stage.WITHDRAWN,
    Outcome.NOT_YET: Stage.NOT_YET,
    Outcome.FROZEN: Stage.FROZEN,
    Outcome.LOST: Stage.LOST,
    Outcome.ON_HOLD: Stage.ON_HOLD,
    Outcome.CANCELLED: Stage.CANCELLED,
    Outcome.KEPT: Stage.KEPT,
}
_STAGE_OF_CODE = {"TL-CON-013": Stage.FROZEN, "TL-CHG-000": Stage.CHANGE_ORDER}
_ASKS_ON = frozenset({Outcome.FROZEN, Outcome.LOST})


class DeskActivities:
    """What people see: blockers, decisions that wait, and where each engagement stands."""

    def __init__(self, desk: Desk, rules: Callable[[], RuleBook], now: Callable[[], datetime]) -> None:
        self._desk = desk
        self._rules = rules
        self._now = now

    @activity.defn
    @business_boundary
    async def park(self, call: ParkCall) -> Parked:
        """Put stops on the desk, each with its owner and deadline."""
        book, now = self._rules(), self._now()
        own = [trouble for trouble in call.troubles if not _is_pause(trouble)]
        if not own:
            return await self._wait_for_connection(call)
        blockers = tuple(self._blocker(call, trouble, book) for trouble in own)
        ladders = tuple(ladder_for(book, owner=item.owner, due_hours=item.due_hours, start=now) for item in blockers)
        due = tuple(ladder[0].at for ladder in ladders)
        await self._desk.raise_blockers(blockers, call.subject.workflow_id, due)
        row = await self._desk.find_engagement(call.subject.engagement)
        stage = next((_STAGE_OF_CODE[item.code] for item in call.troubles if item.code in _STAGE_OF_CODE), Stage.PARKED)
        if row is not None and row.stage in SET_UP_STAGES and stage is Stage.PARKED:
            stage = row.stage
        if row is not None and row.stage is Stage.LOST and stage is Stage.FROZEN:
            stage = row.stage
        await self._desk.save_engagement(_row(call, row, stage, blockers[0].message, now))
        return Parked(
            blockers=tuple(item.blocker for item in blockers),
            sentences=tuple(item.message for item in blockers),
            owner=blockers[0].owner,
            ladder=_merged(ladders),
        )

    async def _wait_for_connection(self, call: ParkCall) -> Parked:
        """Nothing of its own waits for a person: one stop tells of the connection, however many deals wait for it."""
        pause = call.troubles[0]
        await self._desk.clear(call.subject.engagement, reason=pause.message)
        row = await self._desk.find_engagement(call.subject.engagement)
        stage = row.stage if row is not None and row.stage in SET_UP_STAGES else Stage.PARKED
        shown = _row(call, row, stage, pause.message, self._now())
        await self._desk.save_engagement(shown.model_copy(update={"waits_for": ConnectionId(pause.record)}))
        return Parked(blockers=(), sentences=(pause.message,), owner=Role.INTEGRATION)

    @activity.defn
    @business_boundary
    async def escalate(self, call: EscalateCall) -> None:
        """Nobody acted in time: remind, or show it to the next level as well. It never lapses (DOM-9.3)."""
        for item in call.items:
            await self._desk.escalate(item, call.to, note=call.action)

    @activity.defn
    @business_boundary
    async def finish(self, call: FinishCall) -> None:
        """Record how it ended; nothing of it waits any more."""
        row = await self._desk.find_engagement(call.subject.engagement)
        if call.outcome not in _ASKS_ON:
            # A lost contract goes on to wait for a person. A worker that was frozen itself may get here late, when
            # what is waited for is on the desk already; the stop that follows replaces whatever waited before.
            await self._desk.clear(call.subject.engagement, reason=call.sentence)
        if row is not None and row.stage in SET_UP_STAGES and row.deal_id != call.subject.deal_id:
            await self._desk.save_engagement(_stays(row, call))
            return
        kept = row.terms_digest if row is not None else ""
        await self._desk.save_engagement(
            EngagementRow(
                engagement=call.subject.engagement,
                firm=call.subject.firm,
                contract_number=call.subject.contract_number,
                deal_id=call.subject.deal_id,
                workflow_id=call.subject.workflow_id,
                stage=_STAGE_OF[call.outcome],
                sentence=row.sentence if row is not None and _says_all(row, call) else call.sentence,
                customer_name=row.customer_name if row else "",
                legal_entity=row.legal_entity if row else "",
                value=row.value if row else None,
                plan=call.plan or (row.plan if row else None),
                terms_digest=call.terms_digest if call.outcome is Outcome.ACTIVE else kept,
                updated_at=self._now(),
            )
        )
        if call.outcome is Outcome.ACTIVE:
            changes = await self._desk.find_engagement(changes_of(call.subject.firm, call.subject.contract_number))
            if changes is not None:
                await ring_change_orders(call.subject)

    def _blocker(self, call: ParkCall, trouble: Trouble, book: RuleBook) -> Blocker:
        kind = book.blocker_kind(trouble.code)
        owner = kind.owner if kind is not None else trouble.owner
        record = trouble.record or call.subject.contract_number
        return Blocker(
            blocker=blocker_id(call.subject.engagement, trouble.code, record, trouble.field),
            engagement=call.subject.engagement,
            code=trouble.code,
            record=record,
            field=trouble.field,
            message=trouble.message,
            owner=owner if trouble.owner is Role.INTEGRATION else trouble.owner,
            fix=kind.fix if kind is not None else Fix.WAIT,
            answer_field=trouble.answer_field,
            choices=trouble.choices or tuple(Choice(value=value, label=value) for value in call.choices),
            stake=call.stake,
            due_hours=kind.due_hours if kind is not None else 8,
        )


def _is_pause(trouble: Trouble) -> bool:
    """It only waits until an account takes our sign-in again."""
    return trouble.code == SIGN_IN_REFUSED and trouble.remedy is Remedy.RETRY


def _stays(row: EngagementRow, call: FinishCall) -> EngagementRow:
    """Another deal with the same contract number ended: the contract stays with the deal that sold it."""
    if row.stage is Stage.CHANGE_ORDER:
        return row.model_copy(update={"stage": Stage.ACTIVE, "sentence": call.sentence})
    return row


def _says_all(row: EngagementRow, call: FinishCall) -> bool:
    """Nothing was to do: what is shown of an active contract (say, that its billing is held) stays."""
    return call.outcome is Outcome.NOTHING_TO_DO and row.stage is Stage.ACTIVE


def _row(call: ParkCall, row: EngagementRow | None, stage: Stage, sentence: str, now: datetime) -> EngagementRow:
    if row is not None:
        waits_for = ConnectionId("")
        return row.model_copy(
            update={"stage": stage, "sentence": sentence, "waits_for": waits_for, "updated_at": now}
        )
    return EngagementRow(
        engagement=call.subject.engagement,
        firm=call.subject.firm,
        contract_number=call.subject.contract_number,
        deal_id=call.subject.deal_id,
        workflow_id=call.subject.workflow_id,
        stage=stage,
        sentence=sentence,
        value=call.stake,
        updated_at=now,
    )


def _merged(ladders: tuple[tuple[LadderRung, ...], ...]) -> tuple[LadderRung, ...]:
    """The earliest deadline leads; rungs of later ones follow in time."""
    rungs = {(rung.at, rung.action, rung.to): rung for ladder in ladders for rung in ladder}
    return tuple(rungs[key] for key in sorted(rungs, key=lambda key: key[0]))[:20]
