from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cli.demo_processes import Ready
from models.errors import NeedsRepair

__all__ = ["CRM_CHOICES", "FIRST_CRM", "DemoDialect", "dialects_of"]

Record = Mapping[str, Any]
_MANY = "5000"
_WON_STAGE = {"default": "closedwon", "75104382": "148213305"}
"""The stage that means won, in each pipeline of the simulated account."""


@dataclass(frozen=True)
class DemoDialect:
    """How one simulated CRM is signed in to, and how its deals are read and won by the people of the demo."""

    system: str
    simulated: str
    """What is simulated, for a sentence."""
    deals: str
    deal_id: str
    contract: str
    amendment: str
    signer: str
    currency: str
    funded: str
    exercised: str
    with_options: str
    is_won: Callable[[Record], bool]
    winning: Callable[[Record], dict[str, str]]
    login: Callable[[Ready], dict[str, str]]
    """Settings of the connection, by the end of their names."""
    simulator_settings: tuple[str, ...] = ()
    tells_amendments: bool = False
    shows_invoices: bool = False
    keeps_customers: bool = False


_SALESFORCE = DemoDialect(
    system="salesforce",
    simulated="the CRM Salesforce",
    deals="Opportunity",
    deal_id="Id",
    contract="Contract_Number__c",
    amendment="Amendment_Number__c",
    signer="Signing_Entity__c",
    currency="CurrencyIsoCode",
    funded="Value_Funded__c",
    exercised="Value_Exercised__c",
    with_options="Value_With_Options__c",
    is_won=lambda deal: bool(deal.get("IsWon")),
    winning=lambda _: {"StageName": "Closed Won"},
    login=lambda ready: {
        "LOGIN__KIND": "jwt",
        "LOGIN__CONSUMER_KEY": str(ready.client["consumer_key"]),
        "LOGIN__USERNAME": str(ready.client["username"]),
        "LOGIN__PRIVATE_KEY_PEM_FILE": str(ready.client["private_key_file"]),
    },
    tells_amendments=True,
    shows_invoices=True,
    keeps_customers=True,
)
_HUBSPOT = DemoDialect(
    system="hubspot",
    simulated="the CRM HubSpot (its limit of calls lifted: it would take the demo a minute)",
    deals="deals",
    deal_id="hs_object_id",
    contract="contract_number",
    amendment="amendment_number",
    signer="signing_entity",
    currency="deal_currency_code",
    funded="value_funded",
    exercised="value_exercised",
    with_options="value_with_options",
    is_won=lambda deal: deal.get("dealstage") == _WON_STAGE[str(deal["pipeline"])],
    winning=lambda deal: {"dealstage": _WON_STAGE[str(deal["pipeline"])]},
    login=lambda ready: {
        "LOGIN__KIND": "token",
        "LOGIN__ACCESS_TOKEN": str(ready.client["access_token"]),
        "PORTAL_ID": str(ready.client["portal_id"]),
        "CALLS_PER_10_S": _MANY,
    },
    simulator_settings=("--set", f"burst_limit={_MANY}"),
)
FIRST_CRM = _SALESFORCE.system
"""The CRM of the demo unless another is named."""
_DIALECTS = {dialect.system: dialect for dialect in (_SALESFORCE, _HUBSPOT)}
CRM_CHOICES = f"{', '.join(_DIALECTS)} or both, all simulated"



def dialects_of(choice: str) -> tuple[DemoDialect, ...]:
    """One CRM by its name, or `both`. Raises NeedsRepair when the demo has no such CRM."""
    if choice == "both":
        return tuple(_DIALECTS.values())
    if choice not in _DIALECTS:
        known = ", ".join((*_DIALECTS, "both"))
        raise NeedsRepair(f"The demo has no CRM '{choice}'. Choose one of: {known}.", record=choice)
    return (_DIALECTS[choice],)
