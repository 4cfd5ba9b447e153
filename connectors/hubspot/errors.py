from __future__ import annotations

from connector_kit import Effectful, Fault, FaultTable
from connector_kit.fault_table import Translate
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.roles import Role

__all__ = [
    "LOGIN_FAULTS",
    "REST_FAULTS",
    "SIGN_IN",
    "DuplicateValue",
    "NoSuchRecord",
    "TokenExpired",
    "login_error",
    "rest_error",
]

SIGN_IN = "TL-INT-002"
_LONGEST_QUOTE = 300
_ROLLING_S, _SECOND_S, _LOCK_S, _DAY_S, _MOVING_S = 10.0, 1.0, 2.0, 900.0, 3600.0
"""How long to wait when the vendor does not say (sheet 6)."""


class TokenExpired(NotSent):
    """The account refused the token before it did anything; make a new one and repeat once."""

    code = SIGN_IN


class DuplicateValue(NeedsRepair):
    """Another record holds a value that the vendor keeps unique."""


class NoSuchRecord(NeedsRepair):
    """The record is gone, archived, or was never there."""


def _repair(sentence: str, owner: Role = Role.SALES_OPERATIONS, kind: type[NeedsRepair] = NeedsRepair) -> Translate:
    """A person changes data or a setting. `{fields}` and `{message}` are filled from the complaint."""

    def translate(fault: Fault) -> TielineError:
        return kind(_filled(sentence, fault), record=fault.record, field=_fields(fault), owner=owner)

    return translate


def _blocked(sentence: str, wait_s: float) -> Translate:
    """The vendor says that it did not run the request; its own waiting time goes before ours."""

    def translate(fault: Fault) -> TielineError:
        return NotSent(_filled(sentence, fault), retry_after_s=fault.retry_after_s or wait_s, record=fault.record)

    return translate


def _fatal(sentence: str, code: str = "TL-INT-030") -> Translate:
    """Our bug or a broken connection. The vendor's own words follow in brackets."""

    def translate(fault: Fault) -> TielineError:
        detail = f" ({fault.code or fault.status}: {_plain(fault.message)})"
        return Fatal(f"{_filled(sentence, fault)}{detail}", code=code, record=fault.record)

    return translate


def _filled(sentence: str, fault: Fault) -> str:
    return sentence.format(
        fields=_fields(fault) or "a property", message=_plain(fault.message), record=fault.record or "the record"
    )


def _fields(fault: Fault) -> str:
    return ", ".join(fault.fields)[:_LONGEST_QUOTE]


def _plain(message: str) -> str:
    """The vendor's words on one line and short; they go to people, so no dump."""
    return " ".join(message.split()).rstrip(".")[:_LONGEST_QUOTE] or "no reason given"


def _token_expired(fault: Fault) -> TielineError:
    return TokenExpired("The HubSpot sign-in has expired; it is renewed.", record=fault.record)


def _by_status(fault: Fault) -> TielineError:
    """For a code without a row, or an answer that is none: what the status leaves certain."""
    match fault.status:
        case 401:
            return _fatal(_LOST_ACCESS, SIGN_IN)(fault)
        case 403:
            return _fatal(_NO_RIGHT, SIGN_IN)(fault)
        case status if 300 <= status < 400:  # noqa: PLR2004 - redirects
            return _fatal("HubSpot answers at another address. Correct `base_url` of the connection")(fault)
        case status if 400 <= status < 500 and status != 408:  # noqa: PLR2004 - refused, so certainly without effect
            return _repair(
                "HubSpot refused {record} in a way we do not know: {message}. Look at it there, then press Retry.",
                Role.INTEGRATION,
            )(fault)
        case _:
            return OutcomeUnknown(
                _filled("HubSpot gave no usable answer about {record}. We are checking; nothing is repeated until we "
                        "know.", fault),
                retry_after_s=fault.retry_after_s,
                record=fault.record,
            )  # fmt: skip


_LOST_ACCESS = "Tieline lost its access to HubSpot. Make a new token there and set it on the connection"
_NO_RIGHT = "Tieline may not read or write {record} in HubSpot. Give our app the scopes that are missing: {fields}"
_DAILY = "HubSpot's daily API allowance is used up until midnight in the account's time zone; work resumes by itself."

REST_FAULTS = FaultTable(
    {
        "INVALID_VALUE": _repair(
            "HubSpot refused the value of {fields} of {record}: {message}. Correct the value or the property's "
            "settings, then press Retry.",
            Role.INTEGRATION,
        ),
        "PROPERTY_DOESNT_EXIST": _fatal(
            "Property {fields} does not exist in this HubSpot account. Have the administrator add it, or name it "
            "rightly under `names`"
        ),
        "READ_ONLY_VALUE": _fatal(
            "Property {fields} is calculated by HubSpot and cannot be written. Name another one under `names`"
        ),
        "REQUIRED_PROPERTY": _repair(
            "HubSpot requires {fields} before {record} can be saved: {message}. Fill it there, then press Retry."
        ),
        "ID_PROPERTY_NOT_UNIQUE": _fatal(
            "The property that finds {record} is not unique in HubSpot. Make a new one with unique values"
        ),
        "DUPLICATE_VALUE": _repair(
            "Another HubSpot record has this value already, so {record} may not take it: {message}. Merge the two, or "
            "clear the value on the wrong one, then press Retry.",
            Role.MASTER_DATA,
            DuplicateValue,
        ),
        "CONFLICT": _repair(
            "HubSpot says that {record} exists already: {message}. Look at it there, then press Retry.",
            Role.MASTER_DATA,
            DuplicateValue,
        ),
        "DUPLICATE_IN_BATCH": _fatal("Tieline named one record twice in one request"),
        "UNKNOWN_OBJECT_TYPE": _fatal(
            "HubSpot does not know the kind of record that {record} is. Name our custom objects under `names`, or set "
            "`custom_objects` to false in an edition without them"
        ),
        "SEARCH_TOO_DEEP": _fatal("Tieline asked HubSpot for more results of one search than it gives"),
        "VALIDATION_ERROR": _repair(
            "HubSpot refused {record}: {message}. Correct {fields} there, then press Retry."
        ),
        "EXPIRED_AUTHENTICATION": _token_expired,
        "INVALID_AUTHENTICATION": _fatal(_LOST_ACCESS, SIGN_IN),
        "MISSING_SCOPES": _fatal(_NO_RIGHT, SIGN_IN),
        "BANNED": _fatal("HubSpot has shut our app out. Ask the administrator of the account", SIGN_IN),
        "OBJECT_NOT_FOUND": _repair(
            "{record} does not exist in HubSpot. It was archived, deleted or merged, or the id is wrong.",
            kind=NoSuchRecord,
        ),
        "NOT_FOUND": _repair(
            "{record} does not exist in HubSpot. It was archived, deleted or merged, or the id is wrong.",
            kind=NoSuchRecord,
        ),
        "URI_TOO_LONG": _fatal("Tieline asked HubSpot for too many properties at once"),
        "NOT_JSON": _fatal("Tieline sent HubSpot something that it cannot read"),
        "LOCKED": _blocked("HubSpot is busy with {record}; it is tried again.", _LOCK_S),
        "MIGRATION": _blocked("HubSpot is moving this account to another place; work resumes by itself.", _MOVING_S),
        "RATE_LIMIT": _blocked("HubSpot wants fewer calls; it is tried again.", _ROLLING_S),
        "RATE_LIMIT_TEN_SECONDLY_ROLLING": _blocked("HubSpot wants fewer calls; it is tried again.", _ROLLING_S),
        "RATE_LIMIT_SECONDLY": _blocked("HubSpot wants fewer searches; it is tried again.", _SECOND_S),
        "RATE_LIMIT_DAILY": _blocked(_DAILY, _DAY_S),
    },
    fallback=_by_status,
)
"""Sheet sections 6 and 7.2, row by row. A status alone is no diagnosis, so it only decides for codes without a row."""


def _login_by_status(fault: Fault) -> TielineError:
    """A page or a failure of the server: nothing of ours was run, because nothing was sent without a token."""
    if fault.status >= 500 or fault.status in {200, 408}:  # noqa: PLR2004
        return _blocked("HubSpot's sign-in does not answer properly; it is tried again.", 5.0)(fault)
    return _fatal("HubSpot refused our sign-in. Look at the app's settings there", SIGN_IN)(fault)


_REINSTALL = "HubSpot no longer takes the refresh token. Install the app in the account again and set `refresh_token`"

LOGIN_FAULTS = FaultTable(
    {
        "invalid_grant": _fatal(_REINSTALL, SIGN_IN),
        "BAD_REFRESH_TOKEN": _fatal(_REINSTALL, SIGN_IN),
        "invalid_client": _fatal("HubSpot refused our app. Check `client_id` and `client_secret`", SIGN_IN),
        "BAD_CLIENT_ID": _fatal("HubSpot refused our app. Check `client_id` and `client_secret`", SIGN_IN),
        "BAD_CLIENT_SECRET": _fatal("HubSpot refused our app. Check `client_id` and `client_secret`", SIGN_IN),
        "unsupported_grant_type": _fatal("HubSpot's sign-in is of another version. Check `api_version`", SIGN_IN),
        "RATE_LIMIT": _blocked("HubSpot wants us to sign in less often; it is tried again.", _ROLLING_S),
        "RATE_LIMIT_TEN_SECONDLY_ROLLING": _blocked(
            "HubSpot wants us to sign in less often; it is tried again.", _ROLLING_S
        ),
    },
    fallback=_login_by_status,
)
"""Sheet section 1: the first generation names its complaint in `status`, the dated one as RFC 6749 does."""


def rest_error(fault: Fault, effect: Effectful) -> TielineError:
    """Our error for a complaint of a data call. A read whose answer is lost is simply asked again."""
    error = REST_FAULTS.error_for(fault)
    if isinstance(error, OutcomeUnknown) and effect is Effectful.READ:
        return Retryable(
            f"HubSpot gave no usable answer (HTTP {fault.status}). It is asked again.",
            retry_after_s=fault.retry_after_s,
            record=fault.record,
        )
    return error


def login_error(fault: Fault) -> TielineError:
    """Our error for a refused sign-in."""
    return LOGIN_FAULTS.error_for(fault)
