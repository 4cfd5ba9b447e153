from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from temporalio.client import Client

from models.errors import TielineError
from ports.inbox import Inbox
from runtime.dispatcher import Dispatcher

__all__ = ["ReadyCheck", "check_connection", "check_credentials", "check_dispatcher", "check_store", "check_temporal"]

ReadyCheck = Callable[[], Awaitable[str]]
"""One thing a ready Tieline needs: an empty text, or a sentence that says what is wrong and what to do."""

_OLDEST_LOOK_S = 30.0
_PROBE_AGAIN_S = 30.0


def check_store(inbox: Inbox) -> ReadyCheck:
    """The store answers."""

    async def check() -> str:
        await inbox.list_waiting(1)
        return ""

    return check


def check_temporal(client: Client, address: str) -> ReadyCheck:
    """The engine answers."""

    async def check() -> str:
        healthy = await client.service_client.check_health()
        return "" if healthy else f"Temporal at {address} says that it is not serving."

    return check


def check_dispatcher(dispatcher: Dispatcher) -> ReadyCheck:
    """Accepted events are being handed on."""

    async def check() -> str:
        if dispatcher.away:
            return " ".join(f"The {side} does not answer: {reason}" for side, reason in dispatcher.away.items())
        if dispatcher.age_s > _OLDEST_LOOK_S:
            return f"The dispatcher has not looked at the inbox for {dispatcher.age_s:.0f} s. Restart the process."
        return ""

    return check


def check_connection(pause: ReadyCheck, probe: Callable[[], Awaitable[object]]) -> ReadyCheck:
    """Whether its work waits; only where it does not, the account is asked itself."""
    asked = check_credentials(probe)

    async def check() -> str:
        return await pause() or await asked()

    return check


def check_credentials(probe: Callable[[], Awaitable[object]]) -> ReadyCheck:
    """An outside system accepts our credentials: one cheap read, at most every half minute, the answer kept between."""
    last: list[tuple[float, str]] = []

    async def check() -> str:
        if last and time.monotonic() - last[0][0] < _PROBE_AGAIN_S:
            return last[0][1]
        try:
            await probe()
        except TielineError as refused:
            told = refused.message
        else:
            told = ""
        last[:] = [(time.monotonic(), told)]
        return told

    return check
