from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from models.errors import NeedsRepair
from models.ids import ConnectionId

__all__ = ["Connected"]

System_co = TypeVar("System_co", covariant=True)


class Connected(Generic[System_co]):
    """The accounts of one kind of system that are configured here, by our names of them; the first one leads."""

    def __init__(self, systems: Mapping[ConnectionId, System_co], *, purpose: str = "") -> None:
        self._systems = dict(systems)
        self._purpose = f" for {purpose}" if purpose else ""

    @property
    def main(self) -> ConnectionId:
        """The first one: what processes mean that began before there could be several."""
        return next(iter(self._systems))

    def named(self, connection: ConnectionId) -> System_co:
        """The account of that name, or the first one for an empty name. Raises NeedsRepair when there is none."""
        system = self._systems.get(connection or self.main)
        if system is None:
            raise NeedsRepair(
                f"Connection {connection} is not configured here{self._purpose}. Put it back into the settings "
                f"(known are {', '.join(sorted(self._systems))}), then repair. Nothing was written.",
                code="TL-INT-003",
                record=connection,
                field="connection",
            )
        return system

    def __iter__(self) -> Iterator[ConnectionId]:
        """Their names, the first one first."""
        return iter(self._systems)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._systems)
