"""Writes the demo deals down as records of the org: products, deals, lines, milestones and rates."""

from datetime import date, timedelta
from typing import Any

from sandbox.salesforce.demo.accounts import account_records, contact_name
from sandbox.salesforce.demo.deals import Deal, demo_deals
from sandbox.salesforce.demo.generated import fee_of, milestones, number_from, rates
from sandbox.salesforce.demo.service_lines import service_line
from sandbox.salesforce.demo.source import Action, read_actions

__all__ = ["demo_records"]

Json = dict[str, Any]
_LINE = "L1"
_BILLING_TYPES = {
    "J": "Milestones",
    "Z": "Time and Materials Capped",
    "U": "Cost Plus Fixed Fee",
    "S": "Cost Plus Fixed Fee",
    "M": "Cost Plus Fixed Fee",
    "L": "Cost Plus Fixed Fee",
}
# The firm's federal company signs everything, except that its general company signs for customers in California.
# Beside the signing entity stands the sales region, whose rule it must agree with.
_SIGNING = {"CA": ("Harbour & Finch Consulting Inc.", "US")}
_USUAL_SIGNING = ("Harbour & Finch Federal LLC", "US-FED")


def demo_records(price_book: str, owners: list[str]) -> list[Json]:
    """Return the demo's records in an order in which each refers to earlier ones only."""
    actions = read_actions()
    deals = demo_deals(actions)
    records = account_records(actions) + _products(actions, price_book)
    for deal in deals:
        records.append(_opportunity(deal, price_book, owners))
        records.append(_role(deal))
        # A framework sells nothing itself, but its line says what kind of work it is for.
        records.append(_line(deal))
        if not deal.action.is_framework:
            records.extend(_milestone_rows(deal))
            records.extend(_rate_rows(deal))
    return records


def _products(actions: list[Action], price_book: str) -> list[Json]:
    records: list[Json] = []
    known: set[str] = set()
    for action in actions:
        name = _product_name(action)
        if name in known:
            continue
        known.add(name)
        product = {"type": "Product2", "name_in_file": name, "Name": action.service_name.title(), "IsActive": True}
        records.append({**product, "ProductCode": action.service_code, "Family": service_line(action)})
        entry = {"type": "PricebookEntry", "name_in_file": f"price/{name}", "Pricebook2Id": price_book}
        records.append({**entry, "Product2Id": {"ref": name}, "UnitPrice": 0, "IsActive": True})
    return records


def _product_name(action: Action) -> str:
    # The family is part of the name because one award has a family of its own.
    return f"product/{action.service_code}/{service_line(action)}"


def _opportunity(deal: Deal, price_book: str, owners: list[str]) -> Json:
    action = deal.action
    signed = _iso(action.day("signeddate"))
    name = f"{action.text('vendorname')} {deal.contract_number}"
    signer, region = _SIGNING.get(action.text("vendor_state_code"), _USUAL_SIGNING)
    capped = _BILLING_TYPES.get(action.pricing) == "Time and Materials Capped"
    return {
        "type": "Opportunity",
        "name_in_file": _name(deal),
        "Name": name[:120],
        "AccountId": {"ref": f"company/{action.duns}"},
        "OwnerId": owners[number_from(f"{deal.contract_number}/owner", len(owners))],
        "StageName": "Negotiation",
        "CloseDate": signed,
        "Type": "New Business",
        "Amount": deal.exercised,
        "CurrencyIsoCode": "USD",
        "Pricebook2Id": price_book,
        "Description": _description(deal),
        "Contract_Number__c": deal.contract_number,
        "Contract_Status__c": "Approved",
        "Signing_Entity__c": signer,
        "Customer_Legal_Name__c": action.text("vendorlegalorganizationname") or action.text("vendorname"),
        "Customer_Signed_On__c": signed,
        "Company_Signed_On__c": signed,
        "Effective_On__c": _iso(deal.start),
        "Start_On__c": _iso(deal.start),
        "End_On__c": _iso(deal.end),
        "End_With_Options_On__c": _iso(deal.end_with_options),
        "Signed_Total__c": deal.exercised,
        "Value_Funded__c": deal.funded,
        "Value_Exercised__c": deal.exercised,
        "Value_With_Options__c": deal.with_options,
        "Value_Cap__c": deal.exercised if capped else None,
        "Cap_Scope__c": "Labour" if capped else None,
        "Payment_Terms__c": "Net 30",
        "Is_Framework__c": action.is_framework,
        "Acceptance_Person__c": contact_name(action),
        "Region__c": region,
        **_bill_to(action),
    }


def _bill_to(action: Action) -> Json:
    street = [action.text("streetaddress"), action.text("streetaddress2")]
    return {
        "Bill_To_Name__c": action.text("vendorname"),
        "Bill_To_Street__c": "\n".join(part for part in street if part),
        "Bill_To_City__c": action.text("city"),
        "Bill_To_State__c": action.text("state"),
        "Bill_To_Postal_Code__c": action.text("zipcode"),
        "Bill_To_Country__c": action.country,
    }


def _description(deal: Deal) -> str:
    action = deal.action
    kept = "company, address, contract number, dates, pricing arrangement, service code and description"
    lines = [action.text("descriptionofcontractrequirement")]
    if deal.opened_from:
        lines.append(
            f"BASE OPENED FOR THE DEMO from modification {deal.opened_from}; the base award itself is not in the file. "
            f"Real fields of that modification: {kept}. {deal.note}"
        )
    else:
        lines.append(f"Real fields of the award: {kept}, and the three contract values.")
    lines.append(
        "Generated for the demo: payment terms, acceptance person, owner, signing entity, region, milestones, rates."
    )
    if action.pricing in {"M", "L"}:
        lines.append("The fee is variable (award or incentive fee); the fixed fee on the line is only a target.")
    lines.append(f"Source: US Treasury contract action {action.raw['unique_transaction_id']}, September 2016 (CC0).")
    return "\n".join(lines)


def _role(deal: Deal) -> Json:
    return {
        "type": "OpportunityContactRole",
        "OpportunityId": {"ref": _name(deal)},
        "ContactId": {"ref": f"contact/{deal.action.duns}"},
        "Role": "Billing",
        "IsPrimary": True,
    }


def _line(deal: Deal) -> Json:
    action = deal.action
    billing = _BILLING_TYPES.get(action.pricing)
    line: Json = {
        "type": "OpportunityLineItem",
        "OpportunityId": {"ref": _name(deal)},
        "PricebookEntryId": {"ref": f"price/{_product_name(action)}"},
        "Quantity": 1,
        "UnitPrice": deal.exercised,
        "SortOrder": 1,
        "ServiceDate": _iso(deal.start),
        "Description": action.text("descriptionofcontractrequirement")[:255],
        "Line_Code__c": _LINE,
        "Billing_Type__c": billing,
        "Start_On__c": _iso(deal.start),
        "End_On__c": _iso(deal.end),
        "Bill_Frequency__c": "On Event" if billing == "Milestones" else "Monthly",
    }
    if billing == "Time and Materials Capped":
        line |= {"Value_Cap__c": deal.exercised, "Cap_Scope__c": "Labour"}
    if billing == "Cost Plus Fixed Fee":
        # "S" is cost without a fee; elsewhere the fee inside the value is made up, since the file has none.
        fee = 0 if action.pricing == "S" else fee_of(deal.exercised)
        line |= {"Fixed_Fee__c": fee, "Cost_Budget__c": deal.exercised - fee, "Indirect_Rate_Table__c": "FY2016"}
    return line


def _milestone_rows(deal: Deal) -> list[Json]:
    if _BILLING_TYPES[deal.action.pricing] != "Milestones" or deal.exercised <= 0 or deal.end is None:
        return []
    rows = milestones(deal.contract_number, deal.exercised, deal.start, deal.end)
    return [
        {
            "type": "Tieline_Milestone__c",
            "Opportunity__c": {"ref": _name(deal)},
            "Name": f"{name} (generated)",
            "Code__c": code,
            "Amount__c": amount,
            "Due_On__c": _iso(due),
            "Trigger__c": "Acceptance",
            "Line_Codes__c": _LINE,
            "Accepting_Person__c": contact_name(deal.action),
            "Sequence__c": place,
        }
        for place, (code, name, due, amount) in enumerate(rows, start=1)
    ]


def _rate_rows(deal: Deal) -> list[Json]:
    if _BILLING_TYPES[deal.action.pricing] != "Time and Materials Capped":
        return []
    until = deal.end_with_options + timedelta(1) if deal.end_with_options else None
    return [
        {
            "type": "Tieline_Rate__c",
            "Opportunity__c": {"ref": _name(deal)},
            "Name": f"{role} (generated)",
            "Role__c": role,
            "Rate_Per_Hour__c": rate,
            "Currency__c": "USD",
            "Valid_From__c": _iso(deal.start),
            "Valid_Until__c": _iso(until),
            "Estimated_Hours__c": hours,
            "Line_Code__c": _LINE,
        }
        for role, rate, hours in rates(deal.contract_number, deal.exercised)
    ]


def _name(deal: Deal) -> str:
    return f"deal/{deal.contract_number}"


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
