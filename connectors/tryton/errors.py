from __future__ import annotations

import html
import re
from collections.abc import Callable

from connector_kit import Effectful, Fault, FaultTable, Reply
from connectors.tryton.schemas import ErrorBody
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.roles import Role

__all__ = ["FAULTS", "AlreadyExists", "RecordNotFound", "error_of", "fault_of"]

_LONGEST_QUOTE = 300
_SERVER_ERROR = 500
_SIGN_IN_REFUSED = (
    "Tryton refused our API key. Ask the Tryton administrator whether the integration user is active and its "
    "application 'rest' is validated, and put a new key into the connection's settings."
)


class AlreadyExists(NeedsRepair):
    """Somebody has that key. A read-back decides whether it is our own record."""

    code = "TL-CUS-001"


class RecordNotFound(NeedsRepair):
    """The database has no such record, or it is inactive."""


def error_of(reply: Reply, effect: Effectful, record: str) -> TielineError:
    """Our error for an answer that is not a success."""
    error = FAULTS.error_for(fault_of(reply, record))
    if isinstance(error, OutcomeUnknown) and effect is Effectful.READ:
        return Retryable(f"Tryton could not answer about {record}. It is asked again.", record=record)
    return error


def fault_of(reply: Reply, record: str) -> Fault:
    """The complaint under the code of a row. The ERP has no error codes: status and English text decide."""
    text = _text(reply)
    code = _BY_STATUS.get(reply.status, "")
    for status, pattern, named in _BY_TEXT:
        if reply.status == status and re.search(pattern, text, re.IGNORECASE):
            code = named
            break
    return Fault(code=code, status=reply.status, message=text, record=record, retry_after_s=reply.retry_after_s)


_BY_STATUS = {400: "REFUSED", 401: "SIGN_IN", 403: "NOT_EXPOSED", 404: "NOT_FOUND", 423: "CHANGED", 429: "TOO_MANY"}
_BY_TEXT = (
    (400, r"must be unique", "EXISTS"),
    (400, r"A value is required for field|is required", "MISSING_VALUE"),
    (400, r"is not valid\b(?!.*domain)", "BAD_NUMBER"),
    (400, r"not valid according to its domain|is not one of the allowed options|too many digits|exceed", "BAD_VALUE"),
    (400, r"not allowed to (access|modify|create|delete|read|write)|Calling button .* not allowed", "NO_RIGHT"),
    (400, r"You can not call", "WRONG_STATE"),
    (400, r"does not exist", "GONE"),
    (400, r"period", "CLOSED_PERIOD"),
    (500, r"^'[\w.]+'$", "OTHER_VERSION"),
    (503, r"could not serialize|serialization|deadlock", "SERIALIZE"),
)  # fmt: skip


def _text(reply: Reply) -> str:
    if reply.is_json:
        try:
            body = ErrorBody.model_validate(reply.document())
        except ValueError:
            return ""
        return f"{body.message} {body.description}".strip()
    # Other refusals are a page with one paragraph.
    page = reply.content[:20_000].decode("utf-8", "replace")
    found = re.search(r"<p>(?P<text>.{1,1000}?)</p>", page, re.DOTALL)
    return html.unescape(found["text"]).strip() if found else ""


def _quote(fault: Fault) -> str:
    return fault.message[:_LONGEST_QUOTE] or f"HTTP {fault.status}"


def _field(fault: Fault) -> str:
    named = re.search(r'field "(?P<field>[^"]{1,80})"', fault.message)
    return named["field"] if named else ""


def _repair(sentence: str, owner: Role, code: str | None = None) -> Callable[[Fault], TielineError]:
    def translate(fault: Fault) -> TielineError:
        message = sentence.format(record=fault.record or "the record", quote=_quote(fault), field=_field(fault))
        return NeedsRepair(f"{message} Then press Retry.", code=code, record=fault.record, field=_field(fault),
                           owner=owner)  # fmt: skip

    return translate


def _fatal(sentence: str, code: str | None = None) -> Callable[[Fault], TielineError]:
    def translate(fault: Fault) -> TielineError:
        message = sentence.format(record=fault.record or "the record", quote=_quote(fault))
        return Fatal(message, code=code, record=fault.record)

    return translate


def _exists(fault: Fault) -> TielineError:
    return AlreadyExists(
        f"Tryton already has a record with the key of {fault.record}, and it cannot be read by it. Look for it there, "
        "then press Retry.",
        record=fault.record,
        owner=Role.MASTER_DATA,
    )


def _not_found(fault: Fault) -> TielineError:
    return RecordNotFound(
        f"Tryton has no {fault.record} (any more), it is inactive, or the database is named wrongly. Look there, then "
        "press Retry.",
        record=fault.record,
        owner=Role.FINANCE_OPERATIONS,
    )


def _rolled_back(fault: Fault) -> TielineError:
    return NotSent(
        f"Somebody wrote beside {fault.record} in Tryton at the same moment; it rolled our request back.",
        record=fault.record,
        retry_after_s=fault.retry_after_s,
    )


def _unknown(fault: Fault) -> TielineError:
    return OutcomeUnknown(
        f"Tryton did not confirm {fault.record} (HTTP {fault.status}). We are checking; nothing is repeated until we "
        "know.",
        record=fault.record,
        retry_after_s=fault.retry_after_s,
    )


def _fallback(fault: Fault) -> TielineError:
    if fault.status < _SERVER_ERROR:
        return Fatal(f"Tryton answered about {fault.record} in a way we do not know: {_quote(fault)}",
                     record=fault.record)  # fmt: skip
    return _unknown(fault)


FAULTS = FaultTable(
    {
        "EXISTS": _exists,
        "MISSING_VALUE": _repair(
            "Tryton needs {field} for {record}. Fill it in at its source.", Role.FINANCE_OPERATIONS
        ),
        "BAD_NUMBER": _repair(
            "Tryton does not accept a number of {record}: {quote} Correct it on the CRM account.",
            Role.SALES_OPERATIONS,
            "TL-CUS-014",
        ),
        "BAD_VALUE": _repair(
            "Tryton does not accept a value of {record}: {quote} Correct it in Tryton or in the rules.",
            Role.FINANCE_OPERATIONS,
        ),
        "NO_RIGHT": _repair(
            "Our Tryton user may not do this with {record}: {quote} Add the group that the connector's page names, or "
            "look whether the document is closed.",
            Role.ADMIN,
        ),
        "NOT_EXPOSED": _repair(
            "Our Tryton user may not do this with {record}, or the database lacks the module 'tieline'; it does not "
            "say which. Add the groups that the connector's page names, and look whether the module is installed.",
            Role.ADMIN,
        ),
        "WRONG_STATE": _repair(
            "{record} is in a state in Tryton that does not allow it: {quote} Look at it there.",
            Role.FINANCE_OPERATIONS,
        ),
        "GONE": _repair(
            "Something that {record} refers to is gone in Tryton: {quote} Look who deleted it.",
            Role.FINANCE_OPERATIONS,
        ),
        "CLOSED_PERIOD": _repair(
            "No period is open in Tryton for {record}: {quote} Open one there.", Role.FINANCE_OPERATIONS, "TL-FIN-001"
        ),
        "REFUSED": _repair("Tryton refuses {record}: {quote} Correct what it names.", Role.FINANCE_OPERATIONS),
        "SIGN_IN": _fatal(_SIGN_IN_REFUSED, "TL-INT-002"),
        "NOT_FOUND": _not_found,
        "CHANGED": _rolled_back,
        "TOO_MANY": _rolled_back,
        "SERIALIZE": _rolled_back,
        "OTHER_VERSION": _fatal(
            "Tryton does not know {quote}, which we use for {record}: install the modules and the series that the "
            "connector's page names."
        ),
    },
    fallback=_fallback,
)
