from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mappings.business_calendar import ladder_for
from mappings.rulebook import RuleBook
from models.blocker import Blocker
from models.desk import EngagementRow, Stage
from models.ids import PlanDigest
from models.money import Money
from models.plan import Plan
from models.process import EngagementRef, LadderRung, OperationBrief, Planned, PlannedKind
from models.roles import Role
from ports.desk import Desk, PlanBook

__all__ = ["PlanDesk"]


class PlanDesk:
    """What became of planning, kept and shown: the plan under its digest, and on the desk what it needs of people."""

    def __init__(
        self, plans: PlanBook, desk: Desk, rules: Callable[[], RuleBook], now: Callable[[], datetime]
    ) -> None:
        self._plans = plans
        self._desk = desk
        self._rules = rules
        self._now = now

    async def planned(self, subject: EngagementRef, plan: Plan, *, what: str = "") -> Planned:
        """Apply at once, wait for signatures, or not again: somebody said no to this very plan."""
        digest = await self._plans.save_plan(plan)
        signatures = await self._desk.list_signatures(digest) if plan.approvals else ()
        missing = [slot for slot in plan.approvals if slot.slot not in {given.slot for given in signatures}]
        value = plan.values.exercised
        if missing and await self._was_rejected(subject, digest):
            said_no = "The plan was rejected; nothing was written to the ERP."
            return Planned(kind=PlannedKind.REJECTED, digest=digest, sentence=said_no, value=value)
        waits = tuple(f"{slot.reason} ({' or '.join(sorted(slot.roles))})" for slot in missing)
        sentence = _headline(plan, waits, what)
        stage = Stage.DECIDING if missing else Stage.APPLYING
        await self.save_row(subject, stage, sentence, plan=plan)
        ladder: tuple[LadderRung, ...] = ()
        owner: Role | None = None
        if missing:
            owner = min(missing[0].roles)
            ladder = ladder_for(self._rules(), owner=owner, due_hours=8, start=self._now())
            await self._desk.ask_decision(digest, subject.workflow_id, ladder[0].at)
        elif plan.approvals:
            await self._desk.clear(subject.engagement, reason="all signatures are there")
        return Planned(
            kind=PlannedKind.DECIDE if missing else PlannedKind.APPLY,
            digest=digest,
            sentence=sentence,
            legal_entity=plan.legal_entity,
            customer_key=plan.customer_key,
            value=value,
            owner=owner,
            operations=tuple(
                OperationBrief(
                    step=operation.step,
                    request_kind=operation.request.kind,
                    needs=operation.needs,
                    summary=operation.summary,
                    action=operation.action,
                    guard=operation.guard,
                )
                for operation in plan.operations
            ),
            warnings=plan.warnings + plan.manual_steps,
            blocker_sentences=waits,
            ladder=ladder,
        )

    async def blocked(
        self, subject: EngagementRef, blockers: tuple[Blocker, ...], *, customer_name: str = "",
        value: Money | None = None,
    ) -> Planned:  # fmt: skip
        """Put the blockers on the desk, each with its owner and deadline."""
        book, now = self._rules(), self._now()
        ladders = [ladder_for(book, owner=item.owner, due_hours=item.due_hours, start=now) for item in blockers]
        await self._desk.raise_blockers(blockers, subject.workflow_id, tuple(ladder[0].at for ladder in ladders))
        first = blockers[0].message
        sentence = first if len(blockers) == 1 else f"{first} ({len(blockers) - 1} more)"
        await self.save_row(subject, Stage.PARKED, sentence, customer_name=customer_name, value=value)
        earliest = min(ladders, key=lambda ladder: ladder[0].at)
        return Planned(
            kind=PlannedKind.BLOCKED,
            sentence=sentence,
            value=value,
            owner=blockers[0].owner,
            blockers=tuple(item.blocker for item in blockers),
            blocker_sentences=tuple(item.message for item in blockers),
            ladder=earliest,
        )

    async def save_row(
        self, subject: EngagementRef, stage: Stage, sentence: str, *, plan: Plan | None = None,
        customer_name: str = "", value: Money | None = None,
    ) -> None:  # fmt: skip
        """Where the engagement stands, for people."""
        await self._desk.save_engagement(
            EngagementRow(
                engagement=subject.engagement,
                firm=subject.firm,
                contract_number=subject.contract_number,
                deal_id=subject.deal_id,
                workflow_id=subject.workflow_id,
                stage=stage,
                sentence=sentence,
                customer_name=plan.customer_name if plan else customer_name,
                legal_entity=plan.legal_entity if plan else "",
                value=plan.values.exercised if plan else value,
                plan=plan.digest if plan else None,
                updated_at=self._now(),
            )
        )

    async def _was_rejected(self, subject: EngagementRef, digest: PlanDigest) -> bool:
        """An event that changes nothing asks nobody twice; a deal that is reopened and won again does."""
        row = await self._desk.find_engagement(subject.engagement)
        return row is not None and row.stage is Stage.REJECTED and row.plan == digest


def _headline(plan: Plan, waits: tuple[str, ...], what: str) -> str:
    value = f" for {plan.values.exercised}" if plan.values.exercised else ""
    text = f"{plan.customer_name}: {what or 'contract'} {plan.contract_number}{value}"
    return f"{text} waits for a decision: {waits[0]}" if waits else text
