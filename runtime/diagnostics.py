from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from models.base import Canonical
from models.errors import TielineError
from models.ids import ConnectionId
from models.records import Guard
from runtime.connections import Connection
from runtime.redaction import Redactor, secrets_in
from runtime.registry import config_of, open_crm, open_erp, spec_of

__all__ = ["Diagnosis", "diagnose"]


class Diagnosis(Canonical):
    """One connection as it may be sent to somebody who helps: no secret is in it."""

    connection: ConnectionId
    connector: str
    settings: dict[str, Any]
    capabilities: tuple[str, ...]
    guards: dict[str, str]
    """How each write is kept to one effect."""
    left_to_people: tuple[str, ...]
    events: tuple[str, ...]
    """Forms in which it takes events now."""
    problem: str
    """Why it does not take our sign-in; empty when it does."""
    answered_in_ms: int


async def diagnose(connection: Connection) -> Diagnosis:
    """Ask the account once, and tell how it is set up. Raises WrongSetting when the settings cannot be read at all."""
    spec, config = spec_of(connection), config_of(connection)
    redactor = Redactor((*secrets_in(config), *secrets_in(connection.event_secrets)))
    shown = redactor.field("settings", config.model_dump(exclude={"connection"}))
    forms = ("signed callout",) if spec.events or spec.event_batches else ()
    guards: dict[str, str] = {}
    manual: tuple[str, ...] = ()
    problem, began = "", time.monotonic()
    try:
        async with _asked(connection) as (guards, manual, probe):
            began = time.monotonic()
            await probe()
    except TielineError as refused:
        problem = redactor.text(f"{refused.code}: {refused.message}")
    return Diagnosis(
        connection=connection.connection,
        connector=spec.name,
        settings=shown if isinstance(shown, dict) else {},
        capabilities=tuple(sorted(spec.capabilities)),
        guards=guards,
        left_to_people=manual,
        events=(*forms, *spec.side_doors) if connection.event_secrets else (),
        problem=problem,
        answered_in_ms=round((time.monotonic() - began) * 1000),
    )


@asynccontextmanager
async def _asked(connection: Connection) -> AsyncIterator[tuple[dict[str, str], tuple[str, ...], Any]]:
    """What the adapter says of its writes, and one read that needs the sign-in."""
    if "deals" in spec_of(connection).capabilities:
        async with open_crm(connection) as crm:
            yield {"write-back": crm.guard_of_write_back().value}, (), crm.check_access
        return
    async with open_erp(connection) as erp:
        guards = {name.replace("_", "-"): value.value for name, value in erp.traits if isinstance(value, Guard)}
        yield guards, erp.traits.manual, erp.get_chart
