from __future__ import annotations

from sqlalchemy import bindparam, delete, select, update

from models.events import CrmEvent
from models.ids import ConnectionId, ContractNumber, DealId, FirmId, engagement_id
from models.records import RecordKind
from ports.inbox import DealHolder, InboxRow
from store import chain
from store.database import Database
from store.prepared import Prepared, given
from store.tables import BindingRow, DealBindingRow, InboxTable, WatermarkRow, table_of

__all__ = ["SqlDealBindings", "SqlInbox", "SqlWatermarks"]

_INBOX = table_of(InboxTable)
_DEAL = table_of(DealBindingRow)
_BINDING = table_of(BindingRow)
_WATERMARK = table_of(WatermarkRow)
_HOLDER = Prepared(
    lambda _: select(_DEAL.c.connection, _DEAL.c.deal).where(
        _DEAL.c.firm == bindparam("firm"), _DEAL.c.contract == bindparam("contract")
    )
)
_BIND = Prepared(
    lambda insert: (
        insert(_DEAL)
        .values(given(_DEAL, besides=("id",)))
        .on_conflict_do_nothing(index_elements=["firm", "contract"])
        .returning(_DEAL.c.firm)
    )
)
_SET_UP_OF = Prepared(
    lambda _: (
        select(_DEAL.c.contract)
        .join(_BINDING, _BINDING.c.engagement == _DEAL.c.firm + "/" + _DEAL.c.contract)
        .where(
            _DEAL.c.firm == bindparam("firm"),
            _DEAL.c.connection == bindparam("connection"),
            _DEAL.c.deal == bindparam("deal"),
            _DEAL.c.contract != bindparam("besides"),
            _BINDING.c.kind == RecordKind.PROJECT.value,
        )
        .order_by(_DEAL.c.id)
        .limit(1)
    )
)
_LONGEST_OUTCOME = 1_000


class SqlInbox:
    """Accepted events in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def accept(self, event: CrmEvent, raw: bytes, *, traceparent: str | None = None) -> bool:
        """Store it. False when this event id was accepted before."""
        now = self._database.clock()
        values = {
            "connection": event.connection, "event_id": event.event_id, "document": event.model_dump_json(),
            "raw": raw, "traceparent": traceparent, "waits": True, "attempts": 0, "outcome": "", "received_at": now,
        }  # fmt: skip
        async with self._database.write() as connection:
            if not await self._database.insert_new(connection, _INBOX, values, unique=("connection", "event_id")):
                return False
            await chain.append(
                connection, at=now, kind="event.accepted", engagement="", subject=event.event_id,
                facts={"connection": event.connection, "record": event.record_id},
            )  # fmt: skip
        return True

    async def list_waiting(self, limit: int, *, besides: frozenset[ConnectionId] = frozenset()) -> tuple[InboxRow, ...]:
        """Events not yet handed on, oldest first, those of some connections left out."""
        query = select(_INBOX).where(_INBOX.c.waits).order_by(_INBOX.c.row).limit(limit)
        if besides:
            query = query.where(_INBOX.c.connection.not_in(sorted(besides)))
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            InboxRow(
                row=row.row, event=CrmEvent.model_validate_json(row.document), received_at=row.received_at,
                attempts=row.attempts, traceparent=row.traceparent,
            )
            for row in rows
        )  # fmt: skip

    async def mark_handed_on(self, rows: tuple[int, ...], *, outcome: str) -> None:
        """The process has it (or it was refused for the reason given)."""
        now = self._database.clock()
        async with self._database.write() as connection:
            await connection.execute(
                update(_INBOX)
                .where(_INBOX.c.row.in_(rows))
                .values(waits=False, outcome=outcome[:_LONGEST_OUTCOME], handed_on_at=now)
            )

    async def mark_attempt(self, rows: tuple[int, ...], *, reason: str) -> None:
        """It could not be handed on now; it stays."""
        async with self._database.write() as connection:
            await connection.execute(
                update(_INBOX)
                .where(_INBOX.c.row.in_(rows))
                .values(attempts=_INBOX.c.attempts + 1, outcome=reason[:_LONGEST_OUTCOME])
            )


class SqlDealBindings:
    """Which deal sold which contract, in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def bind_deal(
        self, firm: FirmId, connection: ConnectionId, contract: ContractNumber, deal: DealId
    ) -> DealHolder:
        """Bind the contract to this deal unless it is bound already; returns the deal that holds it."""
        if (held := await self.find_deal_of_contract(firm, contract)) is not None:
            return held
        now = self._database.clock()
        async with self._database.write() as writing:
            values = {"firm": firm, "connection": connection, "contract": contract, "deal": deal, "bound_at": now}
            if not await _BIND.run(writing, **values):
                (first,) = await _HOLDER.run(writing, firm=firm, contract=contract)
                return DealHolder(connection=first.connection, deal=first.deal)
            await chain.append(
                writing, at=now, kind="deal.bound", engagement=engagement_id(firm, contract), subject=deal,
                facts={"connection": connection, "contract": contract},
            )  # fmt: skip
        return DealHolder(connection=connection, deal=deal)

    async def release_deal(self, firm: FirmId, contract: ContractNumber, holder: DealHolder) -> bool:
        """Free the number of a contract that this deal no longer sells. False: it did not hold it."""
        if await self.find_deal_of_contract(firm, contract) != holder:
            return False
        now = self._database.clock()
        statement = (
            delete(_DEAL)
            .where(
                _DEAL.c.firm == firm,
                _DEAL.c.contract == contract,
                _DEAL.c.connection == holder.connection,
                _DEAL.c.deal == holder.deal,
            )
            .returning(_DEAL.c.id)
        )
        async with self._database.write() as writing:
            if (await writing.execute(statement)).first() is None:
                return False
            await chain.append(
                writing, at=now, kind="deal.released", engagement=engagement_id(firm, contract), subject=holder.deal,
                facts={"connection": holder.connection, "contract": contract},
            )  # fmt: skip
        return True

    async def find_deal_of_project(self, firm: FirmId, erp: ConnectionId, project_id: str) -> DealHolder | None:
        """The deal for which we made that project in that ERP."""
        query = (
            select(_DEAL.c.connection, _DEAL.c.deal)
            .join(_BINDING, _BINDING.c.engagement == _DEAL.c.firm + "/" + _DEAL.c.contract)
            .where(
                _DEAL.c.firm == firm,
                _BINDING.c.connection == erp,
                _BINDING.c.kind == RecordKind.PROJECT.value,
                _BINDING.c.record_id == project_id,
            )
            .order_by(_BINDING.c.id, _DEAL.c.id)
            .limit(1)
        )
        async with self._database.read() as looking:
            found = (await looking.execute(query)).one_or_none()
        return None if found is None else DealHolder(connection=found.connection, deal=found.deal)

    async def find_deal_of_contract(self, firm: FirmId, contract: ContractNumber) -> DealHolder | None:
        """The deal that holds the contract, in whichever CRM account; None before its first plan."""
        found = await _HOLDER.look(self._database, firm=firm, contract=contract)
        return DealHolder(connection=found[0].connection, deal=found[0].deal) if found else None

    async def find_contract_set_up(
        self, firm: FirmId, connection: ConnectionId, deal: DealId, *, besides: ContractNumber
    ) -> ContractNumber | None:
        """Another contract of the same deal that has a project already: perhaps the same one, renumbered."""
        found = await _SET_UP_OF.look(self._database, firm=firm, connection=connection, deal=deal, besides=besides)
        return ContractNumber(found[0].contract) if found else None


class SqlWatermarks:
    """How far a sweep has come, in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, name: str) -> str | None:
        """The stored position, or None before the first sweep."""
        async with self._database.read() as connection:
            query = select(_WATERMARK.c.value).where(_WATERMARK.c.name == name)
            return (await connection.execute(query)).scalar_one_or_none()

    async def set(self, name: str, value: str) -> None:
        """Keep the position."""
        values = {"value": value, "updated_at": self._database.clock()}
        async with self._database.write() as connection:
            await connection.execute(
                self._database.insert(_WATERMARK)
                .values(name=name, **values)
                .on_conflict_do_update(index_elements=["name"], set_=values)
            )
