from __future__ import annotations

from connector_kit import Fault, FaultTable
from connector_kit.fault_table import Translate
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, TielineError
from models.roles import Role

__all__ = ["LOGIN_FAULTS", "REST_FAULTS", "SessionExpired", "login_error", "rest_error"]


class SessionExpired(NotSent):
    """The org refused the token before it did anything; sign in again and repeat once."""

    code = "TL-INT-002"


def _repair(sentence: str, owner: Role = Role.SALES_OPERATIONS, code: str = "TL-INT-020") -> Translate:
    """A person changes data or a setting. `{fields}` and `{message}` are filled from the complaint."""

    def translate(fault: Fault) -> TielineError:
        fields = ", ".join(fault.fields) or "a field"
        text = sentence.format(fields=fields, message=_plain(fault.message), record=fault.record or "the record")
        return NeedsRepair(text, code=code, record=fault.record, field=", ".join(fault.fields), owner=owner)

    return translate


def _blocked(sentence: str, wait_s: float) -> Translate:
    """The org says that it did not run the request."""

    def translate(fault: Fault) -> TielineError:
        return NotSent(sentence, retry_after_s=wait_s, record=fault.record)

    return translate


def _unknown(sentence: str) -> Translate:
    def translate(fault: Fault) -> TielineError:
        return OutcomeUnknown(sentence, record=fault.record)

    return translate


def _fatal(sentence: str, code: str = "TL-INT-030") -> Translate:
    def translate(fault: Fault) -> TielineError:
        detail = f" ({fault.code or fault.status}: {_plain(fault.message)})" if fault.code or fault.message else ""
        return Fatal(f"{sentence}{detail}", code=code, record=fault.record)

    return translate


_LOCKED = "Somebody is editing {record} in Salesforce; it is tried again."
_FITS = "A value does not fit {fields} of {record} in Salesforce: {message}. Correct the value or the field."

REST_FAULTS = FaultTable(
    {
        "INVALID_SESSION_ID": lambda fault: SessionExpired("The sign-in has expired.", record=fault.record),
        "REQUEST_LIMIT_EXCEEDED": _blocked("Salesforce's API allowance is used up; work resumes automatically.", 900.0),
        "UNABLE_TO_LOCK_ROW": _blocked("Somebody is editing the record in Salesforce; it is tried again.", 1.0),
        "SERVER_UNAVAILABLE": _unknown("Salesforce is temporarily unavailable. We are checking what it did."),
        "UNKNOWN_EXCEPTION": _unknown("Salesforce is temporarily unavailable. We are checking what it did."),
        "QUERY_TIMEOUT": _blocked("Salesforce took too long to answer the query; it is asked again.", 5.0),
        "OPERATION_TOO_LARGE": _fatal("Tieline asked Salesforce for too much at once."),
        "DUPLICATE_VALUE": _blocked("Another record has this key in Salesforce; it is read and tried again.", 0.5),
        "DUPLICATES_DETECTED": _repair(
            "Salesforce's duplicate rule thinks {record} exists already. Choose which record to use, or allow it there."
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
        "JSON_PARSER_ERROR": _fatal("Tieline sent Salesforce a document it cannot read."),
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
        "MALFORMED_QUERY": _fatal("Tieline asked Salesforce a query it does not understand."),
        "INSUFFICIENT_ACCESS_OR_READONLY": _repair(
            "The integration user may not edit {record} in Salesforce. Give it the right.", Role.INTEGRATION
        ),
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": _repair(
            "The integration user may not use a record that {record} is linked to. Give it the right.", Role.INTEGRATION
        ),
        "ENTITY_IS_LOCKED": _repair(
            "{record} is locked by an approval in Salesforce. Finish the approval, then repair."
        ),
        "ENTITY_IS_DELETED": _repair("{record} was deleted or merged in Salesforce. Name the record to use instead."),
        "NOT_FOUND": _repair("{record} does not exist in Salesforce. It was deleted or merged, or the id is wrong."),
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": lambda fault: _automation(fault),
        "APEX_ERROR": lambda fault: _automation(fault),
        "LIMIT_EXCEEDED": lambda fault: _automation(fault),
        "STORAGE_LIMIT_EXCEEDED": _repair("Salesforce's storage is full. Free some, then repair.", Role.INTEGRATION),
        "API_DISABLED_FOR_ORG": _fatal("API access of the Salesforce org is switched off.", "TL-INT-002"),
        "API_CURRENTLY_DISABLED": _fatal("API access of the Salesforce org is switched off.", "TL-INT-002"),
        "UNSUPPORTED_API_VERSION": _fatal("Salesforce has retired the API version in the settings. Set a newer one."),
        "INVALID_QUERY_LOCATOR": _blocked("A long list expired while it was read; it is read again.", 1.0),
        "MULTIPLE": _repair(
            "Two Salesforce records carry the key of {record}. Merge them, then repair.", code="TL-CUS-004"
        ),
        "METHOD_NOT_ALLOWED": _fatal("Tieline called Salesforce in a way it does not know."),
    },
    fallback=lambda fault: _by_status(fault),
)
"""Sheet section 7, row by row. A status alone is no diagnosis, so it only decides for codes without a row."""

_AUDIENCE = "Salesforce refused our sign-in: the audience or login host in the settings is wrong"
LOGIN_FAULTS = FaultTable(
    {
        "invalid_grant": lambda fault: _invalid_grant(fault),
        "invalid_client_id": _fatal("Salesforce does not know our app. Check the consumer key", "TL-INT-002"),
        "invalid_client": _fatal("Salesforce refused our app's secret. Renew it", "TL-INT-002"),
        "invalid_app_access": _fatal("The integration user is not approved for our app in Salesforce", "TL-INT-002"),
        "inactive_user": _fatal("The integration user is inactive in Salesforce", "TL-INT-002"),
        "inactive_org": _fatal("The Salesforce org is inactive", "TL-INT-002"),
        "rate_limit_exceeded": _blocked("Salesforce wants us to sign in less often; it is tried again.", 60.0),
    },
    fallback=lambda fault: _login_by_status(fault),
)
"""Sheet section 1.5."""


def rest_error(fault: Fault) -> TielineError:
    """Our error for a complaint of a data call."""
    return REST_FAULTS.error_for(fault)


def login_error(fault: Fault) -> TielineError:
    """Our error for a refused sign-in."""
    return LOGIN_FAULTS.error_for(fault)


def _automation(fault: Fault) -> TielineError:
    """A trigger or flow of the org failed; sometimes only because a row was locked."""
    if "UNABLE_TO_LOCK_ROW" in fault.message:
        return NotSent("Somebody is editing the record in Salesforce; it is tried again.", retry_after_s=1.0)
    return _repair("An automation in Salesforce failed on {record}: {message}.", Role.INTEGRATION)(fault)


def _invalid_grant(fault: Fault) -> TielineError:
    text = fault.message.casefold()
    if "expired authorization code" in text:
        return NotSent("Salesforce thinks our sign-in is too old: check the clock of this machine.", retry_after_s=5.0)
    known = {
        "audience": _AUDIENCE,
        "approved": "The integration user has not been approved for our app in Salesforce",
        "assertion": "Salesforce refused our certificate",
        "authentication failure": "The integration user is inactive, locked, or not allowed from here",
        "domain": "Client credentials must be sent to the org's own host, not to the login host",
        "scope": "Our app has no usable scope in Salesforce; add `api`",
    }
    for word, sentence in known.items():
        if word in text:
            return _fatal(sentence, "TL-INT-002")(fault)
    return _fatal("Salesforce refused our sign-in", "TL-INT-002")(fault)


def _login_by_status(fault: Fault) -> TielineError:
    if fault.status >= 500:  # noqa: PLR2004 - the vendor's side
        return NotSent("Salesforce's sign-in does not answer properly; it is tried again.", retry_after_s=2.0)
    return _fatal("Salesforce refused our sign-in", "TL-INT-002")(fault)


def _by_status(fault: Fault) -> TielineError:
    status = fault.status
    if status in {420, 429}:
        return NotSent("Salesforce wants fewer calls; it is tried again.", retry_after_s=fault.retry_after_s or 2.0)
    if status >= 500 or status == 200:  # noqa: PLR2004 - the vendor's side, or a page that is no answer
        return OutcomeUnknown("Salesforce gave no usable answer. We are checking what it did.", record=fault.record)
    return _repair("Salesforce refused the change of {record}: {message}.", Role.INTEGRATION)(fault)


def _plain(message: str) -> str:
    """The vendor's words on one line and short; they go to people, so no markup and no dump."""
    return " ".join(message.split()).rstrip(".")[:300] or "no reason given"
