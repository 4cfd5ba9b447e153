"""What the account's administrator demands of a record before it may be saved."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox.hubspot.errors import HubSpotError, PropertyFault, invalid_values
from sandbox.hubspot.schema import ObjectType
from sandbox.kit import Record

__all__ = ["AdminRule", "AdminRules"]


@dataclass(frozen=True)
class AdminRule:
    """One rule. `require` names properties that must have a value while `when` holds; `pattern` is for one property.

    With `on` a rule looks at creations ("create") or changes ("update") only.
    """

    object: str
    when: Mapping[str, list[str]] = field(default_factory=dict)
    require: tuple[str, ...] = ()
    property: str = ""
    pattern: str = ""
    message: str = ""
    on: str = ""

    def applies(self, record: Record, *, is_new: bool) -> bool:
        """Tell whether the rule looks at this save."""
        if self.on and self.on != ("create" if is_new else "update"):
            return False
        return all(record.get(name) in values for name, values in self.when.items())


class AdminRules:
    """The rules in force; only interfaces of a generation that enforces them ask."""

    def __init__(self, portal_id: int) -> None:
        """Start without rules."""
        self._portal_id = portal_id
        self._rules: list[AdminRule] = []

    def add(self, raw: Mapping[str, Any]) -> None:
        """Add a rule as the control route receives it."""
        rule = AdminRule(**{**raw, "require": tuple(raw.get("require", ()))})
        if not rule.require and not (rule.property and rule.pattern):
            raise ValueError("A rule needs `require`, or `property` with `pattern`.")
        re.compile(rule.pattern)
        self._rules.append(rule)

    def clear(self) -> None:
        """Remove all rules."""
        self._rules.clear()

    def as_json(self) -> dict[str, Any]:
        """List the rules."""
        return {"rules": [asdict(rule) for rule in self._rules]}

    def patterns(self, one: ObjectType) -> dict[str, list[str]]:
        """Return the patterns that values of a type's properties must match, by property."""
        found: dict[str, list[str]] = {}
        for rule in self._rules:
            if rule.object == one.name and rule.pattern:
                found.setdefault(rule.property, []).append(rule.pattern)
        return found

    def check(self, one: ObjectType, record: Record, changed: Record, *, is_new: bool) -> None:
        """Refuse a save that a rule forbids."""
        due = [rule for rule in self._rules if rule.object == one.name and rule.applies(record, is_new=is_new)]
        absent = list(dict.fromkeys(name for rule in due for name in rule.require if not record.get(name)))
        if absent:
            action = "creating" if is_new else "updating"
            raise HubSpotError(
                "VALIDATION_ERROR",
                f"Error {action} {one.shouted}. Some required properties were not set.",
                context={"properties": absent},
                errors=[
                    {
                        "message": f"{name} is required",
                        "code": "REQUIRED_PROPERTY",
                        "context": {"propertyName": [name]},
                    }
                    for name in absent
                ],
            )
        faults = [
            PropertyFault(rule.property, "INVALID_VALUE", rule.message or f"must match {rule.pattern}")
            for rule in due
            if rule.pattern and changed.get(rule.property) and not re.fullmatch(rule.pattern, changed[rule.property])
        ]
        if faults:
            raise invalid_values(faults, self._portal_id)
