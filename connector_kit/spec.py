from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import httpx
from pydantic import BaseModel, SecretStr

from models.events import CrmEvent
from models.ids import ConnectionId

__all__ = ["BatchReader", "ConnectorSpec", "Delivery", "EventReader", "ReadEvent", "SideDoor"]

Config = TypeVar("Config", bound=BaseModel)


class EventReader(Protocol):
    """Verify and parse one incoming event. Raises BadSignature or NeedsRepair; no clock, no network."""

    def __call__(
        self,
        *,
        connection: ConnectionId,
        headers: Mapping[str, str],
        body: bytes,
        secrets: tuple[SecretStr, ...],
        now: datetime,
    ) -> CrmEvent:
        """The event, if its signature over the raw bytes holds and it is recent."""
        ...


@dataclass(frozen=True)
class Delivery:
    """One request of a sender, exactly as it came: some vendors sign the address and the method too."""

    method: str
    url: str
    """What the sender called: scheme, public host, path and query."""
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class ReadEvent:
    """One event, and the part of the body that told it."""

    event: CrmEvent
    raw: bytes = field(repr=False)


class BatchReader(Protocol):
    """Verify and parse one request that carries any number of events. Raises as EventReader; no clock, no network."""

    def __call__(
        self, *, connection: ConnectionId, delivery: Delivery, secrets: tuple[SecretStr, ...], now: datetime
    ) -> tuple[ReadEvent, ...]:
        """The events that matter to us, if the signature over the raw bytes holds; none is no error."""
        ...


@dataclass(frozen=True)
class SideDoor(Generic[Config]):
    """Another form of events, at `/intake/{connection}/{door}/{key}`, and the thanks its vendor expects."""

    read: Callable[..., tuple[ReadEvent, ...]]
    """As a BatchReader, after the connection's own settings."""
    thanks: bytes
    media_type: str
    address_key: Callable[[SecretStr, ConnectionId], str]
    """The part of the address that only this account's administrator knows."""

    def reader(self, config: Config) -> BatchReader:
        """The reader for one account."""
        return partial(self.read, config)


@dataclass(frozen=True)
class ConnectorSpec(Generic[Config]):
    """What the registry needs to know of a connector."""

    name: str
    capabilities: frozenset[str]
    config: type[Config]
    build: Callable[[ConnectionId, Config, httpx.AsyncClient], Any]
    events: EventReader | None = None
    event_batches: BatchReader | None = None
    """In place of `events` where one request can carry several."""
    side_doors: Mapping[str, SideDoor[Config]] = field(default_factory=dict)
    """Other forms of events, by the word in their address."""

