"""One API call and its answer, whether it came by HTTP or inside a composite request."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, unquote

from sandbox.kit import Request, Response
from sandbox.kit.wire_json import dumps, loads
from sandbox.salesforce.errors import SalesforceError

__all__ = ["JSON_TYPE", "Answer", "Call", "call_of", "header_options", "sub_call"]

JSON_TYPE = "application/json;charset=UTF-8"
_GZIP_FROM = 1000


@dataclass(frozen=True)
class Call:
    """A call on `/services/data/vNN.0/`: `segments` is the decoded path after the version."""

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    raw_body: bytes
    version: str
    request_id: str
    parsed: Any = None
    inside_composite: bool = False
    assume_new: bool = False

    @property
    def body(self) -> Any:
        """Return the JSON body; raises JSON_PARSER_ERROR when it is none."""
        if self.parsed is not None or self.inside_composite:
            return self.parsed
        if "json" not in self.headers.get("content-type", ""):
            message = (
                f"Content type {self.headers.get('content-type') or 'none'} is not supported; send application/json."
            )
            raise SalesforceError("UNSUPPORTED_MEDIA_TYPE", message, status=415)
        try:
            return loads(self.raw_body)
        except ValueError as error:
            message = f"{error} at [line:1, column:1]"
            raise SalesforceError("JSON_PARSER_ERROR", message) from error

    @property
    def fields(self) -> dict[str, Any]:
        """Return the body as the fields of one record."""
        body = self.body if self.body is not None else {}
        if not isinstance(body, dict):
            raise SalesforceError("JSON_PARSER_ERROR", "The request body must be one JSON object at [line:1, column:1]")
        return body

    @property
    def base(self) -> str:
        """Return the path prefix of this version."""
        return f"/services/data/v{self.version}"

    @property
    def client(self) -> str:
        """Return the client name of Sforce-Call-Options, or `rest`."""
        return header_options(self.headers.get("sforce-call-options", "")).get("client", "rest")


@dataclass(frozen=True)
class Answer:
    """Status, JSON value (None = empty body) and headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)

    def as_response(self, *, accepts_gzip: bool, more: tuple[tuple[str, str], ...] = ()) -> Response:
        """Return the HTTP answer, compressed when that is asked for and worth it."""
        headers = [*self.headers.items(), *more]
        if self.body is None:
            return Response(self.status, headers)
        raw = dumps(self.body).encode()
        headers = [("Content-Type", JSON_TYPE), *headers]
        if accepts_gzip and len(raw) > _GZIP_FROM:
            return Response(self.status, [*headers, ("Content-Encoding", "gzip")], gzip.compress(raw, 1))
        return Response(self.status, headers, raw)


def header_options(text: str) -> dict[str, str]:
    """Read a vendor header such as `client=Tieline, defaultNamespace=x`."""
    pairs = (part.partition("=")[::2] for part in text.replace(";", ",").split(","))
    return {name.strip(): value.strip() for name, value in pairs if name.strip()}


def call_of(request: Request, version: str, raw_segments: list[str]) -> Call:
    """Make the call of an HTTP request; a slash inside an external id arrives percent-encoded."""
    return Call(
        method=request.query.get("_HttpMethod", request.method).upper(),
        segments=tuple(unquote(segment) for segment in raw_segments if segment),
        query=request.query,
        headers=request.headers,
        raw_body=request.body,
        version=version,
        request_id=request.request_id,
    )


def sub_call(outer: Call, method: str, url: str, body: Any, headers: Mapping[str, str] | None = None) -> Call:
    """Make the call of one part of a composite request; raises ValueError when the address is not of this API."""
    path, _, query = url.partition("?")
    parts = path.strip("/").split("/")
    if parts[:2] == ["services", "data"]:
        parts = parts[2:]
    if not parts or not parts[0].startswith("v"):
        raise ValueError(f"The url '{url}' does not begin with /services/data/v{outer.version}/.")
    lowered = {key.lower(): value for key, value in (headers or {}).items()}
    return replace(
        outer,
        method=method.upper(),
        segments=tuple(unquote(one) for one in parts[1:] if one),
        query=dict(parse_qsl(query, keep_blank_values=True)),
        headers={**outer.headers, **lowered},
        version=parts[0].removeprefix("v"),
        parsed=body,
        inside_composite=True,
    )
