from __future__ import annotations

from collections.abc import Sequence

from temporalio import activity

from activities.boundary import business_boundary
from activities.connected import Connected
from activities.exactly_once import ExactlyOnce
from activities.holding import set_up_records
from mappings.sow_checks import hold_without_po
from models.base import digest_of
from models.ids import PlanDigest, Step, external_key, operation_key
from models.operations import EnterPurchaseOrder
from models.process import StepDone, TermsCall
from models.records import Links
from ports.desk import PlanBook
from ports.erp import Erp
from ports.ledger import Intent, Ledger, OperationRow

__all__ = ["PurchaseOrderActivities", "entered_po"]

_STEP = "po:"


class PurchaseOrderActivities:
    """A PO number that comes after the set-up is administrative: no new signature, and billing may begin. DOM-2.2."""

    def __init__(self, erps: Connected[Erp], plans: PlanBook, ledger: Ledger, once: ExactlyOnce) -> None:
        self._erps = erps
        self._plans = plans
        self._ledger = ledger
        self._once = once

    @activity.defn
    @business_boundary
    async def enter_purchase_order(self, call: TermsCall) -> StepDone:
        """Enter the number on the contract in the ERP and lift the hold that waited for it."""
        subject = call.subject
        terms = await self._plans.get_terms(call.terms_reference)
        rows = await self._ledger.list_operations(subject.engagement)
        project, contract = set_up_records(rows, subject)
        erp = self._erps.named(contract.connection)
        step = _turn(rows, terms.po_number)
        request = EnterPurchaseOrder(
            key=external_key(subject.engagement, step),
            project=project,
            contract=contract,
            po_number=terms.po_number,
            lifts=hold_without_po(terms),
        )
        intent = Intent(
            key=operation_key(subject.firm, "quote-to-project", subject.contract_number, "", step),
            payload_hash=digest_of(request),
            engagement=subject.engagement,
            step=step,
            plan=PlanDigest(""),
            guard=erp.traits.hold,
            connection=contract.connection,
            workflow_id=subject.workflow_id,
            run_id=activity.info().workflow_run_id or "",
        )
        effect = await self._once.apply(
            intent,
            find=lambda: erp.find_purchase_order(request, Links()),
            ensure=lambda: erp.ensure_purchase_order(request, Links()),
            one_per_key=True,
        )
        return StepDone(step=step, ref=effect.ref, created=False, changed=effect.changed)


def entered_po(rows: Sequence[OperationRow]) -> str | None:
    """The number that was entered last after the set-up; None when there was none."""
    turns = [row.step for row in rows if row.step.startswith(_STEP)]
    return turns[-1].split(":", 2)[2] if turns else None


def _turn(rows: Sequence[OperationRow], number: str) -> Step:
    """Which write this is. Asked for again while it is the newest, it is the same; a number may come back later."""
    turns = [row.step for row in rows if row.step.startswith(_STEP)]
    if turns and entered_po(rows) == number:
        return turns[-1]
    return Step(f"{_STEP}{len(turns) + 1}:{number}")
