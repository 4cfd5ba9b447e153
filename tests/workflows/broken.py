"""Workflows as nobody should write them."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

__all__ = ["HasABug", "ReadsTheClock"]


@workflow.defn(name="reads-the-clock")
class ReadsTheClock:
    @workflow.run
    async def run(self) -> str:
        return datetime.now().isoformat()  # noqa: DTZ005 - this is the fault


@workflow.defn(name="has-a-bug")
class HasABug:
    def __init__(self) -> None:
        self._mended = False

    @workflow.run
    async def run(self) -> str:
        await workflow.wait_condition(lambda: self._mended)
        raise KeyError("never thought of")

    @workflow.signal(name="go")
    async def go(self) -> None:
        self._mended = True
