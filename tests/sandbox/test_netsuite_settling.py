from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.netsuite_client import Account, account, order


async def _billed(client: Account) -> tuple[dict[str, str], str]:
    made = await order(client)
    answer = await client.call("POST", f"/record/v1/salesOrder/{made['order']}/!transform/invoice", {})
    return made, answer.headers["Location"].rsplit("/", 1)[1]


async def _state(client: Account, invoice: str) -> tuple[str, Any, Any]:
    found = await client.get("invoice", invoice)
    return found["status"]["id"], found["amountPaid"], found["amountRemaining"]


def _applied(invoice: str, amount: float) -> dict[str, Any]:
    return {"apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": amount}]}}


async def test_a_payment_that_the_bank_rejects_opens_the_invoice_again() -> None:
    async with account() as client:
        made, invoice = await _billed(client)
        body = {"customer": {"id": made["customer"]}} | _applied(invoice, 61502.60)
        payment = await client.put("customerPayment", "p1", body)
        assert await _state(client, invoice) == ("B", 61502.6, 0)
        rejected = {"type": "customerPayment", "id": payment, "status": {"id": "R"}}
        await client.control("POST", "records", {"records": [rejected]})
        assert await _state(client, invoice) == ("A", 0, 61502.6)


async def test_deleting_a_payment_takes_it_off_the_invoice() -> None:
    async with account() as client:
        made, invoice = await _billed(client)
        body = {"customer": {"id": made["customer"]}} | _applied(invoice, 100.0)
        payment = await client.put("customerPayment", "p1", body)
        assert (await client.call("DELETE", f"/record/v1/customerPayment/{payment}")).status_code == 204
        assert await _state(client, invoice) == ("A", 0, 61502.6)


async def test_a_credit_memo_reduces_the_invoice_it_is_applied_to_and_no_more_than_itself() -> None:
    async with account() as client:
        _, invoice = await _billed(client)
        line = {"item": {"externalId": "SVC-FIXED"}, "quantity": 1, "rate": 1000.0, "amount": 1000.0}
        body = {"createdFrom": {"id": invoice}, "item": {"items": [line]}}
        await client.put("creditMemo", "cm1", body | _applied(invoice, 1000.0))
        assert await _state(client, invoice) == ("A", 1000, 60502.6)
        refused = await client.call("PUT", "/record/v1/creditMemo/eid:cm2", body | _applied(invoice, 1000.01))
        assert refused.status_code == 400
        rows = await client.rows("SELECT type, tranid, status FROM transaction WHERE type = 'CustCred'")
        assert [(row["type"], row["status"]) for row in rows] == [("CustCred", "B")]


async def test_a_person_voids_an_unpaid_invoice_and_it_stays_with_nothing_in_it() -> None:
    async with account() as client:
        _, invoice = await _billed(client)
        await client.control("POST", "records", {"records": [{"type": "invoice", "id": invoice, "_voided": True}]})
        assert await _state(client, invoice) == ("V", 0, 0)


@pytest.mark.parametrize(("approval", "status"), [("1", "D"), ("2", "A")])
async def test_an_invoice_waits_for_approval(approval: str, status: str) -> None:
    async with account() as client:
        made, _ = await _billed(client)
        body = {
            "entity": {"id": made["customer"]}, "approvalStatus": {"id": approval},
            "item": {"items": [{"item": {"externalId": "SVC-FIXED"}, "quantity": 1, "rate": 5.0}]},
        }  # fmt: skip
        invoice = await client.put("invoice", "i1", body)
        assert (await _state(client, invoice))[0] == status
