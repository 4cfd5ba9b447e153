"""What a person does in the vendor's screens: records with their links, checked, but without a client's limits."""

from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import HubSpotError
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.writes import Writer
from sandbox.kit import UI, Record

__all__ = ["save_in_screens"]

Json = dict[str, Any]
_NOT_PROPERTIES = {"type", "id", "associations"}


def save_in_screens(account: Account, record: Record) -> str:
    """Create or change a record; `associations` is a list of {"to": id, "object": type, "label"?: label}."""
    kind = str(record["type"])
    one = account.catalog.find(kind)
    if one is None:
        raise ValueError(f"This account has no object type {kind}.")
    properties = {name: value for name, value in record.items() if name not in _NOT_PROPERTIES}
    writer = Writer(account, UI, None)
    given = record.get("id")
    name = properties.get("name") or properties.get("dealname") or given or kind
    try:
        with account.store.transaction():
            record_id = writer.create(one, properties) if given is None else writer.update(one, str(given), properties)
            for link in record.get("associations", []):
                _link(account, writer, (one, record_id), link)
    except HubSpotError as error:
        raise ValueError(f"{kind} {name}: {error.category}: {error.message}") from error
    return record_id


def _link(account: Account, writer: Writer, end: tuple[ObjectType, str], raw: Json) -> None:
    one, record_id = end
    other = account.catalog.type_of(str(raw["object"]))
    specs = []
    if label := raw.get("label"):
        types = account.association_types.between(one.name, other.name)
        found = [kind for kind in types if label in {kind.label, kind.name}]
        if not found:
            raise ValueError(f"There is no label {label} between {one.name} and {other.name}.")
        specs = [{"associationCategory": found[0].category, "associationTypeId": found[0].type_id}]
    writer.link(one, record_id, other, str(raw["to"]), specs)
