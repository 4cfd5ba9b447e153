from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from temporalio import activity

from activities.boundary import business_boundary
from activities.erp import intent_of
from activities.exactly_once import ExactlyOnce
from activities.plan_desk import PlanDesk
from mappings.customer_sync import CustomerCase, carried, compare, doubted, plan_customer_sync, settled
from mappings.rulebook import RuleBook
from models.customer_sync import (
    AccountState,
    AgreedState,
    CustomerState,
    SharedField,
    ShowCustomer,
    UpdateContact,
    UpdateCustomer,
)
from models.desk import Stage
from models.errors import Fatal, NeedsRepair
from models.ids import ConnectionId
from models.plan import Plan, PlannedOperation
from models.process import ApplyStep, ConfirmCall, Confirmed, EngagementRef, Planned, PlannedKind, StepDone
from models.roles import Role
from ports.customer_sync import AccountReader, Accounts, CustomerKeeper, CustomerReader, SyncMemory
from ports.desk import Desk, PlanBook

__all__ = ["CustomerPlanning", "CustomerSyncActivities"]

_PERSON = f"{SharedField.PERSON.value}:"


class CustomerPlanning:
    """An account and its customer, read from both sides and compared. It holds the reading halves only."""

    def __init__(
        self,
        *,
        crm: AccountReader,
        erps: Mapping[ConnectionId, CustomerReader],
        guards: Mapping[ConnectionId, CustomerKeeper],
        memory: SyncMemory,
        plans: PlanBook,
        desk: Desk,
        rules: Callable[[], RuleBook],
        now: Callable[[], datetime],
    ) -> None:
        self._crm = crm
        self._erps = erps
        self._guards = guards
        self._memory = memory
        self._plans = plans
        self._desk = desk
        self._rules = rules
        self._now = now
        self._shown = PlanDesk(plans, desk, rules, now)

    @activity.defn
    @business_boundary
    async def plan_customer(self, subject: EngagementRef) -> Planned:
        """Compare both sides; what its owner changed becomes a plan, what only a person can settle a stop."""
        account = await self._crm.get_account(str(subject.deal_id))
        case = await self._case(subject, account)
        if case is None:
            name = account.name or account.account_id
            sentence = f"{name} has no customer in the ERP yet: its first contract makes it."
            return Planned(kind=PlannedKind.NOT_YET, sentence=sentence)
        verdict = plan_customer_sync(case, self._rules())
        if verdict.plan is not None:
            return await self._shown.planned(subject, verdict.plan, what="the customer of")
        await self._agree(subject, case)
        if verdict.blockers:
            return await self._shown.blocked(subject, verdict.blockers, customer_name=account.name)
        return Planned(kind=PlannedKind.NOT_YET, sentence=f"{account.name}: account and customer are in order.")

    @activity.defn
    @business_boundary
    async def confirm_customer(self, call: ConfirmCall) -> Confirmed:
        """Read both sides back. What was carried over is there, or a person looks; what is equal is agreed on."""
        account = await self._crm.get_account(str(call.subject.deal_id))
        case, name = await self._case(call.subject, account), account.name or account.account_id
        if case is None:
            raise NeedsRepair(
                f"{name} lost its customer while it was brought up to date. Enter the ERP customer id on the CRM's "
                "account, then repair.",
                code="TL-CUS-003",
                record=account.account_id,
                owner=Role.MASTER_DATA,
            )
        plan = await self._plans.get_plan(call.plan)
        doubt = case.model_copy(update={"agreed": doubted(case.agreed, plan)})
        again = plan_customer_sync(doubt, self._rules()).plan
        if again and (lost := [one.summary for one in plan.operations if _is_wanted_again(one, again)]):
            # From now on it counts as never carried over, so that the repair writes it anew.
            await self._memory.save_agreed(
                call.subject.firm, self._crm.connection, case.account.account_id, doubt.agreed
            )
            raise NeedsRepair(
                f"{name}: this was written, and cannot be seen: {'; '.join(lost)}. Look at both records, then repair.",
                code="TL-CUS-023",
                record=account.account_id,
                owner=Role.MASTER_DATA,
            )
        fields = await self._agree(call.subject, case)
        return Confirmed(rows=fields, sentence=f"{name}: account and customer are equal in the fields each owns.")

    async def _case(self, subject: EngagementRef, account: AccountState) -> CustomerCase | None:
        """None when the account has no customer of ours."""
        agreed = await self._memory.get_agreed(subject.firm, self._crm.connection, account.account_id)
        customer = await self._customer(account, agreed)
        if customer is None:
            return None
        if agreed.customer_id and agreed.customer_id != customer.ref.record_id:
            # The account was pointed to another customer: nobody agreed on anything with that one.
            agreed = AgreedState(revision=agreed.revision)
        return CustomerCase(
            firm=subject.firm,
            engagement=subject.engagement,
            contract_number=subject.contract_number,
            crm_connection=self._crm.connection,
            account=account,
            customer=customer,
            agreed=agreed,
            answers=await self._desk.list_answers(subject.engagement),
            guard=self._guards[customer.ref.connection].guard_of_customer_change(),
            now=self._now(),
        )

    async def _customer(self, account: AccountState, agreed: AgreedState) -> CustomerState | None:
        """The customer that the account names, in the ERP where an engagement of ours stands on it.

        A deleted account is not readable any more; what it named was kept when both last agreed.
        """
        pointer = agreed.customer_id if account.is_deleted else account.erp_customer_id
        if not pointer:
            return None
        codes = {person.code for person in account.people}
        codes |= {key.removeprefix(_PERSON) for key in agreed.values if key.startswith(_PERSON)}
        for connection, erp in self._erps.items():
            if not await self._memory.is_bound_id(connection, pointer):
                continue
            people = await self._memory.list_known_people(connection, sorted(codes))
            found = await erp.get_customer(pointer, people)
            if found is None and not account.is_deleted:
                raise NeedsRepair(
                    f"{account.name}: the account names ERP customer {pointer}, which is not there any more. Clear the "
                    "ERP customer id on the CRM's account, then repair.",
                    code="TL-CUS-003",
                    record=account.account_id,
                    field="ERP customer id",
                    owner=Role.MASTER_DATA,
                )
            return found
        return None

    async def _agree(self, subject: EngagementRef, case: CustomerCase) -> int:
        """Keep what is equal now; returns how many fields that is."""
        rules = self._rules().field_rules(case.now.date())
        waiting = compare(case.account, case.customer, case.agreed, rules)
        agreed = settled(case.account, case.customer, case.agreed, waiting)
        if case.account.is_deleted:
            return len(agreed.values)
        agreed = agreed.model_copy(update={"customer_id": case.customer.ref.record_id})
        if agreed != case.agreed:
            agreed = agreed.model_copy(update={"revision": case.agreed.revision + 1})
            await self._memory.save_agreed(subject.firm, self._crm.connection, case.account.account_id, agreed)
        return len(agreed.values)


class CustomerSyncActivities:
    """Every write of customer sync, one activity per operation, each taken from the stored plan."""

    def __init__(
        self,
        *,
        crm: Accounts,
        erps: Mapping[ConnectionId, CustomerKeeper],
        plans: PlanBook,
        desk: Desk,
        memory: SyncMemory,
        once: ExactlyOnce,
    ) -> None:
        self._crm = crm
        self._erps = erps
        self._memory = memory
        self._plans = plans
        self._desk = desk
        self._once = once

    @activity.defn
    @business_boundary
    async def update_customer(self, call: ApplyStep) -> StepDone:
        """Change a customer or a person there; what moved since the plan is refused as stale."""
        operation = (await self._plans.get_plan(call.plan)).operation(call.step)
        request = operation.request
        if not isinstance(request, (UpdateCustomer, UpdateContact)):
            raise Fatal(f"Step {call.step} of the plan changes no customer.", record=call.step)
        erp = self._erps[operation.connection]
        effect = await self._once.apply(
            intent_of(call, operation),
            find=lambda: erp.find_update(request),
            ensure=lambda: erp.apply_update(request),
        )
        await self._remember(call, operation)
        return StepDone(step=call.step, ref=effect.ref, created=effect.created, changed=effect.changed)

    @activity.defn
    @business_boundary
    async def show_customer(self, call: ApplyStep) -> StepDone:
        """Show on the CRM's account what the ERP owns."""
        operation = (await self._plans.get_plan(call.plan)).operation(call.step)
        request = operation.request
        if not isinstance(request, ShowCustomer):
            raise Fatal(f"Step {call.step} of the plan shows nothing on an account.", record=call.step)
        effect = await self._once.apply(
            intent_of(call, operation),
            find=lambda: self._crm.find_shown(request),
            ensure=lambda: self._crm.show_customer(request),
        )
        await self._remember(call, operation)
        return StepDone(step=call.step, ref=effect.ref, created=effect.created, changed=effect.changed)

    async def _remember(self, call: ApplyStep, operation: PlannedOperation) -> None:
        """With the write, not at the end of the plan: the CRM may change it back before the other steps are done."""
        firm, account = call.subject.firm, str(call.subject.deal_id)
        agreed = await self._memory.get_agreed(firm, self._crm.connection, account)
        await self._memory.save_agreed(firm, self._crm.connection, account, carried(agreed, operation))

    @activity.defn
    @business_boundary
    async def drop_customer_plan(self, subject: EngagementRef) -> None:
        """The plan on its way is not followed any more: what it was made from has moved."""
        row = await self._desk.find_engagement(subject.engagement)
        if row is not None and row.stage is Stage.APPLYING:
            await self._desk.save_engagement(row.model_copy(update={"stage": Stage.PLANNING}))


def _is_wanted_again(written: PlannedOperation, again: Plan) -> bool:
    """The same change once more, right after it was made: it was taken and does not show."""
    same = [one for one in again.operations if one.step == written.step]
    if isinstance(written.request, UpdateCustomer):
        fields = {(diff.field, diff.after) for diff in written.diffs}
        return any((diff.field, diff.after) in fields for one in same for diff in one.diffs)
    return any(one.request == written.request for one in same)
