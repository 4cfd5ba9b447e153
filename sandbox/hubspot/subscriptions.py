"""What an app wants to be told, and where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.hubspot.change_events import Change

__all__ = ["USUAL", "Subscription", "Target"]

Json = dict[str, Any]
_OWN_EVENTS = {"contact", "company", "deal", "ticket", "product", "line_item"}
_WHAT = {"creation", "deletion", "propertyChange", "associationChange", "merge", "restore"}
# What a receiver of won deals asks for when it names nothing itself.
USUAL: tuple[Json, ...] = (
    {"eventType": "deal.creation"},
    {"eventType": "deal.deletion"},
    {"eventType": "deal.merge"},
    {"eventType": "deal.restore"},
    {"eventType": "deal.associationChange"},
    {"eventType": "deal.propertyChange", "propertyName": "dealstage"},
    {"eventType": "deal.propertyChange", "propertyName": "contract_status"},
    {"eventType": "deal.propertyChange", "propertyName": "contract_number"},
)


@dataclass
class Subscription:
    """One event type; a change of a property needs one subscription per property."""

    id: int
    event_type: str
    property_name: str = ""
    object_type_id: str = ""
    active: bool = True
    created_at: str = ""

    def __post_init__(self) -> None:
        """Refuse what the vendor has no event for."""
        kind, _, what = self.event_type.partition(".")
        if kind not in {*_OWN_EVENTS, "object"} or what not in _WHAT or self.event_type == "product.associationChange":
            raise ValueError(f"There is no event type {self.event_type}.")
        if (what == "propertyChange") != bool(self.property_name):
            raise ValueError(f"{self.event_type}: propertyName goes with propertyChange, and only with it.")
        if kind == "object" and not self.object_type_id:
            raise ValueError(f"{self.event_type} needs objectTypeId.")

    def wants(self, change: Change) -> bool:
        """Tell whether a change is to be told."""
        kind, _, what = self.event_type.partition(".")
        if not self.active or what != change.what or self.property_name != change.property:
            return False
        return self.object_type_id == change.type.type_id if kind == "object" else kind == change.type.singular

    def as_json(self) -> Json:
        """Return the subscription as its interface shows it."""
        shown: Json = {"id": str(self.id), "eventType": self.event_type, "active": self.active}
        if self.property_name:
            shown["propertyName"] = self.property_name
        if self.object_type_id:
            shown["objectTypeId"] = self.object_type_id
        return {**shown, "createdAt": self.created_at, "updatedAt": self.created_at}

    @classmethod
    def of_json(cls, number: int, raw: Mapping[str, Any], created_at: str) -> "Subscription":
        """Read a subscription as its interface receives it."""
        return cls(
            number,
            str(raw["eventType"]),
            str(raw.get("propertyName") or ""),
            str(raw.get("objectTypeId") or ""),
            bool(raw.get("active", True)),
            created_at,
        )


@dataclass
class Target:
    """Where the events of an app go: one address, with a cap on deliveries at one time."""

    url: str
    secret: str
    max_concurrent: int = 10
    subscriptions: list[Subscription] = field(default_factory=list)
    created_at: str = ""
    running: int = 0

    def as_json(self) -> Json:
        """Return the target without its secret."""
        return {
            "url": self.url,
            "maxConcurrentRequests": self.max_concurrent,
            "subscriptions": [one.as_json() for one in self.subscriptions],
        }
