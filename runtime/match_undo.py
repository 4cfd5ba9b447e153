from __future__ import annotations

import uuid
from datetime import UTC, datetime

from pydantic import SecretStr

from models.customer_process import sync_of
from models.customer_sync import AccountState
from models.decision import Verdict, words_of
from models.errors import NeedsRepair
from models.ids import ConnectionId, DecisionId, FirmId, PersonId
from models.match_undo import MatchUndo, UndoState, undo_subject
from models.operations import EnsureCustomer
from models.plan import Plan
from models.records import RecordKind, RecordRef
from models.roles import Role
from ports.customer_sync import Accounts
from runtime.people import sign_decision
from runtime.wiring import Tieline

__all__ = ["ask_undo", "plans_of_account"]


async def ask_undo(
    tieline: Tieline, firm: FirmId, account: str, *, person: PersonId, private_key: SecretStr, reason: str
) -> MatchUndo:
    """Keep a signed wish to tell an account and its customer apart. Nothing is released before a second person agrees.

    Raises NeedsRepair where there is nothing to undo, and what the check of the signature raises.
    """
    if not reason.strip():
        raise NeedsRepair("Say with --reason why both are not the same company.", field="reason")
    accounts = tieline.accounts
    if accounts is None:
        raise NeedsRepair("Customers of these systems are kept equal by hand.", code="TL-INT-046")
    found = await _account(accounts, account)
    plans = await plans_of_account(tieline, firm, found.account_id)
    customer = await _customer(tieline, found, plans)
    name = found.name or found.account_id
    for undo in await tieline.store.match_undos.list_told_apart(firm, accounts.connection, found.account_id):
        if undo.customer.record_id == customer.record_id and undo.customer.connection == customer.connection:
            message = f"{name} and customer {undo.customer_name} were told apart on {undo.asked_at:%d %b %Y} already."
            raise NeedsRepair(message, record=found.account_id)
    name_of_wish = DecisionId(str(uuid.uuid4()))
    _prove(tieline, firm, found.account_id, customer, name_of_wish, person, private_key, reason)
    wish = MatchUndo(
        undo=name_of_wish,
        firm=firm,
        crm=accounts.connection,
        account_id=found.account_id,
        account_name=found.name,
        customer=customer,
        requested_by=person,
        reason=reason,
        evidence=tuple(f"{plan.contract_number}: {said}" for plan in plans for said in plan.match.evidence)[:200],
        state=UndoState.ASKED,
        asked_at=datetime.now(UTC),
    )
    return await tieline.store.match_undos.ask(wish)


async def plans_of_account(tieline: Tieline, firm: FirmId, account_id: str) -> tuple[Plan, ...]:
    """The latest plan of each contract that the account signed, oldest first."""
    rows = await tieline.store.desk.list_engagements(firm)
    plans = [await tieline.store.plans.get_plan(row.plan) for row in rows if row.plan is not None]
    own = [plan for plan in plans if any(_is_of(one.request, account_id) for one in plan.operations)]
    return tuple(sorted(own, key=lambda plan: (plan.made_at, plan.contract_number)))


def _is_of(request: object, account_id: str) -> bool:
    return isinstance(request, EnsureCustomer) and request.account_id == account_id


async def _account(accounts: Accounts, account: str) -> AccountState:
    known = await accounts.find_accounts([account])
    if len(known) != 1:
        raise NeedsRepair(f"The CRM has no account {account}. Give the id of the account.", record=account)
    return await accounts.get_account(known[0].account_id)


async def _customer(tieline: Tieline, account: AccountState, plans: tuple[Plan, ...]) -> RecordRef:
    """The customer that the account names; of one that names none (two accounts of one company), that of its contracts.

    Raises NeedsRepair when there is none, or no telling in which ERP it is.
    """
    bound: list[RecordRef] = []
    for plan in plans:
        written = await tieline.store.ledger.list_operations(plan.engagement)
        effects = [row.effect for row in written if row.effect is not None]
        bound += [effect.ref for effect in effects if effect.ref.kind is RecordKind.CUSTOMER]
    pointer = account.erp_customer_id or account.shown_number
    named = [ref for ref in bound if not pointer or pointer in {ref.record_id, ref.number}]
    number = account.shown_number
    if named:
        return named[-1].model_copy(update={"number": named[-1].number or number})
    name = account.name or account.account_id
    if not account.erp_customer_id:
        raise NeedsRepair(f"{name} has no customer in the ERP: there is no match to undo.", record=account.account_id)
    for connection in tieline.erps:
        if len(tieline.erps) == 1 or await tieline.store.customers.is_bound_id(connection, account.erp_customer_id):
            return _ref(connection, account.erp_customer_id, number)
    raise NeedsRepair(
        f"{name} names ERP customer {account.erp_customer_id}, which no contract here stands on. Correct the id on the "
        "account in the CRM.",
        record=account.account_id,
        owner=Role.MASTER_DATA,
    )


def _ref(connection: ConnectionId, record_id: str, number: str) -> RecordRef:
    return RecordRef(connection=connection, kind=RecordKind.CUSTOMER, record_id=record_id, number=number)


def _prove(  # noqa: PLR0917 - everything that is signed
    tieline: Tieline,
    firm: FirmId,
    account_id: str,
    customer: RecordRef,
    wish: DecisionId,
    person: PersonId,
    private_key: SecretStr,
    reason: str,
) -> None:
    """The person signs this very wish, and the firm's directory knows the key. Raises NeedsRepair, InvalidToken."""
    subject, engagement = undo_subject(customer), sync_of(firm, account_id)
    token = sign_decision(
        private_key, person=person, firm=firm, decision=wish, engagement=engagement, verdict=Verdict.WITHDRAW,
        subject=subject, reason=reason,
    )  # fmt: skip
    claims, colleague = tieline.people.verify(token), tieline.people.find_person(person)
    said = (claims.person, claims.engagement, claims.subject, claims.words)
    if said != (person, engagement, subject, words_of("", reason)) or colleague is None:
        raise NeedsRepair("The signature is for another wish. Sign this very one.", record=account_id)
    if colleague.is_service_account:
        raise NeedsRepair("A service account carries wishes, it never has any. Sign as yourself.", record=person)
