from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation

from models.money import Money
from models.plan import FieldDiff, PlannedOperation
from models.survey import Survey

__all__ = ["compare_with_erp"]

_SOLD_FIELDS = frozenset(
    {"amount", "price", "currency", "legal_entity", "contract_number", "start_on", "end_on", "signed_on",
     "payment_terms_code", "po_number", "funded", "cap", "with_options"}
)  # fmt: skip
"""Fields that hold what was sold. A name or a note that somebody changed in the ERP is theirs to change (DOM-5.8)."""


def compare_with_erp(operation: PlannedOperation, survey: Survey) -> PlannedOperation:
    """Against what stands in the ERP under the same key: nothing, the same, or something else field by field."""
    key = getattr(operation.request, "key", "")
    there = next((item for item in survey.existing if item.key == key), None)
    if there is None:
        return operation
    diffs = tuple(
        FieldDiff(field=name, before=before, after=after)
        for name, before in sorted(there.fields.items())
        if name in _SOLD_FIELDS and (after := _planned(operation, name)) is not None and not _same(before, after)
    )
    return operation.model_copy(update={"action": "amend" if diffs else "unchanged", "diffs": diffs})


def _planned(operation: PlannedOperation, name: str) -> str | None:
    """The planned value of a field the survey reported, as text; None when the plan says nothing about it."""
    value = operation.amount if name == "amount" else getattr(operation.request, name, None)
    if isinstance(value, Money):
        return str(value.amount)
    if isinstance(value, date):
        return value.isoformat()
    return None if value is None else str(value)


def _same(before: str, after: str) -> bool:
    """Equal as text, or equal as a number: 10000.00 is 10000."""
    if before == after:
        return True
    try:
        return Decimal(before) == Decimal(after)
    except InvalidOperation:
        return False
