from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from temporalio.service import RPCError

from models.errors import Retryable
from models.events import ContractOfDeal
from models.ids import ConnectionId, DealId, FirmId, engagement_id
from models.pausing import ConnectionPaused
from models.roles import Role
from ports.crm import DealReader
from ports.inbox import DealBindings, Inbox, InboxRow
from runtime.account_news import AccountNews
from runtime.away import NotNow, means_engine_is_away, sentence_of
from runtime.back_off import BackOff
from runtime.billing_news import BillingNews
from runtime.change_orders import ChangeOrderDoor
from runtime.contract_holder import find_beside
from runtime.customer_news import CUSTOMER, CustomerNews
from runtime.deal_lookup import look_up
from runtime.deal_notes import DealNotes
from runtime.event_problems import CODE, EventProblems
from runtime.log_events import log_event
from runtime.settings import Limits
from runtime.telemetry import about_engagement, continued_span

__all__ = ["Dispatcher", "Starter"]

_LOOK_EVERY_S = 1.0
_MOST_RESTING = 2000
_LONGEST_REST_S = 60.0
_US = Role.INTEGRATION
_ACCOUNT_KINDS = frozenset({"account", "person"})


class Starter(Protocol):
    """Starts the process of a contract, or tells the running one that its deal changed. Twice does no harm."""

    async def start_or_join(self, contract: ContractOfDeal) -> str:
        """`started` or `joined`."""
        ...


class Dispatcher:
    """Hands accepted events to processes: asks the CRM which contract each deal sells, starts or joins one for each.

    An event leaves the inbox only when a process has it, or when a reason is written down that a person can read.
    Nothing is believed but the record's id, so two events of one deal are one look at it.
    """

    def __init__(
        self,
        inbox: Inbox,
        crms: Mapping[ConnectionId, DealReader],
        starter: Starter,
        problems: EventProblems,
        *,
        bindings: DealBindings,
        firm: FirmId,
        changes: Mapping[ConnectionId, ChangeOrderDoor] | None = None,
        accounts: AccountNews | None = None,
        billing: BillingNews | None = None,
        customers: CustomerNews | None = None,
        notes: DealNotes | None = None,
        limits: Limits | None = None,
        back_off: BackOff | None = None,
        paused: Callable[[], frozenset[ConnectionId]] = frozenset,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = inbox
        self._crms = crms
        self._starter = starter
        self._problems = problems
        self._bindings = bindings
        self._firm = firm
        self._changes = changes or {}
        """By connection: CRMs of which amendments can be read. Of others an amendment is entered by hand."""
        self._accounts = accounts or AccountNews({}, {}, inbox, firm=firm, memory=None)
        self._billing = billing
        self._customers = customers
        self._notes = notes
        self._limits = limits or Limits()
        self._back_off = back_off or BackOff()
        self._clock = clock
        self._paused = paused
        """Connections whose events stay in the inbox for now, while those of others are handed on."""
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._resting: dict[int, tuple[float, BackOff]] = {}
        self._looked_at = clock()
        self.away: dict[str, str] = {}
        """Sides that do not answer now, with the reason; empty when all is well."""

    def wake(self) -> None:
        """An event was accepted: look at once."""
        self._news.set()

    def stop(self) -> None:
        """Finish what is in hand, then leave. What is still in the inbox stays there."""
        self._stopping.set()
        self._news.set()

    @property
    def age_s(self) -> float:
        """Seconds since the inbox was last looked at with success."""
        return self._clock() - self._looked_at

    async def run(self) -> None:
        """Until `stop`: a turn for each new event, at least one each second, fewer while a side is away."""
        while not self._stopping.is_set():
            self._news.clear()
            try:
                is_more_waiting = await self.turn()
            except NotNow as away:
                await self._leave_alone(away)
                continue
            except Exception as broken:  # noqa: BLE001 - the loop's edge: it must outlive whatever a side may raise
                await self._leave_alone(NotNow("dispatcher", broken))
                continue
            self._all_well()
            if not is_more_waiting and not self._stopping.is_set():
                await _first(self._news, _LOOK_EVERY_S)

    async def turn(self) -> bool:
        """Hand on one batch. True when more may be waiting."""
        rows = await self._waiting_rows()
        batches: dict[ConnectionId, list[InboxRow]] = {}
        for row in rows:
            batches.setdefault(row.event.connection, []).append(row)
        away: NotNow | None = None
        for connection, batch in batches.items():
            crm = self._crms.get(connection)
            try:
                if crm is None and (told := [row for row in batch if row.event.object_kind == CUSTOMER]):
                    await self._hand_on_customers(told)
                    batch = [row for row in batch if row not in told]  # noqa: PLW2901 - what is left of it
                if batch and self._billing is not None and self._billing.is_about(connection):
                    await self._ring(self._billing, connection, batch)
                elif batch and crm is None:
                    await self._close(batch, f"Connection {connection} is not configured here any more.", _US)
                elif crm is not None:
                    await self._hand_on_both(connection, crm, batch)
            except NotNow as not_now:
                away = not_now
        if away is not None:
            raise away
        return len(rows) >= self._limits.deals_per_batch and len(self._resting) < _MOST_RESTING

    async def _ring(self, billing: BillingNews, connection: ConnectionId, batch: list[InboxRow]) -> None:
        """What an ERP tells: its sweep looks."""
        try:
            await billing.hand_on(connection, batch)
        except Exception as broken:
            await self._note_attempt(batch, sentence_of(broken))
            raise NotNow("engine" if means_engine_is_away(broken) else "store", broken) from broken

    async def _hand_on_customers(self, rows: list[InboxRow]) -> None:
        """What an ERP tells of its customers rings the syncs of their accounts."""
        if self._customers is None:
            outcome = "customers of this connection are kept equal by hand"
            await self._inbox.mark_handed_on(_numbers(rows), outcome=outcome)
            return
        try:
            await self._customers.hand_on(rows)
        except Exception as broken:
            await self._note_attempt(rows, sentence_of(broken))
            raise NotNow("engine" if means_engine_is_away(broken) else "store", broken) from broken

    async def _hand_on_both(self, connection: ConnectionId, crm: DealReader, batch: list[InboxRow]) -> None:
        """News about deals and about customers; trouble with one kind does not hold up the other."""
        about_accounts = [row for row in batch if row.event.object_kind in _ACCOUNT_KINDS]
        try:
            await self._hand_on(crm, [row for row in batch if row.event.object_kind not in _ACCOUNT_KINDS])
        finally:
            if about_accounts:
                await self._hand_on_accounts(connection, about_accounts)

    async def _hand_on_accounts(self, connection: ConnectionId, rows: list[InboxRow]) -> None:
        try:
            await self._accounts.hand_on(connection, rows)
        except ConnectionPaused as paused:
            await self._note_attempt(rows, paused.message)
        except Exception as broken:
            if isinstance(broken, RPCError) or means_engine_is_away(broken):
                await self._note_attempt(rows, sentence_of(broken))
                raise NotNow("engine" if isinstance(broken, RPCError) else "crm", broken) from broken
            log_event("accounts.not_handed_on", level=logging.WARNING, exc=broken, events=len(rows))
            await self._set_aside(rows, sentence_of(broken))
        else:
            for row in rows:
                self._resting.pop(row.row, None)

    async def _waiting_rows(self) -> list[InboxRow]:
        now = self._clock()
        resting = {row for row, (until, _) in self._resting.items() if until > now}
        try:
            rows = await self._inbox.list_waiting(
                self._limits.deals_per_batch + len(resting), besides=self._paused()
            )
        except Exception as broken:
            raise NotNow("store", broken) from broken
        self._looked_at = now
        if not rows:
            self._resting.clear()
        return [row for row in rows if row.row not in resting][: self._limits.deals_per_batch]

    async def _hand_on(self, crm: DealReader, batch: Sequence[InboxRow]) -> None:
        if not batch:
            return
        of_deal: dict[DealId, list[InboxRow]] = {}
        for row in batch:
            of_deal.setdefault(DealId(row.event.record_id), []).append(row)
        try:
            looked = await look_up(crm, list(of_deal))
        except ConnectionPaused as paused:
            await self._note_attempt(batch, paused.message)
            return
        except Exception as broken:
            await self._note_attempt(batch, f"CRM: {sentence_of(broken)}")
            raise NotNow("crm", broken) from broken
        for deal, refused in looked.refused.items():
            await self._set_aside(of_deal[deal], refused.message)
            await self._problems.show(deal, refused.message, owner=refused.owner)
        turn = asyncio.Semaphore(self._limits.starts_at_once)
        away: list[NotNow] = []

        async def one(deal: DealId, contract: ContractOfDeal | None) -> None:
            async with turn:
                # Once the engine is seen to be away, the rest of the batch need not find out one by one.
                if not away:
                    try:
                        await self._one_deal(crm.connection, deal, of_deal[deal], contract)
                    except NotNow as not_now:
                        away.append(not_now)

        await asyncio.gather(*(one(deal, contract) for deal, contract in looked.contracts.items()))
        if away:
            raise away[0]

    async def _one_deal(
        self, connection: ConnectionId, deal: DealId, rows: list[InboxRow], contract: ContractOfDeal | None
    ) -> None:
        """Start, join, or close with a reason. Whatever fails, the rows stay in the inbox."""
        try:
            if contract is None:
                await self._close(rows, f"The event names a deal that does not exist in the CRM: {deal}.")
            elif not contract.contract_number:
                await self._without_number(deal, rows, contract)
            elif (beside := await find_beside(self._bindings, self._firm, connection, contract)) is None:
                if contract.is_won or await self._is_held(contract):
                    await self._start(deal, rows, contract)
                else:
                    # Its process would take the place of the deal that is won, perhaps in another account.
                    await self._leave(contract, rows, "the deal is not won, and its contract is not set up here")
            elif beside.is_amendment and (door := self._changes.get(connection)) is not None:
                await self._amend(door, deal, rows, contract)
            elif contract.is_won:
                await self._close(rows, beside.message, beside.owner, code=beside.code, of=contract)
            else:
                await self._leave(contract, rows, f"the deal is not won; {contract.contract_number} is another's")
        except Exception as failed:  # noqa: BLE001 - the loop's edge: recorded with the row and in the log
            await self._failed(deal, rows, failed)
        else:
            for row in rows:
                self._resting.pop(row.row, None)

    async def _is_held(self, contract: ContractOfDeal) -> bool:
        """Whether a deal has sold this contract already."""
        return await self._bindings.find_deal_of_contract(self._firm, contract.contract_number) is not None

    async def _amend(self, door: ChangeOrderDoor, deal: DealId, rows: list[InboxRow], contract: ContractOfDeal) -> None:
        """The contract's change orders look at all of its amendments, whichever rang."""
        number = contract.contract_number
        if not contract.is_won:
            await door.tell(number)
            await self._leave(contract, rows, f"amendment {contract.amendment_number} of {number} is not won")
            return
        with (
            about_engagement(engagement_id(self._firm, number)),
            continued_span("deal.dispatch", [row.traceparent for row in rows]),
        ):
            outcome = await door.ring(number)
            log_event("amendment.dispatched", deal=deal, outcome=outcome, events=len(rows))
        await self._problems.settle(deal)
        await self._inbox.mark_handed_on(_numbers(rows), outcome=f"{outcome} {engagement_id(self._firm, number)}")

    async def _without_number(self, deal: DealId, rows: list[InboxRow], contract: ContractOfDeal) -> None:
        if contract.is_won:
            await self._close(
                rows, f"Deal {deal} has no contract number. Enter it on the deal in the CRM.", of=contract
            )
        else:
            await self._leave(contract, rows, "the deal is not won yet")

    async def _leave(self, contract: ContractOfDeal, rows: list[InboxRow], reason: str) -> None:
        """Nothing to do, and nothing to repair (any more): no process stands behind what was shown of this deal."""
        await self._problems.settle(rows[0].event.record_id)
        if self._notes is not None:
            await self._notes.take_back(rows[0].event.connection, contract, reason)
        await self._inbox.mark_handed_on(_numbers(rows), outcome=f"closed: {reason}")

    async def _failed(self, deal: DealId, rows: list[InboxRow], failed: Exception) -> None:
        if means_engine_is_away(failed):
            await self._note_attempt(rows, f"Temporal: {sentence_of(failed)}")
            raise NotNow("engine", failed) from failed
        log_event("event.not_handed_on", level=logging.WARNING, exc=failed, deal=deal, attempts=rows[0].attempts + 1)
        await self._set_aside(rows, sentence_of(failed))

    async def _start(self, deal: DealId, rows: list[InboxRow], contract: ContractOfDeal) -> None:
        engagement = engagement_id(self._firm, contract.contract_number)
        with about_engagement(engagement), continued_span("deal.dispatch", [row.traceparent for row in rows]):
            outcome = await self._starter.start_or_join(contract)
            log_event("deal.dispatched", deal=deal, outcome=outcome, events=len(rows))
        await self._problems.settle(deal)
        await self._inbox.mark_handed_on(_numbers(rows), outcome=f"{outcome} {engagement}")

    async def _close(
        self,
        rows: Sequence[InboxRow],
        reason: str,
        owner: Role = Role.SALES_OPERATIONS,
        *,
        code: str = CODE,
        of: ContractOfDeal | None = None,
    ) -> None:
        """It leads nowhere: on the desk and the deal first, then out of the inbox, so that nothing is lost."""
        for record in sorted({row.event.record_id for row in rows}):
            await self._problems.show(record, reason, owner=owner, code=code)
        if of is not None and self._notes is not None:
            await self._notes.say(rows[0].event.connection, of, reason)
        await self._inbox.mark_handed_on(_numbers(rows), outcome=f"closed: {reason}")
        log_event("event.closed", level=logging.WARNING, code=code, events=len(rows))

    async def _set_aside(self, rows: Sequence[InboxRow], reason: str) -> None:
        """Let these rows rest, so that the ones behind them get their turn."""
        for row in rows:
            _, pause = self._resting.get(row.row, (0.0, BackOff(longest_s=_LONGEST_REST_S)))
            if len(self._resting) < _MOST_RESTING or row.row in self._resting:
                self._resting[row.row] = (self._clock() + pause.failed(), pause)
        await self._note_attempt(rows, reason)

    async def _note_attempt(self, rows: Sequence[InboxRow], reason: str) -> None:
        try:
            await self._inbox.mark_attempt(_numbers(rows), reason=reason)
        except Exception as broken:
            raise NotNow("store", broken) from broken

    async def _leave_alone(self, away: NotNow) -> None:
        wish = away.cause.retry_after_s if isinstance(away.cause, Retryable) else None
        wait = self._back_off.failed(wish)
        if away.side not in self.away:
            log_event("side.went_away", level=logging.ERROR, exc=away.cause, side=away.side)
        self.away = {away.side: sentence_of(away.cause)}
        await _first(self._stopping, wait)

    def _all_well(self) -> None:
        for side in self.away:
            log_event("side.came_back", side=side, failures=self._back_off.failures)
        self.away = {}
        self._back_off.worked()


def _numbers(rows: Sequence[InboxRow]) -> tuple[int, ...]:
    return tuple(row.row for row in rows)


async def _first(event: asyncio.Event, seconds: float) -> None:
    """Until the event, or for so many seconds."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return
