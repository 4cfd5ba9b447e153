from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.salesforce.accounts import Accounts
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.errors import TooManyChanges
from connectors.salesforce.event_kinds import KINDS, is_about
from connectors.salesforce.fields import Row
from connectors.salesforce.ids import to_18
from models.events import CrmEvent
from ports.crm import DealReader
from ports.event_source import Found, SourceEvent

__all__ = ["RecordSweep"]

_IDS_AT_ONCE = 200
_OLDEST = timedelta(days=29)
"""The vendor answers for thirty days; the rest is for clocks that differ."""
_OLDEST_DELETION = timedelta(days=14)
"""Deletions are told for fifteen."""
_OVERLAP = timedelta(minutes=10)
_AHEAD = timedelta(minutes=2)


class RecordSweep:
    """Asks which records of one object changed since the last look: what no event told, in days or in years.

    Sheet 10.1, 11.8.

    Its place is the instant up to which the vendor itself says that the answer is complete, never a stamp of a record.
    It looks at some minutes again each time; the event id holds the record's own stamp, so nothing is told twice.
    """

    heals = True

    def __init__(
        self,
        client: SalesforceClient,
        deals: DealReader,
        config: SalesforceConfig,
        entity: str = "Opportunity",
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._deals = deals
        self._accounts = Accounts(client, config)
        self._config = config
        self._entity = entity
        self._now = now

    @property
    def name(self) -> str:
        """The account and what is swept."""
        return f"{self._config.connection}/sweep/{self._entity}"

    @property
    def pause_s(self) -> float:
        """Between two looks."""
        return self._config.sweep_every_s

    async def look(self, position: str) -> AsyncIterator[Found]:
        """One look; the place moves only with its last part. An empty place begins now."""
        now = self._now()
        since = _instant(position) if position else now
        if since is None or now - since > _OLDEST:
            async for found in self._everything_won(position, now):
                yield found
            return
        position = position or since.isoformat()  # where it began, should the rest have to wait
        try:
            ids, covered = await self._client.updated(self._entity, since - _OVERLAP, now + _AHEAD)
            gone, covered = await self._gone(since, now, covered)
        except TooManyChanges:
            async for found in self._everything_won(position, now):
                yield found
            return
        # Nothing is said about what is still being saved; and what the vendor covers lies never in our future.
        new = min(covered, now).isoformat() if covered > since else since.isoformat()
        if gone:
            yield Found(tuple(self._event(record, at, "gone/") for record, at in gone), position)
        for start in range(0, len(ids), _IDS_AT_ONCE):
            stamps = await self._stamps(ids[start : start + _IDS_AT_ONCE])
            yield self._found(stamps, new if start + _IDS_AT_ONCE >= len(ids) else position)
        if not ids:
            yield Found((), new)

    async def _gone(
        self, since: datetime, now: datetime, covered: datetime
    ) -> tuple[list[tuple[str, datetime]], datetime]:
        """Accounts and people that were deleted, which no list of changes holds; and until when both are whole."""
        if KINDS[self._entity][0] == "deal":
            return [], covered
        start = max(since - _OVERLAP, now - _OLDEST_DELETION)
        gone, whole = await self._client.deleted(self._entity, start, now + _AHEAD)
        return [(to_18(one), at) for one, at in gone if is_about(self._entity, one)], min(covered, whole)

    async def _everything_won(self, position: str, now: datetime) -> AsyncIterator[Found]:
        """Away longer than the vendor remembers, or who knows how long: every won deal, every customer."""
        if KINDS[self._entity][0] == "deal":
            stamps = [(str(one.deal_id), one.source_version) for one in await self._deals.list_won_deals()]
        else:
            stamps = [(one.account_id, one.source_version) for one in await self._accounts.list_customers()]
        for start in range(0, len(stamps), _IDS_AT_ONCE):
            yield self._found(stamps[start : start + _IDS_AT_ONCE], position)
        yield Found((), now.isoformat())

    async def _stamps(self, ids: Sequence[str]) -> list[tuple[str, datetime]]:
        """Each record with the instant of its last change; one that is gone meanwhile is left out."""
        listed = ",".join(f"'{to_18(one)}'" for one in ids if is_about(self._entity, one))
        if not listed:
            return []
        soql = f"SELECT Id, SystemModstamp FROM {self._entity} WHERE Id IN ({listed})"  # noqa: S608 - checked ids
        rows = await self._client.query(soql, record=f"changes of {self._entity}", most=_IDS_AT_ONCE)
        read = [Row(row, deal=str(row.get("Id"))) for row in rows]
        return [(row.needed("Id", "id"), row.instant("SystemModstamp")) for row in read]

    def _found(self, stamps: Sequence[tuple[str, datetime]], position: str) -> Found:
        return Found(tuple(self._event(record, at) for record, at in stamps), position)

    def _event(self, record: str, at: datetime, how: str = "") -> SourceEvent:
        event = CrmEvent(
            connection=self._config.connection,
            event_id=f"sweep/{how}{record}/{at.isoformat()}",
            object_kind=KINDS[self._entity][0],
            record_id=record,
            occurred_at=at,
        )
        return SourceEvent(event, event.model_dump_json().encode())


def _instant(position: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(position)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
