"""The append-only list of what was really applied in a simulator: the judge of every test."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from sandbox.kit.wire_json import dumps, loads

__all__ = ["Action", "Entry", "Journal"]

Action = Literal["create", "update", "delete"]


@dataclass(frozen=True)
class Entry:
    """One applied change of one record, with the record before and after it."""

    seq: int
    at: str
    system: str
    kind: str
    record_id: str
    external_id: str | None
    action: Action
    changed: list[str]
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str | None
    client: str


class Journal:
    """Keeps the entries in memory and, when it has a file, on disk before anyone is answered."""

    def __init__(self, system: str, path: Path | None = None) -> None:
        """Open the journal of one simulated system, in a file when changes must outlive the process."""
        self.system = system
        self.path = path
        self.entries: list[Entry] = []

    @property
    def last_seq(self) -> int:
        """Return the number of the newest entry, 0 when nothing was applied yet."""
        return self.entries[-1].seq if self.entries else 0

    def since(self, seq: int, limit: int | None = None) -> list[Entry]:
        """Return the entries after a number, oldest first."""
        found = [entry for entry in self.entries if entry.seq > seq]
        return found if limit is None else found[:limit]

    def append(self, entries: Sequence[Entry]) -> None:
        """Add the entries of one committed change in one write, so that a kill keeps all or none of them."""
        if not entries:
            return
        if self.path is not None:
            text = "".join(dumps(asdict(entry)) + "\n" for entry in entries)
            with self.path.open("ab", buffering=0) as file:
                file.write(text.encode())
        self.entries.extend(entries)

    def read_back(self) -> list[Entry]:
        """Load the entries of an earlier process; a half-written last line is cut off."""
        if self.path is None or not self.path.exists():
            return []
        raw = self.path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            self.path.write_bytes(whole)
        self.entries = [Entry(**loads(line)) for line in whole.splitlines()]
        return self.entries
