from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from connectors.salesforce import queries
from connectors.salesforce.accounts import Accounts
from connectors.salesforce.amendments import amendments_of, is_in_force, to_amendment
from connectors.salesforce.client import AccountTaken, KeyRace, SalesforceClient, StateReached
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.event_kinds import KINDS
from connectors.salesforce.ids import same_record
from connectors.salesforce.invoice_board import SalesforceInvoiceBoard
from connectors.salesforce.mapping import to_contract, to_signed_terms
from connectors.salesforce.schemas import SubReply
from connectors.salesforce.sweep import RecordSweep
from connectors.salesforce.write_back import (
    ACCOUNT_PART,
    KEY_PART,
    STATE_PART,
    composite_parts,
    digest_text,
    status_text,
)
from models.change_order import Amendment
from models.customer_sync import AccountState, AccountView, ReleaseCustomer, ShowCustomer
from models.errors import NeedsRepair
from models.events import ContractOfDeal
from models.ids import ConnectionId, ContractNumber, DealId
from models.operations import WriteBackDeal
from models.records import Effect, Guard, Links, RecordKind, RecordRef
from models.roles import Role
from models.terms import SignedTerms
from ports.event_source import EventSource

__all__ = ["SalesforceDeals"]

_IDS_PER_QUERY = 200
_MOST_ROWS = 2000
_MOST_PEOPLE = 200
_MOST_AMENDMENTS = 500
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
        self._accounts = Accounts(client, config)

    @property
    def connection(self) -> ConnectionId:
        """The org this adapter speaks to."""
        return self._config.connection

    def invoice_board(self) -> SalesforceInvoiceBoard:
        """Where account teams see invoices."""
        return SalesforceInvoiceBoard(self._client, self._config)

    async def check_access(self) -> None:
        """Read the org's own record."""
        await self._client.query("SELECT Id FROM Organization LIMIT 1", record="the org")

    async def find_contracts(self, deals: Sequence[DealId]) -> tuple[ContractOfDeal, ...]:
        """Which contract each deal sells; one call for up to 200. What cannot be a deal's id does not exist."""
        possible = list(dict.fromkeys(deal for deal in deals if queries.is_deal_id(deal)))
        found: list[ContractOfDeal] = []
        for start in range(0, len(possible), _IDS_PER_QUERY):
            soql = queries.contracts_of(possible[start : start + _IDS_PER_QUERY], self._config)
            rows = await self._client.query(soql, record="deals", most=_IDS_PER_QUERY)
            found += [to_contract(row, self._config) for row in rows]
        return tuple(found)

    async def list_won_deals(self) -> tuple[ContractOfDeal, ...]:
        """Every deal that is closed-won now."""
        rows = await self._client.query(queries.won_deals(self._config), record="won deals")
        return tuple(to_contract(row, self._config) for row in rows)

    async def get_signed_terms(self, deal: DealId) -> SignedTerms:
        """The deal with everything around it, in one query."""
        record, names, read = f"deal {deal}", self._config.names, self._client.children
        rows = await self._client.query(queries.signed_terms(deal, self._config), record=record, most=1)
        if not rows:
            raise NeedsRepair(
                f"Deal {deal} does not exist in the CRM, or is hidden from the integration user. Check the id.",
                code="TL-INT-040",
                record=deal,
                field="deal id",
                owner=Role.SALES_OPERATIONS,
            )
        row = rows[0]
        return to_signed_terms(
            row,
            self._config,
            lines=await read(row.get("OpportunityLineItems"), record=f"lines of {record}", most=_MOST_ROWS),
            milestones=await read(row.get(names.milestones), record=f"milestones of {record}", most=_MOST_ROWS),
            rates=await read(row.get(names.rates), record=f"rates of {record}", most=_MOST_ROWS),
            people=await read(row.get("OpportunityContactRoles"), record=f"contacts of {record}", most=_MOST_PEOPLE),
        )

    async def find_accounts(self, records: Sequence[str]) -> tuple[AccountView, ...]:
        """Which accounts these records are about."""
        return await self._accounts.find(records)

    async def list_customer_accounts(self) -> tuple[AccountView, ...]:
        """Every account that has a customer in the ERP."""
        return await self._accounts.list_customers()

    async def get_account(self, account_id: str) -> AccountState:
        """The account with its people; one that is gone says so."""
        found = await self._accounts.get(account_id)
        if found is not None:
            return found
        return AccountState(
            account_id=account_id,
            name="",
            is_deleted=True,
            merged_into=await self._accounts.swallowed_by(account_id),
            source_version=self._now(),
        )

    async def find_shown(self, request: ShowCustomer) -> Effect | None:
        """Evidence that the account shows what the ERP owns."""
        return await self._accounts.find_shown(request)

    async def show_customer(self, request: ShowCustomer) -> Effect:
        """Show on the account what the ERP owns."""
        return await self._accounts.show(request)

    async def find_released(self, request: ReleaseCustomer) -> Effect | None:
        """Evidence that the account shows nothing of that customer."""
        return await self._accounts.find_released(request)

    async def release_customer(self, request: ReleaseCustomer) -> Effect:
        """Take that customer off the account."""
        return await self._accounts.release(request)

    def event_sources(self) -> tuple[EventSource, ...]:
        """The sweeps over changed deals, accounts and people, and the topics of the event bus if its address is set."""
        sources: list[EventSource] = []
        if self._config.sweep_every_s:
            sources += [RecordSweep(self._client, self, self._config, entity, now=self._now) for entity in KINDS]
        if self._config.bus_url:
            # gRPC is loaded by the one process that listens, not by every command.
            from connectors.salesforce.change_stream import ChangeStream  # noqa: PLC0415

            sources += [ChangeStream(self._client, self._config, topic) for topic in self._config.bus_topics]
        return tuple(sources)

    async def list_amendments(self, contract: ContractNumber) -> tuple[Amendment, ...]:
        """Every signed amendment of the contract with all it names, in one query."""
        record, names, read = f"amendments of contract {contract}", self._config.names, self._client.children
        rows = await self._client.query(amendments_of(contract, self._config), record=record, most=_MOST_AMENDMENTS)
        return tuple(
            [
                to_amendment(
                    row,
                    self._config,
                    lines=await read(row.get("OpportunityLineItems"), record=f"lines of {record}", most=_MOST_ROWS),
                    rows=await read(row.get(names.milestones), record=f"milestones of {record}", most=_MOST_ROWS),
                    rates=await read(row.get(names.rates), record=f"rates of {record}", most=_MOST_ROWS),
                )
                for row in rows
                if is_in_force(row, self._config)
            ]
        )

    def guard_of_write_back(self) -> Guard:
        """Proof: all parts are one transaction, and its first is an upsert on a key that the vendor keeps unique.

        The note has no key of its own; it stands behind a gate that opens once (see `write_back.composite_parts`).
        """
        return Guard.PROOF

    async def find_write_back(self, request: WriteBackDeal, links: Links) -> Effect | None:
        """The record under our key says which write-back landed last; all the rest landed with it."""
        del links
        rows = await self._client.query(
            queries.written_back(request.key, self._config), record=f"project record {request.key}"
        )
        if len(rows) > 1:
            raise NeedsRepair(
                f"Two project records in the CRM carry the key {request.key}: {rows[0].get('Id')} and "
                f"{rows[1].get('Id')}. Delete one, make the key field unique, then press Retry.",
                record=request.key,
                field=self._config.names.project_key,
                owner=Role.INTEGRATION,
            )
        n = self._config.names
        for row in rows:
            said = (row.get(n.project_status), row.get(n.project_digest))
            if said == (status_text(request), digest_text(request)) and same_record(
                row.get(n.project_deal), request.deal_id
            ):
                return self._effect(request, created=False, changed=False)
        return None

    async def ensure_write_back(self, request: WriteBackDeal, links: Links) -> Effect:
        """One composite call, all or nothing: our record, account, deal, note to the owner."""
        gated = bool(request.notify_subject)
        try:
            return await self._write(request, links, gated=gated)
        except KeyRace:
            # Whoever was first has committed by now; this one finds the record and changes it.
            return await self._after_race(request, links, gated=gated)
        except StateReached:
            return await self._after_gate(request, links)

    async def _after_race(self, request: WriteBackDeal, links: Links, *, gated: bool) -> Effect:
        try:
            return await self._write(request, links, gated=gated)
        except StateReached:
            return await self._after_gate(request, links)

    async def _after_gate(self, request: WriteBackDeal, links: Links) -> Effect:
        """The gate was shut, so all was rolled back: it landed earlier, or our record belongs to another deal."""
        landed = await self.find_write_back(request, links)
        return landed or await self._write(request, links, gated=False)

    async def _write(self, request: WriteBackDeal, links: Links, *, gated: bool) -> Effect:
        try:
            answers = await self._send(request, links, gated=gated, leads=True)
        except AccountTaken:
            # Two accounts of one company, one customer in the ERP (DOM-3): the other one holds its id.
            answers = await self._send(request, links, gated=gated, leads=False)
        return self._effect(request, created=answers[KEY_PART].status == _CREATED, changed=True)

    async def _send(self, request: WriteBackDeal, links: Links, *, gated: bool, leads: bool) -> dict[str, SubReply]:
        return await self._client.composite(
            composite_parts(request, links, self._config, self._now(), gated=gated, leads=leads),
            record=f"deal {request.deal_id}",
            key_part=KEY_PART,
            gate_part=STATE_PART if gated else "",
            account_part=ACCOUNT_PART,
        )

    def _effect(self, request: WriteBackDeal, *, created: bool, changed: bool) -> Effect:
        ref = RecordRef(
            connection=self.connection,
            kind=RecordKind.DEAL,
            record_id=request.deal_id,
            url=f"{self._config.root_url}/{request.deal_id}",
        )
        return Effect(ref=ref, created=created, changed=changed)
