from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

import httpx
from pydantic import BaseModel, SecretStr

from models.events import CrmEvent
from models.ids import ConnectionId

__all__ = ["ConnectorSpec", "EventReader"]

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
class ConnectorSpec(Generic[Config]):
    """What the registry needs to know of a connector."""

    name: str
    capabilities: frozenset[str]
    config: type[Config]
    build: Callable[[ConnectionId, Config, httpx.AsyncClient], Any]
    events: EventReader | None = None
