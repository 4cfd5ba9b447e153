"""The vendor's error answers: what a refused call says, and in which of the three shapes."""

from collections.abc import Sequence
from typing import Any

__all__ = ["HALTED", "ROLLED_BACK", "MultipleMatchesError", "OAuthError", "SalesforceError", "missing"]


class SalesforceError(Exception):
    """A call or row the vendor refuses, with its code, its wording and the fields it names."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: Sequence[str] | None = None,
        extra: dict[str, Any] | None = None,
    ) -> None:
        """Refuse with one error; `extra` carries the members only some codes have."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields
        self.extra = extra or {}

    def as_rest(self) -> list[dict[str, Any]]:
        """Return the body of a single call: a list, keyed `errorCode`."""
        error: dict[str, Any] = {**self.extra, "message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = list(self.fields)
        return [error]

    def as_row(self) -> dict[str, Any]:
        """Return the error of one row of a collection: keyed `statusCode`."""
        return {**self.extra, "statusCode": self.code, "message": self.message, "fields": list(self.fields or [])}


class MultipleMatchesError(Exception):
    """An external id that several records carry; nothing is written."""

    def __init__(self, urls: list[str]) -> None:
        """Name the records that carry it."""
        super().__init__(f"{len(urls)} records match")
        self.urls = urls


class OAuthError(Exception):
    """A refused token request: an object, unlike every other error."""

    def __init__(self, error: str, description: str | None, status: int = 400) -> None:
        """Refuse with the OAuth error and the vendor's description."""
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


def missing() -> SalesforceError:
    """Return the answer for a record or address that is not there."""
    return SalesforceError("NOT_FOUND", "The requested resource does not exist", status=404)


HALTED = SalesforceError(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)
ROLLED_BACK = SalesforceError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    fields=[],
)
