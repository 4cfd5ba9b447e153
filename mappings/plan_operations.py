from __future__ import annotations

from mappings.booking import Booking, Operations, Sides
from mappings.contract_operations import plan_contract_and_write_back
from mappings.customer_operations import plan_customer
from mappings.project_operations import plan_projects, plan_schedules
from mappings.rulebook import RuleBook
from models.plan import PlannedOperation

__all__ = ["plan_operations"]


def plan_operations(booking: Booking, sides: Sides, book: RuleBook) -> tuple[PlannedOperation, ...]:
    """Every external write this contract leads to, in an order that can be applied."""
    ops = Operations(booking, sides, book)
    plan_customer(ops)
    projects = plan_projects(ops)
    schedules = plan_schedules(ops, projects)
    plan_contract_and_write_back(ops, projects, schedules)
    return tuple(ops.planned)
