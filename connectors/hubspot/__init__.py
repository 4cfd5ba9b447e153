"""HubSpot over its dated REST interface: deals, signed terms, write-back, signed webhooks."""

from __future__ import annotations

import httpx

from connector_kit import ConnectorSpec
from connectors.hubspot.adapter import HubSpotDeals
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.config import HubSpotConfig
from connectors.hubspot.events import read_events
from models.ids import ConnectionId

__all__ = ["CONNECTOR", "HubSpotConfig", "HubSpotDeals", "build", "read_events"]


def build(connection: ConnectionId, config: HubSpotConfig, http: httpx.AsyncClient) -> HubSpotDeals:
    """The CRM of one account, over a long-lived HTTP client that the caller opens and closes."""
    own = config.model_copy(update={"connection": connection})
    return HubSpotDeals(HubSpotClient(http, own), own)


CONNECTOR = ConnectorSpec(
    name="hubspot",
    capabilities=frozenset({"deals"}),
    config=HubSpotConfig,
    build=build,
    event_batches=read_events,
)
