"""The bare reference: the vendor calls of a deal, one plain activity each, one after another, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow

__all__ = ["BareCall", "BareDeal", "BareProcess"]

_PATIENCE = timedelta(seconds=45)


@dataclass
class BareDeal:
    """Which deal, and how many calls it makes."""

    number: int
    calls: int


@dataclass
class BareCall:
    """One call, with the ids that the earlier ones got."""

    number: int
    at: int
    answers: list[str]


@workflow.defn(name="bare-deal")
class BareProcess:
    """No store, no plan, no audit, no exactly-once: what anybody would write first."""

    @workflow.run
    async def run(self, deal: BareDeal) -> int:
        """All calls in a row."""
        answers: list[str] = []
        for at in range(deal.calls):
            call = BareCall(number=deal.number, at=at, answers=answers)
            answers.append(
                await workflow.execute_activity("vendor-call", call, result_type=str, start_to_close_timeout=_PATIENCE)
            )
        return len(answers)
