from __future__ import annotations

from enum import StrEnum

from mappings.rule_kinds import Rule
from models.customer_sync import SharedField

__all__ = ["FieldOwner", "FieldRule", "OnDifference"]


class FieldOwner(StrEnum):
    """Whose word counts. DOM-5.8."""

    CRM = "crm"
    ERP = "erp"
    ERP_ONCE_VERIFIED = "erp-once-verified"
    """The CRM's until legal name and tax status were checked in the ERP."""


class OnDifference(StrEnum):
    """What happens to a change on the owner's side."""

    WRITE = "write"
    CALL_BACK = "call-back"
    """Written too, but a second person decides first when money could go astray (DOM-5.7)."""


class FieldRule(Rule):
    """Who owns one shared field."""

    field: SharedField
    owner: FieldOwner
    on_difference: OnDifference = OnDifference.WRITE
