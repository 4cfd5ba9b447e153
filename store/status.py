from __future__ import annotations

from typing import Any

from sqlalchemy import Row, select

from models.desk import EngagementRow
from models.ids import EngagementId, FirmId
from store import chain
from store.database import Database
from store.tables import EngagementTable, table_of

__all__ = ["StatusList"]

_ENGAGEMENT = table_of(EngagementTable)
_LONGEST_SENTENCE = 500


class StatusList:
    """Where each contract stands, one row per contract."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save_engagement(self, row: EngagementRow) -> None:
        """Show where the engagement stands. Saying the same again changes nothing."""
        query = select(_ENGAGEMENT.c.document).where(_ENGAGEMENT.c.engagement == row.engagement)
        async with chain.audited(self._database) as audit:
            before = (await audit.connection.execute(query)).one_or_none()
            known = _row(before) if before is not None else None
            shown = _merged(known, row).model_copy(update={"updated_at": audit.now})
            if known is not None and known.model_copy(update={"updated_at": audit.now}) == shown:
                return
            values = {
                "firm": shown.firm, "document": shown.model_dump_json(), "stage": shown.stage.value,
                "updated_at": audit.now,
            }  # fmt: skip
            await audit.connection.execute(
                self._database.insert(_ENGAGEMENT)
                .values(engagement=row.engagement, **values)
                .on_conflict_do_update(index_elements=["engagement"], set_=values)
            )
            audit.note(
                f"engagement.{shown.stage.value}", engagement=row.engagement, subject=row.workflow_id,
                facts={"sentence": shown.sentence[:_LONGEST_SENTENCE], "plan": shown.plan or ""},
            )  # fmt: skip

    async def find_engagement(self, engagement: EngagementId) -> EngagementRow | None:
        """One row of the status list."""
        query = select(_ENGAGEMENT.c.document).where(_ENGAGEMENT.c.engagement == engagement)
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one_or_none()
        return _row(row) if row is not None else None

    async def list_engagements(self, firm: FirmId) -> tuple[EngagementRow, ...]:
        """All rows of the firm, by contract."""
        query = select(_ENGAGEMENT.c.document).where(_ENGAGEMENT.c.firm == firm).order_by(_ENGAGEMENT.c.engagement)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(_row(row) for row in rows)


def _row(row: Row[Any]) -> EngagementRow:
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
