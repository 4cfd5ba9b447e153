from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from models.events import ContractOfDeal, CrmEvent
from models.ids import DealId
from ports.crm import DealReader
from ports.event_source import Found, PositionLost, SourceEvent

__all__ = ["DealSweep"]

_IDS_AT_ONCE = 200
_OLDEST = timedelta(days=29)
"""The vendor answers for thirty days; the rest is for clocks that differ."""
_OVERLAP = timedelta(minutes=10)
_AHEAD = timedelta(minutes=2)


class DealSweep:
    """Asks which deals changed since the last look: what no event told, in days or in years. Sheet 10.1, 11.8.

    Its place is the instant up to which the vendor itself says that the answer is complete, never a stamp of a record.
    It looks at some minutes again each time; the event id holds the record's own stamp, so nothing is told twice.
    """

    heals = True

    def __init__(
        self,
        client: SalesforceClient,
        deals: DealReader,
        config: SalesforceConfig,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._deals = deals
        self._config = config
        self._now = now

    @property
    def name(self) -> str:
        """The account and what is swept."""
        return f"{self._config.connection}/sweep/deals"

    @property
    def pause_s(self) -> float:
        """Between two looks."""
        return self._config.sweep_every_s

    async def look(self, position: str) -> AsyncIterator[Found]:
        """One look; the place moves only with its last part. An empty place begins now."""
        now = self._now()
        since = self._instant(position) if position else now
        if now - since > _OLDEST:
            async for found in self._everything_won(position, now):
                yield found
            return
        ids, covered = await self._client.updated("Opportunity", since - _OVERLAP, now + _AHEAD)
        # Nothing is said about what is still being saved; and what the vendor covers lies never in our future.
        new = min(covered, now).isoformat() if covered > since else since.isoformat()
        for start in range(0, len(ids), _IDS_AT_ONCE):
            part = [DealId(one) for one in ids[start : start + _IDS_AT_ONCE]]
            is_last = start + _IDS_AT_ONCE >= len(ids)
            yield self._found(await self._deals.find_contracts(part), new if is_last else position)
        if not ids:
            yield Found((), new)

    async def _everything_won(self, position: str, now: datetime) -> AsyncIterator[Found]:
        """Longer away than the vendor remembers: every deal that is won now."""
        won = await self._deals.list_won_deals()
        for start in range(0, len(won), _IDS_AT_ONCE):
            yield self._found(won[start : start + _IDS_AT_ONCE], position)
        yield Found((), now.isoformat())

    def _found(self, contracts: Sequence[ContractOfDeal], position: str) -> Found:
        return Found(tuple(self._event(one) for one in contracts), position)

    def _event(self, contract: ContractOfDeal) -> SourceEvent:
        event = CrmEvent(
            connection=self._config.connection,
            event_id=f"sweep/{contract.deal_id}/{contract.source_version.isoformat()}",
            object_kind="deal",
            record_id=contract.deal_id,
            occurred_at=contract.source_version,
        )
        return SourceEvent(event, event.model_dump_json().encode())

    def _instant(self, position: str) -> datetime:
        try:
            found = datetime.fromisoformat(position)
        except ValueError as wrong:
            raise PositionLost(f"The kept place of {self.name} cannot be read.", record=self.name) from wrong
        return found if found.tzinfo else found.replace(tzinfo=UTC)
