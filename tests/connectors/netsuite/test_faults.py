from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connector_kit import Effectful, Reply
from connectors.netsuite.errors import (
    FAULTS,
    AlreadyExists,
    ChangedMeanwhile,
    MissingTable,
    RecordNotFound,
    error_of,
    fault_of,
    sign_in_error,
)
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.roles import Role

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data" / "netsuite" / "error_cases.json").read_text()
)
JSON = "application/vnd.oracle.resource+json; type=error; charset=UTF-8"
ACCESS = "Error while accessing a resource. "

ROWS: list[tuple[str, int, str, str, type[TielineError], str, Role, str]] = [
    # row of the table, HTTP status, vendor code and text; our error and code, who acts, what the sentence names
    ("INVALID_CONTENT", 400, "INVALID_CONTENT",
     "Error while accessing resource: You have entered an Invalid Field Value 9999 for the following field: item",
     NeedsRepair, "TL-INT-020", Role.FINANCE_OPERATIONS, "9999 as item"),
    ("INVALID_CONTENT", 400, "INVALID_CONTENT", "Something about the content.", NeedsRepair, "TL-INT-020",
     Role.FINANCE_OPERATIONS, "Something about the content."),
    ("NOT_LINKED", 400, "INVALID_CONTENT",
     "Error while accessing resource: You have entered an Invalid Field Value 5 for the following field: subsidiary",
     NeedsRepair, "TL-INT-020", Role.MASTER_DATA, "Add the subsidiary to the customer"),
    ("MISSING_VALUE", 400, "USER_ERROR", f"{ACCESS}Please enter value(s) for: Subsidiary.", NeedsRepair, "TL-INT-020",
     Role.FINANCE_OPERATIONS, "needs Subsidiary for"),
    ("EXISTS", 400, "USER_ERROR", f"{ACCESS}This entity already exists.", AlreadyExists, "TL-CUS-001",
     Role.MASTER_DATA, "rename one of the two"),
    ("EXISTS", 400, "USER_ERROR", f"{ACCESS}This record already exists.", AlreadyExists, "TL-CUS-001",
     Role.MASTER_DATA, "Is it the same?"),
    ("OTHER_SUBSIDIARY", 400, "USER_ERROR", "The Advisory department cannot be used with the UK subsidiary.",
     NeedsRepair, "TL-INT-020", Role.FINANCE_OPERATIONS, "Advisory department"),
    ("LOCKED", 400, "USER_ERROR", "This record has been locked by a user defined workflow. Reason: audit",
     NeedsRepair, "TL-INT-020", Role.FINANCE_OPERATIONS, "Reason: audit"),
    ("CLOSED_PERIOD", 400, "USER_ERROR",
     "The transaction date you specified is not within the date range of your accounting period.", NeedsRepair,
     "TL-FIN-001", Role.FINANCE_OPERATIONS, "open period"),
    ("USER_ERROR", 400, "USER_ERROR", "customscript_firm_check: no budget owner", NeedsRepair, "TL-INT-020",
     Role.FINANCE_OPERATIONS, "customscript_firm_check: no budget owner"),
    ("RCRD_HAS_BEEN_CHANGED", 400, "USER_ERROR", f"{ACCESS}Record has been changed", ChangedMeanwhile, "TL-INT-011",
     Role.INTEGRATION, "at the same moment"),
    ("RCRD_HAS_BEEN_CHANGED", 409, "RCRD_HAS_BEEN_CHANGED", "Record has been changed", ChangedMeanwhile, "TL-INT-011",
     Role.INTEGRATION, "at the same moment"),
    ("INVALID_PARAMETER", 400, "INVALID_PARAMETER", "Offset is not divisible by limit", Fatal, "TL-INT-030",
     Role.INTEGRATION, "Offset"),
    ("NONEXISTENT_FIELD", 400, "NONEXISTENT_FIELD", "The field custentity_x does not exist.", Fatal, "TL-INT-030",
     Role.INTEGRATION, "custentity_x"),
    ("INVALID_QUERY_PARAM", 400, "INVALID_QUERY_PARAM", "limit", Fatal, "TL-INT-030", Role.INTEGRATION, "limit"),
    ("INVALID_REQUEST", 400, "INVALID_REQUEST", "malformed syntax.", Fatal, "TL-INT-030", Role.INTEGRATION, "syntax"),
    ("WRONG_VERB", 405, "METHOD_NOT_ALLOWED", "Method PUT is not allowed.", Fatal, "TL-INT-030", Role.INTEGRATION,
     "PUT"),
    ("WRONG_VERB", 415, "INVALID_HEADER", "Invalid media type.", Fatal, "TL-INT-030", Role.INTEGRATION, "media type"),
    ("NO_TABLE", 400, "INVALID_PARAMETER",
     "Invalid search query. Search error occurred: Record 'billingschedulemilestone' was not found.", MissingTable,
     "TL-INT-030", Role.INTEGRATION, "billingschedulemilestone"),
    ("NO_TABLE", 400, "INVALID_PARAMETER", "Search error occurred: Record \u2018entityaddress\u2019 was not found.",
     MissingTable, "TL-INT-030", Role.INTEGRATION, "entityaddress"),
    ("NO_RECORD_TYPE", 404, "NONEXISTENT_ID", "Record type 'job' does not exist.", Fatal, "TL-INT-030",
     Role.INTEGRATION, "Record type 'job'"),
    ("INVALID_HEADER", 400, "INVALID_HEADER", "Accept-Language", NeedsRepair, "TL-INT-020", Role.INTEGRATION,
     "company's language"),
    ("IDEMPOTENCY_ERROR", 409, "IDEMPOTENCY_ERROR", "already submitted", OutcomeUnknown, "TL-INT-001",
     Role.INTEGRATION, "nothing is repeated"),
    ("INVALID_LOGIN", 401, "INVALID_LOGIN", "Invalid login attempt.", Fatal, "TL-INT-002", Role.INTEGRATION,
     "Login Audit Trail"),
    ("INSUFFICIENT_PERMISSION", 403, "INSUFFICIENT_PERMISSION", "you need the 'Lists -> Projects' permission",
     NeedsRepair, "TL-INT-020", Role.ADMIN, "Lists -> Projects"),
    ("NONEXISTENT_ID", 404, "NONEXISTENT_ID", "The record instance does not exist.", RecordNotFound, "TL-INT-020",
     Role.FINANCE_OPERATIONS, "no contract SOW-1"),
    ("NONEXISTENT_ID", 400, "USER_ERROR", f"{ACCESS}Transaction type specified is incorrect.", RecordNotFound,
     "TL-INT-020", Role.FINANCE_OPERATIONS, "no contract SOW-1"),
    ("CONCURRENCY_LIMIT_EXCEEDED", 429, "CONCURRENCY_LIMIT_EXCEEDED", "Request blocked.", NotSent, "TL-INT-011",
     Role.INTEGRATION, "blocked the request"),
    ("SSS_REQUEST_LIMIT_EXCEEDED", 400, "SSS_REQUEST_LIMIT_EXCEEDED", "limit", NotSent, "TL-INT-011",
     Role.INTEGRATION, "blocked the request"),
    ("UNEXPECTED_ERROR", 500, "UNEXPECTED_ERROR", "An unexpected error occurred. Error ID: jrgbpyyl", OutcomeUnknown,
     "TL-INT-001", Role.INTEGRATION, "reference jrgbpyyl"),
    ("NO_ANSWER", 503, "SERVICE_UNAVAILABLE", "maintenance", OutcomeUnknown, "TL-INT-001", Role.INTEGRATION,
     "HTTP 503"),
    ("MOVED", 302, "", "", NeedsRepair, "TL-INT-020", Role.INTEGRATION, "the account URL of this connection is wrong"),
    ("SOMETHING_NEW", 400, "SOMETHING_NEW", "a new rule", Fatal, "TL-INT-030", Role.INTEGRATION, "a new rule"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "status", "code", "text", "kind", "ours", "owner", "named"), ROWS)
def test_each_complaint_becomes_one_of_our_errors_with_an_owner_and_a_fix(  # noqa: PLR0917 - a table's columns
    row: str, status: int, code: str, text: str, kind: type[TielineError], ours: str, owner: Role, named: str
) -> None:
    reply = _reply(status, [{"detail": text, "o:errorCode": code}])
    assert fault_of(reply, "contract SOW-1").code == row
    error = error_of(reply, Effectful.WRITE, "contract SOW-1")
    assert (type(error), error.code, error.owner) == (kind, ours, owner)
    assert named in error.message


def test_every_row_of_the_table_is_tested() -> None:
    assert set(FAULTS.codes) <= {row[0] for row in ROWS}


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (502, "text/html", b"<html>bad gateway</html>"),
        (503, "text/html", b"<html>maintenance</html>"),
        (504, "application/json", b""),
        (500, "application/json", b'{"o:errorDetails": [{"detail": "x"'),
        (500, "application/json", b"[" * 100_000),
        (404, "text/html", b"<html>not here</html>"),
        (403, "text/html", b"<html>Access Denied</html>"),
        (400, "application/json", b'{"o:errorDetails": "no list"}'),
    ],
)
def test_an_answer_that_is_no_error_of_the_vendor_leaves_the_outcome_open(
    status: int, content_type: str, body: bytes
) -> None:
    reply = Reply(status=status, headers={"content-type": content_type}, content=body)
    if status < 500 and "json" in content_type:
        # JSON without a complaint in it: the fallback of the table decides.
        assert isinstance(error_of(reply, Effectful.WRITE, "contract SOW-1"), OutcomeUnknown)
        return
    assert type(error_of(reply, Effectful.WRITE, "contract SOW-1")) is OutcomeUnknown
    assert type(error_of(reply, Effectful.READ, "contract SOW-1")) is Retryable


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_documented_bodies_are_classed_as_the_fact_sheet_says(case: dict[str, Any]) -> None:
    reply = Reply(status=case["http_status"], headers={"content-type": JSON}, content=json.dumps(case["body"]).encode())
    expected: dict[str, type[TielineError]] = {
        "human_repair": NeedsRepair, "read_back": AlreadyExists, "not_found_on_read": RecordNotFound,
        "not_found": RecordNotFound, "fatal": Fatal, "reauth_once": Fatal, "admin_repair": NeedsRepair,
        "retry": NotSent, "unknown_outcome": OutcomeUnknown, "attach_job": OutcomeUnknown,
    }  # fmt: skip
    assert type(error_of(reply, Effectful.WRITE, "customer Acme")) is expected[case["class"]]


def test_all_details_are_told_and_the_one_a_person_can_act_on_decides() -> None:
    details = [
        {"detail": "Odd thing.", "o:errorCode": "SOMETHING_NEW"},
        {"detail": "The Advisory department cannot be used with the UK subsidiary.", "o:errorCode": "USER_ERROR",
         "o:errorPath": "item.items[0].department"},
    ]  # fmt: skip
    error = error_of(_reply(400, details), Effectful.WRITE, "contract SOW-1")
    assert isinstance(error, NeedsRepair)
    assert error.field == "item.items[0].department"
    assert "Odd thing." in error.message
    assert "Advisory" in error.message


def test_a_vendor_text_cannot_flood_the_desk() -> None:
    error = error_of(_reply(400, [{"detail": "x" * 100_000, "o:errorCode": "USER_ERROR"}]), Effectful.WRITE, "job 1")
    assert len(error.message) < 600


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error": "invalid_grant"}', Fatal),
        (401, b'{"error": "invalid_client"}', Fatal),
        (500, b'{"error": "server_error"}', NotSent),
        (429, b"{}", NotSent),
        (400, b"<html>", NotSent),
    ],
)
def test_a_refused_sign_in_is_for_an_administrator_and_nothing_was_sent(
    status: int, body: bytes, kind: type[TielineError]
) -> None:
    headers = {"content-type": "text/html" if body.startswith(b"<") else "application/json"}
    error = sign_in_error(Reply(status=status, headers=headers, content=body))
    assert type(error) is kind
    if kind is Fatal:
        assert error.code == "TL-INT-002"
        assert "Login Audit Trail" in error.message


def _reply(status: int, details: list[dict[str, str]]) -> Reply:
    body = {"type": "x", "title": "x", "status": status, "o:errorDetails": details}
    return Reply(status=status, headers={"content-type": JSON}, content=json.dumps(body).encode())
