"""What all simulators share: journal, records, faults, clock, counters, control routes and the server.

A simulator is a package `sandbox/<system>/` that exports `build(options: Options) -> System` and has one line
in `sandbox/registry.py`. Its `build` opens a `World`, makes its `System` subclass on it and calls `world.fill`.
"""

from sandbox.kit.calls import Calls
from sandbox.kit.clock import Clock
from sandbox.kit.faults import FaultRule, Faults
from sandbox.kit.http import Request, Response
from sandbox.kit.journal import Entry, Journal
from sandbox.kit.record_store import Author, Record, RecordStore
from sandbox.kit.server import Running, running, serve
from sandbox.kit.state_file import StartingState, load_records
from sandbox.kit.system import UI, ControlRoute, System
from sandbox.kit.world import Options, World

__all__ = [
    "UI", "Author", "Calls", "Clock", "ControlRoute", "Entry", "FaultRule", "Faults", "Journal", "Options", "Record",
    "RecordStore", "Request", "Response", "Running", "StartingState", "System", "World", "load_records", "running",
    "serve",
]  # fmt: skip
