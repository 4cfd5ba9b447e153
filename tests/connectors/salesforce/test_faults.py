from typing import Any

import pytest

from connector_kit import Effectful, Fault
from connectors.salesforce.errors import (
    LOGIN_FAULTS,
    REST_FAULTS,
    AssertionTooOld,
    DuplicateKey,
    SessionExpired,
    TooManyChanges,
    login_error,
    rest_error,
)
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable
from models.roles import Role

SALES, IT, DATA = Role.SALES_OPERATIONS, Role.INTEGRATION, Role.MASTER_DATA
# code, HTTP status, our class, owner, words the person reads
ROWS: list[tuple[str, int, type[Exception], Role, str]] = [
    ("INVALID_SESSION_ID", 401, SessionExpired, IT, "renewed"),
    ("REQUEST_LIMIT_EXCEEDED", 403, NotSent, IT, "daily API allowance is used up; work resumes automatically"),
    ("UNABLE_TO_LOCK_ROW", 400, NotSent, IT, "Somebody is editing deal 006"),
    ("SERVER_UNAVAILABLE", 503, OutcomeUnknown, IT, "temporarily unavailable"),
    ("UNKNOWN_EXCEPTION", 500, OutcomeUnknown, IT, "temporarily unavailable"),
    ("QUERY_TIMEOUT", 400, NotSent, IT, "asked again"),
    ("OPERATION_TOO_LARGE", 400, Fatal, IT, "too much at once"),
    ("EXCEEDED_ID_LIMIT", 400, TooManyChanges, IT, "More records changed"),
    ("DUPLICATE_VALUE", 400, DuplicateKey, DATA, "the vendor's words"),
    ("DUPLICATES_DETECTED", 400, NeedsRepair, DATA, "Choose there which record to use"),
    ("REQUIRED_FIELD_MISSING", 400, NeedsRepair, SALES, "Field(s) Name, Phone of deal 006 must be filled"),
    (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        400,
        NeedsRepair,
        SALES,
        "refused the change of deal 006: the vendor's words",
    ),
    ("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", 400, NeedsRepair, IT, "list of Name, Phone"),
    ("BAD_VALUE_FOR_RESTRICTED_PICKLIST", 400, NeedsRepair, IT, "list of Name, Phone"),
    ("STRING_TOO_LONG", 400, NeedsRepair, IT, "does not fit Name, Phone"),
    ("NUMBER_OUTSIDE_VALID_RANGE", 400, NeedsRepair, IT, "does not fit Name, Phone"),
    ("INVALID_EMAIL_ADDRESS", 400, NeedsRepair, SALES, "does not fit Name, Phone"),
    ("JSON_PARSER_ERROR", 400, Fatal, IT, "cannot read for deal 006"),
    ("FIELD_INTEGRITY_EXCEPTION", 400, NeedsRepair, SALES, "linked to is missing or wrong"),
    ("INVALID_CROSS_REFERENCE_KEY", 404, NeedsRepair, SALES, "linked to is missing or wrong"),
    ("MALFORMED_ID", 400, NeedsRepair, SALES, "no id of a Salesforce record"),
    ("INVALID_FIELD", 400, NeedsRepair, IT, "hidden from the integration user"),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", 400, NeedsRepair, IT, "may not write Name, Phone"),
    ("INVALID_TYPE", 400, NeedsRepair, IT, "hidden from the integration user"),
    ("MALFORMED_QUERY", 400, Fatal, IT, "does not understand"),
    ("INSUFFICIENT_ACCESS_OR_READONLY", 403, NeedsRepair, IT, "may not edit deal 006"),
    ("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", 400, NeedsRepair, IT, "Give it the right"),
    ("ENTITY_IS_LOCKED", 400, NeedsRepair, SALES, "Finish the approval"),
    ("ENTITY_IS_DELETED", 404, NeedsRepair, SALES, "deleted or merged"),
    ("NOT_FOUND", 404, NeedsRepair, SALES, "deleted or merged"),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", 400, NeedsRepair, IT, "automation in Salesforce failed"),
    ("APEX_ERROR", 400, NeedsRepair, IT, "automation in Salesforce failed"),
    ("LIMIT_EXCEEDED", 400, NeedsRepair, IT, "automation in Salesforce failed"),
    ("STORAGE_LIMIT_EXCEEDED", 400, NeedsRepair, IT, "storage is full"),
    ("API_DISABLED_FOR_ORG", 403, Fatal, IT, "API access"),
    ("API_CURRENTLY_DISABLED", 403, Fatal, IT, "API access"),
    ("UNSUPPORTED_API_VERSION", 410, Fatal, IT, "api_version"),
    ("INVALID_QUERY_LOCATOR", 400, NotSent, IT, "read again"),
    ("MULTIPLE", 300, NeedsRepair, DATA, "Merge them"),
    ("INACTIVE_OWNER_OR_USER", 400, NeedsRepair, SALES, "active owner"),
    ("METHOD_NOT_ALLOWED", 405, Fatal, IT, "does not know"),
]
LOGIN_ROWS: list[tuple[str, str, type[Exception], str]] = [
    ("invalid_grant", "user hasn't approved this consumer", Fatal, "Pre-authorise"),
    ("invalid_grant", "audience is invalid", Fatal, "`audience`"),
    ("invalid_grant", "Audience validation failed", Fatal, "`audience`"),
    ("invalid_grant", "expired authorization code", AssertionTooOld, "clock"),
    ("invalid_grant", "invalid assertion", Fatal, "certificate"),
    ("invalid_grant", "authentication failure", Fatal, "inactive, locked"),
    ("invalid_grant", "request not supported on this domain", Fatal, "My Domain"),
    ("invalid_grant", "no valid scopes defined", Fatal, "scope"),
    ("invalid_grant", "expired access/refresh token", Fatal, "Approve the app again"),
    ("invalid_grant", "", Fatal, "login history"),
    ("invalid_client_id", "client identifier invalid", Fatal, "consumer_key"),
    ("invalid_client", "invalid client credentials", Fatal, "consumer_secret"),
    ("invalid_app_access", "user is not admin approved to access this app", Fatal, "permission set"),
    ("inactive_org", "", Fatal, "org is inactive"),
    ("inactive_user", "", Fatal, "user is inactive"),
    ("rate_limit_exceeded", "", NotSent, "less often"),
]


def fault(code: str, status: int, **more: Any) -> Fault:
    facts = {"message": "the vendor's words", "fields": ("Name", "Phone"), "record": "deal 006", **more}
    return Fault(code=code, status=status, **facts)


@pytest.mark.parametrize(("code", "status", "kind", "owner", "words"), ROWS, ids=[row[0] for row in ROWS])
def test_each_complaint_says_who_acts_and_what_to_do(
    code: str, status: int, kind: type[Exception], owner: Role, words: str
) -> None:
    error = rest_error(fault(code, status), Effectful.WRITE)
    assert type(error) is kind
    assert (error.owner, words in error.message) == (owner, True), error.message
    assert error.record in {"deal 006", ""}


def test_each_row_of_the_tables_is_tested() -> None:
    assert set(REST_FAULTS.codes) == {row[0] for row in ROWS}
    assert set(LOGIN_FAULTS.codes) == {row[0] for row in LOGIN_ROWS}


@pytest.mark.parametrize(("code", "text", "kind", "words"), LOGIN_ROWS)
def test_each_refused_sign_in_says_what_to_set_right(code: str, text: str, kind: type[Exception], words: str) -> None:
    error = login_error(Fault(code=code, status=400, message=text))
    assert type(error) is kind
    assert words in error.message
    assert isinstance(error, NotSent) or error.code == "TL-INT-002"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, OutcomeUnknown), (302, Fatal), (400, NeedsRepair), (401, Fatal), (403, Fatal), (414, NeedsRepair),
        (420, OutcomeUnknown), (429, NotSent), (431, NeedsRepair), (500, OutcomeUnknown), (502, OutcomeUnknown),
        (503, OutcomeUnknown), (504, OutcomeUnknown),
    ],
)  # fmt: skip
def test_a_code_without_a_row_leaves_only_what_its_status_makes_certain(status: int, kind: type[Exception]) -> None:
    assert type(rest_error(fault("BRAND_NEW", status), Effectful.WRITE)) is kind


def test_a_read_whose_answer_is_lost_is_asked_again() -> None:
    for code, status in (("SERVER_UNAVAILABLE", 503), ("UNKNOWN_EXCEPTION", 500), ("", 502), ("", 200)):
        assert type(rest_error(fault(code, status), Effectful.READ)) is Retryable


def test_the_daily_limit_parks_for_longer_than_too_many_calls_at_once() -> None:
    daily = rest_error(fault("REQUEST_LIMIT_EXCEEDED", 403, message="TotalRequests Limit exceeded."), Effectful.WRITE)
    now = rest_error(
        fault("REQUEST_LIMIT_EXCEEDED", 403, message="ConcurrentPerOrgLongTxn Limit exceeded."), Effectful.WRITE
    )
    assert isinstance(daily, NotSent)
    assert isinstance(now, NotSent)
    assert (daily.retry_after_s, now.retry_after_s) == (900.0, 5.0)


def test_an_automation_that_met_a_locked_row_is_tried_again() -> None:
    words = "Trigger failed: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access"
    for code in ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "APEX_ERROR"):
        assert type(rest_error(fault(code, 400, message=words), Effectful.WRITE)) is NotSent


@pytest.mark.parametrize(
    "words", ["This session is not valid for use with the REST API", "Connected app is not attached to Agent"]
)
def test_not_every_refused_session_is_an_expired_one(words: str) -> None:
    assert type(rest_error(fault("INVALID_SESSION_ID", 401, message=words), Effectful.WRITE)) is Fatal


def test_vendor_words_are_cut_and_braces_in_them_mean_nothing() -> None:
    error = rest_error(fault("FIELD_CUSTOM_VALIDATION_EXCEPTION", 400, message="{0} {x}\n" * 5000), Effectful.WRITE)
    assert len(error.message) < 500
    assert "\n" not in error.message


def test_a_page_in_place_of_a_token_means_later_and_not_wrong() -> None:
    assert type(login_error(Fault(code="unreadable", status=200))) is NotSent
    assert type(login_error(Fault(code="unreadable", status=503))) is NotSent
    assert type(login_error(Fault(code="unreadable", status=404))) is Fatal
    assert type(login_error(Fault(code="something_new", status=400))) is Fatal
