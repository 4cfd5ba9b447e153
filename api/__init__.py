"""Signed events in, health out."""

from api.app import build_app
from api.intake import EventSender
from api.serving import ApiServer

__all__ = ["ApiServer", "EventSender", "build_app"]
