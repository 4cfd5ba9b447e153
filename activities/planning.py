from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from temporalio import activity

from activities.boundary import business_boundary
from activities.connected import Connected
from activities.ids_on_deals import id_on_deal
from activities.plan_desk import PlanDesk
from mappings.answers import Answers
from mappings.erp_choice import ErpChoice, choose_erp
from mappings.findings import Finding
from mappings.plan_contract import DealCase, PlanningCase, plan_contract, plan_without_erp
from mappings.read_back import differences
from mappings.rulebook import RuleBook
from mappings.survey_question import survey_question
from mappings.told_apart import looks_like_somebody
from models.desk import EngagementRow, GivenAnswer, Stage
from models.errors import NeedsRepair
from models.ids import ConnectionId, Step
from models.match_undo import MatchUndo
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
from models.survey import Chart, Survey
from models.terms import SignedTerms
from ports.crm import DealReader
from ports.customer_sync import MatchUndos
from ports.desk import Desk, PlanBook
from ports.erp import ErpReader
from ports.inbox import DealBindings, DealHolder

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
        crms: Connected[DealReader],
        erps: Connected[ErpReader],
        plans: PlanBook,
        desk: Desk,
        deal_bindings: DealBindings,
        undos: MatchUndos,
        rules: Callable[[], RuleBook],
        now: Callable[[], datetime],
    ) -> None:
        self._crms = crms
        self._erps = erps
        self._plans = plans
        self._desk = desk
        self._deal_bindings = deal_bindings
        self._undos = undos
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
        book, crm = self._rules(), self._crms.named(subject.crm)
        answers = await self._desk.list_answers(subject.engagement)
        choice = choose_erp(Answers(answers).applied_to(terms), book)
        case = await self._deal_case(subject, terms, row, answers, binds=binds)
        if choice.connection is None:
            return plan_without_erp(case, _why_not(choice), book)
        erp = self._erps.named(choice.connection)
        case = self._without_foreign_ids(case, erp.connection)
        survey = await erp.survey(survey_question(case.terms, book, subject.firm))
        return plan_contract(
            PlanningCase(
                **dict(case),
                chart=await self._chart(erp, fresh=fresh),
                traits=erp.traits,
                survey=survey,
                told_apart=await self._told_apart(case, survey, crm.connection, erp.connection),
                crm_connection=crm.connection,
                write_back_guard=crm.guard_of_write_back(),
                erp_connection=erp.connection,
                is_first_erp=erp.connection == self._erps.main,
                erp_rule=choice.rule,
                now=self._now(),
            ),
            book,
        )

    async def _told_apart(
        self, case: DealCase, survey: Survey, crm: ConnectionId, erp: ConnectionId
    ) -> tuple[MatchUndo, ...]:
        """Customers that people said this account is not; nobody need be asked where the ERP has nobody like it."""
        if case.terms.buyer is None or not looks_like_somebody(case.terms.buyer, survey):
            return ()
        found = await self._undos.list_told_apart(case.firm, crm, case.terms.buyer.account_id)
        return tuple(undo for undo in found if undo.customer.connection == erp)

    async def _deal_case(
        self,
        subject: EngagementRef,
        terms: SignedTerms,
        row: EngagementRow | None,
        answers: tuple[GivenAnswer, ...],
        *,
        binds: bool,
    ) -> DealCase:
        """What we know of the deal ourselves: which deal holds the contract, and what was set up for it."""
        crm, bindings = self._crms.named(subject.crm).connection, self._deal_bindings
        own = DealHolder(connection=crm, deal=subject.deal_id)
        holder: DealHolder | None = own
        # An amendment waits for its contract; it never takes that contract's place.
        if binds and terms.amendment_number in _BASE_CONTRACT:
            holder = await bindings.bind_deal(subject.firm, crm, subject.contract_number, subject.deal_id)
        if holder == own and terms.erp_project_id:
            erp, project = id_on_deal(terms.erp_project_id, self._erps.main)
            holder = await bindings.find_deal_of_project(subject.firm, erp, project)
        return DealCase(
            firm=subject.firm,
            engagement=subject.engagement,
            terms=terms,
            answers=answers,
            applied_terms_digest=row.terms_digest if row else "",
            bound_to_other_deal=holder.seen_from(crm) if holder is not None and holder != own else None,
            set_up_as=await bindings.find_contract_set_up(
                subject.firm, crm, subject.deal_id, besides=subject.contract_number
            ),
        )

    def _without_foreign_ids(self, case: DealCase, erp: ConnectionId) -> DealCase:
        """The id of a customer on a CRM account is one of the first ERP; in another it would be somebody else's."""
        buyer = case.terms.buyer
        if buyer is None or erp == self._erps.main:
            return case
        here = buyer.model_copy(update={"erp_customer_id": ""})
        return case.model_copy(update={"terms": case.terms.model_copy(update={"buyer": here})})

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
        read = await self._erps.named(contract.connection).read_back(contract, project, schedules)
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
                Step(step): number
                for step, number in (
                    ("customer", read.customer_number),
                    ("project", read.project_number),
                    ("contract", read.contract_number),
                )
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


def _why_not(choice: ErpChoice) -> Finding:
    if choice.finding is None:
        raise AssertionError("a choice without an ERP says why")
    return choice.finding


def _plan_of(verdict: PlanVerdict) -> Plan:
    if verdict.plan is None:
        raise AssertionError("a verdict of kind plan carries its plan")
    return verdict.plan
