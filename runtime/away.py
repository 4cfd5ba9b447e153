from __future__ import annotations

from temporalio.service import RPCError, RPCStatusCode

from models.errors import Retryable, TielineError

__all__ = ["NotNow", "means_engine_is_away", "sentence_of"]

_AWAY = frozenset(
    {
        RPCStatusCode.CANCELLED, RPCStatusCode.UNKNOWN, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.NOT_FOUND,
        RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.RESOURCE_EXHAUSTED, RPCStatusCode.INTERNAL,
        RPCStatusCode.UNAVAILABLE, RPCStatusCode.UNAUTHENTICATED,
    }
)  # fmt: skip


class NotNow(Exception):
    """A side is away; everything stays where it is and is tried again after a while."""

    def __init__(self, side: str, cause: Exception) -> None:
        super().__init__(side)
        self.side = side
        self.cause = cause


def sentence_of(error: Exception) -> str:
    """What people are told: our own sentence, else only the kind of error, since its text may hold data."""
    return error.message if isinstance(error, TielineError) else type(error).__name__


def means_engine_is_away(error: Exception) -> bool:
    """Or only this one deal cannot be started: then the others must not wait for it."""
    if isinstance(error, RPCError):
        return error.status in _AWAY
    return isinstance(error, (Retryable, OSError, TimeoutError))
