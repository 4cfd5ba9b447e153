"""The vendor's error answers, in the words its servers use."""

from dataclasses import dataclass
from typing import Any

from sandbox.kit import Response

__all__ = ["ERROR_TYPE", "Detail", "NsError", "already_exists", "bad_value", "missing", "no_such_record", "user_error"]

ERROR_TYPE = "application/vnd.oracle.resource+json; type=error; charset=UTF-8"

_RFC = "https://www.rfc-editor.org/rfc/rfc9110.html#section-"
_TITLES = {
    400: ("Bad Request", f"{_RFC}15.5.1"),
    401: ("Unauthorized", f"{_RFC}15.5.2"),
    403: ("Forbidden", f"{_RFC}15.5.4"),
    404: ("Not Found", f"{_RFC}15.5.5"),
    405: ("Method Not Allowed", f"{_RFC}15.5.6"),
    409: ("Conflict", f"{_RFC}15.5.10"),
    415: ("Unsupported Media Type", f"{_RFC}15.5.16"),
    429: ("Bad Request", "https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html"),
    500: ("Internal Server Error", f"{_RFC}15.6.1"),
}


@dataclass(frozen=True)
class Detail:
    """One complaint: text, code and, where the vendor gives it, the place in body, URL, header or query."""

    text: str
    code: str
    path: str | None = None
    url: str | None = None
    header: str | None = None
    query: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the detail with the vendor's member names, absent ones left out."""
        members = {
            "detail": self.text,
            "o:errorPath": self.path,
            "o:errorUrl": self.url,
            "o:errorHeader": self.header,
            "o:errorQueryParam": self.query,
            "o:errorCode": self.code,
        }
        return {key: value for key, value in members.items() if value is not None}


class NsError(Exception):
    """A refusal with its HTTP status and one or more details."""

    def __init__(self, status: int, *details: Detail, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """Refuse with these details."""
        super().__init__(details[0].text)
        self.status = status
        self.details = details
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """Return the error body."""
        title, kind = _TITLES[self.status]
        return {
            "type": kind,
            "title": title,
            "status": self.status,
            "o:errorDetails": [detail.as_json() for detail in self.details],
        }

    def response(self) -> Response:
        """Return the whole answer."""
        return Response.of_json(self.status, self.body(), self.headers, content_type=ERROR_TYPE)


def user_error(text: str) -> NsError:
    """Refuse because of the account's own rules."""
    return NsError(400, Detail(f"Error while accessing a resource. {text}", "USER_ERROR"))


def missing(labels: list[str]) -> NsError:
    """Refuse because mandatory fields are empty; the vendor names them by their labels on the form."""
    return user_error(f"Please enter value(s) for: {', '.join(labels)}.")


def already_exists(*, transaction: bool = False) -> NsError:
    """Refuse a second record of one external id or name; the text does not tell which of them collided."""
    return user_error(f"This {'record' if transaction else 'entity'} already exists.")


def bad_value(value: object, field: str, path: str) -> NsError:
    """Refuse a value that is no record, list entry, number or date of the account."""
    text = (
        f"Error while accessing resource: You have entered an Invalid Field Value {value} for the following field: "
        f"{field}"
    )
    return NsError(400, Detail(text, "INVALID_CONTENT", path=path))


def no_such_record() -> NsError:
    """Refuse a record id nobody has."""
    text = "The record instance does not exist. Provide a valid record instance ID."
    return NsError(404, Detail(text, "NONEXISTENT_ID"))
