"""The `@{node.field}` references by which one part of a composite request uses the answer of an earlier part."""

import re
from collections.abc import Mapping
from typing import Any

from sandbox.salesforce.errors import SalesforceError

__all__ = ["names_in", "resolve"]

_REFERENCE = re.compile(r"@\{([A-Za-z]\w*)((?:\.\w+|\[\d+\])*)\}")
_STEP = re.compile(r"\.(\w+)|\[(\d+)\]")


def names_in(value: Any) -> set[str]:
    """Return the reference ids a part uses."""
    if isinstance(value, str):
        return {match[1] for match in _REFERENCE.finditer(value)}
    if isinstance(value, Mapping):
        return set().union(*(names_in(one) for one in value.values()), set())
    if isinstance(value, list):
        return set().union(*(names_in(one) for one in value), set())
    return set()


def resolve(value: Any, answers: Mapping[str, Any]) -> Any:
    """Return a part with every reference replaced; raises the vendor's error for one that leads nowhere."""
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole is not None:
            return _looked_up(whole, answers)
        return _REFERENCE.sub(lambda match: str(_looked_up(match, answers)), value)
    if isinstance(value, Mapping):
        return {key: resolve(one, answers) for key, one in value.items()}
    if isinstance(value, list):
        return [resolve(one, answers) for one in value]
    return value


def _looked_up(match: re.Match[str], answers: Mapping[str, Any]) -> Any:
    here: Any = answers.get(match[1])
    for step in _STEP.finditer(match[2]):
        if step[1] is not None:
            here = here.get(step[1]) if isinstance(here, Mapping) else None
        else:
            here = here[int(step[2])] if isinstance(here, list) and int(step[2]) < len(here) else None
        if here is None:
            message = f"Invalid reference specified. No value for {match[0]} found in {match[1]}"
            raise SalesforceError("INVALID_REFERENCE", message)
    if here is None:
        raise SalesforceError("INVALID_REFERENCE", f"Invalid reference specified. No value for {match[0]} found")
    return here
