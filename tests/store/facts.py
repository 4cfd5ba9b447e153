"""Small facts for the store's tests."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from models.blocker import Blocker, Choice, Fix, blocker_id
from models.decision import Answer, Decision, Verdict
from models.desk import EngagementRow, Stage
from models.events import CrmEvent
from models.ids import (
    ConnectionId,
    ContractNumber,
    CustomerKey,
    DealId,
    DecisionId,
    EngagementId,
    ExternalKey,
    FirmId,
    LegalEntityCode,
    OperationKey,
    PersonId,
    PlanDigest,
    Step,
    TermsDigest,
    operation_key,
)
from models.money import Money
from models.operations import WriteBackDeal
from models.plan import ApprovalSlot, MatchDecision, Plan, PlannedOperation, RuleRef
from models.records import Effect, Guard, RecordKind, RecordRef
from models.roles import Role
from models.terms import DealState, SignedTerms
from models.values import SoldValues
from ports.desk import Judged
from ports.ledger import Intent

__all__ = [
    "CONTRACT",
    "CRM",
    "ENGAGEMENT",
    "ERP",
    "FIRM",
    "Clock",
    "a_blocker",
    "a_plan",
    "an_effect",
    "an_event",
    "an_intent",
    "approval",
    "repair",
    "signed_terms",
    "status_row",
]

FIRM = FirmId("hf")
CONTRACT = ContractNumber("C-1001")
ENGAGEMENT = EngagementId("hf/C-1001")
CRM = ConnectionId("crm-main")
ERP = ConnectionId("erp-main")
RULE = RuleRef(rule="APR-1", requirement="DOM-9", version="2027-01")


class Clock:
    """A second passes each time somebody looks."""

    def __init__(self) -> None:
        self.now = datetime(2027, 1, 4, 9, 0, 0, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def an_intent(step: str = "project", **changes: Any) -> Intent:
    return Intent.model_validate(
        {
            "key": operation_key(FIRM, "quote-to-project", CONTRACT, "", step),
            "payload_hash": "hash-1",
            "engagement": ENGAGEMENT,
            "step": step,
            "plan": "plan-1",
            "guard": Guard.PROOF,
            "connection": ERP,
            "workflow_id": "quote-to-project/hf/C-1001",
            "run_id": "run-1",
            **changes,
        }
    )


def an_effect(record_id: str = "1001", kind: RecordKind = RecordKind.PROJECT, *, created: bool = True) -> Effect:
    ref = RecordRef(connection=ERP, kind=kind, record_id=record_id, number=f"P-{record_id}")
    return Effect(ref=ref, created=created)


def a_plan(*slots: tuple[str, Role], engagement: EngagementId = ENGAGEMENT, basis: str = "basis-1") -> Plan:
    operation = PlannedOperation(
        step=Step("write-back"),
        connection=CRM,
        action="create",
        guard=Guard.PROOF,
        request=WriteBackDeal(
            key=ExternalKey("k-1"), deal_id=DealId("006-1"), contract_number=CONTRACT, status="active"
        ),
        summary="Show the project on the deal.",
        amount=Money.of("128249.99", "USD"),
        key=OperationKey("hf/quote-to-project/C-1001/0/write-back"),
    )
    return Plan(
        firm=FIRM,
        process="quote-to-project",
        engagement=engagement,
        contract_number=CONTRACT,
        deal_id=DealId("006-1"),
        legal_entity=LegalEntityCode("LE-US"),
        customer_key=CustomerKey("customer-1"),
        customer_name="Northwind Traders, Inc.",
        currency="USD",
        signed_on=date(2027, 1, 4),
        values=SoldValues(exercised=Money.of("128249.99", "USD")),
        match=MatchDecision(outcome="create", evidence=("no record with this registration number",)),
        operations=(operation,),
        approvals=tuple(
            ApprovalSlot(
                slot=slot, roles=frozenset({role}), reason=f"{slot} signs", rule=RULE, value_usd=Decimal("128249.99")
            )
            for slot, role in slots
        ),
        rules=(RULE,),
        rules_version="2027-01",
        rules_author=PersonId("rita.rules"),
        requested_by=("sam.seller@example.com",),
        terms_digest=TermsDigest("terms-1"),
        basis_digest=basis,
        made_at=datetime(2027, 1, 4, 9, tzinfo=UTC),
    )


def a_blocker(record: str = "Northwind", *, engagement: EngagementId = ENGAGEMENT, **changes: Any) -> Blocker:
    facts: dict[str, Any] = {
        "blocker": blocker_id(engagement, "TL-CUS-014", record),
        "engagement": engagement,
        "code": "TL-CUS-014",
        "record": record,
        "message": f"{record} has no tax number. Add it on the account.",
        "owner": Role.SALES_OPERATIONS,
        "fix": Fix.ENTER,
        "answer_field": "tax_number",
        "choices": (Choice(value="yes", label="It has one"),),
        "stake": Money.of("128249.99", "USD"),
    }
    return Blocker.model_validate({**facts, **changes})


def approval(plan: PlanDigest, slot: str, person: str, *, decision: str = "", **changes: Any) -> Judged:
    return Judged(
        decision=Decision.model_validate(
            {
                "decision": DecisionId(decision or f"d-{slot}-{person}"),
                "engagement": ENGAGEMENT,
                "verdict": Verdict.APPROVE,
                "plan": plan,
                "token": "signed",
                **changes,
            }
        ),
        answer=Answer(accepted=True, message=f"{person} approved.", person=PersonId(person)),
        slot=slot,
        channel="update",
    )


def repair(blocker: Blocker, person: str, *, answer: str = "yes") -> Judged:
    return Judged(
        decision=Decision(
            decision=DecisionId(f"d-{person}-{answer}"),
            engagement=blocker.engagement,
            verdict=Verdict.REPAIR,
            blocker=blocker.blocker,
            answer=answer,
            token="signed",
        ),
        answer=Answer(accepted=True, message="It is looked at again.", person=PersonId(person), complete=True),
        answer_field=blocker.answer_field,
        channel="api",
    )


def an_event(event_id: str = "e-1", **changes: Any) -> CrmEvent:
    return CrmEvent.model_validate(
        {
            "connection": CRM,
            "event_id": event_id,
            "object_kind": "deal",
            "record_id": "006-1",
            "occurred_at": datetime(2027, 1, 4, 8, tzinfo=UTC),
            **changes,
        }
    )


def signed_terms(**changes: Any) -> SignedTerms:
    return SignedTerms.model_validate(
        {
            "deal_id": "006-1",
            "deal_name": "Northwind: finance review",
            "deal_state": DealState.WON,
            "source_version": datetime(2027, 1, 4, 9, tzinfo=UTC),
            "contract_number": CONTRACT,
            "signed_total": Money.of("128249.99", "USD"),
            **changes,
        }
    )


def status_row(stage: Stage = Stage.PLANNING, **changes: Any) -> EngagementRow:
    return EngagementRow.model_validate(
        {
            "engagement": ENGAGEMENT,
            "firm": FIRM,
            "contract_number": CONTRACT,
            "deal_id": "006-1",
            "workflow_id": "quote-to-project/hf/C-1001",
            "stage": stage,
            "sentence": "The contract is read.",
            **changes,
        }
    )
