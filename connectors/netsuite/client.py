from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from connector_kit import Effectful, Reply, VendorSession
from connectors.netsuite.auth import sign_in
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.errors import RecordNotFound, error_of, sign_in_error
from connectors.netsuite.queries import Query
from connectors.netsuite.schemas import ServerTime, SuiteQlPage, Token
from models.errors import Fatal, NotSent, OutcomeUnknown, Retryable

__all__ = ["NetSuiteClient"]

Model = TypeVar("Model", bound=BaseModel)

_PAGE = 1000
_KEY = re.compile(r"(eid:[A-Za-z0-9_-]{1,60}|[0-9]{1,20})")
_LOCATION = re.compile(r"/(?P<kind>[A-Za-z]+)/(?P<id>[0-9]{1,20})$")
_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_UNAUTHORIZED = 401
_LOGGER = logging.getLogger("tieline.netsuite")


class NetSuiteClient:
    """The REST services of one account, one method per endpoint.

    No retry loop: a call waits for a free slot of ours, and a refused sign-in is renewed and tried once more, which is
    safe because a refused call was not run.
    """

    def __init__(
        self, http: httpx.AsyncClient, config: NetSuiteConfig, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._config = config
        self._session = VendorSession(http, system="NetSuite", max_body=config.max_body_bytes)
        self._slots = asyncio.Semaphore(config.concurrency)
        self._sign_in = sign_in(config, self.exchange_token, clock=clock)
        self._rest = f"{config.root_url}/services/rest"

    async def exchange_token(self, assertion: str) -> Token:
        """Turn a signed assertion into an access token. Raises Fatal when refused, NotSent when there is no answer."""
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": _ASSERTION_TYPE,
            "client_assertion": assertion,
        }
        try:
            reply = await self._session.send("POST", self._config.token_url, effect=Effectful.READ, form=form)
        except NotSent:
            raise
        except Retryable as lost:
            # Losing the answer to a question for a token loses nothing else: what was to be sent did not leave.
            raise NotSent(f"NetSuite gives no token now; nothing was sent. {lost.message}", record="NetSuite") from lost
        if reply.status != httpx.codes.OK:
            raise sign_in_error(reply)
        try:
            return _parsed(reply, Token, "its token")
        except (Fatal, Retryable) as unreadable:
            raise NotSent("NetSuite's token cannot be read; nothing was sent.", record="NetSuite") from unreadable

    async def get_server_time(self) -> ServerTime:
        """The account's clock; needs no permission, so it also tells whether the sign-in works."""
        reply = await self._call("GET", f"{self._rest}/system/v1/serverTime", effect=Effectful.READ, record="its clock")
        return _parsed(reply, ServerTime, "its clock")

    async def query(
        self, query: Query, *, record: str, needs: tuple[str, ...], offset: int = 0, limit: int = _PAGE
    ) -> SuiteQlPage:
        """One page of SuiteQL whose rows all have the columns `needs`. The offset must be a multiple of the limit."""
        reply = await self._call(
            "POST",
            f"{self._rest}/query/v1/suiteql",
            effect=Effectful.READ,
            record=record,
            params={"limit": str(limit), "offset": str(offset)},
            headers={"Prefer": "transient"},
            document={"q": query.text, "params": list(query.params)},
        )
        page = _parsed(reply, SuiteQlPage, record)
        if lacking := {name for row in page.items for name in needs if not row.get(name)}:
            columns = ", ".join(sorted(lacking))
            raise Fatal(f"NetSuite's answer about {record} has rows without {columns}.", record=record)
        return page

    async def get_record(
        self, kind: str, key: str, model: type[Model], *, record: str, fields: Iterable[str] = ()
    ) -> Model | None:
        """A record by internal id or `eid:...`; None if there is none. Without `fields`: all of it, with its lines."""
        params = {"fields": ",".join(fields)} if fields else {"expandSubResources": "true"}
        try:
            reply = await self._call(
                "GET", self._record_url(kind, key), effect=Effectful.READ, record=record, params=params
            )
        except RecordNotFound:
            return None
        return _parsed(reply, model, record)

    async def put_record(
        self, kind: str, external_id: str, body: dict[str, Any], *, record: str, replace: Iterable[str] = ()
    ) -> str:
        """Create or update by external id; `replace` makes those sublists the full truth. Gives the internal id."""
        reply = await self._write("PUT", kind, f"eid:{external_id}", body, record=record, replace=replace)
        return self._located(reply, kind, record)

    async def patch_record(
        self, kind: str, record_id: str, body: dict[str, Any], *, record: str, replace: Iterable[str] = ()
    ) -> None:
        """Change fields of an existing record; `replace` makes those sublists the full truth."""
        reply = await self._write("PATCH", kind, record_id, body, record=record, replace=replace)
        if reply.status != httpx.codes.NO_CONTENT:
            self._located(reply, kind, record)

    async def _write(
        self, method: str, kind: str, key: str, body: dict[str, Any], *, record: str, replace: Iterable[str]
    ) -> Reply:
        sublists = ",".join(replace)
        params = {"replace": sublists} if sublists else None
        url = self._record_url(kind, key)
        return await self._call(method, url, effect=Effectful.WRITE, record=record, params=params, document=body)

    async def _call(
        self,
        method: str,
        url: str,
        *,
        effect: Effectful,
        record: str,
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        document: Any = None,
    ) -> Reply:
        sent = {
            "Accept": "application/json",
            "Accept-Language": self._config.accept_language,
            # Without this a misspelt field is dropped in silence (sheet 10.1).
            "X-NetSuite-PropertyNameValidation": "error",
        } | (headers or {})
        async with self._slots:
            version = self._sign_in.version
            reply = await self._session.send(
                method, url, effect=effect, headers=sent, params=params, document=document, auth=self._sign_in.as_httpx
            )
            if reply.status == _UNAUTHORIZED and await self._sign_in.renew(version):
                reply = await self._session.send(
                    method, url, effect=effect, headers=sent, params=params, document=document,
                    auth=self._sign_in.as_httpx,
                )  # fmt: skip
        _note(method, url, reply)
        if not httpx.codes.is_success(reply.status):
            raise error_of(reply, effect, record)
        return reply

    def _record_url(self, kind: str, key: str) -> str:
        if not _KEY.fullmatch(key):
            raise Fatal(f"{key[:80]!r} is neither an id nor an external id of NetSuite.", record=kind)
        return f"{self._rest}/record/v1/{kind}/{key}"

    def _located(self, reply: Reply, kind: str, record: str) -> str:
        found = _LOCATION.search(reply.headers.get("location", "").partition("?")[0])
        # Transactions answer with their type in lower case.
        if found is None or found["kind"].lower() != kind.lower():
            raise OutcomeUnknown(
                f"NetSuite did not say where it saved {record}. We are checking; nothing is repeated until we know.",
                record=record,
            )
        return found["id"]


def _note(method: str, url: str, reply: Reply) -> None:
    """One log event per answer, with the id that the vendor's support asks for."""
    level = logging.DEBUG if httpx.codes.is_success(reply.status) else logging.WARNING
    if not _LOGGER.isEnabledFor(level):
        return
    fields = {
        "method": method,
        "path": httpx.URL(url).path,
        "status": reply.status,
        "operation": reply.headers.get("x-n-operationid", "")[:64],
    }
    _LOGGER.log(level, "netsuite.answered", extra={"tieline_event": "netsuite.answered", "tieline_fields": fields})


def _parsed(reply: Reply, model: type[Model], record: str) -> Model:
    if not reply.is_json:
        raise Retryable(
            f"NetSuite answered about {record} with a page instead of data. It is asked again.", record=record
        )
    try:
        document = reply.document()
    except (ValueError, RecursionError) as unreadable:
        raise Retryable(
            f"NetSuite's answer about {record} is not whole. It is asked again.", record=record
        ) from unreadable
    try:
        return model.model_validate(document)
    except ValidationError as misread:
        places = ", ".join(".".join(str(part) for part in error["loc"]) for error in misread.errors()[:3])
        raise Fatal(
            f"NetSuite's answer about {record} does not have the form we know ({places}).", record=record
        ) from misread
