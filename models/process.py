from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from models.base import Canonical
from models.blocker import Choice
from models.ids import BlockerId, ConnectionId, ContractNumber, DealId, EngagementId, FirmId, PlanDigest, Step
from models.money import Money
from models.records import Links, RecordRef
from models.roles import Role

__all__ = [
    "ApplyStep",
    "Carried",
    "ClosedDeal",
    "ConfirmCall",
    "Confirmed",
    "DealNews",
    "EngagementRef",
    "EscalateCall",
    "FinishCall",
    "JudgeCall",
    "LadderRung",
    "OperationBrief",
    "Outcome",
    "ParkCall",
    "Parked",
    "PlanCall",
    "Planned",
    "PlannedKind",
    "QuoteToProjectResult",
    "Remedy",
    "Situation",
    "StatusCall",
    "StepDone",
    "TermsCall",
    "TermsRead",
    "Trouble",
    "UnreadableMessage",
]


class EngagementRef(Canonical):
    """Which engagement a step is about."""

    firm: FirmId
    engagement: EngagementId
    crm: ConnectionId = ConnectionId("")
    """The account its deal is in. Empty in processes that began before there could be several: the first one."""
    deal_id: DealId
    contract_number: ContractNumber
    workflow_id: str


class DealNews(Canonical):
    """The CRM says that the deal changed."""

    source_version: datetime | None = None


class Situation(StrEnum):
    """What the deal is to us, as both sides stand now."""

    TO_PLAN = "to-plan"
    UNCHANGED = "unchanged"
    """Already set up on these very terms: nothing to do."""
    OTHER_TERMS = "other-terms"
    """Already set up, and the signed terms differ: a change order."""
    NOT_WON = "not-won"
    """Not won (any more), and nothing was written."""
    LOST_AFTER_SET_UP = "lost-after-set-up"
    WON_AGAIN = "won-again"
    """Frozen, and now won again on the same terms."""
    WON_AGAIN_OPEN = "won-again-open"
    """Lost for a while and never frozen, and now won again on the same terms."""
    PO_ENTERED = "po-entered"
    """Set up on these terms; only the customer's PO number is another one by now."""
    OF_ANOTHER = "of-another"
    """The contract is another deal's and stays as it is."""
    WON_AGAIN_UNFINISHED = "won-again-unfinished"
    """Frozen before its set-up was complete, and now won again: release it, then go on setting up."""


class TermsRead(Canonical):
    """What the CRM said, by reference."""

    reference: str
    terms_digest: str
    situation: Situation
    source_version: datetime
    sentence: str


class PlanCall(Canonical):
    """Make a plan from terms that were read."""

    subject: EngagementRef
    terms_reference: str
    is_repaired: bool = False
    """A person says that something was set up or corrected: what is kept of the ERP is read anew."""


class PlannedKind(StrEnum):
    """What planning came to, for the process."""

    APPLY = "apply"
    DECIDE = "decide"
    BLOCKED = "blocked"
    REFUSED = "refused"
    REJECTED = "rejected"
    """A person said no to this very plan before: it is not asked again."""
    NOT_YET = "not-yet"


class OperationBrief(Canonical):
    """What the process must know of one operation: its order and its sentence. No personal data."""

    step: Step
    request_kind: str
    needs: tuple[Step, ...] = ()
    summary: str
    action: str
    guard: str


class LadderRung(Canonical):
    """At this instant, if nobody acted: remind, or show it to the next level (DOM-9.3)."""

    at: datetime
    action: str
    to: Role


class Planned(Canonical):
    """A plan by its digest, with what the process and the run page need of it."""

    kind: PlannedKind
    digest: PlanDigest | None = None
    sentence: str = ""
    legal_entity: str = ""
    customer_key: str = ""
    value: Money | None = None
    owner: Role | None = None
    operations: tuple[OperationBrief, ...] = Field(default=(), max_length=300)
    warnings: tuple[str, ...] = ()
    blockers: tuple[BlockerId, ...] = Field(default=(), max_length=300)
    blocker_sentences: tuple[str, ...] = Field(default=(), max_length=300)
    ladder: tuple[LadderRung, ...] = Field(default=(), max_length=20)


class Carried(Canonical):
    """What a run that grew too long hands to the one that goes on in its place."""

    applying: Planned | None = None
    """The approved plan that is on its way into the ERP."""
    terms_digest: str = ""
    """The terms that plan was made from."""
    asked: tuple[str, ...] = Field(default=(), max_length=300)
    ladder: tuple[LadderRung, ...] = Field(default=(), max_length=20)
    """The rungs still ahead for what is asked."""
    told: str = ""
    """What the deal shows by word of this process."""
    loss_answer: str = ""
    """What a person said about a lost deal, not carried out yet."""


class ClosedDeal(Canonical):
    """Start of quote to project: one signed contract and the deal that says so."""

    firm: FirmId
    engagement: EngagementId
    crm: ConnectionId = ConnectionId("")
    """The account the deal is in, by which its event came. Empty: the first one."""
    deal_id: DealId
    contract_number: ContractNumber
    source_version: datetime | None = None
    carried: Carried | None = None


class ApplyStep(Canonical):
    """Do one operation of an approved plan. The plan itself is in the store, so nothing else can be done by this."""

    subject: EngagementRef
    plan: PlanDigest
    step: Step
    links: Links


class StepDone(Canonical):
    """What the operation came to."""

    step: Step
    ref: RecordRef
    created: bool
    changed: bool


class TermsCall(Canonical):
    """Something to do for an engagement as the terms that were read say."""

    subject: EngagementRef
    terms_reference: str


class StatusCall(Canonical):
    """Show on the deal why it waits, or that it was refused."""

    subject: EngagementRef
    terms_reference: str
    status: Literal["waiting", "refused", "frozen", "active", "cancelled"]
    message: str = Field(max_length=4000)
    note: str = Field(default="", max_length=8000)
    """A word to the deal's owner, beyond what the deal shows."""


class ConfirmCall(Canonical):
    """Read back what finance will bill."""

    subject: EngagementRef
    plan: PlanDigest
    links: Links


class Confirmed(Canonical):
    """What was read back equals the plan to the minor unit."""

    rows: int
    sentence: str
    numbers: dict[Step, str] = Field(default_factory=dict)
    """What people call the records in the ERP, by step."""


class Remedy(StrEnum):
    """Who acts on a failed step."""

    RETRY = "retry"
    REPAIR = "repair"
    FATAL = "fatal"


class Trouble(Canonical):
    """Why a step could not be done, as it travels from an activity to the process."""

    remedy: Remedy
    code: str
    message: str
    record: str = ""
    field: str = ""
    owner: Role = Role.INTEGRATION
    answer_field: str = ""
    choices: tuple[Choice, ...] = Field(default=(), max_length=50)
    """What a person may answer, and under which name the answer is kept."""


class ParkCall(Canonical):
    """Put these stops on the desk."""

    subject: EngagementRef
    plan: PlanDigest | None = None
    stake: Money | None = None
    troubles: tuple[Trouble, ...] = Field(max_length=300)
    choices: tuple[str, ...] = ()


class Parked(Canonical):
    """What waits, and until when."""

    blockers: tuple[BlockerId, ...]
    sentences: tuple[str, ...]
    owner: Role
    ladder: tuple[LadderRung, ...] = ()


class EscalateCall(Canonical):
    """Nobody acted in time."""

    subject: EngagementRef
    items: tuple[str, ...]
    action: str
    to: Role


class JudgeCall(Canonical):
    """A decision as it arrived, with what the process waits for."""

    subject: EngagementRef
    decision_json: str = Field(max_length=60_000)
    """A decision at all its limits, with every character escaped, fits."""
    channel: str
    waiting_for_plan: PlanDigest | None
    waiting_for_blockers: tuple[BlockerId, ...] = ()
    run: str = ""
    """First run of the process it reached: a decision counts in that process and in no later one."""


class UnreadableMessage(Canonical):
    """A signal that is not a decision: its name and what is wrong with it, never its content."""

    subject: EngagementRef
    name: str = Field(max_length=200)
    problem: str
    fingerprint: str


class Outcome(StrEnum):
    """How the process ended."""

    ACTIVE = "active"
    NOTHING_TO_DO = "nothing-to-do"
    REFUSED = "refused"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    NOT_YET = "not-yet"
    FROZEN = "frozen"
    """Lost after the set-up and frozen; a person decides."""
    LOST = "lost"
    """Lost after work had begun; a person decides, nothing is frozen."""
    ON_HOLD = "on-hold"
    CANCELLED = "cancelled"
    KEPT = "kept"
    """Lost, and a person decided to leave it open."""


class FinishCall(Canonical):
    """Record how it ended."""

    subject: EngagementRef
    outcome: Outcome
    sentence: str
    plan: PlanDigest | None = None
    terms_digest: str = ""


class QuoteToProjectResult(Canonical):
    """What became of the contract."""

    outcome: Outcome
    sentence: str
    plan: PlanDigest | None = None
    records: tuple[StepDone, ...] = Field(default=(), max_length=300)
