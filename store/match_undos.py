from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select, update

from models.ids import ConnectionId, FirmId, PersonId
from models.match_undo import MatchUndo, UndoState
from store import chain
from store.database import Database
from store.tables import MatchUndoRow, table_of

__all__ = ["SqlMatchUndos"]

_UNDO = table_of(MatchUndoRow)
_LONGEST = 1000


class SqlMatchUndos:
    """Wishes to undo a match in SQL. What is told apart stays here for ever."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, undo: MatchUndo) -> MatchUndo:
        """Keep the wish, unless one is open for this account already."""
        async with chain.audited(self._database) as audit:
            open_one = (await audit.connection.execute(self._open(undo.firm, undo.crm, undo.account_id))).scalar()
            if open_one is not None:
                return MatchUndo.model_validate_json(open_one)
            await audit.connection.execute(
                self._database.insert(_UNDO).values(
                    undo=undo.undo, firm=undo.firm, connection=undo.crm, account=undo.account_id,
                    erp=undo.customer.connection, customer=undo.customer.record_id, number=undo.customer.number,
                    state=undo.state.value, document=undo.model_dump_json(), asked_at=undo.asked_at,
                )
            )  # fmt: skip
            _note(audit, "match.undo-asked", undo)
        return undo

    async def find_open(self, firm: FirmId, crm: ConnectionId, account_id: str) -> MatchUndo | None:
        """The wish that waits for a decision."""
        async with self._database.read() as reading:
            document = (await reading.execute(self._open(firm, crm, account_id))).scalar()
        return MatchUndo.model_validate_json(document) if document else None

    async def list_about(self, firm: FirmId, about: str) -> tuple[MatchUndo, ...]:
        """Every wish about this account or customer, oldest first."""
        names = or_(_UNDO.c.account == about, _UNDO.c.customer == about, _UNDO.c.number == about)
        return await self._listed(_UNDO.c.firm == firm, names)

    async def list_told_apart(self, firm: FirmId, crm: ConnectionId, account_id: str) -> tuple[MatchUndo, ...]:
        """Customers that this account is not."""
        return await self._listed(
            _UNDO.c.firm == firm,
            _UNDO.c.connection == crm,
            _UNDO.c.account == account_id,
            _UNDO.c.state == UndoState.UNDONE.value,
        )

    async def settle(
        self, undo: MatchUndo, state: UndoState, *, decided_by: tuple[PersonId, ...], outcome: str
    ) -> MatchUndo:
        """Close the wish; whoever comes second gets the first end."""
        async with chain.audited(self._database) as audit:
            query = select(_UNDO.c.document).where(_UNDO.c.undo == undo.undo)
            kept = MatchUndo.model_validate_json((await audit.connection.execute(query)).scalar_one())
            if kept.state is not UndoState.ASKED:
                return kept
            changes = {"state": state, "decided_by": decided_by, "outcome": outcome, "decided_at": audit.now}
            done = kept.model_copy(update=changes)
            await audit.connection.execute(
                update(_UNDO)
                .where(_UNDO.c.undo == undo.undo)
                .values(state=state.value, document=done.model_dump_json())
            )
            _note(audit, "match.undone" if state is UndoState.UNDONE else "match.undo-refused", done)
        return done

    def _open(self, firm: FirmId, crm: ConnectionId, account_id: str) -> Any:
        return select(_UNDO.c.document).where(
            _UNDO.c.firm == firm,
            _UNDO.c.connection == crm,
            _UNDO.c.account == account_id,
            _UNDO.c.state == UndoState.ASKED.value,
        )

    async def _listed(self, *conditions: Any) -> tuple[MatchUndo, ...]:
        query = select(_UNDO.c.document).where(*conditions).order_by(_UNDO.c.asked_at, _UNDO.c.undo)
        async with self._database.read() as reading:
            documents = (await reading.execute(query)).scalars().all()
        return tuple(MatchUndo.model_validate_json(document) for document in documents)


def _note(audit: chain.Chain, kind: str, undo: MatchUndo) -> None:
    audit.note(
        kind,
        engagement=f"{undo.firm}/account-{undo.account_id}",
        subject=undo.undo,
        facts={
            "account": undo.account_id,
            "customer": undo.customer.record_id,
            "connection": undo.customer.connection,
            "requested_by": undo.requested_by,
            "decided_by": ", ".join(undo.decided_by),
            "reason": undo.reason[:_LONGEST],
            "evidence": " ".join(undo.evidence)[:_LONGEST],
            "outcome": undo.outcome[:_LONGEST],
        },
    )
