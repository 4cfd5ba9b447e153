"""Amendments as salespeople sign them, and invoices as billing raises and cashes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from models.blocker import OpenItem
from models.change_process import changes_of
from models.contract_standing import ContractStanding
from models.decision import Answer, Verdict
from models.desk import EngagementRow
from models.ids import ContractNumber
from models.records import RecordRef
from models.roles import Role
from ports.amendments import StandingReader
from runtime.change_orders import ChangeOrderStarter
from tests.e2e.colleagues import decide, only_one, send, signed
from tests.e2e.front_door import FrontDoor
from tests.e2e.site import until
from tests.e2e.sold import Json, Sales, Sold
from tests.e2e.stand import FIRM, Stand

__all__ = ["Amended", "base_k", "later_k"]

_M = {"M1": ("30000", "2026-12-15"), "M2": ("45000", "2027-01-31"), "M3": ("45000", "2027-03-31")}


@dataclass
class Amended:
    """One contract in force and the people around it."""

    stand: Stand
    sales: Sales
    door: FrontDoor
    sold: Sold

    @property
    def number(self) -> ContractNumber:
        return ContractNumber(self.sold.contract)

    @property
    def changes(self) -> ChangeOrderStarter:
        return ChangeOrderStarter(self.stand.client, FIRM, self.stand.task_queue)

    async def sign(self, number: str, *rows: Json, ring: bool = True, **fields: Any) -> str:
        """An amendment is won and signed by both; its deal. `ring`: the CRM's event comes at once."""
        deal = {
            "type": "Opportunity", "name_in_file": "deal", "Name": f"Amendment {number} of {self.number}",
            "AccountId": self.sold.account, "StageName": "Closed Won", "CloseDate": "2026-11-24",
            "CurrencyIsoCode": "USD", "Contract_Number__c": self.number, "Amendment_Number__c": number,
            "Contract_Status__c": "Approved", "Customer_Signed_On__c": "2026-11-23",
            "Company_Signed_On__c": "2026-11-23", **fields,
        }  # fmt: skip
        own = {"type": "Tieline_Milestone__c", "Opportunity__c": {"ref": "deal"}, "Name": "Row"}
        named = [{**own, **row} for row in rows]
        ids = (await self.stand.crm.records(deal, *named))["ids"]
        if ring:
            assert (await self.door.ring(ids[0])).status_code == 202
        return str(ids[0])

    async def decide(self, person: str, verdict: Verdict = Verdict.APPROVE, *, answer: str = "") -> Answer:
        """On what waits of the changes."""
        await self.door.drained()
        return await decide(self.stand, f"{self.number}.changes", person, verdict, answer=answer)

    async def approve(self) -> str:
        """Every signature the plan that waits needs, each by somebody who may give it; the plan's digest."""
        name = f"{self.number}.changes"

        async def asked() -> OpenItem | None:
            return next((item for item in await self.stand.waiting(name) if item.kind == "decision"), None)

        await self.door.drained()
        item = await until(asked, f"a plan of {self.number} waits")
        assert isinstance(item, OpenItem)
        for person in self.stand.people.list_people():
            if not person.roles & {Role.FINANCE_OPERATIONS, Role.CONTROLLER}:
                continue
            decision = signed(self.stand, name, person.person, Verdict.APPROVE, item.item)
            if (await send(self.stand, decision)).complete:
                return item.item
        raise AssertionError(f"nobody could complete the signatures of {self.number}")

    async def waiting(self) -> OpenItem:
        """The one thing of the changes that waits for a person."""
        await self.door.drained()
        return await only_one(self.stand, f"{self.number}.changes")

    async def result(self, seconds: float = 15) -> EngagementRow:
        """Where the changes stand when nothing of them moves or waits any more."""
        await self.door.drained()

        async def ended() -> EngagementRow | None:
            row = await self.row()
            moving = row is None or row.stage in {"planning", "applying", "parked", "deciding"}
            return None if moving else row

        try:
            found = await until(ended, f"the changes of {self.number} have ended", seconds=seconds)
        except AssertionError as stuck:
            row = await self.row()
            raise AssertionError(f"{self.number}: {row and (row.stage.value, row.sentence)}") from stuck
        assert isinstance(found, EngagementRow)
        await self.changes.handle(self.number).result()
        return found

    async def row(self) -> EngagementRow | None:
        return await self.stand.store.desk.find_engagement(changes_of(FIRM, self.number))

    async def contract(self) -> RecordRef:
        rows = await self.stand.store.ledger.list_operations(self.stand.engagement(self.number))
        return next(row.effect.ref for row in rows if row.step == "contract" and row.effect is not None)

    async def standing(self) -> ContractStanding:
        erp = self.stand.tieline.erp
        assert isinstance(erp, StandingReader)
        return await erp.get_standing(await self.contract())

    async def rows(self) -> list[tuple[str, str, str]]:
        """Schedule rows as finance sees them: code, amount, state."""
        return [(row.code, f"{row.amount.amount}", row.state.value) for row in (await self.standing()).rows]

    async def bill(self, row: str, amount: str, *, paid: bool = False) -> str:
        """Billing raises the invoice of one schedule row, and perhaps the customer pays; its id."""
        order = (await self.contract()).record_id
        line = {"orderLine": 1, "quantity": 0.1, "amount": float(amount), "custcol_tl_schedule_row": row}
        made = await self._person("POST", f"salesOrder/{order}/!transform/invoice", {"item": {"items": [line]}})
        invoice = made.headers["Location"].rsplit("/", 1)[1]
        if paid:
            customer = (await self._person("GET", f"invoice/{invoice}")).json()["entity"]
            applied = {"doc": {"id": invoice}, "apply": True, "amount": float(amount)}
            body = {"customer": {"id": customer["id"]}, "payment": float(amount), "apply": {"items": [applied]}}
            await self._person("POST", "customerPayment", body)
        return str(invoice)

    async def _person(self, method: str, path: str, body: Json | None = None) -> httpx.Response:
        """A person of the firm, over the account's ordinary interface."""
        facts = self.stand.erp.facts["client"]
        token = await self._token(facts)
        answer = await self.stand.erp.http.request(
            method, f"/services/rest/record/v1/{path}", json=body, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code < 300, answer.text
        return answer

    async def _token(self, facts: Json) -> str:
        erp = self.stand.tieline.erp
        sign_in = erp._client._sign_in  # type: ignore[attr-defined]
        request = httpx.Request("GET", "http://account/")
        flow = sign_in.as_httpx.async_auth_flow(request)
        sent = await flow.__anext__()
        await flow.aclose()
        return str(sent.headers["Authorization"]).removeprefix("Bearer ")


async def base_k(stand: Stand, sales: Sales, door: FrontDoor, contract: str, *, billed: bool = True) -> Amended:
    """The worked example's contract K: USD 120,000.00, M1 paid, M2 invoiced and open, M3 planned (DOM-6)."""
    sold = await _sold(sales, contract, "Closed Won")
    assert (await door.ring(sold.deal)).status_code == 202
    await door.drained()
    assert (await stand.result(contract)).outcome == "active"
    k = Amended(stand, sales, door, sold)
    if billed:
        await k.bill("M1", "30000", paid=True)
        await k.bill("M2", "45000")
    return k


async def later_k(stand: Stand, sales: Sales, door: FrontDoor, contract: str) -> Amended:
    """The same contract while its deal is still being negotiated."""
    return Amended(stand, sales, door, await _sold(sales, contract, "Negotiation"))


async def _sold(sales: Sales, contract: str, stage: str) -> Sold:
    account = await sales.company(f"{contract} Works, Inc.")
    rows = [{"Code__c": code, "Amount__c": float(amount), "Due_On__c": day} for code, (amount, day) in _M.items()]
    return await sales.deal(contract, account, amount=120_000, milestones=rows, stage=stage)
