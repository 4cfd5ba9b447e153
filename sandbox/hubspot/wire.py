"""One call as the interfaces see it, and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.hubspot.errors import HubSpotError
from sandbox.kit import Author, Request

__all__ = ["Answer", "Call", "Caller"]

Json = dict[str, Any]
_LIST_DEFAULT = 10


@dataclass(frozen=True)
class Caller:
    """Who calls: the name of the app or key, its number, and what it may do."""

    name: str
    app_id: int
    scopes: frozenset[str]
    is_oauth: bool = False
    user_id: int | None = None


@dataclass(frozen=True)
class Call:
    """A call with its path taken apart: the interface, its version, and the segments after both."""

    request: Request
    family: str
    version: str
    segments: tuple[str, ...]
    caller: Caller
    correlation_id: str
    # Unique values a slow upsert did not find when it looked, before somebody else may have written them.
    assume_new: frozenset[str] = frozenset()

    @property
    def method(self) -> str:
        """Return the HTTP method."""
        return self.request.method

    @property
    def is_dated(self) -> bool:
        """Tell the dated generation from v1 to v4."""
        return not self.version.startswith("v")

    @property
    def author(self) -> Author:
        """Return who a change of this call is by."""
        return Author(self.caller.name, self.request.request_id)

    @property
    def base_path(self) -> str:
        """Return the full address of the call without its query, for paging links."""
        return f"{self.request.base_url}{self.request.raw_path}"

    def body(self) -> Json:
        """Return the JSON body as an object."""
        value = self.body_value()
        if not isinstance(value, dict):
            raise HubSpotError("VALIDATION_ERROR", "Invalid input JSON on line 1, column 1: expected an object")
        return value

    def body_value(self) -> Any:
        """Return the JSON body, whatever it is."""
        if "json" not in self.request.header("content-type"):
            raise HubSpotError("", "Unsupported Media Type", status=415)
        try:
            return self.request.json()
        except ValueError as error:
            raise HubSpotError("VALIDATION_ERROR", f"Invalid input JSON on line 1, column 1: {error}") from error

    def listed(self, name: str) -> list[str]:
        """Return a list parameter, repeated or joined by commas."""
        found = [value for key, value in self.request.query_pairs if key in {name, f"{name}[]"}]
        return list(dict.fromkeys(part.strip() for value in found for part in value.split(",") if part.strip()))

    def parameter(self, name: str, default: str = "") -> str:
        """Return a parameter."""
        return self.request.query.get(name, default)

    def flag(self, name: str) -> bool:
        """Return a yes-or-no parameter, in any case."""
        return self.parameter(name).lower() == "true"

    def limit(self, most: int, default: int = _LIST_DEFAULT) -> int:
        """Return the page size asked for; more than the most is refused, not lowered."""
        text = self.parameter("limit", str(default))
        if not text.isdigit() or not 0 < int(text) <= most:
            message = f"limit must be between 1 and {most}, inclusive; it was {text}"
            raise HubSpotError("VALIDATION_ERROR", message)
        return int(text)


@dataclass(frozen=True)
class Answer:
    """Status, JSON value (None = empty body) and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
