from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.fields import Row
from connectors.salesforce.ids import is_record_id, to_18
from connectors.salesforce.parties import to_account_address
from connectors.salesforce.queries import record_id
from models.customer_sync import AccountState, AccountView, ReleaseCustomer, ShowCustomer
from models.party import ContactPerson
from models.records import Effect, RecordKind, RecordRef

__all__ = ["Accounts"]

ACCOUNT, CONTACT = "001", "003"
_IDS_PER_QUERY = 200
_MOST_PEOPLE = 2000


class Accounts:
    """Accounts of one org for themselves: read with their people, and shown what the ERP owns."""

    def __init__(self, client: SalesforceClient, config: SalesforceConfig) -> None:
        self._client = client
        self._config = config

    async def find(self, records: Sequence[str]) -> tuple[AccountView, ...]:
        """Accounts that these ids are, or that these contacts belong to. What can be neither is left out."""
        accounts = [to_18(one) for one in records if is_record_id(one, ACCOUNT)]
        contacts = [to_18(one) for one in records if is_record_id(one, CONTACT)]
        for start in range(0, len(contacts), _IDS_PER_QUERY):
            soql = f"SELECT AccountId FROM Contact WHERE Id IN ({_listed(contacts[start : start + _IDS_PER_QUERY])})"  # noqa: S608 - checked ids
            # A person who was deleted still tells of which account.
            rows = await self._client.query(soql, record="people", most=_IDS_PER_QUERY, with_deleted=True)
            accounts += [str(row["AccountId"]) for row in rows if is_record_id(str(row.get("AccountId")), ACCOUNT)]
        wanted, found = list(dict.fromkeys(accounts)), []
        for start in range(0, len(wanted), _IDS_PER_QUERY):
            where = f"Id IN ({_listed(wanted[start : start + _IDS_PER_QUERY])})"
            found += await self._views(where)
        return tuple(found)

    async def list_customers(self) -> tuple[AccountView, ...]:
        """Every account that shows a customer of the ERP."""
        return tuple(await self._views(f"{self._config.names.account_erp_id} != null ORDER BY Id"))

    async def get(self, account_id: str) -> AccountState | None:
        """The account with its people in one query; None when it is gone."""
        n, known = self._config.names, record_id(account_id, "an account", ACCOUNT)
        optional = [name for name in (n.account_erp_terms, n.account_erp_credit_hold) if name]
        columns = [
            "Id", "Name", "Owner.Email", "SystemModstamp", "BillingStreet", "BillingCity", "BillingState",
            "BillingPostalCode", "BillingCountry", n.account_erp_id, n.account_erp_number, n.account_legal_name,
            n.account_tax_number, n.account_registration_number, n.account_invoice_email, *optional,
        ]  # fmt: skip
        soql = (
            f"SELECT {', '.join(columns)}, "  # noqa: S608 - names are checked identifiers, the id is checked
            "(SELECT Id, FirstName, LastName, Email, Phone, Title FROM Contacts ORDER BY Id) "
            f"FROM Account WHERE Id = '{known}'"
        )
        rows = await self._client.query(soql, record=f"account {known}", most=1)
        if not rows:
            return None
        people = await self._client.children(
            rows[0].get("Contacts"), record=f"people of account {known}", most=_MOST_PEOPLE
        )
        return self._state(Row(rows[0], deal=known, where="account "), people)

    async def swallowed_by(self, account_id: str) -> str:
        """The account that a gone one was merged into; empty when it was deleted."""
        known = record_id(account_id, "an account", ACCOUNT)
        soql = f"SELECT MasterRecordId FROM Account WHERE Id = '{known}'"  # noqa: S608 - a checked id
        rows = await self._client.query(soql, record=f"account {known}", most=1, with_deleted=True)
        return Row(rows[0], deal=known).text("MasterRecordId") if rows else ""

    async def find_shown(self, request: ShowCustomer) -> Effect | None:
        """Whether the account shows it."""
        found = await self.get(request.account_id)
        number = request.customer.number or request.customer.record_id
        is_there = (
            found is not None
            and found.shown_number == number
            and found.shown_terms in {None, request.payment_terms}
            and found.shown_hold in {None, request.on_credit_hold}
        )
        return Effect(ref=self._ref(request), created=False, changed=False) if is_there else None

    async def show(self, request: ShowCustomer) -> Effect:
        """Set the fields in one call."""
        n = self._config.names
        body: dict[str, Any] = {n.account_erp_number: request.customer.number or request.customer.record_id}
        if n.account_erp_terms:
            body[n.account_erp_terms] = request.payment_terms or None
        if n.account_erp_credit_hold:
            body[n.account_erp_credit_hold] = request.on_credit_hold
        known = record_id(request.account_id, "an account", ACCOUNT)
        await self._client.update("Account", known, body, record=f"account {known}")
        return Effect(ref=self._ref(request), created=False)

    async def find_released(self, request: ReleaseCustomer) -> Effect | None:
        """Whether the account shows nothing of that customer; one that is gone shows nothing."""
        found = await self.get(request.account_id)
        if found is not None and self._still_shown(found, request):
            return None
        return Effect(ref=self._ref(request), created=False, changed=False)

    async def release(self, request: ReleaseCustomer) -> Effect:
        """Clear what the account shows of that customer, in one call. What it shows of another customer stays."""
        found = await self.get(request.account_id)
        body = self._still_shown(found, request) if found is not None else {}
        if not body:
            return Effect(ref=self._ref(request), created=False, changed=False)
        known = record_id(request.account_id, "an account", ACCOUNT)
        await self._client.update("Account", known, body, record=f"account {known}")
        return Effect(ref=self._ref(request), created=False)

    def _still_shown(self, found: AccountState, request: ReleaseCustomer) -> dict[str, Any]:
        """The fields to clear. With another customer's id on the account its facts are that customer's too."""
        n, names = self._config.names, {request.customer.record_id, request.customer.number} - {""}
        if found.erp_customer_id and found.erp_customer_id not in names:
            return {}
        if not {found.erp_customer_id, found.shown_number} & names:
            return {}
        body: dict[str, Any] = {n.account_erp_id: None, n.account_erp_number: None}
        if n.account_erp_terms:
            body[n.account_erp_terms] = None
        if n.account_erp_credit_hold:
            body[n.account_erp_credit_hold] = False
        return body

    async def _views(self, where: str) -> list[AccountView]:
        n = self._config.names
        soql = f"SELECT Id, {n.account_erp_id}, SystemModstamp FROM Account WHERE {where}"  # noqa: S608 - checked ids and names
        rows = await self._client.query(soql, record="accounts")
        read = [Row(row, deal=str(row.get("Id")), where="account ") for row in rows]
        return [
            AccountView(
                account_id=row.needed("Id", "account id"),
                erp_customer_id=row.text(n.account_erp_id),
                source_version=row.instant("SystemModstamp"),
            )
            for row in read
        ]

    def _state(self, row: Row, people: list[dict[str, Any]]) -> AccountState:
        n, owner = self._config.names, row.inner("Owner")
        return AccountState(
            account_id=row.needed("Id", "account id"),
            owner=owner.text("Email") if owner else "",
            name=row.needed("Name", "account name"),
            legal_name=row.text(n.account_legal_name),
            address=to_account_address(row, self._config),
            invoice_email=row.text(n.account_invoice_email),
            tax_number=row.text(n.account_tax_number),
            registration_number=row.text(n.account_registration_number),
            erp_customer_id=row.text(n.account_erp_id),
            shown_number=row.text(n.account_erp_number),
            shown_terms=row.text(n.account_erp_terms) if n.account_erp_terms else None,
            shown_hold=row.flag(n.account_erp_credit_hold) if n.account_erp_credit_hold else None,
            people=tuple(_person(Row(one, deal=str(one.get("Id")), where="contact ")) for one in people),
            source_version=row.instant("SystemModstamp"),
        )

    def _ref(self, request: ShowCustomer | ReleaseCustomer) -> RecordRef:
        return RecordRef(
            connection=self._config.connection, kind=RecordKind.ACCOUNT, record_id=to_18(request.account_id)
        )


def _person(row: Row) -> ContactPerson:
    return ContactPerson(
        code=row.needed("Id", "contact id"),
        first_name=row.text("FirstName"),
        last_name=row.needed("LastName", "last name of a contact"),
        email=row.text("Email"),
        phone=row.text("Phone"),
        title=row.text("Title"),
    )


def _listed(ids: Sequence[str]) -> str:
    return ",".join(f"'{one}'" for one in ids)
