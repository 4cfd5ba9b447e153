import json
from typing import Any

import pytest

from connector_kit import Effectful, Fault, Reply
from connectors.hubspot.complaints import fault_of, fault_of_error
from connectors.hubspot.errors import (
    LOGIN_FAULTS,
    REST_FAULTS,
    DuplicateValue,
    NoSuchRecord,
    TokenExpired,
    login_error,
    rest_error,
)
from connectors.hubspot.schemas import WireError
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable
from models.roles import Role

SALES, IT, DATA = Role.SALES_OPERATIONS, Role.INTEGRATION, Role.MASTER_DATA
# code, HTTP status, our class, owner, words the person reads
ROWS: list[tuple[str, int, type[Exception], Role, str]] = [
    ("INVALID_VALUE", 400, NeedsRepair, IT, "refused the value of amount, closedate of deal 57"),
    ("PROPERTY_DOESNT_EXIST", 400, Fatal, IT, "amount, closedate does not exist in this HubSpot account"),
    ("READ_ONLY_VALUE", 400, Fatal, IT, "is calculated by HubSpot"),
    ("REQUIRED_PROPERTY", 400, NeedsRepair, SALES, "requires amount, closedate before deal 57 can be saved"),
    ("ID_PROPERTY_NOT_UNIQUE", 400, Fatal, IT, "is not unique"),
    ("DUPLICATE_VALUE", 400, DuplicateValue, DATA, "Merge the two"),
    ("CONFLICT", 409, DuplicateValue, DATA, "exists already: the vendor's words"),
    ("DUPLICATE_IN_BATCH", 400, Fatal, IT, "twice"),
    ("UNKNOWN_OBJECT_TYPE", 400, Fatal, IT, "`custom_objects` to false"),
    ("SEARCH_TOO_DEEP", 400, Fatal, IT, "more results"),
    ("VALIDATION_ERROR", 400, NeedsRepair, SALES, "refused deal 57: the vendor's words"),
    ("EXPIRED_AUTHENTICATION", 401, TokenExpired, IT, "renewed"),
    ("INVALID_AUTHENTICATION", 401, Fatal, IT, "lost its access"),
    ("MISSING_SCOPES", 403, Fatal, IT, "scopes"),
    ("BANNED", 403, Fatal, IT, "shut our app out"),
    ("OBJECT_NOT_FOUND", 404, NoSuchRecord, SALES, "archived, deleted or merged"),
    ("NOT_FOUND", 404, NoSuchRecord, SALES, "deal 57 does not exist"),
    ("URI_TOO_LONG", 414, Fatal, IT, "too many properties"),
    ("NOT_JSON", 415, Fatal, IT, "cannot read"),
    ("LOCKED", 423, NotSent, IT, "busy with deal 57"),
    ("MIGRATION", 477, NotSent, IT, "moving this account"),
    ("RATE_LIMIT", 429, NotSent, IT, "fewer calls"),
    ("RATE_LIMIT_TEN_SECONDLY_ROLLING", 429, NotSent, IT, "fewer calls"),
    ("RATE_LIMIT_SECONDLY", 429, NotSent, IT, "fewer searches"),
    ("RATE_LIMIT_DAILY", 429, NotSent, IT, "until midnight in the account's time zone"),
]
LOGIN_ROWS: list[tuple[str, type[Exception], str]] = [
    ("invalid_grant", Fatal, "Install the app in the account again"),
    ("BAD_REFRESH_TOKEN", Fatal, "`refresh_token`"),
    ("invalid_client", Fatal, "`client_id` and `client_secret`"),
    ("BAD_CLIENT_ID", Fatal, "`client_id` and `client_secret`"),
    ("BAD_CLIENT_SECRET", Fatal, "`client_id` and `client_secret`"),
    ("unsupported_grant_type", Fatal, "`api_version`"),
    ("RATE_LIMIT", NotSent, "less often"),
    ("RATE_LIMIT_TEN_SECONDLY_ROLLING", NotSent, "less often"),
]


def fault(code: str, status: int, **more: Any) -> Fault:
    facts = {"message": "the vendor's words", "fields": ("amount", "closedate"), "record": "deal 57", **more}
    return Fault(code=code, status=status, **facts)


@pytest.mark.parametrize(("code", "status", "kind", "owner", "words"), ROWS, ids=[row[0] for row in ROWS])
def test_each_complaint_says_who_acts_and_what_to_do(
    code: str, status: int, kind: type[Exception], owner: Role, words: str
) -> None:
    error = rest_error(fault(code, status), Effectful.WRITE)
    assert type(error) is kind
    assert (error.owner, words in error.message) == (owner, True), error.message


@pytest.mark.parametrize(("code", "kind", "words"), LOGIN_ROWS)
def test_each_refused_sign_in_says_what_to_set_right(code: str, kind: type[Exception], words: str) -> None:
    error = login_error(Fault(code=code, status=400, message="no"))
    assert type(error) is kind
    assert words in error.message
    assert isinstance(error, NotSent) or error.code == "TL-INT-002"


def test_each_row_of_the_tables_is_tested() -> None:
    assert set(REST_FAULTS.codes) == {row[0] for row in ROWS}
    assert set(LOGIN_FAULTS.codes) == {row[0] for row in LOGIN_ROWS}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, OutcomeUnknown), (302, Fatal), (400, NeedsRepair), (401, Fatal), (403, Fatal), (408, OutcomeUnknown),
        (431, NeedsRepair), (500, OutcomeUnknown), (502, OutcomeUnknown), (503, OutcomeUnknown),
        (504, OutcomeUnknown), (521, OutcomeUnknown), (524, OutcomeUnknown),
    ],
)  # fmt: skip
def test_a_code_without_a_row_leaves_only_what_its_status_makes_certain(status: int, kind: type[Exception]) -> None:
    assert type(rest_error(fault("BRAND_NEW", status), Effectful.WRITE)) is kind
    if kind is OutcomeUnknown:
        assert type(rest_error(fault("BRAND_NEW", status), Effectful.READ)) is Retryable


def waits(code: str, **more: Any) -> float | None:
    error = rest_error(fault(code, 429, **more), Effectful.WRITE)
    assert isinstance(error, NotSent)
    return error.retry_after_s


def test_each_limit_has_its_own_waiting_time_and_the_vendors_goes_first() -> None:
    times = {code: waits(code) for code in REST_FAULTS.codes if code.startswith(("RATE", "LOCKED", "MIGRATION"))}
    assert times == {
        "RATE_LIMIT": 10, "RATE_LIMIT_TEN_SECONDLY_ROLLING": 10, "RATE_LIMIT_SECONDLY": 1, "RATE_LIMIT_DAILY": 900,
        "LOCKED": 2, "MIGRATION": 3600,
    }  # fmt: skip
    assert waits("RATE_LIMIT_TEN_SECONDLY_ROLLING", retry_after_s=7.0) == 7


def read(body: Any, status: int, **headers: str) -> Fault:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = Reply(status=status, headers={"content-type": "application/json;charset=utf-8", **headers}, content=content)
    return fault_of(reply, record="deal 57")


def values(*rows: dict[str, str]) -> dict[str, Any]:
    return {"status": "error", "category": "VALIDATION_ERROR",
            "message": f"Property values were not valid: {json.dumps(rows)}"}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status", "code", "fields"),
    [
        (values({"name": "amount", "error": "INVALID_LONG", "message": "x"}), 400, "INVALID_VALUE", ("amount",)),
        (values({"name": "nope", "error": "PROPERTY_DOESNT_EXIST"}), 400, "PROPERTY_DOESNT_EXIST", ("nope",)),
        (values({"name": "hs_is_closed", "error": "READ_ONLY_VALUE"}), 400, "READ_ONLY_VALUE", ("hs_is_closed",)),
        (values(), 400, "VALIDATION_ERROR", ()),
        ({"category": "VALIDATION_ERROR", "message": "Property values were not valid: [not json]"}, 400,
         "VALIDATION_ERROR", ()),
        ({"category": "VALIDATION_ERROR", "message": "Error updating DEAL. Some required properties were not set.",
          "context": {"properties": ["closedate"]}}, 400, "REQUIRED_PROPERTY", ("closedate",)),
        ({"category": "VALIDATION_ERROR", "message": "No", "errors": [
            {"message": "x", "code": "REQUIRED_FIELD", "context": {"propertyName": ["closedate"]}}]}, 400,
         "REQUIRED_PROPERTY", ("closedate",)),
        ({"category": "VALIDATION_ERROR", "message": "Cannot set PropertyValueCoordinates{...}. 123 already has that "
          "value."}, 400, "DUPLICATE_VALUE", ()),
        ({"category": "VALIDATION_ERROR", "message": "Unable to perform update/upsert by non-unique 0-2 property"}, 400,
         "ID_PROPERTY_NOT_UNIQUE", ()),
        ({"category": "VALIDATION_ERROR", "message": "Unable to infer object type from: p_x"}, 400,
         "UNKNOWN_OBJECT_TYPE", ()),
        ({"category": "CONFLICT", "message": "Contact already exists. Existing ID: 6001"}, 409, "CONFLICT", ()),
        ({"errorType": "RATE_LIMIT", "policyName": "DAILY", "message": "x"}, 429, "RATE_LIMIT_DAILY", ()),
        ({"message": "x"}, 429, "RATE_LIMIT", ()),
        (b"<html>", 429, "RATE_LIMIT", ()),
        ({"message": "resource not found"}, 404, "NOT_FOUND", ()),
        ({"message": "locked"}, 423, "LOCKED", ()),
        (b"", 477, "MIGRATION", ()),
        ({"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token"}, 400, "BAD_REFRESH_TOKEN", ()),
        ({"error": "invalid_grant", "error_description": "x"}, 400, "invalid_grant", ()),
        (b"[[[", 500, "", ()),
        ({"category": {"a": 1}, "errors": "x", "context": 7}, 400, "", ()),
        ([1], 502, "", ()),
        (b"[" * 100_000, 500, "", ()),
    ],
)
def test_the_code_of_a_complaint_is_found_wherever_the_vendor_puts_it(
    body: Any, status: int, code: str, fields: tuple[str, ...]
) -> None:
    found = read(body, status)
    assert (found.code, found.fields, found.status) == (code, fields, status)


def test_a_page_is_no_missing_record() -> None:
    """A proxy's page with status 404 says nothing about the deal."""
    reply = Reply(status=404, headers={"content-type": "text/html"}, content=b"<h1>Not found</h1>")
    assert fault_of(reply, record="deal 57").code == ""


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), ("999999", 86400.0), ("soon", None), ("-1", None), ("", None)]
)
def test_the_waiting_time_is_taken_when_it_is_one(text: str, seconds: float | None) -> None:
    assert read({"message": "x"}, 429, **{"retry-after": text}).retry_after_s == seconds


def test_vendor_words_are_cut_and_braces_in_them_mean_nothing() -> None:
    error = rest_error(fault("VALIDATION_ERROR", 400, message="{0} {x}\n" * 5000), Effectful.WRITE)
    assert len(error.message) < 500
    assert "\n" not in error.message


def test_a_complaint_inside_a_batch_is_read_like_any_other() -> None:
    error = WireError.model_validate({"category": "OBJECT_NOT_FOUND", "context": {"ids": ["1"]}, "message": "x"})
    assert fault_of_error(error, status=207, record="deals").code == "OBJECT_NOT_FOUND"


@pytest.mark.parametrize(("status", "kind"), [(200, NotSent), (503, NotSent), (404, Fatal), (400, Fatal)])
def test_a_page_in_place_of_a_token_means_later_and_not_wrong(status: int, kind: type[Exception]) -> None:
    assert type(login_error(Fault(code="", status=status))) is kind
