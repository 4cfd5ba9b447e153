"""Inbox, operations, bindings, plans, decisions, blockers, audit chain and watermarks, in SQL."""

from store.database import migrate
from store.opening import Store, open_store

__all__ = ["Store", "migrate", "open_store"]
