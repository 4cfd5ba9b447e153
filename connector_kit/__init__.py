"""What connectors share: HTTP session, fault translation, ConnectorSpec."""

from connector_kit.fault_table import Fault, FaultTable
from connector_kit.session import Effectful, Reply, VendorSession
from connector_kit.signatures import BadSignature, check_signature
from connector_kit.spec import BatchReader, ConnectorSpec, Delivery, EventReader, ReadEvent, SideDoor
from connector_kit.wire import Wire

__all__ = [
    "BadSignature",
    "BatchReader",
    "ConnectorSpec",
    "Delivery",
    "Effectful",
    "EventReader",
    "Fault",
    "FaultTable",
    "ReadEvent",
    "Reply",
    "SideDoor",
    "VendorSession",
    "Wire",
    "check_signature",
]
