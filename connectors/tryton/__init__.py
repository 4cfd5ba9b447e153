"""Tryton over its REST interface: customers, contacts, cost centres, projects, billing schedules and contracts."""

from __future__ import annotations

import httpx

from connector_kit import ConnectorSpec
from connectors.tryton.adapter import TrytonErp
from connectors.tryton.client import TrytonClient
from connectors.tryton.config import TrytonConfig
from models.ids import ConnectionId

__all__ = ["CONNECTOR", "TrytonConfig", "TrytonErp", "build"]


def build(connection: ConnectionId, config: TrytonConfig, http: httpx.AsyncClient) -> TrytonErp:
    """The ERP of one database, over a long-lived HTTP client that the caller opens and closes."""
    own = config.model_copy(update={"connection": connection})
    return TrytonErp(TrytonClient(http, own), own)


CONNECTOR = ConnectorSpec(
    name="tryton",
    capabilities=frozenset(
        {"surveys", "customers", "contacts", "cost-centres", "projects", "billing-schedules", "contracts", "holds"}
    ),
    config=TrytonConfig,
    build=build,
)
