from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from cli.demo_sides import DemoCrm, DemoErp
from cli.output import Output
from models.money import Money

__all__ = ["DemoBilling"]

_PATIENCE_S = 60.0
_ACTS = ("paid in full", "half paid", "payment returned by the bank", "on hold: PO used up", "just sent")
"""What becomes of one invoice each."""
_ORDER_OPEN = frozenset({"B", "E", "F"})
Row = dict[str, Any]


class DemoBilling:
    """Billing at work in the ERP: invoices raised, paid, bounced and held show up in the CRM while one watches."""

    def __init__(self, output: Output) -> None:
        self._output = output

    async def tell(self, crm: DemoCrm, erp: DemoErp) -> int:
        """Raise invoices for some contracts, unless an earlier run did; returns how many the CRM shows."""
        state = await erp.state()
        orders = [
            order
            for order in state.get("salesOrder", [])
            if order.get("custbody_tl_contract_number") and order["status"]["id"] in _ORDER_OPEN
        ]
        orders = [] if state.get("invoice") else orders[: len(_ACTS)]
        made = {await self._raise(erp, order): order for order in orders}
        if made:
            acts = ", ".join(_ACTS[: len(made)])
            self._output.line(f"\nBilling raises {len(made)} invoices in the ERP, whose script rings: {acts}.")
        for (record_id, order), act in zip(made.items(), _ACTS, strict=False):
            await self._act(erp, record_id, order, act)
        numbers = {
            str(row["tranId"]): str(row["custbody_tl_contract_number"])
            for row in (await erp.state()).get("invoice", [])
        }
        shown = await self._watch(crm, numbers)
        self._output.table(
            "Invoices on the opportunities of the CRM",
            ["invoice", "contract", "amount", "open", "document", "settlement", "in one sentence"],
            [
                [
                    str(row["Name"]), numbers[str(row["Name"])], _money(row, "Amount__c"), _money(row, "Balance__c"),
                    str(row["Document_Status__c"]), str(row["Settlement__c"]), str(row["In_One_Sentence__c"]),
                ]
                for row in shown
            ],
        )  # fmt: skip
        return len(shown)

    async def _raise(self, erp: DemoErp, order: Row) -> str:
        line = order["item"]["items"][0]
        amount = (Decimal(str(line["amount"])) / 4).quantize(Decimal("0.01"))
        body = {
            "type": "invoice", "entity": order["entity"], "createdFrom": {"id": str(order["id"])},
            "subsidiary": order["subsidiary"], "currency": order["currency"],
            "dueDate": (datetime.now(UTC) + timedelta(days=30)).date().isoformat(),
            "custbody_tl_contract_number": order["custbody_tl_contract_number"],
            "item": {"items": [{"item": line["item"], "quantity": 1, "rate": float(amount), "amount": float(amount),
                                "description": "First quarter of the work"}]},
        }  # fmt: skip
        return (await erp.save(body))[0]

    async def _act(self, erp: DemoErp, invoice: str, order: Row, act: str) -> None:
        if act.startswith("on hold"):
            await erp.save(
                {"type": "invoice", "id": invoice, "otherRefNum": "88-12", "custbody_tl_hold_reason": "PO used up",
                 "custbody_tl_hold_missing": "12000.00"}
            )  # fmt: skip
        if act == "just sent" or act.startswith("on hold"):
            return
        total = next(
            Decimal(str(row["total"])) for row in (await erp.state())["invoice"] if str(row["id"]) == invoice
        )
        amount = (total / 2).quantize(Decimal("0.01")) if act == "half paid" else total
        payment = {
            "type": "customerPayment", "customer": order["entity"],
            "apply": {"items": [{"doc": {"id": invoice}, "apply": True, "amount": float(amount)}]},
        }  # fmt: skip
        made = await erp.save(payment)
        if "returned" in act:
            await erp.save({"type": "customerPayment", "id": made[0], "status": {"id": "R"}})

    async def _watch(self, crm: DemoCrm, numbers: dict[str, str]) -> list[Row]:
        """Until each invoice shows, and the payments with them."""
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            rows = [row for row in (await crm.state()).get("Tieline_Invoice__c", []) if row["Name"] in numbers]
            is_settled = sum(1 for row in rows if row["Settlement__c"] != "unpaid") >= min(len(numbers), 2)
            is_told = any("returned by the bank" in str(row["In_One_Sentence__c"]) for row in rows)
            complete = len(rows) == len(numbers) and is_settled and (is_told or len(numbers) < len(_ACTS))
            if complete or time.monotonic() > deadline:
                return sorted(rows, key=lambda row: str(row["Name"]))
            await asyncio.sleep(0.2)


def _money(row: Row, field: str) -> str:
    return str(Money.of(str(row[field]), str(row["CurrencyIsoCode"])))
