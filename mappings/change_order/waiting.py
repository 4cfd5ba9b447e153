from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mappings.business_calendar import add_business_hours
from mappings.change_order.case import ChangeCase
from mappings.change_order.checks import question
from mappings.change_order.sequence import FOLLOWS, AmendmentSequence, Gap
from mappings.findings import Finding
from mappings.rulebook import RuleBook
from models.blocker import Choice
from models.change_order import Amendment
from models.roles import Role

__all__ = ["asks_at", "gap_findings", "not_active_findings", "twice_findings", "unsigned_findings"]

_HOURS_OF_SILENCE = 16
"""Two business days: an earlier amendment is often only late. DOM-6.2."""


def gap_findings(
    case: ChangeCase, gaps: tuple[Gap, ...], late: tuple[Amendment, ...], book: RuleBook
) -> Iterator[Finding]:
    """An amendment waits for earlier ones; after two business days somebody is asked whether they exist."""
    for gap in gaps:
        number = gap.amendment.number
        if number in {item.number for item in late} or not gap.missing:
            continue
        names = " and ".join(gap.missing)
        plural = "s" if len(gap.missing) > 1 else ""
        message = f" waits for amendment{plural} {names}."
        asks = bool(gap.unknown) and asks_at(case, gap.amendment, book) <= case.now
        asked = f" Does number {gap.unknown} exist? Wait for it, or confirm that it was voided or never written."
        yield question(
            case, number, "TL-CHG-001", message + (asked if asks else " It goes on by itself when they are here."),
            field="amendment number", answer_field=f"follows:{number}" if asks else "",
            choices=(Choice(value=FOLLOWS, label=f"Nothing lies before it that counts; {names} is skipped"),)
            if asks else (),
            stake=gap.amendment.value_change.exercised,
        )  # fmt: skip


def asks_at(case: ChangeCase, amendment: Amendment, book: RuleBook) -> datetime:
    """When silence about an earlier amendment becomes a question; until then nobody is bothered."""
    heard = case.received.get(amendment.number, amendment.source_version)
    return add_business_hours(heard, _HOURS_OF_SILENCE, book.working_time_of(Role.CONTRACTS))


def unsigned_findings(case: ChangeCase, late: tuple[Amendment, ...]) -> Iterator[Finding]:
    """A change that binds both sides needs both signatures. DOM-6.2."""
    for item in late:
        if item.customer_signed_on is None and item.company_signed_on is None:
            what = " is signed by nobody yet."
        elif item.company_signed_on is None:
            what = " is signed by the customer; our signature is missing."
        else:
            what = " is signed by us; the customer's signature is missing."
        yield question(
            case, item.number, "TL-CON-001", f"{what} It goes on by itself when the date of signature is on the deal.",
            field="signature", stake=item.value_change.exercised,
        )  # fmt: skip


def twice_findings(case: ChangeCase, sequence: AmendmentSequence) -> Iterator[Finding]:
    """One number for two changes, or a change of what is in the contract already."""
    for found in sequence.twice:
        deals = " and ".join(item.deal_name or item.deal_id for item in found)
        yield question(
            case, found[0].number, "TL-CHG-007",
            f" stands on {deals} with different terms. Give one of them its own number in the CRM, then repair.",
            field="amendment number",
        )  # fmt: skip
    for item in sequence.changed_after:
        brought_in = {done.number for done in case.standing.applied if not done.skipped} if case.standing else set()
        if item.number not in brought_in:
            what = "was taken as never written, and what comes after it is in the contract. Nothing of it is applied"
        elif item.is_voided:
            what = "was voided after it was applied. Nothing was taken back"
        else:
            what = "has other terms than when it was applied. Nothing was taken back"
        yield question(
            case, item.number, "TL-CHG-008",
            f" {what}: sign an amendment that replaces it, or correct the deal in the CRM, then repair.",
            field="terms", stake=item.value_change.exercised,
        )  # fmt: skip


def not_active_findings(case: ChangeCase) -> Iterator[Finding]:
    """The contract is not known in the ERP, or its set-up is under way: every amendment of it waits, visibly."""
    known = case.standing is not None
    newest = {item.number: item for item in sorted(case.amendments, key=lambda item: item.source_version)}
    why = "its set-up is not finished." if known else "it is not set up here; is its deal won in the CRM?"
    for number, item in sorted(newest.items()):
        yield question(
            case, number, "TL-CHG-011", f" waits for the contract itself: {why} It goes on by itself.",
            field="contract", stake=item.value_change.exercised,
        )  # fmt: skip
