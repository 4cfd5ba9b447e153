from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field, field_serializer

from models.base import Canonical, digest_of
from models.blocker import Blocker
from models.change_order import ChangePlan
from models.ids import (
    ConnectionId,
    ContractNumber,
    CustomerKey,
    DealId,
    EngagementId,
    FirmId,
    LegalEntityCode,
    OperationKey,
    PersonId,
    PlanDigest,
    Step,
    TermsDigest,
)
from models.money import Money
from models.operations import OperationRequest
from models.records import Guard
from models.roles import Role
from models.values import SoldValues

__all__ = [
    "ApprovalSlot",
    "FieldDiff",
    "MatchDecision",
    "Plan",
    "PlanVerdict",
    "PlannedOperation",
    "RuleRef",
    "VerdictKind",
]


class RuleRef(Canonical):
    """The firm's rule that made a figure or a choice, the version it stood in and the requirement it serves."""

    rule: str
    requirement: str
    version: str


class FieldDiff(Canonical):
    """One field as it is in the ERP now (empty: not there) and as it will be."""

    field: str
    before: str = ""
    after: str


class ApprovalSlot(Canonical):
    """One signature a plan needs before it is applied. Slots are filled by different people (DOM-9)."""

    slot: str
    roles: frozenset[Role]
    reason: str
    rule: RuleRef
    value_usd: Decimal
    """What the decision is about, in USD at the plan's rate; compared with the person's limit."""

    @field_serializer("roles")
    def _in_order(self, roles: frozenset[Role]) -> list[Role]:
        """A set has another order in every process; a digest over it must not."""
        return sorted(roles)


class PlannedOperation(Canonical):
    """One external write of the plan, in words and in data."""

    step: Step
    connection: ConnectionId
    action: str
    """`create`, `adopt`, `amend` or `unchanged` (already as wanted: nothing is written)."""
    guard: Guard
    request: OperationRequest
    needs: tuple[Step, ...] = ()
    summary: str
    """One sentence without codes, for the approver and for the run page. No personal data beyond names of companies."""
    diffs: tuple[FieldDiff, ...] = ()
    amount: Money | None = None
    rules: tuple[RuleRef, ...] = ()
    key: OperationKey

    @property
    def payload_hash(self) -> str:
        """Fingerprint of what is written; a different one under the same key is other terms."""
        return digest_of(self.request)


class MatchDecision(Canonical):
    """How the buyer was matched to an ERP customer, with its evidence, so it can be explained and undone. DOM-3."""

    outcome: str
    """`adopt`, `create` or `ask`."""
    evidence: tuple[str, ...]
    candidate_id: str = ""
    decided_by: str = "rule"


class Plan(Canonical):
    """The exact operations that one signed contract leads to. An approval is for its digest and nothing else."""

    firm: FirmId
    process: str
    engagement: EngagementId
    contract_number: ContractNumber
    amendment_number: str = ""
    deal_id: DealId
    legal_entity: LegalEntityCode
    customer_key: CustomerKey
    customer_name: str
    currency: str
    signed_on: date
    values: SoldValues
    match: MatchDecision
    operations: tuple[PlannedOperation, ...] = Field(max_length=300)
    warnings: tuple[str, ...] = ()
    manual_steps: tuple[str, ...] = ()
    approvals: tuple[ApprovalSlot, ...] = ()
    rules: tuple[RuleRef, ...] = ()
    rules_version: str
    rules_author: PersonId
    requested_by: tuple[str, ...]
    """Who may not decide on this plan: owner and seller of the deal (lower-case e-mail addresses or person ids)."""
    terms_digest: TermsDigest
    basis_digest: str
    """Fingerprint of the terms, ERP state and rules this plan was made from; a different one is stale."""
    made_at: datetime
    change: ChangePlan | None = None
    """What amendments do to a contract in force; None for the set-up of a contract."""

    @property
    def digest(self) -> PlanDigest:
        """What a decision is bound to. The time the plan was made does not count.

        Plans without a change keep the digest they had before changes were known.
        """
        uncounted = {"made_at"} if self.change is not None else {"made_at", "change"}
        return PlanDigest(digest_of(self, without=frozenset(uncounted)))

    def operation(self, step: Step) -> PlannedOperation:
        """The operation of that step. Raises KeyError if the plan has none."""
        for operation in self.operations:
            if operation.step == step:
                return operation
        raise KeyError(step)


class VerdictKind(StrEnum):
    """What planning came to."""

    PLAN = "plan"
    BLOCKED = "blocked"
    REFUSED = "refused"
    NOT_YET = "not-yet"
    """Not won, or not signed by both: nothing to do until the CRM says otherwise."""


class PlanVerdict(Canonical):
    """What planning came to: a plan, blockers, or a refusal with a reason."""

    kind: VerdictKind
    plan: Plan | None = None
    blockers: tuple[Blocker, ...] = ()
    reason_code: str = ""
    reason: str = ""
