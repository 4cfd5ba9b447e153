"""Steps of a sweep of invoices, scripted."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from models.feedback import FeedbackRun, FeedWindow, PageCall, PageDone, Tally, TroubleCall
from models.ids import FirmId
from models.process import Remedy, Trouble
from runtime.feedback import FeedbackStarter
from runtime.temporal import build_worker

__all__ = ["Steps"]


class Steps:
    """Steps of a sweep by their real names; what they find is the test's business."""

    def __init__(self) -> None:
        self.done: Counter[str] = Counter()
        self.firm = FirmId(f"f{uuid.uuid4().hex[:8]}")
        self.pages = 1
        self.places: list[str] = []
        self.windows: list[datetime] = []
        self.troubles: list[str] = []
        self.refuse = False
        self.on_page: Callable[[], asyncio.Future[None] | None] = lambda: None

    @activity.defn
    async def open_sweep(self, run: FeedbackRun) -> FeedWindow:
        self.done["open"] += 1
        return FeedWindow(since=None, until=datetime(2027, 3, 4, 12, self.done["open"], tzinfo=UTC))

    @activity.defn
    async def show_changes(self, call: PageCall) -> PageDone:
        self.done["page"] += 1
        self.places.append(call.after)
        if self.refuse:
            trouble = Trouble(remedy=Remedy.REPAIR, code="TL-INT-020", message="A status we do not know.")
            raise ApplicationError(trouble.message, trouble.model_dump(mode="json"), non_retryable=True)
        if (waits := self.on_page()) is not None:
            await waits
        page = len(self.places) % self.pages
        return PageDone(after=str(page) if page else "", is_last=not page, tally=Tally(read=200, shown=1))

    @activity.defn
    async def show_refused(self, call: PageCall) -> PageDone:
        return self._quiet("refused")

    @activity.defn
    async def show_deleted(self, call: PageCall) -> PageDone:
        return self._quiet("deleted")

    @activity.defn
    async def show_overdue(self, call: PageCall) -> PageDone:
        return self._quiet("overdue")

    @activity.defn
    async def note_moved_projects(self, call: PageCall) -> PageDone:
        return self._quiet("moved")

    @activity.defn
    async def show_deal_sums(self, call: PageCall) -> PageDone:
        return self._quiet("deals")

    @activity.defn
    async def show_account_sums(self, call: PageCall) -> PageDone:
        return self._quiet("accounts")

    @activity.defn
    async def close_sweep(self, call: PageCall) -> PageDone:
        self.windows.append(call.window.until)
        return self._quiet("close")

    @activity.defn
    async def tell_trouble(self, call: TroubleCall) -> PageDone:
        self.troubles.append(call.message)
        return self._quiet("trouble")

    def _quiet(self, name: str) -> PageDone:
        self.done[name] += 1
        return PageDone(is_last=True)

    @asynccontextmanager
    async def at_work(self, client: Client) -> AsyncIterator[FeedbackStarter]:
        queue = f"feedback-{uuid.uuid4().hex[:8]}"
        steps = [
            self.open_sweep, self.show_changes, self.show_refused, self.show_deleted, self.show_overdue,
            self.note_moved_projects, self.show_deal_sums, self.show_account_sums, self.close_sweep, self.tell_trouble,
        ]  # fmt: skip
        async with build_worker(client, queue, steps):
            yield FeedbackStarter(client, self.firm, queue)
