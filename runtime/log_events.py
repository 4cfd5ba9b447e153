from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import IO

from opentelemetry import baggage, trace
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    MetricBuffer,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

from runtime.redaction import Redactor

__all__ = ["ENGAGEMENT_KEY", "JsonLines", "forward_engine_logs", "log_event", "start_logging"]

ENGAGEMENT_KEY = "tieline.engagement"
"""Under this name the engagement travels with the trace, through the engine as well."""

_LOGGER = logging.getLogger("tieline")
_EVENT = "tieline_event"
_FIELDS = "tieline_fields"
_QUIET = ("httpx", "httpcore", "uvicorn.access", "aiosqlite", "asyncio")


def log_event(event: str, *, level: int = logging.INFO, exc: BaseException | None = None, **fields: object) -> None:
    """Write down what happened: past tense, with ids; never customer data beyond them (`deal.dispatched`)."""
    _LOGGER.log(level, event, exc_info=exc, extra={_EVENT: event, _FIELDS: fields})


class JsonLines(logging.Formatter):
    """One JSON object a line, with the trace it belongs to; libraries' lines pass the redactor as well."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The line of one record."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        event = getattr(record, _EVENT, None)
        if event is None:
            line["event"] = "log"
            line["logger"] = record.name
            line["message"] = self._redactor.text(self._message(record))
        else:
            line["event"] = event
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            line["trace_id"] = f"{span.trace_id:032x}"
            line["span_id"] = f"{span.span_id:016x}"
        engagement = baggage.get_baggage(ENGAGEMENT_KEY)
        if engagement is not None:
            line["engagement"] = self._redactor.field("engagement", str(engagement))
        for name, value in getattr(record, _FIELDS, {}).items():
            line[name] = self._redactor.field(name, value)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = self._error(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False, default=str)

    def _message(self, record: logging.LogRecord) -> str:
        try:
            return record.getMessage()
        except (TypeError, ValueError):
            return f"A log line of {record.name} has arguments that do not fit its text."

    def _error(self, error: BaseException) -> dict[str, object]:
        """What and where, with the causes; the text scrubbed, the values of variables never."""
        frames = traceback.extract_tb(error.__traceback__)
        told: dict[str, object] = {
            "type": type(error).__name__,
            "message": self._redactor.text(str(error)),
            "where": [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames[-8:]],
        }
        cause = error.__cause__
        if cause is not None and cause is not error:
            told["cause"] = {"type": type(cause).__name__, "message": self._redactor.text(str(cause))}
        return told


def start_logging(redactor: Redactor, *, stream: IO[str] | None = None, level: int = logging.INFO) -> logging.Handler:
    """Send all log lines of the process through our formatter to one stream (standard error). Returns the handler."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines(redactor))
    root = logging.getLogger()
    for old in list(root.handlers):
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    return handler


def forward_engine_logs(metrics: MetricBuffer | None = None) -> None:
    """Have the engine's SDK log through us. By itself it writes to standard output, past the redactor and into answers.

    With a buffer it also puts its own metrics there.

    To be called once, before the first client is made.
    """
    forwarding = LogForwardingConfig(logger=logging.getLogger("temporalio.core"), append_target_to_name=False)
    config = LoggingConfig(filter=TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding)
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=config, metrics=metrics)), error_if_already_set=False)
