from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.context import attach, detach
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context
from pydantic import BaseModel, SecretStr

from models.ids import EngagementId
from runtime.log_events import JsonLines, log_event, start_logging
from runtime.redaction import HIDDEN, Redactor, secrets_in
from runtime.telemetry import about_engagement

CANARIES = [
    "ada@customer.example",
    "DE89 3704 0044 0532 0130 00",
    "GB29NWBK60161331926819",
    "DE123456789",
    "GB 123 4567 89",
    "ATU12345678",
    "CHE-123.456.789",
    "12-3456789",
    "123-45-6789",
    "27AAPFU0939F1ZV",
    "11.222.333/0001-81",
    "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl",
    "Bearer abcdef0123456789",
    "00D000000000062!AQcAQH0dMHZfz972Szmpkb58urFRkgeBGsxL_QJWwYMfAbUeeG7c1E6L",
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n-----END PRIVATE KEY-----",
    "password=hunter2hunter2",
    '"client_secret": "shhh-shhh"',
    "s3cr3t-from-settings",
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    stream = io.StringIO()
    start_logging(Redactor(["s3cr3t-from-settings"]), stream=stream)
    yield stream
    for handler in list(root.handlers):
        root.removeHandler(handler)
    for handler in before:
        root.addHandler(handler)
    root.setLevel(level)


def _fail(canary: str) -> None:
    try:
        int(canary)
    except ValueError as inner:
        raise ValueError(f"because of {canary}") from inner


def _only(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    loaded: dict[str, Any] = json.loads(line)
    return loaded


def test_an_event_is_one_json_line_with_its_fields(lines: io.StringIO) -> None:
    log_event("deal.dispatched", engagement="harbour-finch/C-1", created=False, rows=3, reasons=("a", "b"))

    line = _only(lines)
    assert line["event"] == "deal.dispatched"
    assert line["level"] == "info"
    assert (line["engagement"], line["created"], line["rows"]) == ("harbour-finch/C-1", False, 3)
    assert line["reasons"] == ["a", "b"]


def test_a_line_names_the_trace_and_the_engagement_it_belongs_to(lines: io.StringIO) -> None:
    span = NonRecordingSpan(SpanContext(trace_id=0xABC, span_id=0xDEF, is_remote=False, trace_flags=TraceFlags(1)))
    token = attach(set_span_in_context(span))
    with about_engagement(EngagementId("harbour-finch/C-1")):
        log_event("deal.dispatched")
    detach(token)

    line = _only(lines)
    assert line["trace_id"] == f"{0xABC:032x}"
    assert line["span_id"] == f"{0xDEF:016x}"
    assert line["engagement"] == "harbour-finch/C-1"


@pytest.mark.parametrize("canary", CANARIES)
def test_no_canary_leaves_in_any_way(lines: io.StringIO, canary: str) -> None:
    deeper = {"list": [canary, {"more": canary}], canary: 1}
    log_event("x.happened", note=f"before {canary} after", deeper=deeper)
    logging.getLogger("some.library").warning("it said %s", canary)
    try:
        _fail(canary)
    except ValueError as error:
        log_event("x.failed", level=logging.ERROR, exc=error)
        logging.getLogger("some.library").exception("unexpected")

    written = lines.getvalue()
    assert canary not in written
    assert json.dumps(canary)[1:-1] not in written
    assert "before" in written
    assert "hunter2" not in written
    assert "shhh-shhh" not in written
    assert written.count("\n") == 4


@pytest.mark.parametrize(
    "field", ["access_token", "clientSecret", "Authorization", "iban", "tax_number", "tax_id", "email", "phone", "body",
              "payload", "registration_number", "street", "api_key", "vat"],
)  # fmt: skip
def test_a_field_with_a_telling_name_never_shows_its_value(lines: io.StringIO, field: str) -> None:
    fields: dict[str, Any] = {field: "harmless-looking"}
    log_event("x.happened", **fields)

    assert _only(lines)[field] == HIDDEN


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("engagement", "harbour-finch/SE201612345678"),
        ("plan", "de89" + "a1" * 30),
        ("trace_id", "de89" + "0" * 28),
        ("note", "Contract TIRNO16P00123 waits; due 2026-11-24; plan " + "be12" * 16),
        ("record", "0061i00000ABCDEAA4"),
        ("message", "USD 250000.00 over the limit of 1000000"),
    ],
)
def test_our_own_ids_and_amounts_stay_readable(lines: io.StringIO, field: str, value: str) -> None:
    fields: dict[str, Any] = {field: value}
    log_event("x.happened", **fields)

    assert _only(lines)[field] == value


def test_a_record_given_by_mistake_shows_only_what_it_is(lines: io.StringIO) -> None:
    class Buyer(BaseModel):
        legal_name: str

    log_event("x.happened", buyer=Buyer(legal_name="canary GmbH"), secret_value=SecretStr("canary"), raw=b"canary")

    assert "canary" not in lines.getvalue()


def test_a_log_line_that_does_not_fit_its_text_is_still_a_line() -> None:
    record = logging.LogRecord("some.library", logging.WARNING, "", 1, "%d", ("ada@customer.example",), None)

    assert "do not fit" in json.loads(JsonLines(Redactor()).format(record))["message"]


def test_every_secret_of_nested_settings_is_known() -> None:
    class Inner(BaseModel):
        secrets: tuple[SecretStr, ...]

    class Outer(BaseModel):
        one: SecretStr
        inner: Inner
        table: dict[str, object]

    outer = Outer(
        one=SecretStr("a"), inner=Inner(secrets=(SecretStr("b"), SecretStr("c"))), table={"x": {"y": SecretStr("d")}}
    )

    assert set(secrets_in(outer)) == {"a", "b", "c", "d"}
