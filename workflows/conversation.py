from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from temporalio import workflow
from temporalio.common import RawValue

from activities.decisions import DecisionActivities
from models.decision import Answer, Decision, Refusal, Verdict
from models.ids import BlockerId, PlanDigest
from models.process import DealNews, EngagementRef, JudgeCall, UnreadableMessage
from workflows.policies import STORE_STEP

__all__ = ["Conversation"]


class Conversation:
    """How people and systems talk to a running process: decisions by update and by signal, news from the CRM.

    Whatever arrives, the process goes on: a message that cannot be read is recorded and changes nothing.
    """

    def __init__(self) -> None:
        self._subject: EngagementRef | None = None
        self._looking = True
        """Terms and ERP are being read: what a person decides now is judged when it is known what waits for them."""
        self._plan_waiting: PlanDigest | None = None
        self._blockers_waiting: tuple[BlockerId, ...] = ()
        self._verdict: Verdict | None = None
        self._repaired = False
        self._answered = False
        self._given = ""
        """The answer of the newest repair."""
        self._news: list[DealNews] = []
        self._turn = asyncio.Lock()

    @workflow.update(dynamic=True, description="decide: approve, reject, repair or withdraw; says what came of it.")
    async def any_update(self, name: str, arguments: Sequence[RawValue]) -> Answer:
        """Every update lands here, so that one that cannot be read leaves a trace as well, and a typed refusal."""
        if name != "decide":
            await self._record_unreadable(name, arguments, "the update's name is not known")
            message = "Nothing here is called that. To decide, send the update `decide`."
            return Answer(accepted=False, refusal=Refusal.UNKNOWN_MESSAGE, message=message)
        decision = self._decision_in(arguments)
        if decision is not None:
            return await self._take(decision, "update")
        problem = self._problem_of(arguments, "update")
        await self._record_unreadable(name, arguments, problem)
        message = f"This was no decision: {problem}. Sign one with `starter.py token` and send it as it is."
        return Answer(accepted=False, refusal=Refusal.BAD_FORM, message=message)

    @workflow.signal(dynamic=True, description="decide: as the update. deal-changed: look at the CRM again.")
    async def any_signal(self, name: str, arguments: Sequence[RawValue]) -> None:
        """Every signal lands here, whatever its name and payload (TEMPORAL section 2)."""
        if name == "deal-changed":
            news = self._news_in(arguments)
            self._news.append(news or DealNews())
            if news is None:
                await self._record_unreadable(name, arguments, "the news cannot be read; the CRM was asked anyway")
            return
        if name != "decide":
            await self._record_unreadable(name, arguments, "the signal's name is not known")
            return
        decision = self._decision_in(arguments)
        if decision is None:
            await self._record_unreadable(name, arguments, self._problem_of(arguments, "signal"))
        else:
            await self._take(decision, "signal")

    async def _take(self, decision: Decision, channel: str) -> Answer:
        async with self._turn_to_judge():
            answer = await workflow.execute_activity_method(
                DecisionActivities.judge_decision,
                JudgeCall(
                    subject=self._known_subject(),
                    decision_json=decision.model_dump_json(),
                    channel=channel,
                    waiting_for_plan=self._plan_waiting,
                    waiting_for_blockers=self._blockers_waiting,
                    run=workflow.info().first_execution_run_id,
                ),
                summary="Check who decides, and record it",
                **STORE_STEP,
            )
            if answer.accepted and answer.complete:
                self._settle(decision)
            return answer

    @asynccontextmanager
    async def _turn_to_judge(self) -> AsyncIterator[None]:
        """When it is known what waits. News that came in the same moment may have been first: then it is not known."""
        while True:
            await workflow.wait_condition(lambda: self._subject is not None and not self._looking)
            async with self._turn:
                if not self._looking:
                    yield
                    return

    def _settle(self, decision: Decision) -> None:
        """Only what waits can be settled: an answer to something else, told again, changes nothing here."""
        if decision.verdict is Verdict.REPAIR and decision.blocker in self._blockers_waiting:
            self._repaired = True
            self._answered = self._answered or bool(decision.answer)
            self._given = decision.answer
            self._blockers_waiting = tuple(item for item in self._blockers_waiting if item != decision.blocker)
        elif decision.verdict is not Verdict.REPAIR and decision.plan == self._plan_waiting:
            self._verdict = decision.verdict
            self._plan_waiting = None

    async def _record_unreadable(self, name: str, arguments: Sequence[RawValue], problem: str) -> None:
        await workflow.wait_condition(lambda: self._subject is not None)
        content = b"".join(value.payload.SerializeToString() for value in arguments)
        async with self._turn:
            await workflow.execute_activity_method(
                DecisionActivities.record_unreadable,
                UnreadableMessage(
                    subject=self._known_subject(),
                    name=name[:200].replace("\0", "\N{REPLACEMENT CHARACTER}"),
                    problem=problem,
                    fingerprint=hashlib.sha256(content).hexdigest(),
                ),
                summary="Record a message that cannot be read",
                **STORE_STEP,
            )

    def _known_subject(self) -> EngagementRef:
        if self._subject is None:
            raise AssertionError("handlers wait until the run knows its engagement")
        return self._subject

    @staticmethod
    def _problem_of(arguments: Sequence[RawValue], channel: str) -> str:
        if len(arguments) != 1:
            return f"a decision has exactly one argument; this {channel} has {len(arguments)}"
        return "the argument is not a decision"

    @staticmethod
    def _decision_in(arguments: Sequence[RawValue]) -> Decision | None:
        if len(arguments) != 1:
            return None
        try:
            decoded = workflow.payload_converter().from_payload(arguments[0].payload, Decision)
        except Exception:  # noqa: BLE001 - the edge to whoever can signal; recorded by the caller as unreadable
            return None
        return decoded if isinstance(decoded, Decision) else None

    @staticmethod
    def _news_in(arguments: Sequence[RawValue]) -> DealNews | None:
        """Nothing said is news too: whoever signals by hand wants the CRM to be asked. None: it cannot be read."""
        if len(arguments) != 1:
            return None if arguments else DealNews()
        try:
            decoded = workflow.payload_converter().from_payload(arguments[0].payload, DealNews)
        except Exception:  # noqa: BLE001 - the same edge; nothing in the payload is believed
            return None
        if not isinstance(decoded, DealNews):
            return None
        # A time without a zone cannot be compared with the CRM's own stamp.
        without_zone = decoded.source_version is not None and decoded.source_version.tzinfo is None
        return None if without_zone else decoded
