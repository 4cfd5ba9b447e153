"""The parts of a plan that tests look at."""

from __future__ import annotations

from models.operations import (
    EnsureBillingSchedule,
    EnsureContract,
    EnsureProject,
)
from models.plan import Plan

__all__ = ["contract_in", "projects_in", "schedules_in"]


def contract_in(plan: Plan) -> EnsureContract:
    request = next(item.request for item in plan.operations if item.step == "contract")
    assert isinstance(request, EnsureContract)
    return request


def projects_in(plan: Plan) -> dict[str, EnsureProject]:
    return {item.step: item.request for item in plan.operations if isinstance(item.request, EnsureProject)}


def schedules_in(plan: Plan) -> dict[str, EnsureBillingSchedule]:
    return {item.step: item.request for item in plan.operations if isinstance(item.request, EnsureBillingSchedule)}
