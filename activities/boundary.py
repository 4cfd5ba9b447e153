from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from models.errors import NeedsRepair, Retryable, TielineError
from models.pausing import ConnectionPaused
from models.personal_data import without_personal_data
from models.process import Remedy, Trouble

__all__ = ["business_boundary"]

P = ParamSpec("P")
R = TypeVar("R")

_BEAT_S = 0.5
_LOGGER = logging.getLogger("tieline.activities")


def business_boundary(step: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Turn our errors into the engine's, and keep a slow step alive.

    The one place where an activity raises ApplicationError: type = class name, one `Trouble` as detail, never a stack
    or a payload. Of a bug, or of a library's error, the history learns the kind alone.
    A regular activity with a heartbeat time-out beats from a background task, so that a killed worker is noticed within
    seconds although a vendor may take half a minute to answer.
    """

    @functools.wraps(step)
    async def bounded(*args: P.args, **kwargs: P.kwargs) -> R:
        beat = asyncio.create_task(_beat()) if _must_beat() else None
        try:
            return await step(*args, **kwargs)
        except TielineError as error:
            raise _translated(error) from None  # a cause would put its stack into the history
        except Exception as broken:
            # Its text may quote what the step worked on: that stays in our log, which is redacted.
            _LOGGER.exception("step.broken", extra={"tieline_event": "step.broken"})
            raise ApplicationError(
                f"{type(broken).__name__}; the log of the worker says more.", type=type(broken).__name__
            ) from None
        finally:
            if beat is not None:
                beat.cancel()

    return bounded


def _must_beat() -> bool:
    if not activity.in_activity():
        return False
    info = activity.info()
    return not info.is_local and info.heartbeat_timeout is not None


async def _beat() -> None:
    while True:
        activity.heartbeat()
        await asyncio.sleep(_BEAT_S)


def _translated(error: TielineError) -> ApplicationError:
    remedy = Remedy.FATAL
    retry_after: float | None = None
    if isinstance(error, Retryable):
        remedy, retry_after = Remedy.RETRY, error.retry_after_s
    elif isinstance(error, NeedsRepair):
        remedy = Remedy.REPAIR
    message = without_personal_data(error.message, known=error.record)
    trouble = Trouble(
        remedy=remedy,
        code=error.code,
        message=message,
        record=error.record,
        field=error.field,
        owner=error.owner,
    )
    details: dict[str, Any] = trouble.model_dump(mode="json")
    return ApplicationError(
        message,
        details,
        type=type(error).__name__,
        # A paused connection is not asked again by each deal: its one probe tells when work goes on.
        non_retryable=remedy is not Remedy.RETRY or isinstance(error, ConnectionPaused),
        next_retry_delay=None if retry_after is None else timedelta(seconds=retry_after),
    )
