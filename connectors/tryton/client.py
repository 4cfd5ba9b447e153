from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from connector_kit import Effectful, Reply, VendorSession
from connectors.tryton.auth import ApiKey
from connectors.tryton.config import TrytonConfig
from connectors.tryton.errors import error_of
from connectors.tryton.schemas import EnsureAnswer
from models.errors import Fatal, OutcomeUnknown, Retryable

__all__ = ["Domain", "TrytonClient"]

Row = TypeVar("Row")
Domain = Sequence[Any]
_MODEL = re.compile(r"[a-z_]+(\.[a-z_]+)+")
_LOGGER = logging.getLogger("tieline.tryton")


class TrytonClient:
    """The REST interface of one database, one method per kind of call. No retry loop: the engine retries.

    One call is one transaction of the ERP: nested records are written with their parent or not at all.
    """

    def __init__(self, http: httpx.AsyncClient, config: TrytonConfig) -> None:
        self._config = config
        self._session = VendorSession(
            http, system="Tryton", max_body=config.max_body_bytes, concurrency=config.concurrency
        )
        self._auth = ApiKey(config.api_key)

    async def search(
        self,
        model: str,
        row: type[Row],
        domain: Domain,
        *,
        fields: Sequence[str],
        record: str,
        most: int = 1000,
        company: int | None = None,
    ) -> list[Row]:
        """Records of a kind, in the order of their ids. Raises Fatal when there are more than `most`."""
        params = [("d", _packed(list(domain))), ("o", _packed([["id", "ASC"]])), ("s", str(most + 1))]
        reply = await self._call(
            "GET", model, effect=Effectful.READ, record=record, params=params, fields=fields, company=company
        )
        found = _parsed(reply, TypeAdapter(list[row]), record, Effectful.READ)  # type: ignore[valid-type]
        if len(found) > most:
            raise Fatal(f"Tryton has more than {most} rows for {record}.", record=record)
        return list(found)

    async def create(self, model: str, values: dict[str, Any], *, record: str, company: int | None = None) -> int:
        """Create a record with everything nested in it. Gives its id."""
        reply = await self._call(
            "POST", model, effect=Effectful.WRITE, record=record, fields=("id",), document=values, company=company
        )
        return self._id(reply, record)

    async def write(
        self, model: str, record_id: int, values: dict[str, Any], *, record: str, company: int | None = None
    ) -> None:
        """Change fields of a record. The ERP says which one it changed; a page with status 200 does not."""
        reply = await self._call(
            "PUT", f"{model}/{record_id}", effect=Effectful.WRITE, record=record, fields=("id",), document=values,
            company=company,
        )  # fmt: skip
        self._check(reply, record_id, record)

    async def press(self, model: str, record_id: int, button: str, *, record: str, company: int | None = None) -> None:
        """Press a button of a record. The state is read back by whoever needs it: a button may do nothing (sheet 7)."""
        reply = await self._call(
            "POST", f"{model}/{record_id}/{button}", effect=Effectful.WRITE, record=record, fields=("id",), document={},
            company=company,
        )  # fmt: skip
        self._check(reply, record_id, record)

    async def ensure(
        self,
        model: str,
        key: str,
        values: dict[str, Any],
        *,
        record: str,
        steps: Sequence[str] = (),
        company: int | None = None,
    ) -> tuple[int, bool]:
        """Find by external id or create, in one transaction of the ERP; needs the module `tieline`."""
        body = {"external_id": key, "values": values, "steps": list(steps)}
        reply = await self._call(
            "POST", f"{model}/tieline_ensure", effect=Effectful.WRITE, record=record, document=body, company=company
        )
        return _parsed(reply, EnsureAnswer, record, Effectful.WRITE)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        effect: Effectful,
        record: str,
        params: Sequence[tuple[str, str]] = (),
        fields: Sequence[str] = (),
        document: Any = None,
        company: int | None = None,
    ) -> Reply:
        if not _MODEL.fullmatch(path.partition("/")[0]):
            raise Fatal(f"{path[:60]!r} names no kind of record.", record=record)
        query = httpx.QueryParams([*params, *(("f", field) for field in fields)])
        headers = {"Accept": "application/json", "Accept-Language": "en"}
        if company is not None:
            # Accounts, currency and defaults of a record depend on it. Sheet 2.0.
            headers["X-Tryton-Context"] = _packed({"company": company})
        url = f"{self._config.root_url}/{path}"
        reply = await self._session.send(
            method, f"{url}?{query}" if query else url, effect=effect, headers=headers, document=document,
            auth=self._auth,
        )  # fmt: skip
        level = logging.DEBUG if httpx.codes.is_success(reply.status) else logging.WARNING
        noted = {"method": method, "path": path, "status": reply.status}
        _LOGGER.log(level, "tryton.answered", extra={"tieline_event": "tryton.answered", "tieline_fields": noted})
        if not httpx.codes.is_success(reply.status):
            raise error_of(reply, effect, record)
        return reply

    def _check(self, reply: Reply, record_id: int, record: str) -> None:
        if self._id(reply, record) != record_id:
            raise _unclear(record, Effectful.WRITE)

    @staticmethod
    def _id(reply: Reply, record: str) -> int:
        found = _parsed(reply, TypeAdapter(dict[str, Any]), record, Effectful.WRITE).get("id")
        if not isinstance(found, int):
            raise _unclear(record, Effectful.WRITE)
        return found


def _packed(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def _unclear(record: str, effect: Effectful) -> Retryable:
    if effect is Effectful.WRITE:
        return OutcomeUnknown(
            f"Tryton did not say what it saved as {record}. We are checking; nothing is repeated until we know.",
            record=record,
        )
    return Retryable(f"Tryton's answer about {record} is not whole. It is asked again.", record=record)


def _parsed(reply: Reply, form: TypeAdapter[Row], record: str, effect: Effectful) -> Row:
    try:
        document = reply.document() if reply.is_json else None
    except ValueError as unreadable:
        raise _unclear(record, effect) from unreadable
    if document is None:
        raise _unclear(record, effect)
    try:
        return form.validate_python(document)
    except (ValidationError, KeyError, TypeError) as misread:
        if effect is Effectful.WRITE:
            raise _unclear(record, effect) from misread
        raise Fatal(f"Tryton's answer about {record} does not have the form we know.", record=record) from misread
