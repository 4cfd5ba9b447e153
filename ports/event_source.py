from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from models.errors import TielineError
from models.events import CrmEvent

__all__ = ["EventSource", "Found", "PositionLost", "SourceEvent", "TellsEvents"]


class PositionLost(TielineError):
    """The sender no longer knows the place we had read up to: it is too old, or the account was moved."""


@dataclass(frozen=True)
class SourceEvent:
    """One event, and the bytes that told it, kept as evidence."""

    event: CrmEvent
    raw: bytes = field(repr=False)


@dataclass(frozen=True)
class Found:
    """What a look at a source brought, and the place to go on from once all of it is stored."""

    events: tuple[SourceEvent, ...]
    position: str
    is_incomplete: bool = False
    """The source says that more happened than it tells; a sweep must look."""


class EventSource(Protocol):
    """Changes that we fetch, where others send them to us. Every event is a doorbell and may come again."""

    @property
    def name(self) -> str:
        """Under which its place is kept; unique in the firm."""
        ...

    @property
    def pause_s(self) -> float:
        """How long to wait before the next look once one has ended by itself."""
        ...

    @property
    def heals(self) -> bool:
        """Whether it finds what another source of the same account missed."""
        ...

    def look(self, position: str) -> AsyncIterator[Found]:
        """What came after that place, for as long as the source tells; an empty place means: from now on.

        Raises PositionLost, Retryable (try again later) or Fatal (a person must look).
        """
        ...


@runtime_checkable
class TellsEvents(Protocol):
    """A connection whose changes we fetch ourselves."""

    def event_sources(self) -> tuple[EventSource, ...]:
        """All of its sources; those that the connection's settings leave off are missing."""
        ...
