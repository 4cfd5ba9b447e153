from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import activity

from activities.boundary import business_boundary
from activities.connected import Connected
from activities.exactly_once import ExactlyOnce
from models.errors import Fatal
from models.operations import (
    EnsureBillingSchedule,
    EnsureContact,
    EnsureContract,
    EnsureCostCentre,
    EnsureCustomer,
    EnsureProject,
)
from models.plan import PlannedOperation
from models.process import ApplyStep, StepDone
from models.records import Effect, Links
from ports.desk import PlanBook
from ports.erp import Erp
from ports.ledger import Intent

__all__ = ["ErpActivities", "intent_of"]

Request = TypeVar("Request")


class ErpActivities:
    """Every write to the ERP: one activity per operation, each taken from the stored, approved plan."""

    def __init__(self, erps: Connected[Erp], plans: PlanBook, once: ExactlyOnce) -> None:
        self._erps = erps
        self._plans = plans
        self._once = once

    @activity.defn
    @business_boundary
    async def ensure_customer(self, call: ApplyStep) -> StepDone:
        """Adopt or create the customer; deals that close at once for one buyer share one key."""
        operation, erp = await self._operation(call)
        request = _of(operation, EnsureCustomer)
        return await self._apply(call, operation, request, erp.find_customer, erp.ensure_customer, one_per_key=True)

    @activity.defn
    @business_boundary
    async def ensure_contact(self, call: ApplyStep) -> StepDone:
        """Adopt or create a person at the customer. What the ERP's people corrected in one that is there stays."""
        operation, erp = await self._operation(call)
        request = _of(operation, EnsureContact)
        plan = await self._plans.get_plan(call.plan)
        return await self._apply(
            call, operation, request, erp.find_contact, erp.ensure_contact, one_per_key=True,
            is_there_perhaps=plan.operation(request.customer_step).action == "adopt",
        )  # fmt: skip

    @activity.defn
    @business_boundary
    async def ensure_cost_centre(self, call: ApplyStep) -> StepDone:
        """Adopt or create a ledger analysis key."""
        operation, erp = await self._operation(call)
        request = _of(operation, EnsureCostCentre)
        return await self._apply(
            call, operation, request, erp.find_cost_centre, erp.ensure_cost_centre, one_per_key=True
        )

    @activity.defn
    @business_boundary
    async def ensure_project(self, call: ApplyStep) -> StepDone:
        """Adopt or create the project."""
        operation, erp = await self._operation(call)
        return await self._apply(call, operation, _of(operation, EnsureProject), erp.find_project, erp.ensure_project)

    @activity.defn
    @business_boundary
    async def ensure_billing_schedule(self, call: ApplyStep) -> StepDone:
        """Adopt or create the billing schedule with its rows."""
        operation, erp = await self._operation(call)
        request = _of(operation, EnsureBillingSchedule)
        return await self._apply(call, operation, request, erp.find_billing_schedule, erp.ensure_billing_schedule)

    @activity.defn
    @business_boundary
    async def ensure_contract(self, call: ApplyStep) -> StepDone:
        """Adopt or create the contract with its lines."""
        operation, erp = await self._operation(call)
        return await self._apply(
            call, operation, _of(operation, EnsureContract), erp.find_contract, erp.ensure_contract
        )

    async def _operation(self, call: ApplyStep) -> tuple[PlannedOperation, Erp]:
        plan = await self._plans.get_plan(call.plan)
        operation = plan.operation(call.step)
        return operation, self._erps.named(operation.connection)

    async def _apply(
        self,
        call: ApplyStep,
        operation: PlannedOperation,
        request: Request,
        find: Callable[[Request, Links], Awaitable[Effect | None]],
        ensure: Callable[[Request, Links], Awaitable[Effect]],
        *,
        one_per_key: bool = False,
        is_there_perhaps: bool = False,
    ) -> StepDone:
        effect = await self._once.apply(
            intent_of(call, operation),
            find=lambda: find(request, call.links),
            ensure=lambda: ensure(request, call.links),
            one_per_key=one_per_key,
            look_first=is_there_perhaps or operation.action == "unchanged",
        )
        return StepDone(step=call.step, ref=effect.ref, created=effect.created, changed=effect.changed)


def intent_of(call: ApplyStep, operation: PlannedOperation) -> Intent:
    """What is about to be written, for the ledger."""
    return Intent(
        key=operation.key,
        payload_hash=operation.payload_hash,
        engagement=call.subject.engagement,
        step=call.step,
        plan=call.plan,
        guard=operation.guard,
        connection=operation.connection,
        workflow_id=call.subject.workflow_id,
        run_id=activity.info().workflow_run_id or "",
    )


def _of(operation: PlannedOperation, kind: type[Request]) -> Request:
    if not isinstance(operation.request, kind):
        raise Fatal(f"Step {operation.step} of the plan is not what the process took it for.", record=operation.step)
    return operation.request
