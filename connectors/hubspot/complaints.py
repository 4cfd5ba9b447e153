from __future__ import annotations

import json
import re

from connector_kit import Fault, Reply
from connectors.hubspot.schemas import WireError

__all__ = ["fault_of", "fault_of_error"]

_LIST_IN_WORDS = re.compile(r"Property values were not valid: (\[.*\])", re.DOTALL)
_MOST_WAIT_S = 86_400.0
_RATE, _LOCKED, _MOVING = 429, 423, 477
_BY_STATUS = {404: "NOT_FOUND", 409: "CONFLICT", 414: "URI_TOO_LONG", 415: "NOT_JSON", _LOCKED: "LOCKED",
              _MOVING: "MIGRATION"}  # fmt: skip
_SENTENCES = (
    ("already has that value", "DUPLICATE_VALUE"),
    ("non-unique", "ID_PROPERTY_NOT_UNIQUE"),
    ("unable to infer object type", "UNKNOWN_OBJECT_TYPE"),
    ("required propert", "REQUIRED_PROPERTY"),
    ("duplicate ids", "DUPLICATE_IN_BATCH"),
    ("10,000", "SEARCH_TOO_DEEP"),
)
"""What only the vendor's words tell apart; the codes around them are the same."""
_NAMED = ("propertyName", "propertyNames", "properties", "missingProperties", "requiredGranularScopes")
"""Where a complaint's context names what is missing or wrong."""
_CODES = {
    "PROPERTY_DOESNT_EXIST": "PROPERTY_DOESNT_EXIST",
    "READ_ONLY_VALUE": "READ_ONLY_VALUE",
    "REQUIRED_PROPERTY": "REQUIRED_PROPERTY",
    "REQUIRED_FIELD": "REQUIRED_PROPERTY",
    "MISSING_REQUIRED_PROPERTY": "REQUIRED_PROPERTY",
    "CONDITIONALLY_REQUIRED_PROPERTY": "REQUIRED_PROPERTY",
    "UNIQUE_VALUE_CONFLICT": "DUPLICATE_VALUE",
    "CONFLICTING_UNIQUE_VALUE": "DUPLICATE_VALUE",
}


def fault_of(reply: Reply, *, record: str) -> Fault:
    """What an error answer complains about; a page or half a document is one without a code."""
    try:
        error = WireError.model_validate(reply.document()) if reply.is_json else None
    except ValueError:  # ValidationError is one
        error = None
    wait = _wait(reply.headers.get("retry-after", ""))
    if error is None:
        code = _BY_STATUS.get(reply.status, "") if reply.status in {_LOCKED, _MOVING} else ""
        return Fault(code="RATE_LIMIT" if reply.status == _RATE else code, status=reply.status, record=record,
                     retry_after_s=wait)  # fmt: skip
    return fault_of_error(error, status=reply.status, record=record, retry_after_s=wait)


def fault_of_error(error: WireError, *, status: int, record: str, retry_after_s: float | None = None) -> Fault:
    """The same for a complaint inside a batch's answer, which has no status of its own."""
    details = _details(error)
    return Fault(
        code=_code(error, status, details),
        status=status,
        message=_words(error, details),
        fields=_fields(error, details),
        record=record,
        retry_after_s=retry_after_s,
    )


def _code(error: WireError, status: int, details: list[dict[str, str]]) -> str:
    if status == _RATE or error.error_type == "RATE_LIMIT":
        return f"RATE_LIMIT_{error.policy_name}" if error.policy_name else "RATE_LIMIT"
    for detail in details:
        if detail["error"]:
            return _CODES.get(detail["error"], "INVALID_VALUE")
    said = " ".join((error.message, *(str(row.get("message", "")) for row in error.errors))).lower()
    for words, code in _SENTENCES:
        if words in said:
            return code
    for row in error.errors:
        if (found := _CODES.get(str(row.get("code", "")))) is not None:
            return found
    return error.error or _category(error) or _BY_STATUS.get(status, "")


def _category(error: WireError) -> str:
    if error.category:
        return error.category
    # The sign-in of the first generation names its complaint where others say "error".
    return error.status if error.status.isupper() else ""


def _details(error: WireError) -> list[dict[str, str]]:
    """Complaints about single values: the vendor writes them as a list inside its sentence (sheet 7.2)."""
    found = _LIST_IN_WORDS.search(error.message)
    if found is None:
        return []
    try:
        rows = json.loads(found[1])
    except (ValueError, RecursionError):
        return []
    return [
        {key: str(row.get(key, ""))[:300] for key in ("name", "error", "message", "localizedErrorMessage")}
        for row in (rows if isinstance(rows, list) else [])
        if isinstance(row, dict)
    ][:20]


def _words(error: WireError, details: list[dict[str, str]]) -> str:
    if details:
        return "; ".join(f"{row['name']}: {row['localizedErrorMessage'] or row['message']}" for row in details)
    inner = [str(row["message"])[:300] for row in error.errors if isinstance(row.get("message"), str)]
    return error.message or error.error_description or "; ".join(inner)


def _fields(error: WireError, details: list[dict[str, str]]) -> tuple[str, ...]:
    names = [row["name"] for row in details]
    for table in (error.context, *(row.get("context") for row in error.errors)):
        if isinstance(table, dict):
            for key in _NAMED:
                value = table.get(key)
                names += [str(item)[:100] for item in value[:20]] if isinstance(value, list) else []
    return tuple(dict.fromkeys(name for name in names if name))


def _wait(text: str) -> float | None:
    return min(float(text), _MOST_WAIT_S) if text.isascii() and text.isdigit() and len(text) < 8 else None  # noqa: PLR2004
