from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from connectors.netsuite.chart import ReferenceBook
from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.feed_queries import (
    CLOCK,
    INSTANT,
    Span,
    changed_documents,
    deleted_documents,
    documents,
    moved_contracts,
    progress,
    settled_by,
)
from connectors.netsuite.invoice_mapping import Row, to_invoice, to_progress
from connectors.netsuite.queries import Query
from models.errors import Fatal, NeedsRepair
from models.feedback import EngagementProgress, FeedWindow, InvoicePage
from models.ids import ConnectionId, ContractNumber
from models.invoice import Invoice, SourceVersion

__all__ = ["NetSuiteBillingFeed"]

_AFTER = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\|(\d{1,20})")
_CLOCK_CHANGE = timedelta(hours=1)
_QUARTER = timedelta(minutes=15)
_MOST_AT_ONCE = 200
_PAGE = 1000


class NetSuiteBillingFeed:
    """Implements `ports.billing_feed.BillingFeed` for one account. Sheet section 4.

    SuiteQL compares times in the account's own zone, which is measured at each look: its clock is changed twice a year.
    In the hour that such a change repeats or leaves out, rows are read once too often rather than never.
    """

    def __init__(self, client: NetSuiteClient, config: NetSuiteConfig, book: ReferenceBook) -> None:
        self._client = client
        self._config = config
        self._book = book

    @property
    def connection(self) -> ConnectionId:
        """The account it reads."""
        return self._config.connection

    async def open_window(self, since: str) -> FeedWindow:
        """Two calls: the account's clock in UTC and in its own zone."""
        utc = (await self._client.get_server_time()).server_time
        page = await self._client.query(CLOCK, record="its clock", needs=("now_",))
        mark = str(page.items[0]["now_"]) if page.items else ""
        window = FeedWindow(since=datetime.fromisoformat(since) if since else None, until=utc, mark=mark)
        _offset(window)
        return window

    async def list_changed_since(self, window: FeedWindow, *, after: str, limit: int) -> InvoicePage:
        """Two calls for a page: the documents, and what was applied to them."""
        size = min(limit, _MOST_AT_ONCE)
        query = changed_documents(_span(window), _place(after), size, self._config)
        heads = await self._rows(query, "changed invoices")
        invoices = await self._read(heads, window)
        is_last = len(heads) < size
        return InvoicePage(
            invoices=invoices, after="" if is_last else f"{heads[-1]['changed']}|{heads[-1]['id']}", is_last=is_last
        )

    async def find_invoices(self, record_ids: Sequence[str]) -> tuple[Invoice, ...]:
        """As they are now: four calls."""
        ids = [record_id for record_id in dict.fromkeys(record_ids) if record_id.isdigit()][:_MOST_AT_ONCE]
        if not ids:
            return ()
        window = await self.open_window("")
        return await self._read(await self._rows(documents(ids, self._config), "invoices"), window)

    async def list_deleted_since(self, window: FeedWindow) -> tuple[str, ...]:
        """One call per thousand."""
        if not self._config.deleted_table:
            return ()
        return await self._column(deleted_documents(_span(window), self._config), "id", "deleted invoices")

    async def list_moved_contracts(self, window: FeedWindow) -> tuple[ContractNumber, ...]:
        """One call per thousand."""
        found = await self._column(moved_contracts(_span(window), self._config), "contract", "changed projects")
        return tuple(ContractNumber(contract) for contract in found)

    async def find_progress(self, contracts: Sequence[ContractNumber]) -> tuple[EngagementProgress, ...]:
        """One call."""
        wanted = list(dict.fromkeys(contracts))[:_MOST_AT_ONCE]
        if not wanted:
            return ()
        page = await self._client.query(progress(wanted, self._config), record="projects", needs=("contract",))
        return to_progress(page.items, await self._book.current())

    async def _column(self, query: Query, name: str, record: str) -> tuple[str, ...]:
        found: list[str] = []
        offset = 0
        while True:
            page = await self._client.query(query, record=record, needs=(name,), offset=offset)
            found += [str(row[name]) for row in page.items]
            if not page.has_more:
                return tuple(dict.fromkeys(found))
            offset += _PAGE

    async def _rows(self, query: Query, record: str) -> Sequence[Row]:
        page = await self._client.query(query, record=record, needs=("id", "type", "changed"))
        return page.items

    async def _read(self, heads: Sequence[Row], window: FeedWindow) -> tuple[Invoice, ...]:
        if not heads:
            return ()
        data = await self._book.current()
        ids = [str(row["id"]) for row in heads]
        page = await self._client.query(settled_by(ids, self._config), record="payments", needs=("doc", "source"))
        parts = _by_document(page.items)
        offset = _offset(window)
        found = []
        for head in heads:
            changed_at = (_wall_clock(str(head["changed"])) - offset).replace(tzinfo=UTC)
            version = SourceVersion(changed_at=changed_at, read_at=window.until)
            found.append(to_invoice(head, parts.get(str(head["id"]), ()), version, data, self._config))
        return tuple(found)


def _by_document(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row["doc"]), []).append(row)
    return found


def _wall_clock(text: str) -> datetime:
    try:
        return datetime.strptime(text, INSTANT)  # noqa: DTZ007 - the account's own wall clock has no zone
    except ValueError as unreadable:
        raise Fatal("NetSuite's answer about a time is none.", record="its clock") from unreadable


def _offset(window: FeedWindow) -> timedelta:
    """How far the account's zone is from UTC now, to the quarter of an hour."""
    return round((_wall_clock(window.mark) - window.until.astimezone(UTC).replace(tzinfo=None)) / _QUARTER) * _QUARTER


def _span(window: FeedWindow) -> Span:
    if window.since is None:
        return Span("", window.mark)
    start = window.since.astimezone(UTC).replace(tzinfo=None) + _offset(window) - _CLOCK_CHANGE
    return Span(f"{start:{INSTANT}}", window.mark)


def _place(after: str) -> tuple[str, str] | None:
    if not after:
        return None
    found = _AFTER.fullmatch(after)
    if found is None:
        raise NeedsRepair("The kept place of the invoice sweep cannot be read. Run it again from the start.")
    return found[1], found[2]
