from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time

from temporalio import activity

from activities.boundary import business_boundary
from activities.change_confirming import check_agrees, check_standing
from activities.connected import Connected
from activities.plan_desk import PlanDesk
from mappings.change_order.case import ChangeCase
from mappings.change_order.plan import plan_change
from mappings.change_order.waiting import asks_at
from mappings.rulebook import RuleBook
from models.amending import AmendContract
from models.change_order import Amendment
from models.change_process import ChangesPlanned, DealNote, PlanChangesCall
from models.contract_standing import AppliedAmendment, ContractStanding
from models.desk import Stage
from models.errors import Fatal, NeedsRepair
from models.ids import ConnectionId, CustomerKey, EngagementId, PlanDigest, engagement_id
from models.plan import Plan, PlanVerdict, VerdictKind
from models.process import ConfirmCall, Confirmed, EngagementRef, Planned, PlannedKind
from models.records import RecordRef
from models.roles import Role
from ports.amendments import AmendmentReader, ContractChange, StandingReader
from ports.crm import DealReader
from ports.desk import Desk, PlanBook
from ports.ledger import Ledger, OperationState

__all__ = ["ChangePlanningActivities"]

_IN_FORCE = frozenset({Stage.ACTIVE, Stage.CHANGE_ORDER})
_KINDS = ("amend-schedule", "amend-contract", "propose-credit-note", "propose-adjustments", "release-parked",
          "close-for-time")  # fmt: skip
_LONGEST_MESSAGE = 4000


class ChangePlanningActivities:
    """Amendments of one contract against the contract as it stands: reads both sides, makes and keeps the plan.

    It holds only the reading half of each connection, so nothing on this path can write to a vendor.
    """

    def __init__(
        self,
        *,
        amendments: AmendmentReader,
        deals: DealReader,
        erps: Connected[StandingReader],
        plans: PlanBook,
        desk: Desk,
        ledger: Ledger,
        rules: Callable[[], RuleBook],
        now: Callable[[], datetime],
    ) -> None:
        self._amendments = amendments
        self._deals = deals
        self._erps = erps
        self._plans = plans
        self._desk = desk
        self._ledger = ledger
        self._rules = rules
        self._now = now
        self._shown = PlanDesk(plans, desk, rules, now)

    @activity.defn
    @business_boundary
    async def plan_changes(self, call: PlanChangesCall) -> ChangesPlanned:
        """Put the amendments in order, plan those that can be applied, and say what the others wait for."""
        return await self._plan_changes(call)

    async def _plan_changes(self, call: PlanChangesCall) -> ChangesPlanned:
        subject = call.subject
        amendments = await self._amendments.list_amendments(subject.contract_number)
        if (begun := await self._begun(call, amendments)) is not None:
            return await self._planned(subject, begun, amendments)
        case = await self._case(subject, amendments)
        verdict = plan_change(case, self._rules())
        match verdict.kind:
            case VerdictKind.PLAN if verdict.plan is not None:
                found = await self._planned(subject, verdict.plan, amendments)
                return found.model_copy(update={"notes": (*found.notes, *_notes(amendments, verdict))})
            case VerdictKind.BLOCKED:
                planned = await self._shown.blocked(subject, verdict.blockers)
                if case.standing is None and await self._set_up(subject) is not None:
                    # Set up in this very moment, before anybody could see that something waits for it.
                    return await self._plan_changes(call)
                at = self._asks_at(case, verdict)
                return ChangesPlanned(planned=planned, notes=_notes(amendments, verdict), look_again_at=at)
            case VerdictKind.REFUSED:
                refused = Planned(kind=PlannedKind.REFUSED, sentence=verdict.reason)
                return ChangesPlanned(planned=refused, notes=_notes(amendments, verdict))
            case _:
                return ChangesPlanned(planned=Planned(kind=PlannedKind.NOT_YET, sentence=verdict.reason))

    async def verdict(self, subject: EngagementRef) -> PlanVerdict:
        """What the rules make of the amendments and of the contract as it stands; nothing is kept."""
        amendments = await self._amendments.list_amendments(subject.contract_number)
        return plan_change(await self._case(subject, amendments), self._rules())

    async def _case(self, subject: EngagementRef, amendments: Sequence[Amendment]) -> ChangeCase:
        contract = await self._set_up(subject)
        row = await self._desk.find_engagement(engagement_id(subject.firm, subject.contract_number))
        erp = self._erps.named(contract.connection if contract else ConnectionId(""))
        standing: ContractStanding | None = None
        if contract is not None:
            standing = await erp.get_standing(contract)
            check_agrees(standing)
            held = await self._brought_in(subject.engagement)
            standing = standing.model_copy(update={"applied": _with_details(standing.applied, held)})
        customer = (await self._plans.get_plan(row.plan)).customer_key if row is not None and row.plan else ""
        return ChangeCase(
            firm=subject.firm,
            engagement=subject.engagement,
            contract_number=subject.contract_number,
            amendments=tuple(amendments),
            standing=standing,
            answers=await self._desk.list_answers(subject.engagement),
            customer_key=CustomerKey(customer),
            crm_connection=self._deals.connection,
            erp_connection=erp.connection,
            write_back_guard=self._deals.guard_of_write_back(),
            guards={kind: erp.guard_of_change(kind) for kind in _KINDS},
            now=self._now(),
        )

    def _asks_at(self, case: ChangeCase, verdict: PlanVerdict) -> datetime | None:
        """When a silent wait for an earlier amendment becomes a question."""
        waiting = {item.record for item in verdict.blockers if item.code == "TL-CHG-001"}
        asked = [
            asks_at(case, item, self._rules())
            for item in case.amendments
            if f"{item.contract_number} amendment {item.number}" in waiting
        ]
        return min((at for at in asked if at > case.now), default=None)

    @activity.defn
    @business_boundary
    async def confirm_changes(self, call: ConfirmCall) -> Confirmed:
        """Read the contract back; it equals the plan to the minor unit, or a person looks (TL-BIL-003)."""
        plan = await self._plans.get_plan(call.plan)
        if plan.change is None:
            raise Fatal(f"Plan {call.plan} changes no contract in force.", record=call.plan)
        contract = next((request.contract for request in _changes(plan)), None)
        if contract is None:
            return Confirmed(rows=0, sentence=_in_force(plan))
        standing = await self._erps.named(contract.connection).get_standing(contract)
        check_standing(plan.change, standing)
        return Confirmed(rows=len(standing.rows), sentence=_in_force(plan))

    async def _planned(self, subject: EngagementRef, plan: Plan, amendments: Sequence[Amendment]) -> ChangesPlanned:
        if plan.change is None:
            raise Fatal(f"Plan {plan.digest} changes no contract in force.", record=plan.contract_number)
        numbers = plan.change.amendments
        name = f"amendment{'s' if len(numbers) > 1 else ''} {', '.join(numbers)} of contract"
        planned = await self._shown.planned(subject, plan, what=name)
        held = {item.number for item in await self._brought_in(subject.engagement)} | set(numbers)
        more = any(item.number not in held | set(plan.change.skipped) for item in amendments)
        own = [item for item in amendments if item.number in numbers]
        day = plan.change.apply_on
        if planned.kind is PlannedKind.APPLY and day > self._now().date():
            text = f"{plan.customer_name}: {name} {plan.contract_number} is decided; it is written on {day:%d %b %Y}."
            await self._shown.save_row(subject, Stage.DECIDING, text, plan=plan)
            wait = planned.model_copy(update={"kind": PlannedKind.BLOCKED, "sentence": text})
            at = datetime.combine(day, time(0), UTC)
            return ChangesPlanned(planned=wait, notes=_said(own, text), look_again_at=at, more_to_do=more)
        notes = _said(own, planned.sentence) if planned.kind is PlannedKind.DECIDE else ()
        return ChangesPlanned(planned=planned, notes=notes, more_to_do=more)

    async def _begun(self, call: PlanChangesCall, amendments: Sequence[Amendment]) -> Plan | None:
        """The plan that is being applied: some of it may stand in the ERP already, so a new one would be another.

        It ends when an amendment it brings in says something else by now, or when the process drops it.
        """
        half = await self._half_written(call.subject.engagement)
        digest = half or call.applying
        if digest is None:
            row = await self._desk.find_engagement(call.subject.engagement)
            if row is None or row.stage is not Stage.APPLYING or row.plan is None:
                return None
            digest = row.plan
        plan = await self._plans.get_plan(digest)
        signed = {item.number: item.digest for item in amendments}
        brought = [item for request in _changes(plan) if isinstance(request, AmendContract) for item in request.applied]
        same = all(item.skipped or signed.get(item.number) == item.terms_digest for item in brought)
        if half and not same:
            raise NeedsRepair(
                f"An amendment of contract {call.subject.contract_number} was changed in the CRM while it was being "
                "written to the ERP. Put its signed terms back in the CRM, then repair; sign another amendment for "
                "what is to be different.",
                code="TL-CHG-008",
                record=call.subject.contract_number,
                field="terms",
                owner=Role.CONTRACTS,
            )
        return plan if same else None

    async def _half_written(self, changes: EngagementId) -> PlanDigest | None:
        """A plan of which something is in the ERP, or may be, but not its last write: it goes on, whatever happened.

        Planned anew from a contract that stands half way, the same change would be made twice.
        """
        rows = [row for row in await self._ledger.list_operations(changes) if row.plan]
        begun = {row.key for row in rows if row.state is not OperationState.NOT_APPLIED}
        done = {row.key for row in rows if row.state is OperationState.APPLIED}
        for digest in dict.fromkeys(row.plan for row in rows):
            plan = await self._plans.get_plan(digest)
            writes = [item for item in plan.operations if isinstance(item.request, ContractChange)]
            last = [item.key for item in writes if isinstance(item.request, AmendContract)]
            if last and last[-1] not in done and begun & {item.key for item in writes}:
                return digest
        return None

    async def _set_up(self, subject: EngagementRef) -> RecordRef | None:
        """The ERP contract of the engagement; None while it is not in force."""
        base = engagement_id(subject.firm, subject.contract_number)
        row = await self._desk.find_engagement(base)
        if row is None or row.stage not in _IN_FORCE:
            return None
        for write in await self._ledger.list_operations(base):
            if write.step == "contract" and write.state is OperationState.APPLIED and write.effect is not None:
                return write.effect.ref
        return None

    async def _brought_in(self, changes: EngagementId) -> tuple[AppliedAmendment, ...]:
        """What our own plans brought into the contract, with what each amendment did."""
        rows = [row for row in await self._ledger.list_operations(changes) if row.state is OperationState.APPLIED]
        digests = dict.fromkeys(row.plan for row in rows if row.plan)
        keys = {row.key for row in rows}
        found: dict[str, AppliedAmendment] = {}
        for digest in digests:
            plan = await self._plans.get_plan(PlanDigest(digest))
            for operation in plan.operations:
                if isinstance(operation.request, AmendContract) and operation.key in keys:
                    found |= {item.number: item for item in operation.request.applied}
        return tuple(found.values())


def _with_details(
    in_erp: tuple[AppliedAmendment, ...], ours: tuple[AppliedAmendment, ...]
) -> tuple[AppliedAmendment, ...]:
    """The ERP says which amendments the contract holds, we know what they did."""
    known = {item.number: item for item in ours}
    return tuple(known.get(item.number, item) for item in in_erp)


def _changes(plan: Plan) -> list[ContractChange]:
    return [operation.request for operation in plan.operations if isinstance(operation.request, ContractChange)]


def _in_force(plan: Plan) -> str:
    change = plan.change
    if change is None:
        raise AssertionError("checked by the caller")
    numbers, many = ", ".join(change.amendments), len(change.amendments) > 1
    value = f" Value {change.values_after.exercised}," if change.values_after.exercised else ""
    return (
        f"Amendment{'s' if many else ''} {numbers} {'are' if many else 'is'} in force.{value} invoiced "
        f"{change.invoiced}, still to bill {change.still_to_bill}."
    )


def _said(amendments: Sequence[Amendment], message: str) -> tuple[DealNote, ...]:
    return tuple(
        DealNote(
            deal_id=item.deal_id, amendment_number=item.number, owner_id=item.owner_id, status="waiting",
            message=message[:_LONGEST_MESSAGE],
        )
        for item in amendments
    )  # fmt: skip


def _notes(amendments: Sequence[Amendment], verdict: PlanVerdict) -> tuple[DealNote, ...]:
    """Each amendment that waits hears its own reason; one without, that it waits for the others."""
    reasons = {item.record: item.message for item in verdict.blockers}
    refused = verdict.kind is VerdictKind.REFUSED
    found: list[DealNote] = []
    for item in amendments:
        own = reasons.get(f"{item.contract_number} amendment {item.number}")
        text = own or (verdict.reason if refused else "")
        if text:
            (note,) = _said([item], text)
            found.append(note.model_copy(update={"status": "refused" if refused else "waiting"}))
    return tuple(found)
