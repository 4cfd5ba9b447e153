from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from mappings.approvals import ApprovalFacts, approval_slots
from mappings.customer_identity import customer_key
from mappings.rulebook import RuleBook
from models.base import digest_of
from models.customer_sync import ReleaseCustomer
from models.errors import Fatal
from models.ids import ContractNumber, DealId, EngagementId, LegalEntityCode, OperationKey, Step, TermsDigest
from models.match_undo import MatchUndo
from models.party import BuyerIdentity
from models.plan import MatchDecision, Plan, PlannedOperation
from models.records import Guard
from models.values import SoldValues

__all__ = ["plan_match_undo"]


def plan_match_undo(
    undo: MatchUndo,
    book: RuleBook,
    *,
    engagement: EngagementId,
    contract_number: ContractNumber,
    now: datetime,
) -> Plan:
    """What telling an account and its customer apart releases: the CRM's pointer. DOM-3.6.

    The plan is made from the wish and the rules alone, so what is decided stays decided while it is written. Raises
    Fatal where the firm's rules name nobody who decides on it: it is never done without a second person.
    """
    slots = approval_slots(ApprovalFacts(value_usd=Decimal(0), undoes_match=True), book, now.date())
    if not slots:
        raise Fatal(
            "No approval rule says who decides when a match is undone. Add one with condition 'match-undone' to "
            "approvals.toml, then repair.",
            code="TL-INT-045",
            record="approvals.toml",
        )
    name = undo.account_name or undo.account_id
    return Plan(
        firm=undo.firm,
        process="customer-sync",
        engagement=engagement,
        contract_number=contract_number,
        deal_id=DealId(undo.account_id),
        legal_entity=LegalEntityCode(""),
        customer_key=customer_key(BuyerIdentity(account_id=undo.account_id, name="")),
        customer_name=name,
        currency="",
        signed_on=undo.asked_at.date(),
        values=SoldValues(),
        match=MatchDecision(
            outcome="told-apart",
            evidence=(f"{undo.requested_by} asked for it: {undo.reason}", *undo.evidence),
            candidate_id=undo.customer.record_id,
            decided_by="person",
        ),
        operations=(_release(undo),),
        warnings=(
            f"Contracts, projects and invoices that stand under customer {undo.customer_name} stay there.",
            f"The next contract of {name} gets another customer than {undo.customer_name}, whatever the numbers say.",
        ),
        approvals=slots,
        rules=tuple(slot.rule for slot in slots),
        rules_version=book.version,
        rules_author=book.author,
        requested_by=(undo.requested_by,),
        terms_digest=TermsDigest(digest_of(undo)),
        basis_digest=digest_of(undo, book.version),
        made_at=now,
    )


def _release(undo: MatchUndo) -> PlannedOperation:
    return PlannedOperation(
        step=Step("release"),
        connection=undo.crm,
        action="amend",
        guard=Guard.PROOF,
        request=ReleaseCustomer(
            account_id=undo.account_id, customer=undo.customer, undo=undo.undo, connection=undo.crm
        ),
        summary=f"Take customer {undo.customer_name} off the account",
        key=OperationKey(f"{undo.firm}/customer-sync/{undo.account_id}/undo/{undo.undo}"),
    )
