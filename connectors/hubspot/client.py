from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import httpx

from connector_kit import Effectful
from connectors.hubspot.complaints import fault_of_error
from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.errors import NoSuchRecord, rest_error
from connectors.hubspot.schemas import (
    AccountDetails,
    AssociationBatch,
    AssociationType,
    Batch,
    Linked,
    LinksMade,
    Owner,
    Pipelines,
    Record,
    SearchPage,
    WireError,
)
from connectors.hubspot.transport import Transport
from models.errors import Fatal, NeedsRepair, OutcomeUnknown, Retryable
from models.roles import Role

__all__ = ["HubSpotClient", "is_record_id"]

_PER_BATCH = 100
_PER_PAGE = 200
_MOST_PAGES = 100
_GONE = "OBJECT_NOT_FOUND"
_PRIMARY_COMPANY = 5
_ID = re.compile(r"[1-9]\d{0,19}")


def is_record_id(text: str) -> bool:
    """Whether this can be a record's id at all."""
    return text.isascii() and _ID.fullmatch(text) is not None


class HubSpotClient:
    """One method per endpoint; wire models in and out. Ids, names and keys are quoted where they enter an address."""

    def __init__(self, http: httpx.AsyncClient, config: HubSpotConfig) -> None:
        self._calls = Transport(http, config)
        self._version = config.api_version

    async def account(self) -> AccountDetails:
        """The account itself."""
        return await self._calls.read(AccountDetails, f"/account-info/{self._version}/details", record="the account")

    async def pipelines(self) -> Pipelines:
        """Every pipeline of deals with its stages."""
        path = f"/crm/pipelines/{self._version}/deals"
        return await self._calls.read(Pipelines, path, record="the pipelines of deals")

    async def owner(self, owner_id: str, *, archived: bool) -> Owner | None:
        """One owner; None when there is none in that drawer."""
        path = f"/crm/owners/{self._version}/{quote(owner_id, safe='')}"
        params = {"archived": str(archived).lower()}
        try:
            return await self._calls.read(Owner, path, record=f"owner {owner_id}", params=params)
        except NoSuchRecord:
            return None

    async def find(
        self,
        kind: str,
        key: str,
        *,
        properties: Iterable[str],
        associations: Sequence[str] = (),
        id_property: str = "",
        record: str,
    ) -> Record | None:
        """One record by its id, or by a property that is unique: a read that never lags (sheet 3.1)."""
        params = {"properties": ",".join(properties)}
        if associations:
            params["associations"] = ",".join(associations)
        if id_property:
            params["idProperty"] = id_property
        try:
            return await self._calls.read(Record, self._object(kind, key), record=record, params=params)
        except NoSuchRecord:
            return None

    async def read_many(
        self, kind: str, ids: Sequence[str], properties: Iterable[str], *, record: str
    ) -> dict[str, Record]:
        """Records by id, 100 in a call; those that do not exist are missing."""
        wanted, found = list(dict.fromkeys(ids)), dict[str, Record]()
        names = list(properties)
        for start in range(0, len(wanted), _PER_BATCH):
            part = wanted[start : start + _PER_BATCH]
            body = {"inputs": [{"id": item} for item in part], "properties": names, "propertiesWithHistory": []}
            batch = await self._calls.ask(Batch, f"{self._objects(kind)}/batch/read", body, record=record)
            for error in batch.errors:
                self._unless_gone(error, record)
            found |= {row.id: row for row in batch.results if not row.archived}
        return found

    async def associated(self, kind: str, record_id: str, other: str, *, most: int, record: str) -> list[Linked]:
        """Every association of one record with another kind, page by page, once for each label."""
        path = f"/crm/associations/{self._version}/{kind}/{other}/batch/read"
        found: list[Linked] = []
        after = ""
        for _ in range(_MOST_PAGES):
            asked = {"id": record_id, **({"after": after} if after else {})}
            answer = await self._calls.ask(AssociationBatch, path, {"inputs": [asked]}, record=record)
            for error in answer.errors:
                self._unless_gone(error, record)
            for row in answer.results:
                found += [Linked(id=to.id, type=label) for to in row.to for label in _labels(to.types)]
            after = next((row.after for row in answer.results if row.after), "")
            if not after or len(found) > most:
                break
        if after:
            raise NeedsRepair(
                f"HubSpot has more than {most} {other} at {record}. Remove the ones that do not belong there.",
                record=record,
                owner=Role.SALES_OPERATIONS,
            )
        return found

    async def search(self, kind: str, filters: Sequence[Mapping[str, Any]], properties: Iterable[str]) -> SearchPage:
        """The first page in the order of ids. The index lags: what is found here must be read again."""
        body = {
            "filterGroups": [{"filters": list(filters)}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": _PER_PAGE,
            "after": "0",
        }
        return await self._calls.ask(
            SearchPage, f"{self._objects(kind)}/search", body, record=f"the search for {kind}", is_search=True
        )

    async def update(self, kind: str, key: str, values: Mapping[str, str], *, record: str) -> None:
        """Set properties; doing it again changes nothing."""
        await self._calls.write(Record, "PATCH", self._object(kind, key), {"properties": dict(values)}, record=record)

    async def upsert(self, kind: str, key: str, id_property: str, values: Mapping[str, str], *, record: str) -> Record:
        """Make the record under a unique key, or change it: one effect, however often it is sent."""
        one = {"id": key, "idProperty": id_property, "objectWriteTraceId": key, "properties": dict(values)}
        batch = await self._calls.write(
            Batch, "POST", f"{self._objects(kind)}/batch/upsert", {"inputs": [one]}, record=record
        )
        for error in batch.errors:
            raise rest_error(fault_of_error(error, status=400, record=record), Effectful.WRITE)
        if len(batch.results) != 1:
            raise OutcomeUnknown(f"HubSpot did not say what became of {record}. We are checking.", record=record)
        return batch.results[0]

    async def create(
        self, kind: str, values: Mapping[str, str], *, linked_to: Mapping[str, int], record: str
    ) -> Record:
        """A new record with its associations, in one step."""
        links = [
            {
                "to": {"id": other},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": association}],
            }
            for other, association in linked_to.items()
        ]
        body = {"properties": dict(values), "associations": links}
        return await self._calls.write(Record, "POST", self._objects(kind), body, record=record)

    async def associate(self, kind: str, record_id: str, other: str, other_id: str, *, record: str) -> None:
        """Link two records without a label; a link that is there stays as it is."""
        path = f"/crm/associations/{self._version}/{kind}/{other}/batch/associate/default"
        body = {"inputs": [{"from": {"id": record_id}, "to": {"id": other_id}}]}
        await self._calls.write(LinksMade, "POST", path, body, record=record)

    async def archive(self, kind: str, record_id: str, *, record: str) -> None:
        """Put a record away; one that is away already stays there."""
        try:
            await self._calls.write_unread("DELETE", self._object(kind, record_id), None, record=record)
        except NoSuchRecord:
            return

    def _objects(self, kind: str) -> str:
        return f"/crm/objects/{self._version}/{kind}"

    def _object(self, kind: str, key: str) -> str:
        if not key or key in {".", ".."}:
            raise Fatal(f"Tieline asked HubSpot for one of its {kind} without saying which.", record=kind)
        return f"{self._objects(kind)}/{quote(key, safe='')}"

    def _unless_gone(self, error: WireError, record: str) -> None:
        fault = fault_of_error(error, status=400, record=record)
        if fault.code != _GONE:
            failed = rest_error(fault, Effectful.READ)
            raise failed if fault.code else Retryable(f"HubSpot could not read all of {record}.", record=record)


def _labels(types: Iterable[AssociationType]) -> list[str]:
    """As they read where associations come along with a record: the primary company by its own word there."""
    return ["deal_to_company" if item.type_id == _PRIMARY_COMPANY else item.label for item in types] or [""]
