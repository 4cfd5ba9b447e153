from __future__ import annotations

import re
from collections.abc import Callable

from connector_kit import Effectful, Fault, FaultTable, Reply
from connectors.netsuite.schemas import ErrorBody, ErrorDetail
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.roles import Role

__all__ = [
    "FAULTS",
    "AlreadyExists",
    "ChangedMeanwhile",
    "MissingTable",
    "RecordNotFound",
    "error_of",
    "fault_of",
    "sign_in_error",
]

_LONGEST_QUOTE = 300
_SIGN_IN_REFUSED = (
    "NetSuite refused our certificate, token or role. Ask the NetSuite administrator to look at Setup > Users/Roles > "
    "View Login Audit Trail, and to renew what it names."
)


class AlreadyExists(NeedsRepair):
    """Somebody has that external id or that name; the text does not tell which (sheet 3.5). A read-back decides."""

    code = "TL-CUS-001"


class RecordNotFound(NeedsRepair):
    """The account has no such record."""


class ChangedMeanwhile(NotSent):
    """Somebody saved the record at the same moment; our write was refused and may simply be made again."""


class MissingTable(Fatal):
    """A query names a table the account does not have, or that our role may not see."""

    def __init__(self, message: str, *, record: str) -> None:
        super().__init__(message, record=record)


def error_of(reply: Reply, effect: Effectful, record: str) -> TielineError:
    """Our error for an answer that is not a success. `record` is what the person knows it by."""
    error = FAULTS.error_for(fault_of(reply, record))
    if isinstance(error, OutcomeUnknown) and effect is Effectful.READ:
        return Retryable(f"NetSuite could not answer about {record}. It is asked again. {error.message}", record=record)
    return error


def sign_in_error(reply: Reply) -> TielineError:
    """Our error for a refused sign-in: whatever was to be sent did not leave."""
    named = _oauth_code(reply)
    if named and reply.status in {400, 401}:
        return Fatal(f"{_SIGN_IN_REFUSED} (It said: {named}.)", code="TL-INT-002", record="NetSuite", field="sign-in")
    return NotSent(f"NetSuite gives no token now (HTTP {reply.status}); nothing was sent.", record="NetSuite")


def fault_of(reply: Reply, record: str) -> Fault:
    """The vendor's complaint, under the code of a row of the table."""
    details = _details(reply)
    text = " ".join(dict.fromkeys(detail.detail.strip() for detail in details if detail.detail.strip()))
    fields = tuple(detail.path for detail in details if detail.path)
    code = _code_of(reply, details)
    return Fault(
        code=code, status=reply.status, message=text, fields=fields, record=record, retry_after_s=reply.retry_after_s
    )


def _code_of(reply: Reply, details: tuple[ErrorDetail, ...]) -> str:
    if reply.status in _BY_STATUS:
        return _BY_STATUS[reply.status]
    if not details or reply.status >= 500:  # noqa: PLR2004 - the server's own failures
        code = details[0].code if details else ""
        return code if code == "UNEXPECTED_ERROR" else "NO_ANSWER"
    # One row of the table speaks for all details; the most telling one is that which a person can act on.
    codes = [_refined(detail) for detail in details]
    return next((code for code in codes if code in FAULTS.codes), codes[0])


_BY_STATUS = {
    401: "INVALID_LOGIN",
    429: "CONCURRENCY_LIMIT_EXCEEDED",
    405: "WRONG_VERB",
    415: "WRONG_VERB",
} | dict.fromkeys((301, 302, 303, 307, 308), "MOVED")
_REFINED = (
    ("USER_ERROR", r"already exists", "EXISTS"),
    ("USER_ERROR", r"please enter value\(s\) for", "MISSING_VALUE"),
    ("USER_ERROR", r"cannot be used with the .+ subsidiary", "OTHER_SUBSIDIARY"),
    ("USER_ERROR", r"locked by .*workflow|workflow.* locked", "LOCKED"),
    ("USER_ERROR", r"transaction type specified is incorrect", "NONEXISTENT_ID"),
    ("USER_ERROR", r"record has been changed", "RCRD_HAS_BEEN_CHANGED"),
    ("USER_ERROR", r"accounting period", "CLOSED_PERIOD"),
    ("INVALID_CONTENT", r"for the following field: subsidiary", "NOT_LINKED"),
    ("INVALID_PARAMETER", r"record .{1,80} was not found", "NO_TABLE"),
    ("NONEXISTENT_ID", r"record type .{1,80} does not exist", "NO_RECORD_TYPE"),
)


def _refined(detail: ErrorDetail) -> str:
    for code, pattern, refined in _REFINED:
        if detail.code == code and re.search(pattern, detail.detail, re.IGNORECASE):
            return refined
    return detail.code


def _details(reply: Reply) -> tuple[ErrorDetail, ...]:
    if not reply.is_json:
        return ()
    try:
        return ErrorBody.model_validate(reply.document()).details
    except (ValueError, RecursionError):
        return ()


def _oauth_code(reply: Reply) -> str:
    try:
        document = reply.document() if reply.is_json else None
    except (ValueError, RecursionError):
        return ""
    code = document.get("error") if isinstance(document, dict) else None
    return code[:40] if isinstance(code, str) and re.fullmatch(r"[a-z_]+", code) else ""


def _quote(fault: Fault) -> str:
    return fault.message[:_LONGEST_QUOTE] or f"code {fault.code[:60]}, HTTP {fault.status}"


def _field(fault: Fault) -> str:
    return ", ".join(fault.fields)[:200]


def _repair(sentence: str, owner: Role, code: str | None = None) -> Callable[[Fault], TielineError]:
    """A person acts. `{record}`, `{quote}` and `{field}` stand for what the vendor said."""

    def translate(fault: Fault) -> TielineError:
        message = sentence.format(record=fault.record or "the record", quote=_quote(fault), field=_field(fault))
        return NeedsRepair(message, code=code, record=fault.record, field=_field(fault), owner=owner)

    return translate


def _fatal(sentence: str, code: str | None = None) -> Callable[[Fault], TielineError]:
    def translate(fault: Fault) -> TielineError:
        message = sentence.format(record=fault.record or "the record", quote=_quote(fault))
        return Fatal(message, code=code, record=fault.record, field=_field(fault))

    return translate


def _bad_value(fault: Fault) -> TielineError:
    named = re.search(
        r"Invalid Field Value (?P<value>.{1,100}?) for the following field: (?P<field>[\w.]{1,60})", fault.message
    )
    what = f"{named['value']} as {named['field']}" if named else "a value"
    where = f" ({_field(fault)})" if fault.fields else ""
    return NeedsRepair(
        f"NetSuite does not accept {what}{where} for {fault.record}. Correct it in NetSuite or in the rules, then "
        f"press Retry." + ("" if named else f" NetSuite said: {_quote(fault)}"),
        record=fault.record,
        field=_field(fault) or (named["field"] if named else ""),
        owner=Role.FINANCE_OPERATIONS,
    )


def _missing_value(fault: Fault) -> TielineError:
    labels = re.search(r"enter value\(s\) for:?\s*(?P<labels>.{1,200}?)\.?\s*$", fault.message, re.IGNORECASE)
    needed = labels["labels"] if labels else "another field"
    return NeedsRepair(
        f"NetSuite needs {needed} for {fault.record}. Fill it in at its source, or make it optional on the form our "
        "role uses in NetSuite, then press Retry.",
        record=fault.record,
        field=needed,
        owner=Role.FINANCE_OPERATIONS,
    )


def _exists(fault: Fault) -> TielineError:
    return AlreadyExists(
        f"NetSuite already has a record with the name of {fault.record}, under another key. Is it the same? If so, "
        "choose it as the match; if not, rename one of the two. Then press Retry.",
        record=fault.record,
        field="name",
        owner=Role.MASTER_DATA,
    )


def _not_found(fault: Fault) -> TielineError:
    return RecordNotFound(
        f"NetSuite has no {fault.record} (any more). Look whether it was deleted there, then press Retry.",
        record=fault.record,
        owner=Role.FINANCE_OPERATIONS,
    )


def _no_table(fault: Fault) -> TielineError:
    named = re.search(r"record ['\u2018\u2019\"]?(?P<table>\w{1,60})", fault.message, re.IGNORECASE)
    table = named["table"] if named else ""
    return MissingTable(
        f"NetSuite shows us no table {table or '(unnamed)'}. Give our role the view permission for it, or name the "
        "table this account has in the connector's settings.",
        record=table,
    )


def _unknown(fault: Fault) -> TielineError:
    reference = re.search(r"Error ID:\s*(?P<id>\w{1,60})", fault.message)
    said = f"internal error, reference {reference['id']}" if reference else f"HTTP {fault.status}"
    return OutcomeUnknown(
        f"NetSuite did not confirm {fault.record} ({said}). We are checking; nothing is repeated until we know.",
        record=fault.record,
    )


def _blocked(fault: Fault) -> TielineError:
    return NotSent(
        f"NetSuite has no free slot for {fault.record} now; it blocked the request before running it.",
        record=fault.record,
        retry_after_s=fault.retry_after_s,
    )


def _changed(fault: Fault) -> TielineError:
    return ChangedMeanwhile(f"Somebody saved {fault.record} in NetSuite at the same moment.", record=fault.record)


def _fallback(fault: Fault) -> TielineError:
    if 400 <= fault.status < 500:  # noqa: PLR2004 - refused, so certainly without effect
        return Fatal(f"NetSuite refused {fault.record} in a way we do not know: {_quote(fault)}", record=fault.record)
    return _unknown(fault)


_OUR_BUG = _fatal("NetSuite cannot read our request about {record}: {quote}")
_PRESS = "Then press Retry."

FAULTS = FaultTable(
    {
        "INVALID_CONTENT": _bad_value,
        "NOT_LINKED": _repair(
            "The customer of {record} may not be used with this legal entity in NetSuite. Add the subsidiary to the "
            f"customer there. {_PRESS}",
            Role.MASTER_DATA,
        ),
        "MISSING_VALUE": _missing_value,
        "EXISTS": _exists,
        "OTHER_SUBSIDIARY": _repair(
            "NetSuite says about {record}: {quote} Enable it for this legal entity there, or correct the rule. "
            f"{_PRESS}",
            Role.FINANCE_OPERATIONS,
        ),
        "LOCKED": _repair(
            "A NetSuite workflow has locked {record}: {quote} Let the workflow's owner unlock it. " + _PRESS,
            Role.FINANCE_OPERATIONS,
        ),
        "CLOSED_PERIOD": _repair(
            "No accounting period is open in NetSuite for the date of {record}. Wait until one is open, or choose a "
            f"day in an open period. {_PRESS}",
            Role.FINANCE_OPERATIONS,
            "TL-FIN-001",
        ),
        "USER_ERROR": _repair(
            "NetSuite (a form, workflow or script of this account) refuses {record}: {quote} Correct what it names. "
            f"{_PRESS}",
            Role.FINANCE_OPERATIONS,
        ),
        "RCRD_HAS_BEEN_CHANGED": _changed,
        "INVALID_PARAMETER": _OUR_BUG,
        "NONEXISTENT_FIELD": _fatal(
            "NetSuite does not know a field we use on {record}: {quote} Name the account's fields in the connector's "
            "settings."
        ),
        "INVALID_QUERY_PARAM": _OUR_BUG,
        "INVALID_REQUEST": _OUR_BUG,
        "WRONG_VERB": _OUR_BUG,
        "NO_TABLE": _no_table,
        "NO_RECORD_TYPE": _fatal("This NetSuite account has no such kind of record: {quote} Enable the feature there."),
        "INVALID_HEADER": _repair(
            "NetSuite refuses a header of ours: {quote} If it names Accept-Language, give the integration user the "
            f"company's language, or set `accept_language` of the connection. {_PRESS}",
            Role.INTEGRATION,
        ),
        "IDEMPOTENCY_ERROR": _unknown,
        "INVALID_LOGIN": _fatal(_SIGN_IN_REFUSED, "TL-INT-002"),
        "INSUFFICIENT_PERMISSION": _repair(
            "Our NetSuite role may not do this with {record}: {quote} Ask the NetSuite administrator to add that "
            f"permission to the role. {_PRESS}",
            Role.ADMIN,
        ),
        "NONEXISTENT_ID": _not_found,
        "CONCURRENCY_LIMIT_EXCEEDED": _blocked,
        "SSS_REQUEST_LIMIT_EXCEEDED": _blocked,
        "UNEXPECTED_ERROR": _unknown,
        "NO_ANSWER": _unknown,
        "MOVED": _repair(
            "NetSuite answers from another address: the account URL of this connection is wrong. Correct "
            f"`account_id` or `base_url`. {_PRESS}",
            Role.INTEGRATION,
        ),
    },
    fallback=_fallback,
)
