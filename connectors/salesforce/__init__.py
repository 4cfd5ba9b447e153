"""Salesforce over REST: deals, signed terms, write-back, signed callouts."""

from __future__ import annotations

import httpx

from connector_kit import ConnectorSpec, SideDoor
from connectors.salesforce.adapter import SalesforceDeals
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.events import read_event
from connectors.salesforce.outbound import ACKNOWLEDGED, address_key, read_outbound
from models.ids import ConnectionId

__all__ = ["CONNECTOR", "SalesforceConfig", "SalesforceDeals", "build", "read_event"]


def build(connection: ConnectionId, config: SalesforceConfig, http: httpx.AsyncClient) -> SalesforceDeals:
    """The CRM of one org, over a long-lived HTTP client that the caller opens and closes."""
    own = config.model_copy(update={"connection": connection})
    return SalesforceDeals(SalesforceClient(http, own), own)


CONNECTOR = ConnectorSpec(
    name="salesforce",
    capabilities=frozenset({"deals"}),
    config=SalesforceConfig,
    build=build,
    events=read_event,
    side_doors={"outbound": SideDoor(read_outbound, ACKNOWLEDGED, "text/xml; charset=utf-8", address_key)},
)
