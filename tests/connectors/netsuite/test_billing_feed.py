"""Invoices of a simulated account as the feed reads them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from models.ids import ContractNumber, Step
from models.invoice import DocumentKind, DocumentState, FlagKind, HoldReason, Invoice
from models.money import Money
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import Connected, connected

USD = "USD"


async def _invoice(there: Connected, customer: str, number: int = 1, **more: Any) -> str:
    line = {"item": {"externalId": "SVC-FIXED"}, "quantity": 1, "rate": 1000, "amount": 1000}
    body = {
        "type": "invoice", "entity": {"id": customer}, "tranId": f"INV-{number}", "tranDate": "2027-03-03",
        "dueDate": "2027-04-02", "custbody_tl_contract_number": samples.CONTRACT,
        "item": {"items": [line | {"custcol_tl_schedule_row": "M1"}]}, **more,
    }  # fmt: skip
    made = await there.sim.control("POST", "records", {"records": [body]})
    return str(made["ids"][0])


async def _save(there: Connected, **record: Any) -> str:
    return str((await there.sim.control("POST", "records", {"records": [record]}))["ids"][0])


async def _all(there: Connected, *, since: str = "", limit: int = 200) -> list[Invoice]:
    feed = there.erp.billing_feed()
    window, after = await feed.open_window(since), ""
    found: list[Invoice] = []
    while True:
        page = await feed.list_changed_since(window, after=after, limit=limit)
        found += page.invoices
        if page.is_last:
            return found
        after = page.after


async def test_an_invoice_is_read_with_contract_customer_rows_and_amounts() -> None:
    async with connected() as there:
        customer = await _customer(there)
        record_id = await _invoice(there, customer)
        (one,) = await _all(there)
        assert (one.record_id, one.number, one.customer_id) == (record_id, "INV-1", customer)
        assert (one.kind, one.document, one.rows) == (DocumentKind.INVOICE, DocumentState.POSTED, ("M1",))
        assert one.contract_number == samples.CONTRACT
        assert (one.issued_on, one.due_on) == (date(2027, 3, 3), date(2027, 4, 2))
        assert one.amounts.balance == one.amounts.gross == Money.of(1000, USD)
        assert abs(one.version.read_at - one.version.changed_at) < timedelta(minutes=1)


async def _customer(there: Connected) -> str:
    return (await there.set_up()).of(Step("customer")).record_id


async def test_payments_credits_write_offs_and_withheld_tax_are_told_apart_and_a_bounced_payment_pays_nothing() -> None:
    async with connected() as there:
        customer = await _customer(there)
        invoice = await _invoice(there, customer)
        who = {"customer": {"id": customer}}

        def applied(amount: int) -> dict[str, Any]:
            return {"apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": amount}]}}

        def credit(amount: int) -> dict[str, Any]:
            line = {"item": {"externalId": "SVC-FIXED"}, "quantity": 1, "rate": amount, "amount": amount}
            return {"type": "creditMemo", "createdFrom": {"id": invoice}, "item": {"items": [line]}} | applied(amount)

        await _save(there, type="customerPayment", **who, **applied(400))
        await _save(there, type="customerPayment", tranDate="2027-04-05", status={"id": "R"}, **who, **applied(100))
        await _save(there, tranId="CN-88", **credit(200))
        await _save(there, custbody_tl_credit_kind="write-off", **credit(30))
        await _save(there, custbody_tl_credit_kind="withholding", **credit(20))
        (one,) = [item for item in await _all(there) if item.kind is DocumentKind.INVOICE]
        found = one.amounts
        assert (found.paid, found.credited) == (Money.of(400, USD), Money.of(200, USD))
        assert (found.written_off, found.withheld) == (Money.of(30, USD), Money.of(20, USD))
        assert found.balance == Money.of(350, USD)
        assert one.payment_returned_on == date(2027, 4, 5)
        assert "CN-88" in one.credit_notes
        notes = [item for item in await _all(there) if item.kind is DocumentKind.CREDIT_NOTE]
        assert {note.credits_invoice for note in notes} == {"INV-1"}


async def test_holds_disputes_voids_and_approvals_are_read() -> None:
    async with connected() as there:
        customer = await _customer(there)
        await _invoice(
            there, customer, 1, custbody_tl_hold_reason="PO used up", otherRefNum="88-12",
            custbody_tl_hold_missing="12000.00", approvalStatus={"id": "1"},
        )  # fmt: skip
        await _invoice(there, customer, 2, custbody_tl_hold_reason="Buyer on leave", custbody_tl_disputed="hours")
        await _invoice(there, customer, 3, _voided=True)
        held, odd, void = await _all(there)
        assert held.document is DocumentState.PENDING
        (flag,) = held.flags
        assert (flag.reason, flag.po_number, flag.missing) == (
            HoldReason.PO_USED_UP, "88-12", Money.of(12000, USD),
        )  # fmt: skip
        assert [(one.kind, one.reason, one.text) for one in odd.flags] == [
            (FlagKind.ON_HOLD, HoldReason.OTHER, "Buyer on leave"), (FlagKind.DISPUTED, None, "hours"),
        ]  # fmt: skip
        assert void.document is DocumentState.VOIDED


async def test_pages_by_change_time_and_id_lose_none_of_many_with_one_stamp() -> None:
    async with connected() as there:
        customer = await _customer(there)
        ids = [await _invoice(there, customer, number) for number in range(7)]
        assert [one.record_id for one in await _all(there, limit=3)] == sorted(ids, key=int)


async def test_only_what_changed_in_the_window_is_read_and_one_document_by_its_id() -> None:
    async with connected() as there:
        customer = await _customer(there)
        first = await _invoice(there, customer, 1)
        feed = there.erp.billing_feed()
        now = (await feed.open_window("")).until
        assert [one.record_id for one in await _all(there, since=now.isoformat())] == [first]
        # An hour is looked at once more, because clocks are changed by one.
        assert await _all(there, since=(now + timedelta(minutes=61)).isoformat()) == []
        (again,) = await feed.find_invoices([first, "999999", "x"])
        assert again.record_id == first
        assert again.version.read_at >= again.version.changed_at


async def test_moved_contracts_and_their_open_milestones_are_told() -> None:
    async with connected() as there:
        await _customer(there)
        feed = there.erp.billing_feed()
        assert await feed.list_moved_contracts(await feed.open_window("")) == (samples.CONTRACT,)
        (one,) = await feed.find_progress([samples.CONTRACT, ContractNumber("none")])
        assert one.project_status == "In Progress"
        assert [(row.code, row.amount.amount) for row in one.open_milestones] == [
            (code, Money.of(amount, USD).amount) for code, amount, _ in samples.ROWS
        ]  # fmt: skip
