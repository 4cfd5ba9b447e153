from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import ValidationError

from connector_kit import Effectful, Fault, Reply, VendorSession
from connectors.salesforce.auth import TokenSource
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.errors import SessionExpired, rest_error
from connectors.salesforce.schemas import CompositeReply, QueryPage, SubReply, WireError
from models.errors import Retryable, TielineError

__all__ = ["SalesforceClient"]

_OK = range(200, 300)
_NOT_FOUND = 404
_MULTIPLE = 300
_MOST_PAGES = 500
_HALTED = "PROCESSING_HALTED"


class SalesforceClient:
    """One method per endpoint of the REST API; wire documents in and out."""

    def __init__(self, http: httpx.AsyncClient, config: SalesforceConfig) -> None:
        self._config = config
        self._session = VendorSession(http, system="Salesforce", max_body=config.max_body_bytes)
        self._tokens = TokenSource(self._session, config)
        self._slots = asyncio.Semaphore(config.concurrency)

    async def query(self, soql: str) -> list[dict[str, Any]]:
        """All rows of a query, following its pages."""
        page = await self._page(await self._call("GET", f"{self._config.data_path}/query", params={"q": soql}))
        return await self._rest(page)

    async def children(self, rows: Any) -> list[dict[str, Any]]:
        """All child rows of a sub-select: null for none, and pages of their own."""
        if rows is None:
            return []
        return await self._rest(self._valid_page(rows))

    async def find_by_key(self, object_name: str, field: str, key: str, fields: Sequence[str]) -> dict[str, Any] | None:
        """The record with that external id, or None. Two of them raise NeedsRepair."""
        path = f"{self._config.data_path}/sobjects/{object_name}/{field}/{quote(key, safe='')}"
        reply = await self._call("GET", path, params={"fields": ",".join(fields)}, allow=(_NOT_FOUND,), record=key)
        if reply.status == _NOT_FOUND:
            return None
        document = self._document(reply, key)
        if not isinstance(document, dict):
            raise rest_error(Fault(code="", status=200, record=key))
        return document

    async def composite(self, parts: list[dict[str, Any]], *, record: str) -> dict[str, SubReply]:
        """Several writes, all or nothing, in one call. Raises the error of the part that failed."""
        body = {"allOrNone": True, "collateSubrequests": False, "compositeRequest": parts}
        reply = await self._call(
            "POST", f"{self._config.data_path}/composite", document=body, effect=Effectful.WRITE, record=record
        )
        try:
            answer = CompositeReply.model_validate(self._document(reply, record))
        except ValidationError as unreadable:
            raise rest_error(Fault(code="", status=200, record=record)) from unreadable
        failed = [part for part in answer.parts if part.status not in _OK]
        if failed:
            raise self._part_error(failed, record)
        if len(answer.parts) != len(parts):
            raise rest_error(Fault(code="", status=200, record=record))
        return {part.reference: part for part in answer.parts}

    def _part_error(self, failed: list[SubReply], record: str) -> TielineError:
        """The one part that failed for a reason; the others were only rolled back with it."""
        for part in failed:
            fault = _fault(part.body, part.status, f"{part.reference} of {record}")
            if fault.code != _HALTED:
                return rest_error(fault)
        return rest_error(Fault(code="", status=500, record=record))

    async def _rest(self, page: QueryPage) -> list[dict[str, Any]]:
        rows = list(page.records)
        for _ in range(_MOST_PAGES):
            if page.done or page.next_records_url is None:
                return rows
            # A path of our own org, never a host the answer names.
            if not page.next_records_url.startswith("/services/data/"):
                break
            page = await self._page(await self._call("GET", page.next_records_url))
            rows += page.records
        raise Retryable("Salesforce's list does not end as it should. It is read again.")

    async def _page(self, reply: Reply) -> QueryPage:
        return self._valid_page(self._document(reply, "query"))

    def _valid_page(self, document: Any) -> QueryPage:
        try:
            return QueryPage.model_validate(document)
        except ValidationError as unreadable:
            raise Retryable("Salesforce's answer to a query is not one. It is asked again.") from unreadable

    async def _call(
        self,
        method: str,
        path: str,
        *,
        effect: Effectful = Effectful.READ,
        params: dict[str, str] | None = None,
        document: Any = None,
        allow: tuple[int, ...] = (),
        record: str = "",
    ) -> Reply:
        """One call; when the org refuses the token, sign in again and repeat once: a 401 was not executed."""
        token = await self._tokens.token()
        for attempt in (1, 2):
            async with self._slots:
                reply = await self._session.send(
                    method,
                    f"{self._config.root_url}{path}",
                    effect=effect,
                    headers={
                        "Authorization": f"Bearer {token}",
                        "Accept": "application/json",
                        "Sforce-Call-Options": "client=Tieline",
                    },
                    params=params,
                    document=document,
                )
            if (reply.status in _OK and (reply.is_json or not reply.content)) or reply.status in allow:
                return reply
            error = self._error(reply, effect, record)
            if not isinstance(error, SessionExpired) or attempt == 2:  # noqa: PLR2004 - the second try
                raise error
            token = await self._tokens.token(refused=token)
        raise AssertionError("the loop returns or raises")

    def _error(self, reply: Reply, effect: Effectful, record: str) -> TielineError:
        if reply.status == _MULTIPLE:
            return rest_error(Fault(code="MULTIPLE", status=reply.status, record=record))
        document: Any = None
        if reply.is_json:
            try:
                document = reply.document()
            except ValueError:
                document = None
        error = rest_error(_fault(document, reply.status, record))
        if effect is Effectful.READ and error.code == "TL-INT-001":
            return Retryable("Salesforce gave no usable answer. It is asked again.", record=record)
        return error

    def _document(self, reply: Reply, record: str) -> Any:
        try:
            return reply.document()
        except ValueError as unreadable:
            raise rest_error(Fault(code="", status=200, record=record)) from unreadable


def _fault(body: Any, status: int, record: str) -> Fault:
    """The first complaint of an error answer; anything else counts as one without a code."""
    first = body[0] if isinstance(body, list) and body else body
    try:
        error = WireError.model_validate(first)
    except ValidationError:
        error = WireError()
    return Fault(code=error.error_code, status=status, message=error.message, fields=tuple(error.fields), record=record)
