from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import httpx
from pydantic import ValidationError

from connector_kit import Effectful, Fault, Reply, VendorSession
from connectors.salesforce.auth import TokenSource
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.errors import SIGN_IN, DuplicateKey, SessionExpired, rest_error
from connectors.salesforce.schemas import (
    Changes,
    CompositeReply,
    Deletions,
    QueryPage,
    RowReplies,
    RowReply,
    SubReply,
    WireError,
)
from models.errors import Fatal, NeedsRepair, NotSent, Retryable, TielineError
from models.roles import Role

__all__ = ["AccountTaken", "KeyRace", "RowReply", "SalesforceClient", "StateReached"]

_OK = range(200, 300)
_SUCCESS = 200
_NOTHING = 204
_MULTIPLE = 300
_MOST_ROWS = 200_000
_NEXT_PAGE = re.compile(r"/services/data/v[0-9]{2,3}\.0/query/[A-Za-z0-9._-]{1,200}")
_HALTED = "PROCESSING_HALTED"
_LED_NOWHERE = "Invalid reference specified"


class KeyRace(NotSent):
    """Somebody made the record under our key at the same moment, so ours was rolled back; repeat it once."""


class AccountTaken(NotSent):
    """Another account shows this customer already, under a value that is kept unique; all was rolled back."""


class StateReached(NotSent):
    """The record under our key says already what was to be written, so everything was rolled back."""


class SalesforceClient:
    """One method per endpoint of the REST API; wire documents in and out."""

    def __init__(self, http: httpx.AsyncClient, config: SalesforceConfig) -> None:
        self._config = config
        self._session = VendorSession(
            http, system="Salesforce", max_body=config.max_body_bytes, concurrency=config.concurrency
        )
        self._tokens = TokenSource(self._session, config)

    async def query(
        self, soql: str, *, record: str, most: int = _MOST_ROWS, with_deleted: bool = False
    ) -> list[dict[str, Any]]:
        """All rows of a query, following its pages; more than `most` are a repair."""
        path = f"{self._config.data_path}/{'queryAll' if with_deleted else 'query'}"
        reply = await self._call("GET", path, params={"q": soql}, record=record)
        return await self._rest(self._page(self._document(reply, record), record), record, most)

    async def children(self, rows: Any, *, record: str, most: int) -> list[dict[str, Any]]:
        """All child rows of a sub-select: null for none, and pages of their own."""
        return [] if rows is None else await self._rest(self._page(rows, record), record, most)

    async def update(self, kind: str, record_id: str, body: dict[str, Any], *, record: str) -> None:
        """Set fields of a record that is there; the vendor answers with nothing."""
        path = f"{self._config.data_path}/sobjects/{kind}/{record_id}"
        await self._call("PATCH", path, document=body, effect=Effectful.WRITE, record=record)

    async def updated(self, kind: str, since: datetime, until: datetime) -> tuple[list[str], datetime]:
        """Ids of the records of a kind changed in that time, and until when the org says that the list is whole."""
        record = f"changes of {kind}"
        window = {"start": _second(since), "end": _second(until)}
        path = f"{self._config.data_path}/sobjects/{kind}/updated/"
        document = self._document(await self._call("GET", path, params=window, record=record), record)
        try:
            changes = Changes.model_validate(document)
        except ValidationError as unreadable:
            raise _no_answer(_SUCCESS, Effectful.READ, record) from unreadable
        return changes.ids, changes.covered

    async def deleted(
        self, kind: str, since: datetime, until: datetime
    ) -> tuple[list[tuple[str, datetime]], datetime]:
        """Records of a kind deleted in that time, each with when, and until when the list is whole."""
        record = f"deletions of {kind}"
        window = {"start": _second(since), "end": _second(until)}
        path = f"{self._config.data_path}/sobjects/{kind}/deleted/"
        document = self._document(await self._call("GET", path, params=window, record=record), record)
        try:
            found = Deletions.model_validate(document)
        except ValidationError as unreadable:
            raise _no_answer(_SUCCESS, Effectful.READ, record) from unreadable
        return [(one.record_id, one.at) for one in found.records], found.covered

    async def access_token(self, *, refused: str = "") -> str:
        """The token for the event bus, which takes the same one. `refused` is one that it did not take."""
        return await self._tokens.token(refused=refused)

    async def composite(
        self, parts: list[dict[str, Any]], *, record: str, key_part: str, gate_part: str = "", account_part: str = ""
    ) -> dict[str, SubReply]:
        """Several writes, all or nothing, in one call. Raises the error of the part that failed.

        `key_part` is the upsert under our key (KeyRace), `gate_part` the one that only works once (StateReached),
        `account_part` the one that shows a customer on its account (AccountTaken).
        """
        body = {"allOrNone": True, "collateSubrequests": False, "compositeRequest": parts}
        reply = await self._call(
            "POST", f"{self._config.data_path}/composite", document=body, effect=Effectful.WRITE, record=record
        )
        try:
            answers = CompositeReply.model_validate(reply.document()).parts
        except ValueError as unreadable:  # ValidationError is one
            raise _no_answer(reply.status, Effectful.WRITE, record) from unreadable
        if failed := [part for part in answers if part.status not in _OK]:
            raise _part_error(failed, record, key_part, gate_part, account_part)
        if [part.reference for part in answers] != [part["referenceId"] for part in parts]:
            raise _no_answer(reply.status, Effectful.WRITE, record)
        return {part.reference: part for part in answers}

    async def patch_rows(self, path: str, rows: list[dict[str, Any]], *, record: str) -> tuple[RowReply, ...]:
        """Up to 200 rows in one call, each for itself. The call succeeds even when rows fail. Sheet section 5."""
        reply = await self._call(
            "PATCH",
            f"{self._config.data_path}/{path}",
            document={"allOrNone": False, "records": rows},
            effect=Effectful.WRITE,
            record=record,
        )
        try:
            answers = RowReplies.validate_python(reply.document())
        except ValueError as unreadable:  # ValidationError is one
            raise _no_answer(reply.status, Effectful.WRITE, record) from unreadable
        if len(answers) != len(rows):
            raise _no_answer(reply.status, Effectful.WRITE, record)
        return tuple(answers)

    async def _rest(self, page: QueryPage, record: str, most: int) -> list[dict[str, Any]]:
        rows = list(page.records)
        while not page.done and len(rows) <= most:
            # A path of our own org, never a host the answer names.
            if not page.records or not _NEXT_PAGE.fullmatch(page.next_records_url or ""):
                raise Retryable(
                    f"Salesforce's list about {record} does not go on as it should. It is read again.", record=record
                )
            reply = await self._call("GET", page.next_records_url or "", record=record)
            page = self._page(self._document(reply, record), record)
            rows += page.records
        if len(rows) > most:
            raise NeedsRepair(
                f"Salesforce has more than {most} rows about {record}. Remove the ones that do not belong there.",
                record=record,
                owner=Role.SALES_OPERATIONS,
            )
        return rows

    def _page(self, document: Any, record: str) -> QueryPage:
        try:
            return QueryPage.model_validate(document)
        except ValidationError as unreadable:
            raise _no_answer(_SUCCESS, Effectful.READ, record) from unreadable

    async def _call(
        self,
        method: str,
        path: str,
        *,
        record: str,
        effect: Effectful = Effectful.READ,
        params: dict[str, str] | None = None,
        document: Any = None,
    ) -> Reply:
        """One call; when the org refuses the token, sign in again and repeat once: a 401 was not executed."""
        token = await self._tokens.token()
        try:
            return await self._send(token, method, path, effect, record=record, params=params, document=document)
        except SessionExpired:
            token = await self._tokens.token(refused=token)
        try:
            return await self._send(token, method, path, effect, record=record, params=params, document=document)
        except SessionExpired as again:
            raise Fatal(
                "Salesforce refuses a sign-in it has only just given. Check that `base_url` of the connection is the "
                "org's own (My Domain) address.",
                code=SIGN_IN,
            ) from again

    async def _send(
        self,
        token: str,
        method: str,
        path: str,
        effect: Effectful,
        *,
        record: str,
        params: dict[str, str] | None,
        document: Any,
    ) -> Reply:
        reply = await self._session.send(
            method,
            f"{self._config.root_url}{path}",
            effect=effect,
            headers={
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                # Comes back in the org's change events, so that the echo of our own writes is recognised.
                "Sforce-Call-Options": "client=Tieline",
            },
            params=params,
            document=document,
        )
        if (reply.status == _SUCCESS and reply.is_json) or (reply.status == _NOTHING and method == "PATCH"):
            return reply
        raise _call_error(reply, effect, record)

    def _document(self, reply: Reply, record: str) -> Any:
        try:
            return reply.document()
        except ValueError as unreadable:
            raise _no_answer(reply.status, Effectful.READ, record) from unreadable


def _second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _call_error(reply: Reply, effect: Effectful, record: str) -> TielineError:
    if reply.status in _OK:
        return _no_answer(reply.status, effect, record)
    if reply.status == _MULTIPLE:
        return rest_error(Fault(code="MULTIPLE", status=reply.status, record=record), effect)
    try:
        document = reply.document() if reply.is_json else None
    except ValueError:
        document = None
    fault = _fault(document, reply.status, record).model_copy(update={"retry_after_s": reply.retry_after_s})
    return rest_error(fault, effect)


def _part_error(
    failed: list[SubReply], record: str, key_part: str, gate_part: str, account_part: str
) -> TielineError:
    """The one part that failed for a reason; the others were only rolled back with it."""
    for part in failed:
        fault = _fault(part.body, part.status, f"{part.reference} of {record}")
        if part.reference == gate_part and _LED_NOWHERE in fault.message:
            return StateReached(f"Salesforce shows this already on {record}; nothing was written.", record=record)
        if fault.code != _HALTED:
            error = rest_error(fault, Effectful.WRITE)
            if isinstance(error, DuplicateKey) and part.reference == key_part:
                return KeyRace(f"Somebody wrote to {record} in Salesforce at the same moment.", record=record)
            if isinstance(error, DuplicateKey) and part.reference == account_part:
                return AccountTaken(f"Another account than that of {record} shows its customer.", record=record)
            return error
    return _no_answer(failed[0].status, Effectful.WRITE, record)


def _no_answer(status: int, effect: Effectful, record: str) -> TielineError:
    """An answer that is none: a page, half a document, or one of another shape."""
    return rest_error(Fault(code="", status=status, record=record), effect)


def _fault(body: Any, status: int, record: str) -> Fault:
    """The first complaint of an error answer; anything else counts as one without a code."""
    first = body[0] if isinstance(body, list) and body else body
    try:
        error = WireError.model_validate(first)
    except ValidationError:
        error = WireError()
    if status == _MULTIPLE:
        return Fault(code="MULTIPLE", status=status, record=record)
    return Fault(code=error.error_code, status=status, message=error.message, fields=tuple(error.fields), record=record)
