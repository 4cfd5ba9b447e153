from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors.salesforce import queries
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.mapping import to_contract, to_signed_terms
from models.errors import NeedsRepair
from models.events import ContractOfDeal
from models.ids import ConnectionId, DealId
from models.operations import WriteBackDeal
from models.records import Effect, Guard, Links, RecordKind, RecordRef
from models.roles import Role
from models.terms import SignedTerms

__all__ = ["SalesforceDeals"]

_IDS_PER_QUERY = 200
_SUBJECT_LENGTH = 255
_CREATED = 201


class SalesforceDeals:
    """Deals, signed terms and write-back of one org."""

    def __init__(
        self,
        client: SalesforceClient,
        config: SalesforceConfig,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = client
        self._config = config
        self._now = now

    @property
    def connection(self) -> ConnectionId:
        """The org this adapter speaks to."""
        return self._config.connection

    async def find_contracts(self, deals: Sequence[DealId]) -> tuple[ContractOfDeal, ...]:
        """Which contract each deal sells; one call for up to 200."""
        found: list[ContractOfDeal] = []
        for start in range(0, len(deals), _IDS_PER_QUERY):
            soql = queries.contracts_of(deals[start : start + _IDS_PER_QUERY], self._config)
            found += [to_contract(row, self._config) for row in await self._client.query(soql)]
        return tuple(found)

    async def list_won_deals(self) -> tuple[ContractOfDeal, ...]:
        """Every deal that is closed-won now."""
        rows = await self._client.query(queries.won_deals(self._config))
        return tuple(to_contract(row, self._config) for row in rows)

    async def get_signed_terms(self, deal: DealId) -> SignedTerms:
        """The deal with everything around it, in one query."""
        rows = await self._client.query(queries.signed_terms(deal, self._config))
        if len(rows) != 1:
            raise NeedsRepair(
                f"Deal {deal} does not exist in the CRM, or is hidden from the integration user. Check the id.",
                code="TL-INT-040",
                record=deal,
                field="deal id",
                owner=Role.SALES_OPERATIONS,
            )
        row, names = rows[0], self._config.names
        return to_signed_terms(
            row,
            self._config,
            lines=await self._client.children(row.get("OpportunityLineItems")),
            milestones=await self._client.children(row.get(names.milestones)),
            rates=await self._client.children(row.get(names.rates)),
            people=await self._client.children(row.get("OpportunityContactRoles")),
        )

    def guard_of_write_back(self) -> Guard:
        """Proof: all parts are one transaction, and one of them is an upsert on a unique key."""
        return Guard.PROOF

    async def find_write_back(self, request: WriteBackDeal, links: Links) -> Effect | None:
        """The project row under our key says which plan and status were written last, with all the rest."""
        names = self._config.names
        fields = ("Id", "Status__c", "Plan_Digest__c")
        row = await self._client.find_by_key(names.project_object, names.project_key, request.key, fields)
        if row is None:
            return None
        same_plan = (row.get("Plan_Digest__c") or "") == (request.plan_digest or _marker(request))
        if row.get("Status__c") != _status(request) or not same_plan:
            return None
        return Effect(ref=self._ref(request), created=False, changed=False)

    async def ensure_write_back(self, request: WriteBackDeal, links: Links) -> Effect:
        """One composite call, all or nothing: account, project row, deal, note to the owner."""
        parts = [
            *self._account_part(request, links),
            self._project_part(request, links),
            self._deal_part(request, links),
        ]
        parts += self._note_part(request)
        answers = await self._client.composite(parts, record=f"deal {request.deal_id}")
        return Effect(ref=self._ref(request), created=answers["project"].status == _CREATED)

    def _account_part(self, request: WriteBackDeal, links: Links) -> list[dict[str, Any]]:
        if not request.account_id or request.customer_step is None:
            return []
        customer = links.of(request.customer_step)
        body = {self._config.names.account_erp_id: customer.record_id}
        return [self._part("PATCH", f"Account/{queries.record_id(request.account_id)}", "account", body)]

    def _project_part(self, request: WriteBackDeal, links: Links) -> dict[str, Any]:
        names = self._config.names
        body: dict[str, Any] = {
            "Name": request.contract_number[:80],
            "Opportunity__c": queries.record_id(request.deal_id),
            "Contract_Number__c": request.contract_number,
            "Status__c": _status(request),
            "Plan_Digest__c": request.plan_digest or _marker(request),
        }
        if request.project_step is not None:
            project = links.of(request.project_step)
            body |= {
                "ERP_Project_Id__c": project.record_id, "Number__c": project.number or project.record_id,
                "URL__c": project.url[:255],
            }  # fmt: skip
        return self._part("PATCH", f"{names.project_object}/{names.project_key}/{request.key}", "project", body)

    def _deal_part(self, request: WriteBackDeal, links: Links) -> dict[str, Any]:
        n = self._config.names
        body: dict[str, Any] = {
            n.deal_status: _status(request),
            n.deal_message: request.message or None,
            n.deal_synced_at: self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        if request.project_step is not None:
            project = links.of(request.project_step)
            body |= {n.deal_erp_project_id: project.record_id, n.deal_erp_project_number: project.number}
        if request.contract_step is not None:
            contract = links.of(request.contract_step)
            body[n.deal_erp_contract_number] = contract.number or contract.record_id
        return self._part("PATCH", f"Opportunity/{queries.record_id(request.deal_id)}", "deal", body)

    def _note_part(self, request: WriteBackDeal) -> list[dict[str, Any]]:
        if not request.notify_subject or not request.owner_id:
            return []
        token = f" [{request.key}]"
        body = {
            "OwnerId": queries.record_id(request.owner_id),
            "WhatId": queries.record_id(request.deal_id),
            "Subject": request.notify_subject[: _SUBJECT_LENGTH - len(token)] + token,
            "Status": "Not Started",
            "Priority": "Normal",
            "ActivityDate": f"{self._now():%Y-%m-%d}",
            "Description": request.notify_text,
        }
        return [self._part("POST", "Task", "note", body)]

    def _part(self, method: str, path: str, reference: str, body: dict[str, Any]) -> dict[str, Any]:
        url = f"{self._config.data_path}/sobjects/{path}"
        return {"method": method, "url": url, "referenceId": reference, "body": body}

    def _ref(self, request: WriteBackDeal) -> RecordRef:
        return RecordRef(
            connection=self.connection,
            kind=RecordKind.DEAL,
            record_id=request.deal_id,
            url=f"{self._config.root_url}/{request.deal_id}",
        )


def _status(request: WriteBackDeal) -> str:
    return request.status.capitalize()


def _marker(request: WriteBackDeal) -> str:
    """What stands where a plan's digest would, on a status without a plan: enough to recognise this very status."""
    return f"status:{hashlib.sha256(request.message.encode()).hexdigest()[:40]}"
