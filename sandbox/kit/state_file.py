"""What a simulator starts with: nothing, the demo firm, or the records of a file."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sandbox.kit.wire_json import dumps, loads

__all__ = ["StartingState", "load_records", "read_state"]

Json = dict[str, Any]


@dataclass(frozen=True)
class StartingState:
    """The name of a built-in state (`empty`, `demo`), or `file` with the records it holds."""

    name: str
    records: list[Json]


def read_state(spec: str) -> StartingState:
    """Read the value of `--state`; raises ValueError when a file is not a state file."""
    if spec in {"empty", "demo"}:
        return StartingState(spec, [])
    path = Path(spec)
    if not path.is_file():
        raise ValueError(f"There is no state file {spec}. Give empty, demo, or the path of a JSON file.")
    content = loads(path.read_bytes())
    records = content.get("records") if isinstance(content, dict) else None
    if not isinstance(records, list) or not all(isinstance(one, dict) and one.get("type") for one in records):
        raise ValueError(f'{spec} must hold {{"records": [{{"type": ..., ...}}]}}; see docs/sandbox-state.md.')
    return StartingState("file", records)


def load_records(records: Iterable[Json], save: Callable[[Json], str], as_reference: Callable[[str], Any]) -> list[str]:
    """Save records in order, replacing each `{"ref": "name"}` by the id the named earlier record got.

    `save` takes a record (with its `type`) and returns its new id; `as_reference` makes of an id what the
    vendor's record holds in a field that points at another record. Returns the ids in order.
    """
    named: dict[str, str] = {}
    ids: list[str] = []
    for raw in records:
        record = {key: value for key, value in raw.items() if key != "name_in_file"}
        new_id = save(_resolved(record, named, as_reference))
        ids.append(new_id)
        if "name_in_file" in raw:
            named[raw["name_in_file"]] = new_id
    return ids


def state_as_text(state: StartingState, made_at: str, system: str) -> str:
    """Write down what a data folder was first made with."""
    return dumps({"system": system, "state": state.name, "records": state.records, "made_at": made_at})


def _resolved(value: Any, named: dict[str, str], as_reference: Callable[[str], Any]) -> Any:
    if isinstance(value, dict):
        if set(value) == {"ref"}:
            if value["ref"] not in named:
                raise ValueError(f"The state file refers to {value['ref']!r} before a record of that name_in_file.")
            return as_reference(named[value["ref"]])
        return {key: _resolved(item, named, as_reference) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolved(item, named, as_reference) for item in value]
    return value
