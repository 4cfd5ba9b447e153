"""What every org has from the start: itself, its users and its standard price book."""

from dataclasses import dataclass

from sandbox.kit import UI
from sandbox.salesforce.org import Org

__all__ = ["INTEGRATION_USER", "Planted", "plant"]

INTEGRATION_USER = "integration@harbourfinch.example.com"
_DOMAIN = "harbourfinch.example.com"
_PEOPLE = (
    ("integration", "Tieline", "Integration"),
    ("dana.okafor", "Dana", "Okafor"),
    ("miguel.reyes", "Miguel", "Reyes"),
)


@dataclass(frozen=True)
class Planted:
    """Ids that a starting state needs: the standard price book, and the people who own deals."""

    price_book: str
    owners: list[str]


def plant(org: Org) -> Planted:
    """Create the org's own records, below every rule that is for people and clients."""
    stamp = org.stamp
    organization_id = org.ids.next("00D")
    user_ids = [org.ids.next("005") for _ in _PEOPLE]
    org.organization_id, org.user_id = organization_id, user_ids[0]
    audit = {
        "CreatedDate": stamp,
        "CreatedById": user_ids[0],
        "LastModifiedDate": stamp,
        "LastModifiedById": user_ids[0],
        "SystemModstamp": stamp,
    }
    organization = {"Id": organization_id, "Name": "Harbour & Finch", "IsSandbox": True, "InstanceName": "SBX1"}
    org.store.save("Organization", organization_id, {**organization, "OrganizationType": "Enterprise", **audit}, UI)
    for user_id, (name, first, last) in zip(user_ids, _PEOPLE, strict=True):
        address = f"{name}@{_DOMAIN}"
        user = {"Id": user_id, "Username": address, "Email": address, "FirstName": first, "LastName": last}
        org.store.save("User", user_id, {**user, "Name": f"{first} {last}", "IsActive": True, **audit}, UI)
    book = {"Id": org.ids.next("01s"), "Name": "Standard Price Book", "IsActive": True, "IsStandard": True, **audit}
    org.store.save("Pricebook2", str(book["Id"]), book, UI)
    return Planted(str(book["Id"]), user_ids[1:])
