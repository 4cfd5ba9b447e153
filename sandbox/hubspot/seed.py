"""What every account has from the start: owners, pipelines, and the demo firm's custom objects and labels."""

from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.api_labels import make_link_type
from sandbox.hubspot.api_schemas import add_schema
from sandbox.hubspot.schema import property_from_notation
from sandbox.kit import UI

__all__ = ["OWNERS", "SERVICES_PIPELINE", "plant"]

Json = dict[str, Any]
SERVICES_PIPELINE = "75104382"
# An owner's id is not the id of the user behind it.
OWNERS = ("41629779", "41629780")
_PEOPLE = (
    ("41629778", 61234567, "integration", "Tieline", "Integration"),
    (OWNERS[0], 61234568, "dana.okafor", "Dana", "Okafor"),
    (OWNERS[1], 61234569, "miguel.reyes", "Miguel", "Reyes"),
)
_CLOSED = {"0.0", "1.0"}


def plant(account: Account) -> None:
    """Create the account's set-up, below every rule that is for clients."""
    stamp = account.stamp
    for owner_id, user_id, name, first, last in _PEOPLE:
        owner = {
            "id": owner_id,
            "email": f"{name}@harbourfinch.example.com",
            "type": "PERSON",
            "firstName": first,
            "lastName": last,
            "userId": user_id,
            "userIdIncludingInactive": user_id,
            "createdAt": stamp,
            "updatedAt": stamp,
            "archived": False,
            "teams": [],
        }
        account.store.save("owner", owner_id, owner, UI)
    for place, (pipeline_id, raw) in enumerate(account.catalog.file["pipeline"].items()):
        stages = [_stage(stamp, order, *facts) for order, facts in enumerate(raw["stages"])]
        facts = {"id": pipeline_id, "label": raw["label"], "displayOrder": place, "archived": False}
        pipeline = {**facts, "stages": stages, "createdAt": stamp, "updatedAt": stamp}
        account.store.save("pipeline", f"deals/{pipeline_id}", pipeline, UI)
    types = account.catalog
    billing = (types.type_of("deals"), types.type_of("contacts"))
    make_link_type(account, billing, "billing", UI, label="billing", inverse_label="billing")
    amends = (types.type_of("deals"), types.type_of("deals"))
    make_link_type(account, amends, "amends", UI, label="amends", inverse_label="amended by")
    if account.world.flag("custom_objects"):
        for name, raw in account.catalog.file["custom"].items():
            add_schema(account, _schema(name, raw), UI)


def _stage(stamp: str, order: int, stage_id: str, label: str, probability: str) -> Json:
    return {
        "id": stage_id,
        "label": label,
        "displayOrder": order,
        "metadata": {"isClosed": str(probability in _CLOSED).lower(), "probability": probability},
        "createdAt": stamp,
        "updatedAt": stamp,
        "archived": False,
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
    }


def _schema(name: str, raw: Json) -> Json:
    label = name.replace("_", " ").capitalize()
    properties = [property_from_notation(prop, "", text) for prop, text in raw["properties"].items()]
    return {
        "name": name,
        "labels": {"singular": label, "plural": f"{label}s"},
        "primaryDisplayProperty": raw["primary"],
        "requiredProperties": raw["required"],
        "searchableProperties": [prop.name for prop in properties if prop.searched],
        "properties": [{**prop.as_json(), "groupName": ""} for prop in properties],
        "associatedObjects": ["COMPANY", "DEAL"],
    }
