"""NetSuite over SuiteTalk REST: customers, contacts, projects, billing schedules and contracts."""

from __future__ import annotations

import httpx

from connector_kit import ConnectorSpec
from connectors.netsuite.adapter import NetSuiteErp
from connectors.netsuite.client import NetSuiteClient
from connectors.netsuite.config import NetSuiteConfig
from connectors.netsuite.doorbell import read_doorbell
from connectors.netsuite.events import read_event
from models.ids import ConnectionId

__all__ = ["CONNECTOR", "NetSuiteConfig", "NetSuiteErp", "build", "read_event"]


def build(connection: ConnectionId, config: NetSuiteConfig, http: httpx.AsyncClient) -> NetSuiteErp:
    """The ERP of one account, over a long-lived HTTP client that the caller opens and closes."""
    own = config.model_copy(update={"connection": connection})
    return NetSuiteErp(NetSuiteClient(http, own), own)


CONNECTOR = ConnectorSpec(
    name="netsuite",
    capabilities=frozenset(
        {"surveys", "customers", "contacts", "cost-centres", "projects", "billing-schedules", "contracts", "holds"}
    ),
    config=NetSuiteConfig,
    build=build,
    event_batches=read_doorbell,
)
