"""What differs between the CRMs of a stand: making the adapter, telling a process of them, winning a deal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from connectors import hubspot, salesforce
from models.ids import ConnectionId
from ports.crm import Deals

__all__ = ["CRMS", "CrmSide"]

Facts = dict[str, Any]
Json = dict[str, Any]
_NAME = ConnectionId("crm-main")


@dataclass(frozen=True)
class CrmSide:
    """One CRM as the stand uses it. `facts` is what its simulator printed for a client."""

    system: str
    deals: str
    """What it calls its deals."""
    build: Callable[[Facts, str, httpx.AsyncClient], Deals]
    login: Callable[[Facts], dict[str, str]]
    """The settings of its login, by the end of their names."""
    won: Callable[[str], Json]
    """The change by which a salesperson wins a deal."""

    def environment(self, facts: Facts, url: str) -> dict[str, str]:
        """The same for a process of its own."""
        config = {"BASE_URL": url, **self.login(facts)}
        return {
            "TIELINE_CRM__CONNECTOR": self.system,
            **{f"TIELINE_CRM__CONFIG__{name}": value for name, value in config.items()},
        }


def _salesforce(facts: Facts, url: str, http: httpx.AsyncClient) -> Deals:
    login = {
        "kind": "jwt", "consumer_key": facts["consumer_key"], "username": facts["username"],
        "private_key_pem": Path(facts["private_key_file"]).read_text(encoding="utf-8"),
    }  # fmt: skip
    return salesforce.build(
        _NAME, salesforce.SalesforceConfig.model_validate({"base_url": url, "login": login}), http
    )


def _hubspot(facts: Facts, url: str, http: httpx.AsyncClient) -> Deals:
    login = {"kind": "token", "access_token": facts["access_token"]}
    config = {"base_url": url, "login": login, "portal_id": str(facts["portal_id"])}
    return hubspot.build(_NAME, hubspot.HubSpotConfig.model_validate(config), http)


CRMS = {
    side.system: side
    for side in (
        CrmSide(
            "salesforce",
            "Opportunity",
            _salesforce,
            lambda facts: {
                "LOGIN__KIND": "jwt",
                "LOGIN__CONSUMER_KEY": facts["consumer_key"],
                "LOGIN__USERNAME": facts["username"],
                "LOGIN__PRIVATE_KEY_PEM_FILE": facts["private_key_file"],
            },
            lambda deal: {"type": "Opportunity", "id": deal, "StageName": "Closed Won"},
        ),
        CrmSide(
            "hubspot",
            "deals",
            _hubspot,
            lambda facts: {
                "LOGIN__KIND": "token",
                "LOGIN__ACCESS_TOKEN": facts["access_token"],
                "PORTAL_ID": str(facts["portal_id"]),
            },
            lambda deal: {"type": "deals", "id": deal, "dealstage": "148213305"},
        ),
    )
}
