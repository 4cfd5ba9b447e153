from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from models.ids import ConnectionId, ContractNumber, DealId, FirmId
from models.invoice import Amounts, DocumentState, Invoice, SourceVersion
from models.money import Money
from ports.billing_feed import KeptInvoice, SettledTotals
from store import Store

ERP = ConnectionId("erp-main")
HF = FirmId("hf")
C1 = ContractNumber("C-1")
NOW = datetime(2027, 3, 4, tzinfo=UTC)


def kept(number: int = 1, *, open_amount: str = "100", shown: str = "", **more: Any) -> KeptInvoice:
    none, gross = Money.zero("EUR"), Money.of("100", "EUR")
    invoice = Invoice(
        connection=ERP, record_id=str(number), number=f"INV-{number}", contract_number=C1, customer_id="647",
        document=DocumentState.POSTED, due_on=date(2027, 4, number), issued_on=date(2027, 3, number),
        amounts=Amounts(
            gross=gross, paid=gross - Money.of(open_amount, "EUR"), credited=none, written_off=none, withheld=none
        ),
        version=SourceVersion(changed_at=NOW, read_at=NOW),
    )  # fmt: skip
    return KeptInvoice(invoice=invoice, deal_id=DealId("006-1"), shown=shown, **more)


async def test_a_page_of_invoices_is_kept_and_read_back_and_marks_its_sums(store: Store) -> None:
    book = store.billing
    page = [kept(number, intended="a") for number in range(1, 21)]
    await book.intend(HF, page)
    assert await book.list_dirty(HF, kind="deal", limit=9) == ()
    done = [one.model_copy(update={"shown": "a", "intended": ""}) for one in page]
    await book.settle(HF, done)
    assert await book.find_kept(ERP, ["1", "2", "99"]) == {"1": done[0], "2": done[1]}
    assert await book.list_of_contract(HF, C1) == await book.list_of_customer(HF, "647") == tuple(done)
    (deal,) = await book.list_dirty(HF, kind="deal", limit=9)
    (account,) = await book.list_dirty(HF, kind="account", limit=9)
    assert (deal.subject, deal.deal_id, account.subject) == (C1, "006-1", "647")
    entries = [entry for entry in await store.audit.list_entries() if entry.kind == "invoices.shown"]
    assert [entry.facts["documents"] for entry in entries] == ["20"]


async def test_sums_that_change_while_they_are_shown_are_shown_again(store: Store) -> None:
    book = store.billing
    await book.settle(HF, [kept(shown="a")])
    (before,) = await book.list_dirty(HF, kind="deal", limit=9)
    await book.mark_dirty(HF, {C1: DealId("006-1")})
    await book.settle_totals(HF, [SettledTotals(row=before, shown="x")])
    (again,) = await book.list_dirty(HF, kind="deal", limit=9)
    assert (again.turn, again.shown) == (before.turn + 1, "x")
    await book.settle_totals(HF, [SettledTotals(row=again, shown="y", trouble="")])
    assert await book.list_dirty(HF, kind="deal", limit=9) == ()


async def test_what_became_overdue_and_what_was_refused_is_found(store: Store) -> None:
    book = store.billing
    await book.settle(HF, [kept(1), kept(2, open_amount="0"), kept(3, is_overdue=True), kept(4, trouble="no account")])
    assert await book.list_newly_overdue(HF, ERP, on=date(2027, 4, 1), limit=9) == ()
    late = await book.list_newly_overdue(HF, ERP, on=date(2027, 5, 1), limit=9)
    assert [one.invoice.number for one in late] == ["INV-1"]
    refused = await book.list_refused(HF, ERP, after="", limit=9)
    assert [one.invoice.number for one in refused] == ["INV-4"]
    assert await book.list_refused(HF, ERP, after="4", limit=9) == ()


async def test_deals_are_found_for_many_contracts_at_once(store: Store) -> None:
    crm = ConnectionId("crm-main")
    await store.deal_bindings.bind_deal(HF, crm, C1, DealId("006-1"))
    found = await store.billing.find_deals(HF, crm, [C1, ContractNumber("C-2"), ContractNumber("")])
    assert found == {C1: "006-1"}
    assert await store.billing.find_customers(HF, ERP, ["647"]) == frozenset()
