"""Who else carries one of our keys: two holders of one key are a person's decision, never "take the first"."""

# ruff: noqa: S608 - only names from checked configuration stand in the texts; every value is bound

from __future__ import annotations

from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.errors import AlreadyExists
from connectors.netsuite.mapping import internal_id, person_name
from connectors.netsuite.queries import Query
from connectors.netsuite.reading import Reader, inactive
from models.errors import NeedsRepair
from models.operations import EnsureContact, EnsureContract, EnsureCustomer, EnsureProject
from models.records import RecordKind, RecordRef
from models.roles import Role

__all__ = ["Holders"]


class Holders:
    """Looks for records that carry our key in a custom field, where the vendor does not keep it unique."""

    def __init__(self, client: NetSuiteClient, config: NetSuiteConfig, reader: Reader) -> None:
        self._client = client
        self._config = config
        self._reader = reader

    async def check_customer(self, request: EnsureCustomer, found: RecordRef | None) -> None:
        """One customer per CRM account, once ours is there. Without ours, another one was the plan's decision."""
        if found is None or not request.account_id:
            return
        column = self._config.custom.customer_crm_id
        others = await self._list_others("customer", "entityid", column, request.account_id, found)
        if others:
            raise _two_holders(RecordKind.CUSTOMER, f"CRM account {request.account_id}", [found, *others])

    async def check_project(self, request: EnsureProject, found: RecordRef | None) -> None:
        """No project made by hand for the same contract: a second one is the classic duplicate (DOM-1.5)."""
        column = self._config.custom.project_contract_number
        await self._check_contract_number(
            RecordKind.PROJECT,
            ("job", "entityid", column, self._config.prefixes.project),
            request.contract_number,
            found,
        )

    async def check_contract(self, request: EnsureContract, found: RecordRef | None) -> None:
        """No contract made by hand under the same number."""
        column = self._config.custom.contract_number
        await self._check_contract_number(
            RecordKind.CONTRACT,
            ("transaction", "tranid", column, self._config.prefixes.contract),
            request.contract_number,
            found,
        )

    async def find_namesake(
        self, request: EnsureContact, customer: RecordRef, taken: AlreadyExists
    ) -> RecordRef | None:
        """The person of that name at this customer; None when all namesakes are elsewhere. Raises when in doubt."""
        query = Query(
            "SELECT TO_CHAR(p.id) AS id, p.entityid AS number_, TO_CHAR(p.company) AS company, p.email AS email,"
            " p.isinactive AS inactive FROM contact p WHERE UPPER(p.entityid) = ?",
            (person_name(request).upper(),),
        )
        page = await self._client.query(query, record="contacts of that name", needs=("id",))
        here = [row for row in page.items if row.get("company") == internal_id(customer)]
        if not here:
            return None
        emails = {str(row.get("email", "")).lower() for row in here} | {request.person.email.lower()}
        if len(here) > 1 or len(emails - {""}) > 1:
            raise taken
        ref = self._reader.ref(RecordKind.CONTACT, str(here[0]["id"]), str(here[0].get("number_", "")))
        if here[0].get("inactive") == "T":
            raise inactive(ref, f"the name of our {request.person.role.value} contact")
        return ref

    async def _check_contract_number(
        self, kind: RecordKind, where: tuple[str, str, str, str], contract_number: str, found: RecordRef | None
    ) -> None:
        table, number, column, prefix = where
        others = await self._list_others(table, number, column, contract_number, found, but_ours=prefix)
        if found is not None and others:
            raise _two_holders(kind, f"contract number {contract_number}", [found, *others])
        if others:
            names = " and ".join(ref.number or ref.record_id for ref in others)
            raise NeedsRepair(
                f"The {kind} {names} in NetSuite carries contract number {contract_number}, but not our key. If it "
                "is the right one, give it our external id; if not, clear its contract number. Then press Retry.",
                code="TL-CUS-004",
                record=names,
                field="external id",
                owner=Role.FINANCE_OPERATIONS,
            )

    async def _list_others(
        self, table: str, number: str, column: str, value: str, found: RecordRef | None, *, but_ours: str = ""
    ) -> list[RecordRef]:
        kind = {"customer": RecordKind.CUSTOMER, "job": RecordKind.PROJECT, "transaction": RecordKind.CONTRACT}[table]
        only_orders = " AND r.type = 'SalesOrd'" if table == "transaction" else ""
        # Table and columns are our own or checked configuration; the value is bound.
        text = (
            f"SELECT TO_CHAR(r.id) AS id, r.{number} AS number_, r.externalid AS external_id FROM {table} "
            "r"
            f" WHERE r.{column} = ?{only_orders}"
        )
        page = await self._client.query(Query(text, (value,)), record=f"holders of {value}", needs=("id",))
        own = found.record_id if found is not None else ""
        return [
            self._reader.ref(kind, str(row["id"]), str(row.get("number_", "")))
            for row in page.items
            if row.get("id") != own and not (but_ours and str(row.get("external_id", "")).startswith(but_ours))
        ]


def _two_holders(kind: RecordKind, what: str, holders: list[RecordRef]) -> NeedsRepair:
    names = " and ".join(f"{ref.number or ref.record_id}" for ref in holders)
    return NeedsRepair(
        f"Two {kind}s in NetSuite carry {what}: {names}. Keep one: clear the number on the other, then press Retry.",
        code="TL-CUS-004",
        record=names,
        field="external id",
        owner=Role.MASTER_DATA if kind is RecordKind.CUSTOMER else Role.FINANCE_OPERATIONS,
    )
