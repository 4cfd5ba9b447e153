from __future__ import annotations

from enum import StrEnum

from mappings.rulebook import RuleBook
from models.base import Canonical
from models.blocker import Blocker, Choice, Fix, blocker_id
from models.ids import EngagementId
from models.money import Money
from models.roles import Role
from models.terms import SignedTerms

__all__ = ["Finding", "Severity", "blocker_of", "on_contract"]


class Severity(StrEnum):
    """How much a finding stops."""

    STOP = "stop"
    """Nothing is written before a person acts."""
    HOLD = "hold"
    """The project may start; invoices wait."""
    WARN = "warn"


class Finding(Canonical):
    """Something about the sold terms or the buyer that a person must know or act on."""

    code: str
    severity: Severity = Severity.STOP
    record: str
    field: str = ""
    message: str
    choices: tuple[Choice, ...] = ()
    answer_field: str = ""
    stake: Money | None = None


def on_contract(
    terms: SignedTerms, code: str, field: str, message: str, *, severity: Severity = Severity.STOP,
    choices: tuple[Choice, ...] = (), answer_field: str = "", stake: Money | None = None,
) -> Finding:  # fmt: skip
    """A finding about the signed contract itself; the sentence starts with its number."""
    return Finding(
        code=code,
        severity=severity,
        record=terms.contract_number,
        field=field,
        message=f"Contract {terms.contract_number}{message}",
        choices=choices,
        answer_field=answer_field,
        stake=stake,
    )


def blocker_of(finding: Finding, engagement: EngagementId, book: RuleBook, stake: Money | None) -> Blocker:
    """The finding as a row of somebody's desk; owner, fix and deadline come from the catalogue."""
    kind = book.blocker_kind(finding.code)
    return Blocker(
        blocker=blocker_id(engagement, finding.code, finding.record, finding.field),
        engagement=engagement,
        code=finding.code,
        record=finding.record,
        field=finding.field,
        message=finding.message,
        owner=kind.owner if kind else Role.SALES_OPERATIONS,
        fix=kind.fix if kind else Fix.SEND_BACK,
        answer_field=finding.answer_field,
        choices=finding.choices,
        stake=finding.stake or stake,
        due_hours=kind.due_hours if kind else 8,
    )
