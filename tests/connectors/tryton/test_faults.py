"""Every row of the fault table, by the answers the real server gave."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connector_kit import Effectful, Reply
from connectors.tryton.errors import FAULTS, AlreadyExists, RecordNotFound, error_of, fault_of
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable

Case = tuple[int, str, str, type[Exception]]
CASES: tuple[Case, ...] = (
    (400, 'The value for field "Code" in "Party" must be unique.', "EXISTS", AlreadyExists),
    (400, "The external id must be unique.", "EXISTS", AlreadyExists),
    (400, 'A value is required for field "Unit" in record "L" of "Sale Line".', "MISSING_VALUE", NeedsRepair),
    (400, 'The European VAT Number "BE0897290878" for party "Globex" is not valid.', "BAD_NUMBER", NeedsRepair),
    (400, 'The value for field "Product" is not valid according to its domain.', "BAD_VALUE", NeedsRepair),
    (400, 'The value "bogus" for field "Invoice Method" is not one of the allowed options.', "BAD_VALUE", NeedsRepair),
    (400, 'You are not allowed to modify the field "Number" of "Project Work".', "NO_RIGHT", NeedsRepair),
    (400, 'Calling button "quote on "Sale" is not allowed.', "NO_RIGHT", NeedsRepair),
    (400, 'You can not call "invoice" on "project".', "WRONG_STATE", NeedsRepair),
    (400, 'The record "5" of "Language" does not exist.', "GONE", NeedsRepair),
    (400, "There is no open period for 2031-01-01.", "CLOSED_PERIOD", NeedsRepair),
    (400, "Something of this firm's own module.", "REFUSED", NeedsRepair),
    (401, "", "SIGN_IN", Fatal),
    (403, "", "NOT_EXPOSED", NeedsRepair),
    (404, "", "NOT_FOUND", RecordNotFound),
    (423, "Records were modified in the meanwhile", "CHANGED", NotSent),
    (429, "", "TOO_MANY", NotSent),
    (500, "'external_id'", "OTHER_VERSION", Fatal),
    (503, "could not serialize access due to concurrent update", "SERIALIZE", NotSent),
    (418, "I am a teapot", "", Fatal),
    (500, "out of memory", "", OutcomeUnknown),
    (502, "", "", OutcomeUnknown),
    (503, "Service Unavailable", "", OutcomeUnknown),
    (504, "", "", OutcomeUnknown),
)


def _reply(status: int, text: str, **headers: str) -> Reply:
    if status == 400:
        body: Any = json.dumps({"status": 400, "message": text, "description": ""}).encode()
        return Reply(status=status, headers={"content-type": "application/json"}, content=body)
    page = f"<!doctype html>\n<title>{status}</title>\n<p>{text.replace(chr(39), '&#39;')}</p>\n"
    return Reply(status=status, headers={"content-type": "text/html; charset=utf-8", **headers}, content=page.encode())


@pytest.mark.parametrize(("status", "text", "code", "kind"), CASES)
def test_each_refusal_means_one_thing(status: int, text: str, code: str, kind: type[Exception]) -> None:
    reply = _reply(status, text)
    assert fault_of(reply, "contract C-1").code == code
    error = error_of(reply, Effectful.WRITE, "contract C-1")
    assert type(error) is kind
    assert "<p>" not in error.message


def test_every_row_of_the_table_has_a_case() -> None:
    assert set(FAULTS.codes) == {code for _, _, code, _ in CASES if code}


def test_a_read_whose_outcome_is_unknown_is_simply_asked_again() -> None:
    assert type(error_of(_reply(502, ""), Effectful.READ, "x")) is Retryable


def test_a_wait_that_a_proxy_asks_for_is_passed_on() -> None:
    error = error_of(_reply(429, "", **{"retry-after": "7"}), Effectful.WRITE, "x")
    assert isinstance(error, NotSent)
    assert error.retry_after_s == 7


def test_a_missing_field_is_named() -> None:
    text = 'A value is required for field "Unit" in record "L" of "Sale Line".'
    error = error_of(_reply(400, text), Effectful.WRITE, "contract C-1")
    assert error.field == "Unit"
    assert error.message == "Tryton needs Unit for contract C-1. Fill it in at its source. Then press Retry."
