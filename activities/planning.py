from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from temporalio import activity

from activities.boundary import business_boundary
from activities.plan_desk import PlanDesk
from mappings.plan_contract import PlanningCase, plan_contract
from mappings.read_back import differences
from mappings.rulebook import RuleBook
from mappings.survey_question import survey_question
from models.desk import EngagementRow, Stage
from models.errors import NeedsRepair
from models.ids import ConnectionId, DealId, Step
from models.plan import Plan, PlanVerdict, VerdictKind
from models.process import (
    ConfirmCall,
    Confirmed,
    EngagementRef,
    PlanCall,
    Planned,
    PlannedKind,
)
from models.records import RecordKind
from models.roles import Role
from models.survey import Chart
from models.terms import SignedTerms
from ports.crm import DealReader
from ports.desk import Desk, PlanBook
from ports.erp import ErpReader
from ports.inbox import DealBindings

__all__ = ["PlanningActivities"]

_CHART_KEPT_S = 300.0
_BASE_CONTRACT = frozenset({"", "0"})


class PlanningActivities:
    """Read the ERP, apply the firm's rules, keep the plan; and read back afterwards what became of it.

    It holds only the reading half of each connection (`ErpReader`, `DealReader`), so nothing on this path can reach a
    connector's write methods: planning is safe to run at any time.
    """

    def __init__(
        self,
        *,
        crm: DealReader,
        erps: Mapping[ConnectionId, ErpReader],
        main_erp: ConnectionId,
        plans: PlanBook,
        desk: Desk,
        deal_bindings: DealBindings,
        rules: Callable[[], RuleBook],
        now: Callable[[], datetime],
    ) -> None:
        self._crm = crm
        self._erps = erps
        self._main_erp = main_erp
        self._plans = plans
        self._desk = desk
        self._deal_bindings = deal_bindings
        self._rules = rules
        self._now = now
        self._shown = PlanDesk(plans, desk, rules, now)
        self._charts: dict[ConnectionId, tuple[datetime, Chart]] = {}

    @activity.defn
    @business_boundary
    async def plan(self, call: PlanCall) -> Planned:
        """Make the plan, put what it needs of people on the desk, and say what comes next."""
        terms = await self._plans.get_terms(call.terms_reference)
        row = await self._desk.find_engagement(call.subject.engagement)
        if (begun := await self._begun(call.subject, terms, row)) is not None:
            return await self._shown.planned(call.subject, begun)
        verdict = await self._verdict(call.subject, terms, row, binds=True, fresh=call.is_repaired)
        match verdict.kind:
            case VerdictKind.PLAN:
                return await self._shown.planned(call.subject, _plan_of(verdict))
            case VerdictKind.BLOCKED:
                return await self._shown.blocked(
                    call.subject,
                    verdict.blockers,
                    customer_name=terms.buyer.name if terms.buyer else "",
                    value=terms.values.exercised,
                )
            case VerdictKind.REFUSED:
                return Planned(kind=PlannedKind.REFUSED, sentence=verdict.reason, value=terms.values.exercised)
            case VerdictKind.NOT_YET:
                return Planned(kind=PlannedKind.NOT_YET, sentence=verdict.reason, value=terms.values.exercised)

    async def verdict(self, subject: EngagementRef, terms: SignedTerms, *, binds: bool) -> PlanVerdict:
        """What the rules make of these terms and of the ERP as it stands. `binds` claims the contract for its deal."""
        return await self._verdict(subject, terms, await self._desk.find_engagement(subject.engagement), binds=binds)

    async def _begun(self, subject: EngagementRef, terms: SignedTerms, row: EngagementRow | None) -> Plan | None:
        """The plan that is being applied. A worker that was killed while it applied one makes the process plan again.

        The ERP then holds some of the plan's records already, so a new plan would be another one: without the writes
        whose fate is still open, and with other words where the words are the evidence. So the begun one goes on.
        """
        if row is None or row.stage is not Stage.APPLYING or row.plan is None:
            return None
        plan = await self._plans.get_plan(row.plan)
        return plan if (plan.terms_digest, plan.deal_id) == (terms.digest, subject.deal_id) else None

    async def _verdict(
        self, subject: EngagementRef, terms: SignedTerms, row: EngagementRow | None, *, binds: bool, fresh: bool = False
    ) -> PlanVerdict:
        book, erp = self._rules(), self._erps[self._main_erp]
        survey = await erp.survey(survey_question(terms, book, subject.firm))
        holder = subject.deal_id
        # An amendment waits for its contract; it never takes that contract's place.
        if binds and terms.amendment_number in _BASE_CONTRACT:
            holder = await self._deal_bindings.bind_deal(
                subject.firm, self._crm.connection, subject.contract_number, subject.deal_id
            )
        other: DealId | None = holder if holder != subject.deal_id else None
        if other is None and terms.erp_project_id:
            made_for = await self._deal_bindings.find_deal_of_project(subject.firm, terms.erp_project_id)
            other = made_for if made_for not in {None, subject.deal_id} else None
        case = PlanningCase(
            firm=subject.firm,
            engagement=subject.engagement,
            terms=terms,
            chart=await self._chart(erp, fresh=fresh),
            traits=erp.traits,
            survey=survey,
            answers=await self._desk.list_answers(subject.engagement),
            crm_connection=self._crm.connection,
            write_back_guard=self._crm.guard_of_write_back(),
            erp_connection=erp.connection,
            applied_terms_digest=row.terms_digest if row else "",
            bound_to_other_deal=other,
            set_up_as=await self._deal_bindings.find_contract_set_up(
                subject.firm, self._crm.connection, subject.deal_id, besides=subject.contract_number
            ),
            now=self._now(),
        )
        return plan_contract(case, book)

    @activity.defn
    @business_boundary
    async def confirm(self, call: ConfirmCall) -> Confirmed:
        """Read back what finance will bill; it equals the plan to the minor unit, or a person looks (TL-BIL-003)."""
        plan = await self._plans.get_plan(call.plan)
        contract = call.links.refs[Step("contract")]
        schedules = tuple(
            call.links.refs[step]
            for step in sorted(call.links.refs)
            if call.links.refs[step].kind is RecordKind.BILLING_SCHEDULE
        )
        project = call.links.refs[Step("project")]
        read = await self._erps[contract.connection].read_back(contract, project, schedules)
        for field, what in differences(plan, read).items():
            raise NeedsRepair(
                f"Contract {plan.contract_number}: {what}. Correct the ERP record, then repair to compare again.",
                code="TL-BIL-003", record=plan.contract_number, field=field, owner=Role.BILLING,
            )  # fmt: skip
        ready = "Active: project, contract and billing are set up."
        return Confirmed(
            rows=len(read.rows),
            sentence=f"Active, not billable yet: {read.billing_hold}" if read.billing_hold else ready,
            numbers={
                step: number
                for step, number in ((Step("project"), read.project_number), (Step("contract"), read.contract_number))
                if number
            },
        )

    async def _chart(self, erp: ErpReader, *, fresh: bool) -> Chart:
        """Reference data, read again after five minutes, or when somebody says that they added to it."""
        kept = self._charts.get(erp.connection)
        now = self._now()
        if fresh or kept is None or abs((now - kept[0]).total_seconds()) > _CHART_KEPT_S:
            kept = (now, await erp.get_chart(fresh=fresh))
            self._charts[erp.connection] = kept
        return kept[1]


def _plan_of(verdict: PlanVerdict) -> Plan:
    if verdict.plan is None:
        raise AssertionError("a verdict of kind plan carries its plan")
    return verdict.plan
