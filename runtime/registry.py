from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import httpx
from pydantic import ValidationError

from connector_kit import ConnectorSpec, Wire
from connectors import hubspot, netsuite, salesforce, tryton
from ports.crm import Deals
from ports.erp import Erp
from runtime.connections import Connection
from runtime.gate import Gate
from runtime.setting_problems import WrongSetting
from runtime.telemetry import trace_calls

__all__ = ["CONNECTORS", "config_of", "open_crm", "open_erp", "spec_of"]

CONNECTORS: dict[str, ConnectorSpec[Any]] = {
    spec.name: spec
    for spec in (
        hubspot.CONNECTOR,
        netsuite.CONNECTOR,
        salesforce.CONNECTOR,
        tryton.CONNECTOR,
    )
}
"""Every connector there is, one line each."""

_OF_A_CRM = frozenset({"deals"})
_OF_AN_ERP = frozenset(
    {"surveys", "customers", "contacts", "cost-centres", "projects", "billing-schedules", "contracts", "holds"}
)
"""What quote to project takes for granted; whatever else an ERP cannot do stands in its traits."""
_TIMEOUT = httpx.Timeout(connect=5.0, read=30.0, write=10.0, pool=30.0)
_KEPT_OPEN = httpx.Limits(max_connections=60, max_keepalive_connections=30)


def spec_of(connection: Connection) -> ConnectorSpec[Any]:
    """The connector that a connection names. Raises WrongSetting when there is none."""
    spec = CONNECTORS.get(connection.connector)
    if spec is None:
        known = ", ".join(sorted(CONNECTORS))
        raise WrongSetting(
            f"Connection {connection.connection} names connector '{connection.connector}'. Known: {known}."
        )
    return spec


@asynccontextmanager
async def open_crm(connection: Connection, gate: Gate | None = None) -> AsyncIterator[Deals]:
    """The CRM of that connection, with one HTTP client for as long as it is open."""
    async with _opened(connection, _OF_A_CRM, gate) as adapter:
        yield cast("Deals", adapter)


@asynccontextmanager
async def open_erp(connection: Connection, gate: Gate | None = None) -> AsyncIterator[Erp]:
    """The ERP of that connection, with one HTTP client for as long as it is open."""
    async with _opened(connection, _OF_AN_ERP, gate) as adapter:
        yield cast("Erp", adapter)


def config_of(connection: Connection) -> Any:
    """The connection's settings as its connector reads them. Raises WrongSetting, which names the setting."""
    spec = spec_of(connection)
    unknown = sorted(set(connection.values()) - set(spec.config.model_fields))
    if unknown:
        raise WrongSetting(f"Connection {connection.connection}: settings {', '.join(unknown)} are not known.")
    try:
        return spec.config.model_validate(connection.values())
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False)[0]
        where = "__".join(str(part) for part in first["loc"]).upper()
        raise WrongSetting(f"Connection {connection.connection}, setting {where}: {first['msg']}.") from wrong


@asynccontextmanager
async def _opened(connection: Connection, needed: frozenset[str], gate: Gate | None) -> AsyncIterator[object]:
    spec = spec_of(connection)
    if missing := sorted(needed - spec.capabilities):
        raise WrongSetting(f"Connection {connection.connection}: connector {spec.name} has no {', '.join(missing)}.")
    config = config_of(connection)
    hooks = {"request": [gate.admit_request]} if gate is not None else {}
    async with httpx.AsyncClient(
        timeout=_TIMEOUT, transport=Wire(limits=_KEPT_OPEN), follow_redirects=False, event_hooks=hooks
    ) as http:
        trace_calls(http)
        adapter = spec.build(connection.connection, config, http)
        yield gate.guard(adapter) if gate is not None else adapter
