from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from models.blocker import Blocker, Fix, blocker_id
from models.desk import EngagementRow, Stage
from models.errors import Fatal, TielineError
from models.ids import ConnectionId, EngagementId, FirmId
from models.money import Money
from models.pausing import SIGN_IN_REFUSED, ConnectionPaused
from models.roles import Role
from ports.desk import Desk
from runtime.back_off import BackOff
from runtime.gate import Gate, Gates
from runtime.log_events import log_event

__all__ = ["CredentialWatch", "Nudge", "Probe"]

Probe = Callable[[], Awaitable[object]]
"""One cheap read that needs the sign-in."""
Nudge = Callable[[EngagementRow], Awaitable[None]]
"""Tells the process of an engagement to look again."""

_FIRST_PROBE_S = 5.0
_FIRST_LOOK_S = 5.0
_LONGEST_PAUSE_S = 120.0
_DUE_HOURS = 2
_AT_ONCE = 20


class CredentialWatch:
    """One stop per account that refuses our sign-in, a probe of it from time to time, and the way back to work.

    A stop that an earlier process left on the desk is taken up: nobody else would take it away.
    """

    def __init__(
        self,
        gates: Gates,
        probes: Mapping[ConnectionId, Probe],
        desk: Desk,
        nudge: Nudge,
        *,
        firm: FirmId,
        due_at: Callable[[Blocker], datetime],
        first_probe_s: float = _FIRST_PROBE_S,
    ) -> None:
        self._gates = gates
        self._probes = probes
        self._desk = desk
        self._nudge = nudge
        self._firm = firm
        self._due_at = due_at
        self._pauses = {name: BackOff(first_s=first_probe_s, longest_s=_LONGEST_PAUSE_S) for name in probes}
        self._again_at: dict[ConnectionId, float] = {}
        self._shown: dict[ConnectionId, str] = {}
        self._news = asyncio.Event()
        self._stopping = False
        gates.on_closed = self._news.set

    def stop(self) -> None:
        """Finish what is in hand, then end `run`."""
        self._stopping = True
        self._news.set()

    async def run(self) -> None:
        """Until `stop`."""
        pause: float | None = 0.0
        taken_up = False
        while not self._stopping:
            await self._rest(pause)
            self._news.clear()
            if self._stopping:
                return
            try:
                if not taken_up:
                    await self.take_up()
                    await self.first_look()
                    taken_up = True
                pause = await self.turn()
            except Exception as broken:  # noqa: BLE001 - the loop's edge: a store that is away must not end the watch
                log_event("credentials.watch_failed", level=logging.WARNING, exc=broken)
                pause = _FIRST_PROBE_S

    async def turn(self) -> float | None:
        """Show each closed gate and probe it when its time has come. Seconds to the next probe; None: none waits."""
        for gate in self._gates.closed():
            await self._show(gate)
            if self._clock() >= self._again_at.setdefault(gate.connection, self._clock() + self._pause_of(gate)):
                await self._probe(gate)
        waits = [self._again_at[gate.connection] - self._clock() for gate in self._gates.closed()]
        return max(min(waits), 0.0) if waits else None

    async def check(self, connection: ConnectionId) -> str:
        """For the health page: why the work of that connection waits; empty when it does not."""
        gate = self._gates.of(connection)
        return f"Paused since {gate.since:%d %b %H:%M} UTC: {gate.reason}" if gate.since is not None else ""

    async def take_up(self) -> None:
        """Close the gates of which an earlier process left a stop on the desk; the probe comes first then."""
        open_items = {item.engagement for item in await self._desk.list_open(self._firm)}
        for name in self._probes:
            if self._place_of(name) in open_items:
                self._gates.of(name).close("It refused our sign-in before this process began.")
                self._again_at[name] = self._clock()

    async def first_look(self) -> None:
        """Ask every account once before a deal needs it. A refusal closes its gate; all else is only told."""
        closed = {gate.connection for gate in self._gates.closed()}
        await asyncio.gather(*(self._look(name) for name in self._probes if name not in closed))

    async def _look(self, name: ConnectionId) -> None:
        try:
            async with asyncio.timeout(_FIRST_LOOK_S):
                await self._probes[name]()
        except (TielineError, OSError) as failed:
            log_event("connection.not_seen", level=logging.WARNING, exc=failed, connection=name)
        else:
            log_event("connection.seen", connection=name)

    async def _probe(self, gate: Gate) -> None:
        try:
            with gate.probing():
                await self._probes[gate.connection]()
        except ConnectionPaused as still:
            gate.close(still.reason)
        except (TielineError, OSError) as failed:
            # Whatever else goes wrong on the way says nothing about the sign-in.
            log_event("credentials.probe_failed", level=logging.WARNING, exc=failed, connection=gate.connection)
        else:
            await self._resume(gate)
            return
        self._again_at[gate.connection] = self._clock() + self._pause_of(gate)

    async def _resume(self, gate: Gate) -> None:
        gate.open()
        self._pauses[gate.connection].worked()
        self._again_at.pop(gate.connection, None)
        self._shown.pop(gate.connection, None)
        await self._desk.clear(self._place_of(gate.connection), reason=f"{gate.connection} takes our sign-in again.")
        waiting = await self._waiting(gate.connection)
        log_event("connection.resumed", connection=gate.connection, deals=len(waiting))
        turn = asyncio.Semaphore(_AT_ONCE)

        async def one(row: EngagementRow) -> None:
            async with turn:
                await self._nudge(row)

        failed = [
            error for error in await asyncio.gather(*map(one, waiting), return_exceptions=True) if error is not None
        ]
        if failed:
            # Each of them looks again by itself a few minutes later.
            log_event("connection.resumed_in_part", level=logging.WARNING, deals=len(failed))

    async def _show(self, gate: Gate) -> None:
        waiting = await self._waiting(gate.connection)
        deals = "1 deal waits" if len(waiting) == 1 else f"{len(waiting)} deals wait"
        since = f"{gate.since:%d %b %H:%M}" if gate.since is not None else ""
        message = f"{gate.connection} is paused since {since} UTC; {deals} for it. {gate.reason}"
        if self._shown.get(gate.connection) == message:
            return
        place = self._place_of(gate.connection)
        blocker = Blocker(
            blocker=blocker_id(place, SIGN_IN_REFUSED, gate.connection),
            engagement=place,
            code=SIGN_IN_REFUSED,
            record=gate.connection,
            field="sign-in",
            message=message,
            owner=Role.INTEGRATION,
            fix=Fix.WAIT,
            stake=_stake_of(waiting),
            due_hours=_DUE_HOURS,
        )
        await self._desk.raise_blockers((blocker,), "", (self._due_at(blocker),))
        if gate.connection not in self._shown:
            log_event("connection.paused", level=logging.ERROR, connection=gate.connection)
        self._shown[gate.connection] = message

    async def _waiting(self, connection: ConnectionId) -> list[EngagementRow]:
        rows = await self._desk.list_engagements(self._firm)
        return [row for row in rows if row.waits_for == connection and row.stage is not Stage.ACTIVE]

    def _place_of(self, connection: ConnectionId) -> EngagementId:
        return EngagementId(f"{self._firm}/connection:{connection}")

    def _pause_of(self, gate: Gate) -> float:
        if gate.connection not in self._pauses:
            raise Fatal(f"There is no probe for {gate.connection}.", record=gate.connection)
        return self._pauses[gate.connection].failed()

    @staticmethod
    def _clock() -> float:
        return asyncio.get_running_loop().time()

    async def _rest(self, seconds: float | None) -> None:
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return


def _stake_of(rows: list[EngagementRow]) -> Money | None:
    """What is held up, where it is all in one currency; amounts of several are never added."""
    values = [row.value for row in rows if row.value is not None]
    currencies = {value.currency for value in values}
    return Money.total(values, currencies.pop()) if len(currencies) == 1 else None
