"""How a body changes an existing record, line by line."""

from itertools import zip_longest
from typing import Any

from sandbox.kit import Record
from sandbox.netsuite.schema import LINE_KEYS, RecordType

__all__ = ["merged"]

Lines = list[dict[str, Any]]
_KEPT_BY_SERVER = {"line", "lineUniqueKey", "internalId", "milestoneId", "recurrenceId", "id"}
_DEFAULTS: dict[str, Any] = {"quantityBilled": 0, "isClosed": False, "milestoneCompleted": False}


def merged(
    kind: RecordType, old: Record, body: dict[str, Any], replace: frozenset[str], *, replace_fields: bool = False
) -> Record:
    """Return the record after a PATCH or PUT.

    Lines of a keyed sublist merge by key, lines without a known key are added, and a sublist without keys only
    grows. A sublist named in `replace` is the full truth: what the body does not name is removed.
    """
    new = dict(old)
    for name, value in body.items():
        spec = kind.fields.get(name)
        if value is None:
            new.pop(name, None)
        elif spec is not None and spec.kind == "sublist" and spec.lines:
            before = old.get(name, {}).get("items", [])
            new[name] = {"items": _lines(name, before, value["items"], whole=name in replace)}
        else:
            new[name] = value
    for name in replace:
        spec = kind.fields.get(name)
        if name not in body and spec is not None and (spec.kind == "sublist" or replace_fields):
            new.pop(name, None)
    return new


def _lines(name: str, old: Lines, incoming: Lines, *, whole: bool) -> Lines:
    if not incoming:
        return []
    if whole and _same(old, incoming):
        return old
    keys = LINE_KEYS.get(name, ())
    last = max((int(line[key]) for line in old for key in keys[:1] if line.get(key)), default=0)
    result = [] if whole else [dict(line) for line in old]
    for line in incoming:
        match = _match(keys, old, line)
        if match is None:
            last += 1
            result.append(_keyed(keys, {key: value for key, value in line.items() if value is not None}, last))
            continue
        changed = {key: value for key, value in (match | line).items() if value is not None}
        changed |= {key: match[key] for key in keys if key in match}
        if whole:
            result.append(changed)
        else:
            result[old.index(match)] = changed
    return result


def _match(keys: tuple[str, ...], old: Lines, line: dict[str, Any]) -> dict[str, Any] | None:
    for key in keys:
        if line.get(key) is not None:
            return next((one for one in old if str(one.get(key)) == str(line[key])), None)
    return None


def _keyed(keys: tuple[str, ...], line: dict[str, Any], number: int) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in keys} | dict.fromkeys(keys[:1], number)


def _same(old: Lines, incoming: Lines) -> bool:
    # A repeated upsert of the very same lines changes nothing, keys included; anything else makes new lines.
    return all(
        before is not None
        and line is not None
        and _plain(before) == _plain(before) | _plain(line)
        and _untouched(before)
        for before, line in zip_longest(old, incoming)
    )


def _plain(line: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in line.items() if key not in _KEPT_BY_SERVER and value is not None}


def _untouched(line: dict[str, Any]) -> bool:
    return all(line.get(name, default) == default for name, default in _DEFAULTS.items())
