"""One account and one made-up billing contact for each company of the file."""

from typing import Any

from sandbox.salesforce.demo.generated import billing_contact
from sandbox.salesforce.demo.source import Action

__all__ = ["account_records", "contact_name"]

Json = dict[str, Any]
_PUBLIC_FLAGS = ("federalgovernmentflag", "stategovernmentflag", "localgovernmentflag")
_OTHER_NAMES = ("vendorname", "vendoralternatename", "vendorlegalorganizationname", "vendordoingasbusinessname")


def account_records(actions: list[Action]) -> list[Json]:
    """Return accounts, each followed by its contact, in the file's order of companies."""
    companies: dict[str, list[Action]] = {}
    for action in actions:
        companies.setdefault(action.duns, []).append(action)
    return [record for same in companies.values() for record in (_account(same), _contact(same[0]))]


def contact_name(action: Action) -> str:
    """Return the name of the company's billing contact."""
    first, last, _ = billing_contact(action.duns, action.text("vendorname"))
    return f"{first} {last}"


def _account(same: list[Action]) -> Json:
    one = same[0]
    name = one.text("vendorname")
    others = dict.fromkeys(action.text(column) for action in same for column in _OTHER_NAMES)
    known_as = [other for other in others if other and other.upper() != name.upper()]
    street = [one.text("streetaddress"), one.text("streetaddress2")]
    return {
        "type": "Account",
        "name_in_file": f"company/{one.duns}",
        "Name": name,
        "Legal_Name__c": next((text for action in same if (text := action.text("vendorlegalorganizationname"))), name),
        "Also_Known_As__c": "; ".join(known_as) or None,
        "DUNS_Number__c": one.duns,
        "Is_Government__c": any(action.raw[flag] == "true" for action in same for flag in _PUBLIC_FLAGS),
        "Phone": one.text("phoneno"),
        "BillingStreet": "\n".join(part for part in street if part),
        "BillingCity": one.text("city"),
        "BillingState": one.text("state"),
        "BillingPostalCode": one.text("zipcode"),
        "BillingCountry": one.country,
        "Invoice_Email__c": billing_contact(one.duns, name)[2],
        "CurrencyIsoCode": "USD",
        "Description": (
            "Name, other names, address, phone and DUNS number: public US Treasury contract data, September 2016. "
            "Generated for the demo: invoice e-mail, billing contact. No tax number is known, so none is given."
        ),
    }


def _contact(one: Action) -> Json:
    first, last, email = billing_contact(one.duns, one.text("vendorname"))
    return {
        "type": "Contact",
        "name_in_file": f"contact/{one.duns}",
        "AccountId": {"ref": f"company/{one.duns}"},
        "FirstName": first,
        "LastName": last,
        "Email": email,
        "Title": "Accounts payable",
        "Description": "Generated for the demo; not in the public file.",
    }
