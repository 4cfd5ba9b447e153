from __future__ import annotations

from connectors.tryton.config import TrytonConfig
from models.records import Guard
from models.survey import ErpTraits

__all__ = ["traits_of"]

_NO_DATES = (
    "Tryton has no dated billing schedule: each row is a task of the project with its amount, and the due date stands "
    "in the task's comment. On that day (or on acceptance) set the task to Done and press Invoice on the project."
)
_NO_RATES = (
    "Tryton bills time at the list price of the project's tasks, which no contract line carries: enter the hourly "
    "rates on the project's tasks there by hand before the first invoice."
)
_NO_CAP = "Tryton checks no cap: it stands in the project's comment; watch it by hand at each invoice."
_NO_COST_PLUS = (
    "Tryton has no rules for cost and fee: the project bills nothing by itself; make its invoices there by hand."
)
_BY_HAND = "Tryton bills progress that a person enters on the project's tasks: enter it there before each invoice."


def traits_of(config: TrytonConfig) -> ErpTraits:
    """What this database can and cannot do. Only the module `tieline` makes our keys unique beyond parties."""
    others = Guard.PROOF if config.has_uniqueness_module else Guard.GUARDED
    return ErpTraits(
        one_billing_type_per_project=True,
        # The database keeps both a party's code and our external id unique.
        customer=Guard.PROOF,
        contact=Guard.PROOF,
        cost_centre=others,
        project=others,
        billing_schedule=others,
        contract=others,
        # A freeze sets fields of records that exist: setting them twice is setting them once.
        hold=Guard.PROOF,
        manual=(
            f"milestones: {_NO_DATES}",
            f"retainer: {_NO_DATES}",
            f"percent-complete: {_BY_HAND}",
            f"time-and-materials: {_NO_RATES}",
            f"time-and-materials-capped: {_NO_RATES}",
            f"time-and-materials-capped: {_NO_CAP}",
            f"cost-plus-fixed-fee: {_NO_COST_PLUS}",
        ),
    )
