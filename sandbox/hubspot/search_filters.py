"""The filters of a search, checked against the caps and the account's properties, then judged record by record."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.hubspot.errors import HubSpotError
from sandbox.hubspot.schema import Property
from sandbox.hubspot.values import ordered
from sandbox.kit import Record

__all__ = ["Filter", "parse_groups"]

_MOST_GROUPS, _MOST_IN_GROUP, _MOST_FILTERS = 5, 6, 18
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda value, other: bool(value == other),
    "LT": lambda value, other: bool(value < other),
    "LTE": lambda value, other: bool(value <= other),
    "GT": lambda value, other: bool(value > other),
    "GTE": lambda value, other: bool(value >= other),
}
_OPERATORS = {
    *_COMPARE, "NEQ", "BETWEEN", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY", "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """One filter on one property."""

    prop: Property
    operator: str
    value: str = ""
    high: str = ""
    values: tuple[str, ...] = ()

    def matches(self, record: Record) -> bool:
        """Tell whether a record passes; a record without the value passes the negative filters only."""
        text = record.get(self.prop.name)
        if self.operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}:
            return (text is not None) == (self.operator == "HAS_PROPERTY")
        if text is None:
            return self.operator in {"NEQ", "NOT_IN", "NOT_CONTAINS_TOKEN"}
        if self.operator in {"IN", "NOT_IN"}:
            return self._listed(text) == (self.operator == "IN")
        if self.operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
            return self._has_token(text) == (self.operator == "CONTAINS_TOKEN")
        return self._compares(text)

    def _compares(self, text: str) -> bool:
        value = ordered(self.prop, text)
        if self.operator == "BETWEEN":
            return bool(ordered(self.prop, self.value) <= value <= ordered(self.prop, self.high))
        if self.operator == "NEQ":
            return bool(value != ordered(self.prop, self.value))
        return _COMPARE[self.operator](value, ordered(self.prop, self.value))

    def _listed(self, text: str) -> bool:
        # The copy holds texts in lower case and the list is taken as it comes: capitals in it never match.
        if self.prop.type == "string":
            return text.lower() in self.values
        return ordered(self.prop, text) in {ordered(self.prop, value) for value in self.values}

    def _has_token(self, text: str) -> bool:
        wanted = self.value.lower()
        words = text.lower().replace("@", " ").replace(".", " ").split()
        if "*" in wanted:
            bare = wanted.strip("*")
            return any(bare in word for word in words) or bare in text.lower()
        return all(part in words for part in wanted.replace("@", " ").replace(".", " ").split())


def parse_groups(raw: Any, properties: dict[str, Property]) -> list[list[Filter]]:
    """Read the filter groups, which are alternatives; raises on an unknown property and beyond the caps."""
    if not isinstance(raw, list):
        raise _invalid("filterGroups must be a list")
    if len(raw) > _MOST_GROUPS:
        raise _invalid(f"Number of filter groups, {len(raw)}, exceeds the maximum of {_MOST_GROUPS}")
    groups = [[_filter(one, properties) for one in group.get("filters", [])] for group in raw]
    if any(len(group) > _MOST_IN_GROUP for group in groups):
        raise _invalid(f"A filter group may have at most {_MOST_IN_GROUP} filters")
    if sum(len(group) for group in groups) > _MOST_FILTERS:
        raise _invalid(f"A search may have at most {_MOST_FILTERS} filters in all")
    return groups


def _filter(raw: dict[str, Any], properties: dict[str, Property]) -> Filter:
    name, operator = str(raw.get("propertyName")), str(raw.get("operator"))
    prop = properties.get(name)
    if prop is None:
        raise _invalid(f"There is no property {name} to filter by")
    if operator not in _OPERATORS:
        raise _invalid(f"Invalid operator {operator}")
    values = tuple(str(value) for value in raw.get("values") or ())
    needs_none = operator in {"HAS_PROPERTY", "NOT_HAS_PROPERTY"}
    if operator in {"IN", "NOT_IN"}:
        if not values:
            raise _invalid(f"operator {operator} requires values")
    elif not needs_none and raw.get("value") is None:
        raise _invalid(f"operator {operator} requires a value")
    found = Filter(prop, operator, str(raw.get("value", "")), str(raw.get("highValue", "")), values)
    compared = [found.value, found.high] if operator == "BETWEEN" else [found.value]
    for text in () if needs_none or values or "TOKEN" in operator else compared:
        _check(prop, text)
    return found


def _check(prop: Property, text: str) -> None:
    try:
        ordered(prop, text)
    except ValueError as error:
        raise _invalid(f"{text} is not a value of {prop.name}") from error


def _invalid(message: str) -> HubSpotError:
    return HubSpotError("VALIDATION_ERROR", message)
