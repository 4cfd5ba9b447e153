"""Plans of the firm's rules, applied and planned again: nothing is left to do, and the money is equal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mappings.plan_contract import PlanningCase, plan_contract
from mappings.rulebook import load_rulebook
from mappings.survey_question import survey_question
from models.ids import ConnectionId, ContractNumber, EngagementId, FirmId, Step
from models.money import Money
from models.operations import (
    EnsureBillingSchedule,
    EnsureContact,
    EnsureContract,
    EnsureCostCentre,
    EnsureCustomer,
    EnsureProject,
)
from models.plan import Plan, PlannedOperation
from models.records import Effect, Guard, Links
from models.terms import SignedTerms
from tests.connectors.netsuite.account import Connected, connected
from tests.unit import signed_terms

BOOK = load_rulebook(Path(__file__).parents[3] / "mappings" / "demo_firm")
FIRM = FirmId("hf")
CRM = ConnectionId("crm-main")


@pytest.mark.parametrize(
    "paper",
    [
        signed_terms.fixed_fee,
        signed_terms.percent_complete,
        signed_terms.time_billed,
        signed_terms.retainer,
        signed_terms.cost_plus,
        signed_terms.mixed,
    ],
)
async def test_a_plan_once_applied_finds_nothing_left_to_do(paper: Callable[[], SignedTerms]) -> None:
    async with connected(state="demo") as it:
        plan = await _plan(it, paper())
        links = await _apply(it, plan)
        contract = next(one.request for one in plan.operations if isinstance(one.request, EnsureContract))
        schedules = [one for one in plan.operations if isinstance(one.request, EnsureBillingSchedule)]
        refs = {str(step): ref for step, ref in links.refs.items()}
        schedule_refs = tuple(links.refs[one.step] for one in schedules)
        billed = (await it.erp.read_back(refs["contract"], refs["project"], schedule_refs)).rows
        assert {row.code: row.amount for row in billed if row.source == "line"} == {
            line.code: line.amount for line in contract.lines
        }
        rows = [row for one in schedules if isinstance(one.request, EnsureBillingSchedule) for row in one.request.rows]
        milestones = [row for row in billed if row.source == "milestone"]
        assert sorted((row.code, row.amount.amount, row.due_on) for row in milestones) == sorted(
            (row.code, row.amount.amount, row.due_on) for row in rows
        )
        if rows:
            total = Money.total([row.amount for row in rows], contract.currency)
            assert Money.total([row.amount for row in milestones], contract.currency) == total

        again = await _plan(it, paper())
        actions = {one.step: one.action for one in again.operations}
        assert actions[Step("customer")] == "adopt"
        kept = [one for one in again.operations if one.step.startswith(("project", "billing-schedule", "contract:"))]
        assert {one.action for one in kept} == {"unchanged"}
        assert actions[Step("contract")] == "unchanged"


async def _plan(it: Connected, terms: SignedTerms) -> Plan:
    verdict = plan_contract(
        PlanningCase(
            firm=FIRM,
            engagement=EngagementId(f"{FIRM}/{terms.contract_number}"),
            terms=terms,
            chart=await it.erp.get_chart(),
            traits=it.erp.traits,
            survey=await it.erp.survey(survey_question(terms, BOOK, FIRM)),
            crm_connection=CRM,
            write_back_guard=Guard.PROOF,
            erp_connection=it.erp.connection,
            now=datetime(2027, 1, 6, tzinfo=UTC),
        ),
        BOOK,
    )
    assert verdict.plan is not None, verdict
    assert verdict.plan.contract_number == ContractNumber(terms.contract_number)
    return verdict.plan


async def _apply(it: Connected, plan: Plan) -> Links:
    links = Links()
    for operation in plan.operations:
        if operation.connection == it.erp.connection:
            effect = await _write(it, operation, links)
            links = Links(refs={**links.refs, operation.step: effect.ref})
    return links


async def _write(it: Connected, operation: PlannedOperation, links: Links) -> Effect:
    match operation.request:
        case EnsureCustomer() as request:
            return await it.erp.ensure_customer(request, links)
        case EnsureContact() as request:
            return await it.erp.ensure_contact(request, links)
        case EnsureCostCentre() as request:
            return await it.erp.ensure_cost_centre(request, links)
        case EnsureProject() as request:
            return await it.erp.ensure_project(request, links)
        case EnsureBillingSchedule() as request:
            return await it.erp.ensure_billing_schedule(request, links)
        case EnsureContract() as request:
            return await it.erp.ensure_contract(request, links)
    raise AssertionError(operation.step)
