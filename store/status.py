from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, select

from models.desk import EngagementRow
from models.ids import EngagementId, FirmId
from store import chain
from store.database import Database
from store.prepared import Prepared, given
from store.tables import EngagementTable, table_of

__all__ = ["StatusList"]

_ENGAGEMENT = table_of(EngagementTable)
_LONGEST_SENTENCE = 500
_SHOWN = Prepared(lambda _: select(_ENGAGEMENT.c.document).where(_ENGAGEMENT.c.engagement == bindparam("of")))


def _saving(insert: Any) -> Any:
    new = insert(_ENGAGEMENT).values(given(_ENGAGEMENT))
    changed = {column.name: new.excluded[column.name] for column in _ENGAGEMENT.c if column.name != "engagement"}
    return new.on_conflict_do_update(index_elements=["engagement"], set_=changed)


_SAVE = Prepared(_saving)


class StatusList:
    """Where each contract stands, one row per contract."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_engagement(self, row: EngagementRow) -> None:
        """Show where the engagement stands. Saying the same again changes nothing."""
        async with chain.audited(self._database) as audit:
            before = next(iter(await _SHOWN.run(audit.connection, of=row.engagement)), None)
            known = _row(before) if before is not None else None
            shown = _merged(known, row).model_copy(update={"updated_at": audit.now})
            if known is not None and known.model_copy(update={"updated_at": audit.now}) == shown:
                return
            values = {
                "firm": shown.firm, "document": shown.model_dump_json(), "stage": shown.stage.value,
                "updated_at": audit.now,
            }  # fmt: skip
            await _SAVE.run(audit.connection, engagement=row.engagement, **values)
            audit.note(
                f"engagement.{shown.stage.value}", engagement=row.engagement, subject=row.workflow_id,
                facts={"sentence": shown.sentence[:_LONGEST_SENTENCE], "plan": shown.plan or ""},
            )  # fmt: skip

    async def find_engagement(self, engagement: EngagementId) -> EngagementRow | None:
        """One row of the status list."""
        found = await _SHOWN.look(self._database, of=engagement)
        return _row(found[0]) if found else None

    async def list_engagements(self, firm: FirmId) -> tuple[EngagementRow, ...]:
        """All rows of the firm, by contract."""
        query = select(_ENGAGEMENT.c.document).where(_ENGAGEMENT.c.firm == firm).order_by(_ENGAGEMENT.c.engagement)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_row(row) for row in rows)


def _row(row: Any) -> EngagementRow:
    return EngagementRow.model_validate_json(row.document)


def _merged(known: EngagementRow | None, new: EngagementRow) -> EngagementRow:
    """What a later stage does not say stays known: the terms that were applied, the customer, the value."""
    if known is None:
        return new
    return new.model_copy(
        update={
            "terms_digest": new.terms_digest or known.terms_digest,
            "customer_name": new.customer_name or known.customer_name,
            "legal_entity": new.legal_entity or known.legal_entity,
            "value": known.value if new.value is None else new.value,
        }
    )
