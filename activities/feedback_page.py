from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from mappings.invoice_states import Judgement, invoice_card_of, judge
from models.errors import NeedsRepair, Retryable
from models.feedback import CardOutcome, InvoiceCard, Tally
from models.ids import FirmId
from models.invoice import Invoice
from ports.billing_feed import BillingBook, BillingFeed, InvoiceBoard, KeptInvoice

__all__ = ["FeedbackPage", "Wanted"]

_TOO_MANY_TO_BE_CHANCE = 10


@dataclass(frozen=True)
class Wanted:
    """One document that is to be shown, and what is known of it."""

    firm: FirmId
    card: InvoiceCard
    before: KeptInvoice | None

    @property
    def is_shown(self) -> bool:
        """The CRM shows exactly this, for certain."""
        return self.before is not None and self.before.shown == self.card.digest and not self.before.intended

    @property
    def may_have_landed(self) -> bool:
        """An earlier attempt was about to show exactly this."""
        return self.before is not None and self.before.intended == self.card.digest and not self.before.trouble

    @property
    def was_refused(self) -> bool:
        """The CRM refused exactly this before."""
        return self.before is not None and bool(self.before.trouble) and self.before.intended == self.card.digest

    def kept(self, *, shown: str, intended: str = "", trouble: str = "") -> KeptInvoice:
        """As our store keeps it."""
        return KeptInvoice(
            invoice=self.card.invoice, deal_id=self.card.deal_id, shown=shown, intended=intended, trouble=trouble,
            is_overdue=self.card.is_overdue,
        )  # fmt: skip


class FeedbackPage:
    """Shows one page of documents: what is new is written in one call, what is known is not written at all.

    First our store keeps what is about to be shown, then the CRM is called, then the store keeps what is shown. After a
    crash in between the CRM is asked what it shows, and only what is missing is written.
    """

    def __init__(
        self,
        firm: FirmId,
        feed: BillingFeed,
        board: InvoiceBoard,
        book: BillingBook,
        *,
        on_refused: Callable[[Wanted, CardOutcome], Awaitable[None]],
        on_mended: Callable[[Wanted], Awaitable[None]],
    ) -> None:
        self._firm = firm
        self._feed = feed
        self._board = board
        self._book = book
        self._on_refused = on_refused
        self._on_mended = on_mended

    async def show(self, invoices: Sequence[Invoice], on: date, *, tries_refused_again: bool = False) -> Tally:
        """Judge each picture by its version, and show what is new."""
        kept = await self._book.find_kept(self._feed.connection, [one.record_id for one in invoices])
        newest, older = await self._newest(invoices, kept)
        wanted = await self._wanted(newest, kept, on)
        if not tries_refused_again:
            wanted = [one for one in wanted if not one.was_refused]
        tally = await self._write(wanted)
        return tally + Tally(read=len(invoices), older=older)

    async def show_again(self, kept: Sequence[KeptInvoice], on: date) -> Tally:
        """Show documents as they were last read."""
        by_id = {one.invoice.record_id: one for one in kept}
        return await self._write(await self._wanted([one.invoice for one in kept], by_id, on))

    async def _newest(
        self, invoices: Sequence[Invoice], kept: Mapping[str, KeptInvoice]
    ) -> tuple[list[Invoice], int]:
        newest: list[Invoice] = []
        unclear: list[str] = []
        older = 0
        for seen in invoices:
            before = kept.get(seen.record_id)
            match judge(before.invoice if before else None, seen):
                case Judgement.OLDER:
                    older += 1
                case Judgement.READ_AGAIN:
                    unclear.append(seen.record_id)
                case _:
                    newest.append(seen)
        if unclear:
            newest += await self._feed.find_invoices(unclear)
        return newest, older

    async def _wanted(self, invoices: Sequence[Invoice], kept: Mapping[str, KeptInvoice], on: date) -> list[Wanted]:
        """Only what was billed from a contract or to a customer of ours is shown."""
        deals = await self._book.find_deals(
            self._firm, self._board.connection, [one.contract_number for one in invoices]
        )
        customers = await self._book.find_customers(
            self._firm, self._feed.connection, [one.customer_id for one in invoices]
        )
        wanted = []
        for one in invoices:
            deal, is_ours = deals.get(one.contract_number), one.customer_id in customers
            if deal is None and not is_ours:
                continue
            card = invoice_card_of(self._firm, one, deal=deal, is_known_customer=is_ours, on=on)
            wanted.append(Wanted(self._firm, card, kept.get(one.record_id)))
        return wanted

    async def _write(self, wanted: Sequence[Wanted]) -> Tally:
        await self._remember([one for one in wanted if one.is_shown])
        landed = await self._landed([one for one in wanted if one.may_have_landed])
        to_write = [one for one in wanted if not one.is_shown and one.card.key not in landed]
        await self._book.intend(
            self._firm,
            [one.kept(shown=one.before.shown if one.before else "", intended=one.card.digest) for one in to_write],
        )
        outcomes = {}
        if to_write:
            outcomes = {one.key: one for one in await self._board.ensure_cards([one.card for one in to_write])}
            _unless_all_refused(list(outcomes.values()))
        done = [one.kept(shown=one.card.digest) for one in wanted if one.card.key in landed]
        later = 0
        for one in to_write:
            outcome = outcomes[one.card.key]
            if outcome.is_shown:
                done.append(one.kept(shown=one.card.digest))
            elif outcome.may_work_later:
                later += 1
            else:
                done.append(
                    one.kept(
                        shown=one.before.shown if one.before else "",
                        intended=one.card.digest,
                        trouble=f"{outcome.code}: {outcome.message}",
                    )
                )
        await self._book.settle(self._firm, done)
        refused = await self._tell(to_write, outcomes)
        if later:
            raise Retryable(f"The CRM did not take {later} invoices just now; they are shown again.")
        return Tally(shown=sum(1 for one in outcomes.values() if one.is_shown), refused=refused)

    async def _remember(self, shown: Sequence[Wanted]) -> None:
        """The same content with a newer version: kept, so that a late picture of before is known as such."""
        newer = [
            one.kept(shown=one.card.digest)
            for one in shown
            if one.before is not None and one.before.invoice.changed_at < one.card.invoice.changed_at
        ]
        await self._book.intend(self._firm, newer)

    async def _landed(self, unclear: Sequence[Wanted]) -> frozenset[str]:
        """Those of an interrupted attempt that the CRM shows already."""
        if not unclear:
            return frozenset()
        shown = await self._board.find_cards([one.card.key for one in unclear])
        return frozenset(one.card.key for one in unclear if shown.get(one.card.key) == one.card.digest)

    async def _tell(self, written: Sequence[Wanted], outcomes: Mapping[str, CardOutcome]) -> int:
        refused = 0
        for one in written:
            outcome = outcomes[one.card.key]
            if outcome.is_shown and one.before is not None and one.before.trouble:
                await self._on_mended(one)
            if not outcome.is_shown and not outcome.may_work_later:
                refused += 1
                await self._on_refused(one, outcome)
        return refused


def _unless_all_refused(outcomes: Sequence[CardOutcome]) -> None:
    """Every row refused for one reason: it is the CRM's set-up, and one stop to read instead of many."""
    refused = [one for one in outcomes if not one.is_shown and not one.may_work_later]
    if len(refused) >= _TOO_MANY_TO_BE_CHANCE and len(refused) == len(outcomes) and len({o.code for o in refused}) == 1:
        raise NeedsRepair(
            f"The CRM refuses every invoice, {len(refused)} of {len(outcomes)}. The first: {refused[0].message}",
            record="invoices in the CRM",
        )
