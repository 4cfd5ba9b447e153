from __future__ import annotations

from connectors.salesforce.ids import is_record_id

__all__ = ["KINDS", "is_about"]

KINDS = {"Opportunity": ("deal", "006"), "Account": ("account", "001"), "Contact": ("person", "003")}
"""The vendor's objects that ring: what an event about one is to us, and how the ids of its records begin."""


def is_about(entity: str, record: str) -> bool:
    """Whether this can be the id of a record of that object."""
    known = KINDS.get(entity)
    return known is not None and is_record_id(record, known[1])
