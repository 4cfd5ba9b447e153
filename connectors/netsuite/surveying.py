"""Reading the account for planning and for the check after the writes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from connectors.netsuite import queries
from connectors.netsuite.chart import ReferenceData
from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.errors import MissingTable
from connectors.netsuite.mapping import RowText, internal_id
from connectors.netsuite.reading import Reader, to_address, to_billed_day
from connectors.netsuite.schemas import BillingScheduleRecord, CustomerRecord, RecordHead, SalesOrderRecord
from models.errors import Fatal, NeedsRepair
from models.money import Money
from models.records import BilledRow, ReadBack, RecordRef
from models.roles import Role
from models.survey import CustomerCandidate, Survey, SurveyQuestion

__all__ = ["Surveying"]

Row = Mapping[str, Any]
_SEARCH = "the customer search"
_PAGE = 1000
_MOST_PAGES = 20
_ADDRESS_TABLES = {"entityaddressbook", "entityaddress"}
_MOST_ADDRESSES_READ = 25


class Surveying:
    """Queries with their fallbacks: what an account does not show as a table is read record by record."""

    def __init__(self, client: NetSuiteClient, config: NetSuiteConfig, reader: Reader) -> None:
        self._client = client
        self._config = config
        self._reader = reader
        self._has_address_tables = True
        self._has_milestone_table = bool(config.milestone_table)

    async def read_chart(self) -> ReferenceData:
        """All reference data, as it is now."""
        rows = await self._rows(queries.CHART, "its reference data", needs=("kind", "id"))
        return ReferenceData.of(rows, self._config.prefixes.cost_centre)

    async def survey(self, question: SurveyQuestion, data: ReferenceData) -> Survey:
        """Candidates and existing records."""
        rows = await self._survey_rows(question)
        found = self._reader.survey(rows, question, data)
        if self._has_address_tables:
            return found
        return found.model_copy(update={"candidates": await self._with_addresses(found.candidates)})

    async def read_back(
        self, contract: RecordRef, project: RecordRef, schedules: tuple[RecordRef, ...], data: ReferenceData
    ) -> ReadBack:
        """What finance will bill: in one query, else record by record."""
        if self._has_milestone_table:
            ids = [internal_id(ref) for ref in schedules]
            query = queries.read_back(internal_id(contract), internal_id(project), ids, self._config)
            try:
                rows = await self._rows(
                    query, f"contract {contract.number or contract.record_id}", needs=("source", "amount")
                )
            except MissingTable as missing:
                if missing.record.lower() != self._config.milestone_table:
                    raise
                self._has_milestone_table = False
            else:
                if (found := self._reader.read_back(rows, data, contract)) is not None:
                    return found
        return await self._read_back_by_record(contract, project, schedules, data)

    async def _survey_rows(self, question: SurveyQuestion) -> list[Row]:
        if self._has_address_tables:
            query = queries.survey(question, self._config, with_addresses=True)
            try:
                return await self._rows(query, _SEARCH, needs=("kind", "id"))
            except MissingTable as missing:
                if missing.record.lower() not in _ADDRESS_TABLES:
                    raise
                self._has_address_tables = False
        query = queries.survey(question, self._config, with_addresses=False)
        return await self._rows(query, _SEARCH, needs=("kind", "id"))

    async def _with_addresses(self, candidates: tuple[CustomerCandidate, ...]) -> tuple[CustomerCandidate, ...]:
        read = candidates[:_MOST_ADDRESSES_READ]
        records = await asyncio.gather(
            *(
                self._client.get_record(
                    "customer", internal_id(one.ref), CustomerRecord, record=f"customer {one.ref.number}"
                )
                for one in read
            )
        )
        found = [
            one if record is None else one.model_copy(update={"address": to_address(record)})
            for one, record in zip(read, records, strict=True)
        ]
        return (*found, *candidates[_MOST_ADDRESSES_READ:])

    async def _read_back_by_record(
        self, contract: RecordRef, project: RecordRef, schedules: tuple[RecordRef, ...], data: ReferenceData
    ) -> ReadBack:
        order = await self._read_order(contract)
        name = f"project {project.number or project.record_id}"
        job = await self._client.get_record(
            "job", internal_id(project), RecordHead, record=name, fields=("id", "entityId")
        )
        plans = await asyncio.gather(*(self._read_schedule(schedule) for schedule in schedules))
        currency = data.currency_code(order.currency.id)
        lines = [
            BilledRow(
                source="line",
                code=str((line.model_extra or {}).get(self._config.custom.line_code, "")),
                amount=Money.of(line.amount, currency),
            )
            for line in order.item.items
        ]
        rows = [
            BilledRow(
                source="milestone",
                code=RowText.parse(row.comments).code,
                amount=Money.of(row.milestone_amount, currency),
                due_on=to_billed_day(row.milestone_date, contract),
            )
            for plan in plans
            for row in plan.milestone.items
        ]
        return ReadBack(
            rows=(*lines, *rows),
            project_number=job.entity_id if job else "",
            contract_number=order.tran_id,
            billing_hold=str((order.model_extra or {}).get(self._config.custom.contract_billing_hold) or ""),
        )

    async def _read_order(self, contract: RecordRef) -> SalesOrderRecord:
        name = f"contract {contract.number or contract.record_id}"
        found = await self._client.get_record("salesOrder", internal_id(contract), SalesOrderRecord, record=name)
        if found is None:
            raise _gone(name)
        return found

    async def _read_schedule(self, schedule: RecordRef) -> BillingScheduleRecord:
        name = f"billing schedule {schedule.number or schedule.record_id}"
        found = await self._client.get_record(
            "billingSchedule", internal_id(schedule), BillingScheduleRecord, record=name
        )
        if found is None:
            raise _gone(name)
        return found

    async def _rows(self, query: queries.Query, record: str, *, needs: tuple[str, ...]) -> list[Row]:
        rows: list[Row] = []
        for number in range(_MOST_PAGES):
            page = await self._client.query(query, record=record, needs=needs, offset=number * _PAGE, limit=_PAGE)
            rows += page.items
            if not page.has_more:
                return rows
        raise Fatal(f"NetSuite has more than {_MOST_PAGES * _PAGE} rows for {record}.", record=record)


def _gone(name: str) -> NeedsRepair:
    return NeedsRepair(
        f"NetSuite has no {name} any more. Look who deleted it there, then press Retry.",
        record=name,
        owner=Role.FINANCE_OPERATIONS,
    )
