from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from activities.feedback import FeedbackActivities
from mappings.rulebook import RuleBook
from models.ids import ConnectionId
from ports.billing_feed import FeedsBilling, ShowsBilling
from ports.crm import Deals
from ports.erp import Erp
from store import Store

__all__ = ["FeedbackParts", "build_feedback"]


@dataclass(frozen=True)
class FeedbackParts:
    """What a worker needs so that invoices reach the CRM."""

    accounts: tuple[ConnectionId, ...]
    """ERP accounts that tell what changed."""
    activities: Sequence[Any]


def build_feedback(
    store: Store,
    crm: Deals,
    erps: Mapping[ConnectionId, Erp],
    *,
    rules: Callable[[], RuleBook],
    now: Callable[[], datetime],
) -> FeedbackParts | None:
    """None where the CRM has no place for invoices, or no ERP tells of them."""
    feeds = {name: erp.billing_feed() for name, erp in erps.items() if isinstance(erp, FeedsBilling)}
    if not feeds or not isinstance(crm, ShowsBilling):
        return None
    steps = FeedbackActivities(
        feeds,
        crm.invoice_board(),
        book=store.billing,
        places=store.watermarks,
        desk=store.desk,
        rules=rules,
        now=now,
    )
    return FeedbackParts(
        accounts=tuple(feeds),
        activities=[
            steps.open_sweep,
            steps.show_changes,
            steps.show_overdue,
            steps.show_refused,
            steps.show_deleted,
            steps.note_moved_projects,
            steps.show_deal_sums,
            steps.show_account_sums,
            steps.close_sweep,
            steps.tell_trouble,
        ],
    )
