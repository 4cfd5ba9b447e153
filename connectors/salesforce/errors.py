from __future__ import annotations

from connector_kit import Effectful, Fault, FaultTable
from connector_kit.fault_table import Translate
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.roles import Role

__all__ = [
    "LOGIN_FAULTS",
    "REST_FAULTS",
    "AssertionTooOld",
    "DuplicateKey",
    "SessionExpired",
    "TooManyChanges",
    "login_error",
    "rest_error",
]

SIGN_IN = "TL-INT-002"
_LONGEST_QUOTE = 300


class SessionExpired(NotSent):
    """The org refused the token before it did anything; sign in again and repeat once."""

    code = SIGN_IN


class AssertionTooOld(Fatal):
    """The org thinks that our signed statement has expired: the clocks differ, or it was slow on its way."""

    code = SIGN_IN


class TooManyChanges(Fatal):
    """More records changed in that time than the org lists; asked again it would say the same. Sheet 11.8."""


class DuplicateKey(NeedsRepair):
    """Another record holds a value that the vendor keeps unique."""


def _repair(sentence: str, owner: Role = Role.SALES_OPERATIONS, code: str = "TL-INT-020") -> Translate:
    """A person changes data or a setting. `{fields}` and `{message}` are filled from the complaint."""

    def translate(fault: Fault) -> TielineError:
        return NeedsRepair(_filled(sentence, fault), code=code, record=fault.record, field=_fields(fault), owner=owner)

    return translate


def _blocked(sentence: str, wait_s: float) -> Translate:
    """The org says that it did not run the request."""

    def translate(fault: Fault) -> TielineError:
        wait = max(wait_s, fault.retry_after_s or 0.0)
        return NotSent(_filled(sentence, fault), retry_after_s=wait, record=fault.record)

    return translate


def _unknown(sentence: str) -> Translate:
    """Whether the request had its effect is not known."""

    def translate(fault: Fault) -> TielineError:
        return OutcomeUnknown(_filled(sentence, fault), record=fault.record)

    return translate


def _fatal(sentence: str, code: str = "TL-INT-030") -> Translate:
    """Our bug or a broken connection. The vendor's own words follow in brackets."""

    def translate(fault: Fault) -> TielineError:
        detail = f" ({fault.code or fault.status}: {_plain(fault.message)})"
        return Fatal(f"{_filled(sentence, fault)}{detail}", code=code, record=fault.record)

    return translate


def _filled(sentence: str, fault: Fault) -> str:
    return sentence.format(
        fields=_fields(fault) or "a field", message=_plain(fault.message), record=fault.record or "the record"
    )


def _fields(fault: Fault) -> str:
    return ", ".join(fault.fields)[:_LONGEST_QUOTE]


def _plain(message: str) -> str:
    """The vendor's words on one line and short; they go to people, so no dump."""
    return " ".join(message.split()).rstrip(".")[:_LONGEST_QUOTE] or "no reason given"


def _expired(fault: Fault) -> TielineError:
    # These two also come as INVALID_SESSION_ID, and a new sign-in does not help (sheet 1.4).
    if "not valid for use with the REST API" in fault.message or "not attached to Agent" in fault.message:
        return _fatal("The integration user may not use Salesforce's REST interface. Allow API access", SIGN_IN)(fault)
    return SessionExpired("The Salesforce sign-in has expired; it is renewed.", record=fault.record)


def _used_up(fault: Fault) -> TielineError:
    if "concurrent" in fault.message.casefold():
        return _blocked("Too many long calls run in Salesforce just now; it is tried again.", 5.0)(fault)
    return _blocked("Salesforce's daily API allowance is used up; work resumes automatically.", 900.0)(fault)


def _duplicate(fault: Fault) -> TielineError:
    return DuplicateKey(
        f"Another Salesforce record has this value already, so {fault.record or 'the record'} may not take it: "
        f"{_plain(fault.message)}. Merge the two, or clear the value on the wrong one, then press Retry.",
        record=fault.record,
        field=_fields(fault),
        owner=Role.MASTER_DATA,
    )


def _automation(fault: Fault) -> TielineError:
    """A trigger or flow of the org failed; sometimes only because a row was locked."""
    if "UNABLE_TO_LOCK_ROW" in fault.message:
        return _blocked(_LOCKED, 1.0)(fault)
    return _repair(
        "An automation in Salesforce failed on {record}: {message}. Correct what it names, then press Retry.",
        Role.INTEGRATION,
    )(fault)


def _by_status(fault: Fault) -> TielineError:
    """For a code without a row, or an answer that is none: what the status leaves certain."""
    match fault.status:
        case 401 | 403:
            return _fatal("Salesforce does not let us in. Check the integration user and its rights", SIGN_IN)(fault)
        case 429:
            return _blocked("Salesforce wants fewer calls; it is tried again.", 5.0)(fault)
        case status if 300 <= status < 400:  # noqa: PLR2004 - redirects
            return _fatal("Salesforce answers at another address. Correct `base_url` of the connection")(fault)
        case status if 400 <= status < 500 and status != 420:  # noqa: PLR2004 - refused, so certainly without effect
            return _repair(
                "Salesforce refused {record} in a way we do not know: {message}. Look at it there, then press Retry.",
                Role.INTEGRATION,
            )(fault)
        case _:
            return _unknown(_NO_ANSWER)(fault)


_LOCKED = "Somebody is editing {record} in Salesforce; it is tried again."
_NO_ANSWER = "Salesforce gave no usable answer about {record}. We are checking; nothing is repeated until we know."
_NOT_THERE = "Salesforce is temporarily unavailable. We are checking what became of {record}."
_FITS = "A value does not fit {fields} of {record} in Salesforce: {message}. Correct the value or the field."

REST_FAULTS = FaultTable(
    {
        "INVALID_SESSION_ID": _expired,
        "REQUEST_LIMIT_EXCEEDED": _used_up,
        "EXCEEDED_ID_LIMIT": lambda fault: TooManyChanges(
            "More records changed than Salesforce lists; those that matter are looked at.", record=fault.record
        ),
        "UNABLE_TO_LOCK_ROW": _blocked(_LOCKED, 1.0),
        "SERVER_UNAVAILABLE": _unknown(_NOT_THERE),
        "UNKNOWN_EXCEPTION": _unknown(_NOT_THERE),
        "QUERY_TIMEOUT": _blocked("Salesforce took too long to answer the query; it is asked again.", 5.0),
        "OPERATION_TOO_LARGE": _fatal("Tieline asked Salesforce for too much at once"),
        "DUPLICATE_VALUE": _duplicate,
        "DUPLICATES_DETECTED": _repair(
            "Salesforce's duplicate rule thinks {record} exists already. Choose there which record to use, then press "
            "Retry.",
            Role.MASTER_DATA,
        ),
        "REQUIRED_FIELD_MISSING": _repair("Field(s) {fields} of {record} must be filled in Salesforce."),
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": _repair("A Salesforce rule refused the change of {record}: {message}."),
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _repair(
            "The list of {fields} in Salesforce does not allow the value for {record}. Add it there.", Role.INTEGRATION
        ),
        "BAD_VALUE_FOR_RESTRICTED_PICKLIST": _repair(
            "The list of {fields} in Salesforce does not allow the value for {record}. Add it there.", Role.INTEGRATION
        ),
        "STRING_TOO_LONG": _repair(_FITS, Role.INTEGRATION),
        "NUMBER_OUTSIDE_VALID_RANGE": _repair(_FITS, Role.INTEGRATION),
        "INVALID_EMAIL_ADDRESS": _repair(_FITS),
        "JSON_PARSER_ERROR": _fatal("Tieline sent Salesforce a value it cannot read for {record}"),
        "FIELD_INTEGRITY_EXCEPTION": _repair("A record that {record} is linked to is missing or wrong: {message}."),
        "INVALID_CROSS_REFERENCE_KEY": _repair("A record that {record} is linked to is missing or wrong: {message}."),
        "MALFORMED_ID": _repair("'{record}' is no id of a Salesforce record. Check it."),
        "INVALID_FIELD": _repair(
            "A field is missing in Salesforce or hidden from the integration user: {message}. Show it to that user.",
            Role.INTEGRATION,
        ),
        "INVALID_FIELD_FOR_INSERT_UPDATE": _repair(
            "The integration user may not write {fields} of {record}: {message}.", Role.INTEGRATION
        ),
        "INVALID_TYPE": _repair(
            "An object is missing in Salesforce or hidden from the integration user: {message}.", Role.INTEGRATION
        ),
        "MALFORMED_QUERY": _fatal("Tieline asked Salesforce a query it does not understand"),
        "INSUFFICIENT_ACCESS_OR_READONLY": _repair(
            "The integration user may not edit {record} in Salesforce. Give it the right.", Role.INTEGRATION
        ),
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _repair(
            "The integration user may not use a record that {record} is linked to. Give it the right.", Role.INTEGRATION
        ),
        "ENTITY_IS_LOCKED": _repair(
            "{record} is locked by an approval in Salesforce. Finish the approval, then press Retry."
        ),
        "ENTITY_IS_DELETED": _repair("{record} was deleted or merged in Salesforce. Name the record to use instead."),
        "NOT_FOUND": _repair("{record} does not exist in Salesforce. It was deleted or merged, or the id is wrong."),
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _automation,
        "APEX_ERROR": _automation,
        "LIMIT_EXCEEDED": _automation,
        "STORAGE_LIMIT_EXCEEDED": _repair(
            "Salesforce's storage is full. Free some, then press Retry.", Role.INTEGRATION
        ),
        "API_DISABLED_FOR_ORG": _fatal("API access of the Salesforce org is off. Switch it on", SIGN_IN),
        "API_CURRENTLY_DISABLED": _fatal("API access of the Salesforce org is off. Switch it on", SIGN_IN),
        "UNSUPPORTED_API_VERSION": _fatal("Salesforce has retired our API version. Set a newer `api_version`"),
        "INVALID_QUERY_LOCATOR": _blocked("A long list expired while it was read; it is read again.", 1.0),
        "MULTIPLE": _repair(
            "Two Salesforce records carry the key of {record}. Merge them, then press Retry.", Role.MASTER_DATA
        ),
        "INACTIVE_OWNER_OR_USER": _repair(
            "The owner of {record} is no longer active in Salesforce. Give it an active owner, then press Retry."
        ),
        "METHOD_NOT_ALLOWED": _fatal("Tieline called Salesforce in a way it does not know"),
    },
    fallback=_by_status,
)
"""Sheet section 7, row by row. A status alone is no diagnosis, so it only decides for codes without a row."""


def _invalid_grant(fault: Fault) -> TielineError:
    text = fault.message.casefold()
    if "expired authorization code" in text:
        return AssertionTooOld("Salesforce thinks our sign-in is too old. Set the clock of this machine.")
    for words, sentence in _GRANTS:
        if words in text:
            return _fatal(sentence, SIGN_IN)(fault)
    return _fatal(_REFUSED, SIGN_IN)(fault)


def _login_by_status(fault: Fault) -> TielineError:
    """A page or a failure of the server: nothing of ours was run, because nothing was sent without a token."""
    if fault.code == "unreadable" and fault.status not in {401, 403, 404}:
        return _blocked("Salesforce's sign-in does not answer properly; it is tried again.", 5.0)(fault)
    return _fatal(_REFUSED, SIGN_IN)(fault)


_REFUSED = "Salesforce refused our sign-in. Look at the login history of the integration user"
_GRANTS = (
    ("approved this consumer", "The integration user has not been approved for our app. Pre-authorise it"),
    ("audience", "Salesforce refused our sign-in: `audience` of the connection is wrong. Name the login host"),
    ("assertion", "Salesforce refused our certificate. Upload the one that belongs to the private key"),
    ("authentication failure", "The integration user is inactive, locked, or not allowed from this address"),
    ("domain", "Client credentials go to the org's own host. Set `base_url` to the My Domain address"),
    ("no valid scopes", "Our app has no usable scope in Salesforce. Give it `api`"),
    ("expired access/refresh token", "Salesforce withdrew the app's right to sign in. Approve the app again"),
)
"""`invalid_grant` has many causes; only the description tells them apart, and it may be absent."""

LOGIN_FAULTS = FaultTable(
    {
        "invalid_grant": _invalid_grant,
        "invalid_client_id": _fatal("Salesforce does not know our app. Check `consumer_key`", SIGN_IN),
        "invalid_client": _fatal("Salesforce refused our app's secret. Renew `consumer_secret`", SIGN_IN),
        "invalid_app_access": _fatal("The integration user lacks the app's permission set. Assign it", SIGN_IN),
        "inactive_user": _fatal("The integration user is inactive in Salesforce. Activate it", SIGN_IN),
        "inactive_org": _fatal("The Salesforce org is inactive. Ask Salesforce to open it", SIGN_IN),
        "rate_limit_exceeded": _blocked("Salesforce wants us to sign in less often; it is tried again.", 60.0),
    },
    fallback=_login_by_status,
)
"""Sheet section 1.5."""


def rest_error(fault: Fault, effect: Effectful) -> TielineError:
    """Our error for a complaint of a data call. A read whose answer is lost is simply asked again."""
    error = REST_FAULTS.error_for(fault)
    if isinstance(error, OutcomeUnknown) and effect is Effectful.READ:
        return Retryable(f"Salesforce gave no usable answer (HTTP {fault.status}). It is asked again.",
                         record=fault.record)  # fmt: skip
    return error


def login_error(fault: Fault) -> TielineError:
    """Our error for a refused sign-in."""
    return LOGIN_FAULTS.error_for(fault)
