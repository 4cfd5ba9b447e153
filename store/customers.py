from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from models.customer_sync import AgreedState, KnownPerson
from models.ids import ConnectionId, FirmId
from models.records import RecordKind, RecordRef
from store.database import Database
from store.tables import AgreedRow, BindingRow, table_of

__all__ = ["SqlSyncMemory"]

_AGREED = table_of(AgreedRow)
_BINDING = table_of(BindingRow)
_STEP = "contact:"
_AT_ONCE = 500


class SqlSyncMemory:
    """What accounts and customers agreed on, in SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_agreed(self, firm: FirmId, connection: ConnectionId, account_id: str) -> AgreedState:
        """What both last agreed on; nothing before the first time."""
        query = select(_AGREED.c.document).where(
            _AGREED.c.firm == firm, _AGREED.c.connection == connection, _AGREED.c.account == account_id
        )
        async with self._database.read() as reading:
            document = (await reading.execute(query)).scalar_one_or_none()
        return AgreedState.model_validate_json(document) if document else AgreedState()

    async def save_agreed(self, firm: FirmId, connection: ConnectionId, account_id: str, agreed: AgreedState) -> None:
        """Keep it, unless a newer one is kept already."""
        values = {
            "revision": agreed.revision,
            "document": agreed.model_dump_json(),
            "updated_at": self._database.clock(),
        }
        async with self._database.write() as writing:
            await writing.execute(
                self._database.insert(_AGREED)
                .values(firm=firm, connection=connection, account=account_id, **values)
                .on_conflict_do_update(
                    index_elements=["firm", "connection", "account"],
                    set_=values,
                    where=_AGREED.c.revision < agreed.revision,
                )
            )

    async def list_accounts_of(
        self, firm: FirmId, connection: ConnectionId, customers: Sequence[str]
    ) -> tuple[str, ...]:
        """Accounts that were last compared with one of these customers. The text finds them, the document decides."""
        found: set[str] = set()
        for start in range(0, len(customers), _AT_ONCE):
            part = set(customers[start : start + _AT_ONCE])
            query = select(_AGREED.c.account, _AGREED.c.document).where(
                _AGREED.c.firm == firm,
                _AGREED.c.connection == connection,
                or_(*(_AGREED.c.document.contains(f'"{one}"', autoescape=True) for one in sorted(part))),
            )
            async with self._database.read() as reading:
                rows = (await reading.execute(query)).all()
            found |= {row.account for row in rows if AgreedState.model_validate_json(row.document).customer_id in part}
        return tuple(sorted(found))

    async def list_known_people(self, erp: ConnectionId, codes: Sequence[str]) -> tuple[KnownPerson, ...]:
        """The contacts we made or took for these people of the CRM; of several engagements the newest counts."""
        found: dict[str, KnownPerson] = {}
        for start in range(0, len(codes), _AT_ONCE):
            steps = [f"{_STEP}{code}" for code in codes[start : start + _AT_ONCE]]
            query = (
                select(_BINDING.c.step, _BINDING.c.record_id, _BINDING.c.number)
                .where(
                    _BINDING.c.connection == erp,
                    _BINDING.c.kind == RecordKind.CONTACT.value,
                    _BINDING.c.step.in_(steps),
                )
                .order_by(_BINDING.c.id)
            )
            async with self._database.read() as reading:
                rows = (await reading.execute(query)).all()
            for row in rows:
                ref = RecordRef(connection=erp, kind=RecordKind.CONTACT, record_id=row.record_id, number=row.number)
                code = row.step.removeprefix(_STEP)
                found[code] = KnownPerson(code=code, ref=ref)
        return tuple(found.values())

    async def is_bound_id(self, erp: ConnectionId, customer_id: str) -> bool:
        """Whether some engagement of ours stands on this customer."""
        query = (
            select(_BINDING.c.id)
            .where(
                _BINDING.c.connection == erp,
                _BINDING.c.kind == RecordKind.CUSTOMER.value,
                _BINDING.c.record_id == customer_id,
            )
            .limit(1)
        )
        async with self._database.read() as reading:
            return (await reading.execute(query)).first() is not None
