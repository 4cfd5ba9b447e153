from __future__ import annotations

from dataclasses import dataclass

from activities.holding import is_held
from activities.purchase_orders import entered_po
from models.desk import SET_UP_STAGES, EngagementRow, Stage
from models.errors import NeedsRepair
from models.ids import ConnectionId, ContractNumber
from models.operations import EnsureContract
from models.process import EngagementRef, Situation
from models.roles import Role
from models.terms import DealState, SignedTerms
from ports.desk import Desk, PlanBook
from ports.inbox import DealBindings, DealHolder
from ports.ledger import Ledger, OperationRow, OperationState

__all__ = ["Situations"]

_AFTER_A_LOSS = frozenset({Stage.LOST, Stage.ON_HOLD, Stage.CANCELLED, Stage.KEPT})
_BASE_CONTRACT = frozenset({"", "0"})
_COPIED = "TL-CON-014"


@dataclass(frozen=True)
class _Here:
    """What stands here about the contract."""

    row: EngagementRow | None
    writes: list[OperationRow]

    @property
    def is_set_up(self) -> bool:
        return self.row is not None and self.row.stage in SET_UP_STAGES

    @property
    def is_written(self) -> bool:
        return self.is_set_up or bool(self.writes)


class Situations:
    """What a deal, as the CRM has it now, means for the contract it was started for (DOM-2.3)."""

    def __init__(
        self, desk: Desk, ledger: Ledger, plans: PlanBook, bindings: DealBindings, main_crm: ConnectionId
    ) -> None:
        self._desk = desk
        self._plans = plans
        self._ledger = ledger
        self._bindings = bindings
        self._main_crm = main_crm

    async def of_terms(self, subject: EngagementRef, terms: SignedTerms) -> tuple[Situation, str]:
        """Raises NeedsRepair when the deal and what was set up here do not belong together."""
        if terms.contract_number != subject.contract_number:
            return await self.of_a_deal_without_it(subject, terms.contract_number)
        here = await self._here(subject)
        if (other := await self._other_holder(subject, here)) is not None:
            return _of_another_deal(subject, terms, here, other)
        if terms.deal_state is not DealState.WON:
            return await self._freed(subject, _of_a_deal_not_won(terms, here))
        if here.row is not None and here.is_set_up and here.row.terms_digest:
            # Released, but its worker was gone before the deal and the desk said so: that is still to be done.
            held = is_held(here.writes) or here.row.stage is Stage.FROZEN
            return await self._with_po(here, terms, _of_a_finished_set_up(here.row, terms, held=held))
        if is_held(here.writes):
            return Situation.WON_AGAIN_UNFINISHED, "The deal is won again; its set-up goes on."
        return Situation.TO_PLAN, "The deal is won."

    async def of_a_deal_without_it(self, subject: EngagementRef, sold: ContractNumber) -> tuple[Situation, str]:
        """The deal has another contract number by now, or none: what it sells is not planned under the old one."""
        here = await self._here(subject)
        by_now = f"Deal {subject.deal_id} now sells {f'contract {sold}' if sold else 'no contract'}"
        if await self._other_holder(subject, here) is not None:
            return Situation.OF_ANOTHER, f"{by_now}; {subject.contract_number} is another deal's and stays as it is."
        if not here.is_written:
            sentence = f"{by_now}; nothing was written to the ERP for {subject.contract_number}."
            return await self._freed(subject, (Situation.NOT_WON, sentence))
        raise NeedsRepair(
            f"{by_now}, but its records in the ERP were made as contract {subject.contract_number}. Put that number "
            "back on the deal in the CRM, then repair. Nothing was written.",
            code=_COPIED,
            record=subject.contract_number,
            field="contract number",
            owner=Role.SALES_OPERATIONS,
        )

    async def _freed(self, subject: EngagementRef, found: tuple[Situation, str]) -> tuple[Situation, str]:
        """A deal that sells the contract no more, and of which nothing was written, does not keep its number."""
        if found[0] is Situation.NOT_WON:
            await self._bindings.release_deal(subject.firm, subject.contract_number, self._own(subject))
        return found

    async def is_holder(self, subject: EngagementRef) -> bool:
        """Whether the contract is this deal's, or nobody's yet: a copy must not speak in the place of its original."""
        holder = await self._bindings.find_deal_of_contract(subject.firm, subject.contract_number)
        return holder is None or holder == self._own(subject)

    async def _with_po(
        self, here: _Here, terms: SignedTerms, found: tuple[Situation, str]
    ) -> tuple[Situation, str]:
        """A PO number that came after the set-up is administrative: it changes no terms, and lets billing begin."""
        if found[0] is not Situation.UNCHANGED or not terms.po_number:
            return found
        if not await self._is_new_po(here, terms.po_number):
            return found
        return Situation.PO_ENTERED, f"The customer's PO number {terms.po_number} came after the set-up."

    async def _is_new_po(self, here: _Here, number: str) -> bool:
        """Whether the contract in the ERP was last given another number, by its plan or after it."""
        if (later := entered_po(here.writes)) is not None:
            return later != number
        if here.row is None or here.row.plan is None:
            return False
        plan = await self._plans.get_plan(here.row.plan)
        contract = next((one.request for one in plan.operations if isinstance(one.request, EnsureContract)), None)
        return contract is not None and contract.po_number != number

    async def _here(self, subject: EngagementRef) -> _Here:
        """Writes are those that had or may have had their effect in the ERP; a status on the deal is no set-up."""
        row = await self._desk.find_engagement(subject.engagement)
        writes = [
            write
            for write in await self._ledger.list_operations(subject.engagement)
            if write.state is not OperationState.NOT_APPLIED
            and write.step != "write-back"
            and not write.step.startswith("status:")
        ]
        return _Here(row, writes)

    async def _other_holder(self, subject: EngagementRef, here: _Here) -> str | None:
        if not here.is_written:
            return None
        holder = await self._bindings.find_deal_of_contract(subject.firm, subject.contract_number)
        own = self._own(subject)
        return None if holder is None or holder == own else holder.seen_from(own.connection)

    def _own(self, subject: EngagementRef) -> DealHolder:
        return DealHolder(connection=subject.crm or self._main_crm, deal=subject.deal_id)


def _of_a_deal_not_won(terms: SignedTerms, here: _Here) -> tuple[Situation, str]:
    word = "open again" if terms.deal_state is DealState.OPEN else "lost"
    if here.is_written:
        return Situation.LOST_AFTER_SET_UP, f"The deal is {word} in the CRM after its project was opened."
    return Situation.NOT_WON, f"The deal is {word} in the CRM; nothing was written to the ERP."


def _of_another_deal(subject: EngagementRef, terms: SignedTerms, here: _Here, holder: str) -> tuple[Situation, str]:
    """A copy, or an amendment that is a deal of its own: only when it is won it means something here."""
    number = subject.contract_number
    if terms.deal_state is not DealState.WON:
        sentence = f"Deal {subject.deal_id} is not won; contract {number} stays as deal {holder} sold it."
        return Situation.OF_ANOTHER, sentence
    is_amendment = terms.amendment_number not in _BASE_CONTRACT
    if is_amendment and here.row is not None and here.row.terms_digest not in {"", terms.digest}:
        return Situation.OTHER_TERMS, f"Amendment {terms.amendment_number} of contract {number} was won."
    raise NeedsRepair(
        f"Deal {subject.deal_id} carries the contract number {number} of deal {holder}, which was set up under it "
        "(copied record). Clear the number on the copy in the CRM, then repair. Nothing was written.",
        code=_COPIED,
        record=number,
        field="contract number",
        owner=Role.SALES_OPERATIONS,
    )


def _of_a_finished_set_up(row: EngagementRow, terms: SignedTerms, *, held: bool) -> tuple[Situation, str]:
    if row.terms_digest != terms.digest:
        return Situation.OTHER_TERMS, "The signed terms differ from those that were set up."
    if held:
        return Situation.WON_AGAIN, "The deal is won again on the same terms."
    if row.stage in _AFTER_A_LOSS:
        return Situation.WON_AGAIN_OPEN, "The deal is won again on the same terms."
    return Situation.UNCHANGED, "Already set up on these terms; nothing to do."
