from __future__ import annotations

from models.errors import NotSent
from models.ids import ConnectionId

__all__ = ["SIGN_IN_REFUSED", "ConnectionPaused"]

SIGN_IN_REFUSED = "TL-INT-002"
"""An outside system refuses our sign-in, also a new one."""


class ConnectionPaused(NotSent):
    """An account refuses our sign-in. Nothing is sent to it until it takes one again; then all work goes on by itself.

    One stop on the desk tells of it, however many deals wait.
    """

    code = SIGN_IN_REFUSED

    def __init__(self, connection: ConnectionId, reason: str) -> None:
        super().__init__(
            f"{connection} is paused: {reason} Work for it goes on by itself when it takes our sign-in again.",
            record=connection,
            field="sign-in",
        )
        self.connection = connection
        self.reason = reason
