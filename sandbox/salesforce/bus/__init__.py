"""The org's event bus: changes of records as events, kept for 72 hours, streamed over gRPC."""

from sandbox.salesforce.bus.change_log import ChangeLog, ReplayRefusedError
from sandbox.salesforce.bus.server import BusServer

__all__ = ["BusServer", "ChangeLog", "ReplayRefusedError"]
