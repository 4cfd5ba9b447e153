"""Contracts in force at both vendors, and the billing department of the ERP at work on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from models.ids import ConnectionId, ContractNumber, DealId, OperationKey, PlanDigest, Step
from models.records import Effect, Guard, RecordKind, RecordRef
from ports.ledger import Intent
from tests.e2e.stand import FIRM, Stand

__all__ = ["BillingScene", "open_billing"]

ERP = ConnectionId("erp-main")
_AT_ONCE = 1000


@dataclass
class BillingScene:
    """Deals with contracts, bound to ERP customers as a set-up would have bound them."""

    stand: Stand
    deals: list[str]
    accounts: list[str]
    customers: list[str]
    invoices: list[str] = field(default_factory=list)

    def contract(self, number: int) -> str:
        return f"B-{number:04d}"

    async def raise_invoices(self, count: int) -> list[str]:
        """So many, over all contracts in turn."""
        rows = []
        for number in range(len(self.invoices), len(self.invoices) + count):
            deal = number % len(self.deals)
            line = {"item": {"externalId": "SVC-FIXED"}, "quantity": 1, "rate": 1000, "amount": 1000}
            rows.append(
                {
                    "type": "invoice", "entity": {"id": self.customers[deal]}, "tranId": f"INV-{number}",
                    "tranDate": "2026-11-02", "dueDate": "2099-12-31", "item": {"items": [line]},
                    "custbody_tl_contract_number": self.contract(deal),
                }
            )  # fmt: skip
        made = await self.saved(rows)
        self.invoices += made
        return made

    async def pay(self, invoices: Sequence[str], amount: int = 1000) -> None:
        """One payment for each."""
        owner = {made: self.customers[number % len(self.deals)] for number, made in enumerate(self.invoices)}
        await self.saved(
            [
                {
                    "type": "customerPayment", "customer": {"id": owner[one]},
                    "apply": {"items": [{"doc": {"id": one}, "apply": True, "amount": amount}]},
                }
                for one in invoices
            ]
        )  # fmt: skip

    async def draft(self) -> str:
        """An invoice that waits for approval."""
        line = {"item": {"externalId": "SVC-FIXED"}, "quantity": 1, "rate": 1000, "amount": 1000}
        body = {
            "type": "invoice", "entity": {"id": self.customers[0]}, "tranId": "DRAFT-1", "item": {"items": [line]},
            "approvalStatus": {"id": "1"}, "custbody_tl_contract_number": self.contract(0),
        }  # fmt: skip
        return (await self.saved([body]))[0]

    async def delete(self, invoice: str) -> None:
        await self.stand.erp.control("delete", {"type": "invoice", "id": invoice})

    async def saved(self, rows: Sequence[dict[str, Any]]) -> list[str]:
        found: list[str] = []
        for start in range(0, len(rows), _AT_ONCE):
            found += (await self.stand.erp.records(*rows[start : start + _AT_ONCE]))["ids"]
        return found

    async def shown(self) -> dict[str, dict[str, Any]]:
        """What the CRM shows of invoices, by number."""
        rows = await self.stand.crm.kind("Tieline_Invoice__c")
        by_number = {row["Name"]: row for row in rows}
        assert len(by_number) == len(rows), "an invoice is shown twice"
        return by_number

    async def deal(self, number: int) -> dict[str, Any]:
        return next(row for row in await self.stand.crm.kind("Opportunity") if row["Id"] == self.deals[number])

    async def crm_writes(self) -> int:
        """Calls that write, since the calls were reset."""
        return sum(number for route, number in (await self.stand.crm.calls()).items() if route.startswith("PATCH"))


async def open_billing(stand: Stand, contracts: int) -> BillingScene:
    """Deals won and contracts bound; what a set-up does in between is not this scene's matter."""
    numbers = range(contracts)
    accounts = (
        await stand.crm.records(
            *({"type": "Account", "Name": f"Buyer {number}", "BillingCountry": "US"} for number in numbers)
        )
    )["ids"]
    customers = (
        await stand.erp.records(
            *(
                {"type": "customer", "companyName": f"Buyer {number}", "subsidiary": {"externalId": "LE-US"}}
                for number in numbers
            )
        )
    )["ids"]
    await stand.crm.records(
        *(
            {"type": "Account", "id": account, "ERP_Customer_Id__c": customer}
            for account, customer in zip(accounts, customers, strict=True)
        )
    )
    deals = (
        await stand.crm.records(
            *(
                {
                    "type": "Opportunity", "Name": f"Work {number}", "StageName": "Closed Won", "AccountId": account,
                    "CloseDate": "2026-11-20", "CurrencyIsoCode": "USD", "Contract_Number__c": f"B-{number:04d}",
                }
                for number, account in enumerate(accounts)
            )
        )
    )["ids"]  # fmt: skip
    scene = BillingScene(stand, deals, accounts, customers)
    for number in numbers:
        await _bind(stand, ContractNumber(scene.contract(number)), DealId(deals[number]), customers[number])
    return scene


async def _bind(stand: Stand, contract: ContractNumber, deal: DealId, customer: str) -> None:
    crm = stand.tieline.crm.connection
    await stand.store.deal_bindings.bind_deal(FIRM, crm, contract, deal)
    engagement = stand.engagement(contract)
    intent = Intent(
        key=OperationKey(f"{engagement}/customer"), payload_hash="x", engagement=engagement, step=Step("customer"),
        plan=PlanDigest("p"), guard=Guard.PROOF, connection=ERP, workflow_id="w", run_id="r",
    )  # fmt: skip
    await stand.store.ledger.intend(intent)
    ref = RecordRef(connection=ERP, kind=RecordKind.CUSTOMER, record_id=customer)
    await stand.store.ledger.settle_applied(intent.key, Effect(ref=ref, created=True), evidence="answered")
