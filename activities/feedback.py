from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from temporalio import activity

from activities.boundary import business_boundary
from activities.feedback_page import FeedbackPage, Wanted
from mappings.business_calendar import ladder_for
from mappings.invoice_states import account_card_of, deal_card_of
from mappings.rulebook import RuleBook
from models.base import Canonical, digest_of
from models.blocker import Blocker, Fix, blocker_id
from models.errors import Fatal, Retryable
from models.feedback import CardOutcome, FeedbackRun, FeedWindow, PageCall, PageDone, Tally, TroubleCall
from models.ids import ConnectionId, ContractNumber, EngagementId, FirmId
from models.invoice import DocumentState, Invoice, SourceVersion
from models.roles import Role
from ports.billing_feed import (
    BillingBook,
    BillingFeed,
    DirtyTotals,
    InvoiceBoard,
    KeptInvoice,
    Places,
    SettledTotals,
)
from ports.desk import Desk

__all__ = ["PAGE", "FeedbackActivities", "place_name"]

PAGE = 200
"""As many rows as a CRM takes in one call."""
_DUE_HOURS = 8
_CODE = "TL-INT-060"


def place_name(connection: ConnectionId) -> str:
    """Under which our store keeps how far the sweep of that ERP account has come."""
    return f"{connection}/invoices"


class FeedbackActivities:
    """What the ERP says of invoices, shown in the CRM: page by page, each written once."""

    def __init__(
        self,
        feeds: Mapping[ConnectionId, BillingFeed],
        board: InvoiceBoard,
        *,
        book: BillingBook,
        places: Places,
        desk: Desk,
        rules: Callable[[], RuleBook],
        now: Callable[[], datetime],
    ) -> None:
        self._feeds = feeds
        self._board = board
        self._book = book
        self._places = places
        self._desk = desk
        self._rules = rules
        self._now = now

    @activity.defn
    @business_boundary
    async def open_sweep(self, run: FeedbackRun) -> FeedWindow:
        """From a while before the last sweep's start until now, by the ERP's clock. Saves that came late lie there."""
        kept = await self._places.get(place_name(run.connection))
        since = datetime.fromisoformat(kept) - timedelta(seconds=run.look_back_s) if kept else None
        return await self._feed(run.connection).open_window(since.isoformat() if since else "")

    @activity.defn
    @business_boundary
    async def show_changes(self, call: PageCall) -> PageDone:
        """One page of what changed."""
        feed = self._feed(call.connection)
        page = await feed.list_changed_since(call.window, after=call.after, limit=PAGE)
        tally = await self._page(call.firm, feed).show(
            page.invoices, self._today(), tries_refused_again=call.tries_refused_again
        )
        return PageDone(after=page.after, is_last=page.is_last, tally=tally)

    @activity.defn
    @business_boundary
    async def show_overdue(self, call: PageCall) -> PageDone:
        """One page of invoices that became overdue since they were shown: time passes without a change in the ERP."""
        today = self._today()
        late = await self._book.list_newly_overdue(call.firm, call.connection, on=today, limit=PAGE)
        tally = await self._page(call.firm, self._feed(call.connection)).show_again(late, today)
        return PageDone(is_last=len(late) < PAGE, tally=tally)

    @activity.defn
    @business_boundary
    async def show_refused(self, call: PageCall) -> PageDone:
        """One page of invoices that the CRM refused before: a person has mended something meanwhile."""
        refused = await self._book.list_refused(call.firm, call.connection, after=call.after, limit=PAGE)
        tally = await self._page(call.firm, self._feed(call.connection)).show_again(refused, self._today())
        after = refused[-1].invoice.record_id if refused else ""
        return PageDone(after=after, is_last=len(refused) < PAGE, tally=tally)

    @activity.defn
    @business_boundary
    async def show_deleted(self, call: PageCall) -> PageDone:
        """Drafts that were thrown away in the ERP: the CRM keeps them, and says so."""
        feed, today, tally = self._feed(call.connection), self._today(), Tally()
        gone = await feed.list_deleted_since(call.window)
        for start in range(0, len(gone), PAGE):
            kept = await self._book.find_kept(call.connection, gone[start : start + PAGE])
            version = SourceVersion(changed_at=call.window.until, read_at=call.window.until)
            last = {"document": DocumentState.DELETED, "version": version}
            pictures = [
                one.invoice.model_copy(update=last)
                for one in kept.values()
                if one.invoice.document is not DocumentState.DELETED
            ]
            tally += await self._page(call.firm, feed).show(pictures, today)
        return PageDone(is_last=True, tally=tally)

    @activity.defn
    @business_boundary
    async def note_moved_projects(self, call: PageCall) -> PageDone:
        """Deals whose project or milestones moved in the ERP are to be shown anew."""
        moved = await self._feed(call.connection).list_moved_contracts(call.window)
        for start in range(0, len(moved), PAGE):
            part = moved[start : start + PAGE]
            await self._book.mark_dirty(
                call.firm, await self._book.find_deals(call.firm, self._board.connection, part)
            )
        return PageDone(is_last=True)

    @activity.defn
    @business_boundary
    async def show_deal_sums(self, call: PageCall) -> PageDone:
        """One page of deals whose sums, milestones, project or hold may have changed."""
        rows = await self._book.list_dirty(call.firm, kind="deal", limit=PAGE)
        contracts = [ContractNumber(row.subject) for row in rows]
        told = await self._feed(call.connection).find_progress(contracts)
        progress = {one.contract_number: one for one in told}
        wanted = []
        for row, contract in zip(rows, contracts, strict=True):
            if row.deal_id is None:
                raise Fatal(f"Sums of contract {contract} are kept without its deal.", record=contract)
            invoices = _documents(await self._book.list_of_contract(call.firm, contract))
            card = deal_card_of(row.deal_id, contract, invoices, progress.get(contract), on=self._today())
            wanted.append((row, row.deal_id, card))
        changed = [card for row, _, card in wanted if digest_of(card) != row.shown]
        outcomes = await self._board.ensure_deal_cards(changed)
        return await self._settle_sums(call.firm, wanted, outcomes)

    @activity.defn
    @business_boundary
    async def show_account_sums(self, call: PageCall) -> PageDone:
        """One page of accounts whose sums may have changed."""
        rows = await self._book.list_dirty(call.firm, kind="account", limit=PAGE)
        known = await self._book.find_customers(call.firm, call.connection, [row.subject for row in rows])
        strangers = [SettledTotals(row=row, shown="") for row in rows if row.subject not in known]
        wanted = []
        for row in rows:
            if row.subject in known:
                invoices = _documents(await self._book.list_of_customer(call.firm, row.subject))
                wanted.append((row, row.subject, account_card_of(row.subject, invoices, on=self._today())))
        outcomes = await self._board.ensure_account_cards(
            [card for row, _, card in wanted if digest_of(card) != row.shown]
        )
        await self._book.settle_totals(call.firm, strangers)
        done = await self._settle_sums(call.firm, wanted, outcomes)
        return done.model_copy(update={"is_last": len(rows) < PAGE})

    @activity.defn
    @business_boundary
    async def close_sweep(self, call: PageCall) -> PageDone:
        """The next sweep begins at this one's start; what was shown of a trouble leaves the desk."""
        name, until = place_name(call.connection), call.window.until
        kept = await self._places.get(name)
        if kept is None or datetime.fromisoformat(kept) < until:
            await self._places.set(name, until.isoformat())
        place = _place(call.firm, call.connection)
        if await self._desk.find_blocker(blocker_id(place, _CODE, call.connection)) is not None:
            await self._desk.clear(place, reason="A later sweep went through.")
        return PageDone(is_last=True)

    @activity.defn
    @business_boundary
    async def tell_trouble(self, call: TroubleCall) -> PageDone:
        """A sweep that could not go on shows on the desk until one does."""
        place = _place(call.firm, call.connection)
        blocker = Blocker(
            blocker=blocker_id(place, _CODE, call.connection),
            engagement=place,
            code=_CODE,
            record=f"invoices of {call.connection}",
            message=f"Invoices do not reach the CRM now; each next sweep tries again. {call.message}",
            owner=call.owner,
            fix=Fix.WAIT,
            due_hours=_DUE_HOURS,
        )
        await self._raise(blocker)
        return PageDone(is_last=True)

    async def _settle_sums(
        self, firm: FirmId, wanted: Sequence[tuple[DirtyTotals, str, Canonical]], outcomes: Sequence[CardOutcome]
    ) -> PageDone:
        by_key = {outcome.key: outcome for outcome in outcomes}
        done, later = [], 0
        for row, key, card in wanted:
            outcome = by_key.get(key)
            if outcome is None or outcome.is_shown:
                done.append(SettledTotals(row=row, shown=digest_of(card)))
            elif outcome.may_work_later:
                later += 1
            else:
                done.append(SettledTotals(row=row, shown="", trouble=f"{outcome.code}: {outcome.message}"))
        await self._book.settle_totals(firm, done)
        if later:
            raise Retryable(f"The CRM did not take the sums of {later} records just now; they are shown again.")
        shown = sum(1 for outcome in outcomes if outcome.is_shown)
        tally = Tally(totals=shown, refused=len(outcomes) - shown)
        return PageDone(is_last=len(wanted) < PAGE, tally=tally)

    def _page(self, firm: FirmId, feed: BillingFeed) -> FeedbackPage:
        return FeedbackPage(firm, feed, self._board, self._book, on_refused=self._refused, on_mended=self._mended)

    async def _refused(self, wanted: Wanted, outcome: CardOutcome) -> None:
        place = _invoice_place(wanted)
        await self._raise(
            Blocker(
                blocker=blocker_id(place, _CODE, wanted.card.number),
                engagement=place,
                code=_CODE,
                record=f"invoice {wanted.card.number}",
                message=f"The CRM does not show invoice {wanted.card.number}: {outcome.message} Then run "
                "`starter.py feedback`.",
                owner=Role.SALES_OPERATIONS,
                fix=Fix.WAIT,
                due_hours=_DUE_HOURS,
            )
        )

    async def _mended(self, wanted: Wanted) -> None:
        await self._desk.clear(_invoice_place(wanted), reason="The CRM shows the invoice now.")

    async def _raise(self, blocker: Blocker) -> None:
        due_at = ladder_for(self._rules(), owner=blocker.owner, due_hours=blocker.due_hours, start=self._now())[0].at
        await self._desk.raise_blockers((blocker,), "", (due_at,))

    def _feed(self, connection: ConnectionId) -> BillingFeed:
        feed = self._feeds.get(connection)
        if feed is None:
            raise Fatal(f"Connection {connection} tells nothing of invoices.", record=connection)
        return feed

    def _today(self) -> date:
        """The date where those who send invoices are."""
        return self._now().astimezone(ZoneInfo(self._rules().working_time_of(Role.BILLING).zone)).date()


def _documents(kept: Sequence[KeptInvoice]) -> list[Invoice]:
    return [one.invoice for one in kept]


def _place(firm: FirmId, connection: ConnectionId) -> EngagementId:
    return EngagementId(f"{firm}/feedback:{connection}")


def _invoice_place(wanted: Wanted) -> EngagementId:
    return EngagementId(f"{wanted.firm}/invoice:{wanted.card.number}")
