"""The later actions of the public file on contracts, as amendments that are deals of their own."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from sandbox.salesforce.demo.deals import demo_deals
from sandbox.salesforce.demo.generated import number_from
from sandbox.salesforce.demo.source import Action, contract_numbers, read_actions

__all__ = ["modification_records"]

Json = dict[str, Any]
_KINDS = {
    "B": "Scope", "C": "Funding Only", "D": "Scope", "F": "Termination", "G": "Option Exercised", "K": "Close-out",
    "M": "Administrative", "V": "Name Change",
}  # fmt: skip
_FIRST = "0"


def modification_records(accounts: Mapping[str, str], owners: list[str]) -> list[Json]:
    """Return all modifications as won deals, each signed by both sides; `accounts` are ids by D-U-N-S number."""
    actions = read_actions()
    numbers = contract_numbers(actions)
    opened = {deal.contract_number for deal in demo_deals(actions)}
    last: dict[str, str] = {}
    records: list[Json] = []
    for action in sorted((one for one in actions if not one.is_award), key=_order):
        contract = numbers[action.contract]
        before = last.get(contract, _FIRST if contract in opened else None)
        last[contract] = action.raw["modnumber"]
        owner = owners[number_from(f"{contract}/owner", len(owners))]
        records.append(_deal(action, contract, before, accounts[action.duns], owner))
    return records


def _order(action: Action) -> tuple[date, str, str]:
    return action.day("signeddate") or date.max, action.raw["modnumber"], action.raw["unique_transaction_id"]


def _deal(action: Action, contract: str, before: str | None, account: str, owner: str) -> Json:
    number, signed = action.raw["modnumber"], _iso(action.day("signeddate"))
    label = action.text("reasonformodification")
    return {
        "type": "Opportunity",
        "name_in_file": f"modification/{contract}/{number}",
        "Name": f"{action.text('vendorname')} {contract} modification {number}"[:120],
        "AccountId": account,
        "OwnerId": owner,
        "StageName": "Closed Won",
        "CloseDate": signed,
        "Type": "Existing Business",
        "CurrencyIsoCode": "USD",
        "Description": _description(action, before),
        "Contract_Number__c": contract,
        "Amendment_Number__c": number,
        "Amends_After__c": before,
        "Amendment_Label__c": label,
        "Amendment_Kind__c": _KINDS.get(label[:1]),
        "Amendment_Values__c": "Differences",
        "Contract_Status__c": "Approved",
        "Customer_Signed_On__c": signed,
        "Company_Signed_On__c": signed,
        "Effective_On__c": _iso(action.day("effectivedate")),
        "Value_Funded__c": _amount(action, "dollarsobligated"),
        "Value_Exercised__c": _amount(action, "baseandexercisedoptionsvalue"),
        "Value_With_Options__c": _amount(action, "baseandalloptionsvalue"),
    }


def _amount(action: Action, column: str) -> Any:
    # A blank is not zero: frameworks have no value at all.
    return action.money(column) if action.raw[column] else None


def _description(action: Action, before: str | None) -> str:
    lines = [
        action.text("descriptionofcontractrequirement"),
        "Real fields of the action: company, contract and modification number, reason, dates, three differences.",
    ]
    if before == _FIRST:
        lines.append("Generated for the demo: it follows the opened base; earlier modifications are not in the file.")
    lines.append("Generated for the demo: both signatures carry the one date of the file.")
    lines.append(f"Source: US Treasury contract action {action.raw['unique_transaction_id']}, September 2016 (CC0).")
    return "\n".join(lines)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
