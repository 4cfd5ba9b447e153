from __future__ import annotations

from store.decisions import DecisionBook
from store.status import StatusList
from store.waiting import WaitingList

__all__ = ["SqlDesk"]


class SqlDesk(StatusList, WaitingList, DecisionBook):
    """The desk in SQL: where each contract stands, what waits for people, and what they said."""
