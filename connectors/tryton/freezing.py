"""Freeze, release and cancellation: no time on the projects, no invoices from them. DOM-2.3."""

from __future__ import annotations

from datetime import date

from connectors.tryton import notes
from connectors.tryton.client import TrytonClient
from connectors.tryton.mapping import Values, internal_id
from connectors.tryton.notes import before_freeze, frozen, note, read_note
from connectors.tryton.schemas import SaleRow, TimeRow, WorkRow, wire_date
from models.errors import NeedsRepair
from models.records import RecordRef, WorkDone
from models.roles import Role

__all__ = ["Freezing"]

_NEVER = date(9999, 12, 31)
"""First day on which time may be booked to a frozen project."""
_MOST_TIMES, _MOST_INVOICES = 100_000, 1000
_FIELDS = ("number", "type", "comment", "project_invoice_method", "timesheet_available", "timesheet_start_date")


class Freezing:
    """Sets fields of records that exist; every step may be repeated. The contract itself invoices nothing."""

    def __init__(self, client: TrytonClient) -> None:
        self._client = client

    async def freeze(self, project: RecordRef, reason: str) -> None:
        """Close the project with all its parts, the project itself last: then the freeze is complete."""
        for work in reversed(await self._works(project)):
            if notes.FROZEN in read_note(work.comment):
                continue
            start = work.timesheet_start_date.isoformat() if work.timesheet_start_date else ""
            before = f"{work.project_invoice_method or 'manual'} {start}".strip()
            values: Values = {"comment": frozen(work.comment, reason, before)}
            if work.type == "project":
                values["project_invoice_method"] = "manual"
            if work.timesheet_available:
                values["timesheet_start_date"] = wire_date(_NEVER)
            await self._write(work, values)

    async def release(self, project: RecordRef) -> None:
        """Give every part back what it was before the freeze."""
        for work in reversed(await self._works(project)):
            if notes.FROZEN not in read_note(work.comment):
                continue
            before, text = before_freeze(work.comment)
            method, _, start = before.partition(" ")
            values: Values = {"comment": text}
            if work.type == "project":
                values["project_invoice_method"] = method or "manual"
            if work.timesheet_available:
                values["timesheet_start_date"] = wire_date(_day(start, work)) if start else None
            await self._write(work, values)

    async def cancel(self, project: RecordRef, reason: str) -> None:
        """A freeze that is meant to stay. A sale that is processed cannot be cancelled; it bills nothing itself."""
        await self.freeze(project, reason)
        for work in reversed(await self._works(project)):
            if notes.CANCELLED not in read_note(work.comment):
                await self._write(work, {"comment": f"{note([(notes.CANCELLED, reason)])}\n{work.comment}"})

    async def is_cancelled(self, project: RecordRef) -> bool:
        """Whether every part of a cancellation is in place."""
        works = await self._works(project)
        is_marked = all(notes.CANCELLED in read_note(work.comment) for work in works)
        return is_marked and await self.is_frozen(project)

    async def work_done(self, project: RecordRef, contract: RecordRef) -> WorkDone:
        """Invoices of the contract and of its projects, and time booked to them."""
        name, root = f"project {project.number or project.record_id}", internal_id(project)
        works = await self._client.search(
            "project.work", WorkRow, [["parent", "child_of", [root], "parent"]],
            fields=("type", "invoiced_amount"), record=name, most=5000,
        )  # fmt: skip
        sales = await self._client.search(
            "sale.sale", SaleRow, [["id", "=", internal_id(contract)]], fields=("invoices.number",), record=name
        )
        times = await self._client.search(
            "timesheet.line", TimeRow, [["work.origin.id", "in", [root, *(work.id for work in works)], "project.work"]],
            fields=("date",), record=name, most=_MOST_TIMES,
        )  # fmt: skip
        invoices = [one.number or str(one.id) for sale in sales for one in sale.invoices]
        invoices += [f"of {work.type} {work.id}" for work in works if work.invoiced_amount]
        return WorkDone(invoices=tuple(invoices[:_MOST_INVOICES]), time_entries=len(times))

    async def is_frozen(self, project: RecordRef) -> bool:
        """Whether every part of a freeze is in place."""
        return all(
            notes.FROZEN in read_note(work.comment)
            and work.project_invoice_method in {"manual", ""}
            and (not work.timesheet_available or work.timesheet_start_date == _NEVER)
            for work in await self._works(project)
        )

    async def is_open(self, project: RecordRef) -> bool:
        """Whether nothing of a freeze is left."""
        return not any(notes.FROZEN in read_note(work.comment) for work in await self._works(project))

    async def _works(self, project: RecordRef) -> list[WorkRow]:
        """The project and all parts below it that take time or invoice; milestones follow their project."""
        root = internal_id(project)
        name = f"project {project.number or project.record_id}"
        found = await self._client.search(
            "project.work", WorkRow, [["parent", "child_of", [root], "parent"]], fields=_FIELDS, record=name, most=5000
        )
        if all(work.id != root for work in found):
            raise NeedsRepair(
                f"Tryton has no {name} any more, so it cannot be frozen or opened. Look who deleted it there, then "
                "press Retry.",
                record=name, owner=Role.FINANCE_OPERATIONS,
            )  # fmt: skip
        return [work for work in found if work.type == "project" or work.timesheet_available]

    async def _write(self, work: WorkRow, values: Values) -> None:
        await self._client.write("project.work", work.id, values, record=f"project {work.number or work.id}")


def _day(text: str, work: WorkRow) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as unreadable:
        name = f"project {work.number or work.id}"
        raise NeedsRepair(
            f"The comment of {name} in Tryton does not say any more from which day time could be booked before the "
            "freeze. Correct the line 'Before the freeze', then press Retry.",
            record=name, field="comment", owner=Role.PMO,
        ) from unreadable  # fmt: skip
