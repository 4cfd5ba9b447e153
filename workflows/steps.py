from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError, FailureError, is_cancelled_exception

from models.base import Canonical
from models.process import Remedy, Trouble
from workflows.policies import FAST_PATH, Patience

__all__ = ["StepStopped", "run_long_step", "run_step"]

Call = TypeVar("Call", bound=Canonical)
Result = TypeVar("Result")


class StepStopped(Exception):
    """A step that needs a person, or that failed for long. Always caught by the process, which then parks."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble


async def run_step(
    step: Callable[[Any, Call], Awaitable[Result]], call: Call, *, summary: str, patience: Patience
) -> Result:
    """One step: at once inside the workflow task, else as an activity with retries. Raises StepStopped."""
    try:
        return await workflow.execute_local_activity_method(step, call, summary=summary, **FAST_PATH)
    except FailureError as failed:  # a local activity's own error arrives bare, without an ActivityError around it
        if is_cancelled_exception(failed):
            raise
        trouble = _trouble_of(failed, summary)
        if trouble.remedy is not Remedy.RETRY:
            raise StepStopped(trouble) from failed
    return await run_long_step(step, call, summary=summary, patience=patience)


async def run_long_step(
    step: Callable[[Any, Call], Awaitable[Result]], call: Call, *, summary: str, patience: Patience
) -> Result:
    """A step that works through many records: never inside the workflow task. Raises StepStopped."""
    try:
        return await workflow.execute_activity_method(step, call, summary=summary, **patience)
    except FailureError as failed:
        if is_cancelled_exception(failed):
            raise
        raise StepStopped(_trouble_of(failed, summary)) from failed


def _trouble_of(failed: FailureError, summary: str) -> Trouble:
    """What stopped the step, in our words; a time-out or a bug in an activity has no words of its own."""
    cause = failed.cause if isinstance(failed, ActivityError) else failed
    if isinstance(cause, ApplicationError):
        if cause.details and isinstance(cause.details[0], dict):
            return Trouble.model_validate(cause.details[0])
        return Trouble(
            remedy=Remedy.RETRY,
            code="TL-INT-030",
            message=f"Tieline itself failed at: {summary} ({cause.type}). The integration team must look; "
            "nothing is repeated without evidence.",
        )
    return Trouble(
        remedy=Remedy.RETRY,
        code="TL-INT-001",
        message=f"No answer in time at: {summary}. We are checking; nothing is repeated until we know.",
    )
