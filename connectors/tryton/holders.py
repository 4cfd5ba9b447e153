"""Who carries one of our keys: with the module `tieline` it is an external id, without it a code or a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from connectors.tryton import notes
from connectors.tryton.client import TrytonClient
from connectors.tryton.config import TrytonConfig
from connectors.tryton.notes import read_note
from connectors.tryton.schemas import PartyRow, SaleRow, WorkRow
from models.errors import NeedsRepair
from models.operations import EnsureContract, EnsureCustomer
from models.records import RecordKind, RecordRef
from models.roles import Role

__all__ = ["ANY_STATE", "MODELS", "Holder", "Holders", "clause_of", "inactive", "key_of", "ref_of"]

MODELS = {
    RecordKind.CUSTOMER: "party.party",
    RecordKind.CONTACT: "party.party",
    RecordKind.PROJECT: "project.work",
    RecordKind.BILLING_SCHEDULE: "project.work",
    RecordKind.CONTRACT: "sale.sale",
    RecordKind.COST_CENTRE: "analytic_account.account",
}
ANY_STATE = ["active", "in", [True, False]]
"""Without it a search passes over inactive records, and a second one would be made beside ours."""
_CANCELLED = "cancelled"


@dataclass(frozen=True)
class Holder:
    """A record that carries our key, and the state it is in (contracts only)."""

    ref: RecordRef
    state: str = ""


class Holders:
    """Looks for records by our key."""

    def __init__(self, client: TrytonClient, config: TrytonConfig) -> None:
        self._client = client
        self._config = config

    async def find(self, kind: RecordKind, key: str) -> Holder | None:
        """The record under our key. Two holders, or an inactive one, raise NeedsRepair."""
        match kind:
            case RecordKind.CUSTOMER | RecordKind.CONTACT:
                found = await self._parties(kind, key)
            case RecordKind.CONTRACT:
                found = await self._sales(key)
            case _:
                found = await self._works(kind, key)
        if len(found) > 1:
            _two_holders(kind, f"our key {key}", [one.ref for one in found])
        return found[0] if found else None

    async def check_customer(self, request: EnsureCustomer, found: Holder) -> None:
        """One customer per CRM account, once ours is there."""
        if not request.account_id:
            return
        others = await self._client.search(
            "party.party",
            PartyRow,
            [["identifiers.code", "=", f"CRM {request.account_id}"], ["id", "!=", int(found.ref.record_id)]],
            fields=("code", "name"),
            record=f"holders of CRM account {request.account_id}",
        )
        if others:
            refs = [ref_of(self._config, RecordKind.CUSTOMER, row.id, row.code) for row in others]
            _two_holders(RecordKind.CUSTOMER, f"CRM account {request.account_id}", [found.ref, *refs])

    async def check_contract(self, request: EnsureContract) -> None:
        """No contract made by hand under the same number."""
        rows = await self._client.search(
            "sale.sale",
            SaleRow,
            [["reference", "=", request.contract_number], ["state", "!=", _CANCELLED]],
            fields=self._fields("number", "comment"),
            record=f"holders of contract number {request.contract_number}",
        )
        others = [row for row in rows if not key_of(row, self._config)]
        if others:
            names = " and ".join(row.number or str(row.id) for row in others)
            raise NeedsRepair(
                f"Sale {names} in Tryton carries contract number {request.contract_number} as its reference, but not "
                "our key. Cancel it or clear its reference, then press Retry.",
                code="TL-CUS-004",
                record=names,
                field="reference",
                owner=Role.FINANCE_OPERATIONS,
            )

    async def _parties(self, kind: RecordKind, key: str) -> list[Holder]:
        clause = clause_of(kind, [key], self._config)
        rows = await self._client.search(
            "party.party", PartyRow, [clause, ANY_STATE], fields=("code", "active"), record=f"{kind} {key}"
        )
        found = [(ref_of(self._config, kind, row.id, row.code), row.active) for row in rows]
        if len(found) == 1 and not found[0][1]:
            raise inactive(found[0][0], key)
        return [Holder(ref) for ref, _ in found]

    async def _works(self, kind: RecordKind, key: str) -> list[Holder]:
        rows = await self._client.search(
            "project.work", WorkRow, [clause_of(kind, [key], self._config)], fields=self._fields("number", "comment"),
            record=f"{kind} {key}",
        )  # fmt: skip
        return [
            Holder(ref_of(self._config, kind, row.id, row.number)) for row in rows if key_of(row, self._config) == key
        ]

    async def _sales(self, key: str) -> list[Holder]:
        kind = RecordKind.CONTRACT
        rows = await self._client.search(
            "sale.sale", SaleRow, [clause_of(kind, [key], self._config)],
            fields=self._fields("number", "comment", "state"), record=f"{kind} {key}",
        )  # fmt: skip
        ours = [row for row in rows if key_of(row, self._config) == key]
        found = [Holder(ref_of(self._config, kind, row.id, row.number), row.state) for row in ours]
        if len(found) == 1 and found[0].state == _CANCELLED:
            raise inactive(found[0].ref, key)
        return found

    def _fields(self, *names: str) -> tuple[str, ...]:
        return (*names, "external_id") if self._config.has_uniqueness_module else names


def clause_of(kind: RecordKind, keys: list[str], config: TrytonConfig) -> list[Any]:
    """Search clause for records under any of these keys; `key_of` sorts out what a text search finds too much."""
    if config.has_uniqueness_module:
        return ["external_id", "in", keys]
    if MODELS[kind] == "party.party":
        # The one natural key of ours that the ERP keeps unique by itself. Sheet 3.1.
        return ["code", "in", keys]
    return ["OR", *(["comment", "like", f"%{notes.KEY}: {key}%"] for key in keys)]


def key_of(row: WorkRow | SaleRow, config: TrytonConfig) -> str:
    """Our key on a record; empty when it has none."""
    return row.external_id if config.has_uniqueness_module else read_note(row.comment).get(notes.KEY, "")


def ref_of(config: TrytonConfig, kind: RecordKind, record_id: int, number: str = "") -> RecordRef:
    """A record of this database, with the address of its screen."""
    return RecordRef(
        connection=config.connection,
        kind=kind,
        record_id=str(record_id),
        number=number,
        url=f"{config.screens_url}/{MODELS[kind]}/{record_id}",
    )


def inactive(ref: RecordRef, key: str) -> NeedsRepair:
    """Our record was switched off or cancelled by somebody: never revived by us."""
    return NeedsRepair(
        f"The {ref.kind} {ref.number or ref.record_id} in Tryton carries our key {key} but is inactive or cancelled. "
        "Make it active again, or clear the key so that a new one is made, then press Retry.",
        code="TL-CUS-003" if ref.kind is RecordKind.CUSTOMER else None,
        record=ref.number or ref.record_id,
        field="active",
        owner=Role.MASTER_DATA,
    )


def _two_holders(kind: RecordKind, what: str, holders: list[RecordRef]) -> NoReturn:
    names = " and ".join(ref.number or ref.record_id for ref in holders)
    raise NeedsRepair(
        f"Two {kind}s in Tryton carry {what}: {names}. Keep one: clear it on the other, then press Retry.",
        code="TL-CUS-004",
        record=names,
        field="external id",
        owner=Role.MASTER_DATA if kind is RecordKind.CUSTOMER else Role.FINANCE_OPERATIONS,
    )
