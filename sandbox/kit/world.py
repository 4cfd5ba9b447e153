"""Everything a simulated system keeps: its records, journal, clock, faults, counters and settings."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sandbox.kit.calls import Calls
from sandbox.kit.clock import Clock
from sandbox.kit.faults import Faults
from sandbox.kit.journal import Journal
from sandbox.kit.record_store import RecordStore
from sandbox.kit.state_file import StartingState, read_state, state_as_text
from sandbox.kit.wire_json import loads

__all__ = ["Options", "Setting", "World"]

Setting = str | int | float | bool


@dataclass(frozen=True)
class Options:
    """What the command line says about one simulator."""

    system: str
    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = False
    state: str = "empty"
    data_dir: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


class World:
    """One simulated account. Open it, fill it once, then serve it."""

    def __init__(self, options: Options, defaults: Mapping[str, Setting], *, volatile: frozenset[str]) -> None:
        """Open the account, in `options.data_dir` when its changes are to outlive the process."""
        self.system = options.system
        self.folder = options.data_dir or Path(tempfile.mkdtemp(prefix=f"sandbox-{options.system}-"))
        self.folder.mkdir(parents=True, exist_ok=True)
        self.clock = Clock()
        self.faults = Faults()
        self.calls = Calls()
        self.settings: dict[str, Setting] = dict(defaults)
        self.change_settings(options.settings)
        self.journal = Journal(options.system, self.folder / "journal.jsonl" if options.data_dir else None)
        self.store = RecordStore(self.journal, self.clock, volatile=volatile)
        self.state, self._made_at = self._starting_state(options)

    def fill(self, seed: Callable[[StartingState], None]) -> None:
        """Build the starting records with `seed`, unjournaled, then replay what an earlier process applied.

        While `seed` runs the clock stands at the instant the folder was first made, so that a restart builds the
        very same records. `seed` must give ids from counters, never at random.
        """
        self.clock.stop_at(self._made_at)
        self.store.journaled = False
        seed(self.state)
        self.store.journaled = True
        self.clock.release()
        self.store.replay(self.journal.read_back())

    def change_settings(self, changes: Mapping[str, Setting]) -> None:
        """Change settings by name; a text is read as the type of the default."""
        for name, value in changes.items():
            if name not in self.settings:
                raise ValueError(f"{self.system} has no setting {name}; it has {', '.join(sorted(self.settings))}.")
            self.settings[name] = _typed(name, value, self.settings[name])

    def number(self, name: str) -> float:
        """Return a numeric setting."""
        return float(self.settings[name])

    def flag(self, name: str) -> bool:
        """Return a yes-or-no setting."""
        return bool(self.settings[name])

    def text(self, name: str) -> str:
        """Return a textual setting."""
        return str(self.settings[name])

    def _starting_state(self, options: Options) -> tuple[StartingState, datetime]:
        origin = self.folder / "origin.json"
        if options.data_dir and origin.exists():
            kept = loads(origin.read_bytes())
            if kept["system"] != self.system:
                raise ValueError(f"{self.folder} holds a {kept['system']} sandbox; give {self.system} its own folder.")
            return StartingState(kept["state"], kept["records"]), datetime.fromisoformat(kept["made_at"])
        state, made_at = read_state(options.state), datetime.now(UTC).replace(microsecond=0)
        if options.data_dir:
            origin.write_text(state_as_text(state, made_at.isoformat(), self.system))
        return state, made_at


def _typed(name: str, value: Setting, like: Setting) -> Setting:
    if not isinstance(value, str):
        return value
    if isinstance(like, bool):
        if value.lower() not in {"true", "false"}:
            raise ValueError(f"The setting {name} is true or false, not {value!r}.")
        return value.lower() == "true"
    return type(like)(value)
