"""Requests and answers as the simulators see them, free of any web framework."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

from sandbox.kit.wire_json import dumps, loads

__all__ = ["Request", "Response"]


@dataclass(frozen=True)
class Request:
    """One received call. `headers` has lower-case names; `raw_path` is the path before percent decoding."""

    method: str
    scheme: str
    path: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    request_id: str
    peer: tuple[str, int]

    @property
    def target(self) -> str:
        """Return path and query as sent, which is what fault rules look at."""
        return f"{self.raw_path}?{self.query_string}" if self.query_string else self.raw_path

    @property
    def base_url(self) -> str:
        """Return scheme and host as the caller addressed them."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"

    @property
    def query(self) -> dict[str, str]:
        """Return the query parameters; the last one of a name counts."""
        return dict(self.query_pairs)

    @property
    def query_pairs(self) -> list[tuple[str, str]]:
        """Return all query parameters in their order."""
        return parse_qsl(self.query_string, keep_blank_values=True)

    @property
    def form(self) -> dict[str, str]:
        """Return a form-encoded body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self) -> Any:
        """Return the JSON body; raises ValueError when it is none."""
        return loads(self.body)

    def header(self, name: str, default: str = "") -> str:
        """Return a header by its name in any case."""
        return self.headers.get(name.lower(), default)


@dataclass(frozen=True)
class Response:
    """One answer. Headers keep their order and may repeat."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    @classmethod
    def of_json(
        cls,
        status: int,
        value: Any,
        headers: Iterable[tuple[str, str]] = (),
        content_type: str = "application/json; charset=UTF-8",
    ) -> Self:
        """Make a JSON answer."""
        return cls(status, [("Content-Type", content_type), *headers], dumps(value).encode())

    def header(self, name: str) -> str | None:
        """Return the first header of a name in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)
