"""Which simulators there are, and how one is made from the command line's options."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from sandbox.kit import Options, System

__all__ = ["SYSTEMS", "build"]

SYSTEMS = {"hubspot": "sandbox.hubspot", "netsuite": "sandbox.netsuite", "salesforce": "sandbox.salesforce"}


def build(options: Options) -> System:
    """Make the simulator the options name, importing only that one."""
    factory = cast("Callable[[Options], System]", import_module(SYSTEMS[options.system]).build)
    return factory(options)
