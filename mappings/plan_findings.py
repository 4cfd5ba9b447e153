from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from mappings.answers import Answers
from mappings.customer_match import Match, MatchOutcome
from mappings.findings import Finding, Severity, on_contract
from mappings.tax_registration import TaxLevel, check_tax_registration
from models.blocker import Choice
from models.ids import ContractNumber
from models.plan import PlannedOperation
from models.terms import SignedTerms

__all__ = [
    "TERMS_ONLY",
    "amendment_findings",
    "copied_findings",
    "framework_findings",
    "match_findings",
    "other_terms",
    "renumbered_findings",
    "several_findings",
    "tax_findings",
]

TERMS_ONLY = "terms-only"
"""Answer to a framework agreement: only its terms are kept, there is nothing to set up."""
_RELEASED = "release"
_SECOND = "second-contract"
_BASE_CONTRACT = frozenset({"", "0"})
_TWO_NAMES = re.compile(r"[;\n]|\s/\s")
_ANSWER_FIELDS = {"country": "country", "tax number": "tax_number", "route id": "route_id"}


def copied_findings(terms: SignedTerms, other: str | None) -> Iterator[Finding]:
    """A cloned deal drags the original's numbers along: it blocks, it never overwrites. DOM-2.3."""
    if other is not None:
        yield on_contract(
            terms, "TL-CON-014", "contract number",
            f": deal {terms.deal_name} carries the contract or project number of deal {other} (copied record). "
            "Clear the numbers on the copy in the CRM, then repair; if it adds to that contract, enter its amendment "
            "number.",
        )  # fmt: skip


def several_findings(terms: SignedTerms) -> Iterator[Finding]:
    """Two of our companies on one deal are two contracts, each with its own plan. DOM-2.1, 2.3."""
    if _TWO_NAMES.search(terms.signing_entity.strip()):
        both = " ".join(terms.signing_entity.split())
        yield on_contract(
            terms, "TL-CON-019", "signing entity",
            f": deal {terms.deal_name} names two of our companies as signers: {both}. "
            "Make a deal with a contract number of its own for what each of them sold, then repair.",
        )  # fmt: skip


def renumbered_findings(terms: SignedTerms, set_up_as: ContractNumber | None, answers: Answers) -> Iterator[Finding]:
    """One deal under two contract numbers: two engagements, or one that would be billed twice. DOM-2.1."""
    answer_field = f"second_contract:{set_up_as}"
    if set_up_as is not None and answers.value(answer_field) != _SECOND:
        yield on_contract(
            terms, "TL-CON-014", "contract number",
            f": deal {terms.deal_name} was set up as contract {set_up_as} before. If it is the same work, put that "
            "number back on the deal in the CRM, then repair; if the deal sells both, say so.",
            choices=(Choice(value=_SECOND, label="The deal sells both contracts; set this one up too"),),
            answer_field=answer_field,
        )  # fmt: skip


def amendment_findings(terms: SignedTerms) -> Iterator[Finding]:
    """An amendment set up alone would be billed as if its difference were the whole contract. DOM-6.2."""
    if terms.amendment_number not in _BASE_CONTRACT:
        yield on_contract(
            terms, "TL-CHG-001", "amendment number",
            f": amendment {terms.amendment_number} is a change order of a contract that is not set up here. "
            "It waits for the base contract; is that deal won in the CRM?",
        )  # fmt: skip


def framework_findings(terms: SignedTerms) -> Iterator[Finding]:
    """Terms and prices without a billable value: never a project. DOM-1.4."""
    if terms.is_framework:
        yield on_contract(
            terms, "TL-CON-012", "framework",
            " is a framework agreement; there is nothing to bill until a call-off. "
            "Confirm that only its terms are kept, or correct the deal.",
            choices=(Choice(value=TERMS_ONLY, label="Only the terms are kept; nothing is set up"),),
            answer_field="framework",
        )  # fmt: skip


def match_findings(terms: SignedTerms, match: Match, answers: Answers) -> Iterator[Finding]:
    """Who the buyer is to the ERP: a question to a person, or a customer that may not be given new work."""
    name = terms.buyer.name if terms.buyer is not None else terms.contract_number
    if match.outcome in {MatchOutcome.ASK, MatchOutcome.REFUSE}:
        yield Finding(
            code=match.blocker_code, record=name, field="customer", message=match.question, choices=match.choices,
            answer_field="match" if match.outcome is MatchOutcome.ASK else "",
        )  # fmt: skip
        return
    for note in match.notes:
        yield Finding(code="TL-CUS-001", severity=Severity.WARN, record=name, field="customer", message=note)
    candidate = match.adopt
    if candidate is None or not candidate.on_credit_hold:
        return
    answer_field = f"credit_hold:{candidate.ref.record_id}"
    if answers.value(answer_field) == _RELEASED:
        said = f"{candidate.name} is on credit hold; credit control released this contract from it."
        yield Finding(code="TL-CUS-008", severity=Severity.WARN, record=candidate.name, field="credit", message=said)
        return
    yield Finding(
        code="TL-CUS-008", record=candidate.name, field="credit hold",
        message=f"{candidate.name} is on credit hold. Release it in the ERP, release this contract alone, or wait.",
        choices=(Choice(value=_RELEASED, label="Release this contract from the hold"),), answer_field=answer_field,
    )  # fmt: skip


def tax_findings(terms: SignedTerms, *, seller_country: str, on: date) -> Iterator[Finding]:
    """Tax data that set-up or the first invoice needs. DOM-4."""
    buyer = terms.buyer
    if buyer is None:
        return
    if not buyer.address.country:
        yield Finding(
            code="TL-CUS-006", record=buyer.name, field="country",
            message=f"The country of {buyer.name} is unknown, so its tax rules are. Enter its two-letter code (US).",
            answer_field="country",
        )  # fmt: skip
        return
    levels = {
        TaxLevel.BLOCK_SETUP: Severity.STOP,
        TaxLevel.BLOCK_INVOICING: Severity.HOLD,
        TaxLevel.WARN: Severity.WARN,
    }
    for found in check_tax_registration(
        buyer,
        seller_country=seller_country,
        contract_currency=terms.currency,
        value=terms.values.exercised,
        has_service_address=bool(terms.bill_to.street or buyer.address.street),
        on=on,
    ):
        yield Finding(
            code=found.code, severity=levels[found.level], record=found.record, field=found.field,
            message=found.sentence, answer_field=_ANSWER_FIELDS.get(found.field, ""),
        )  # fmt: skip


def other_terms(terms: SignedTerms, operations: tuple[PlannedOperation, ...], applied: str) -> Iterator[Finding]:
    """This contract is set up on other terms, by our own record or in the ERP: a change order, never overwritten."""
    differing = [item for item in operations if item.action == "amend"]
    if not differing and (not applied or applied == terms.digest):
        return
    diffs = [(item.step, diff) for item in differing for diff in item.diffs]
    shown = [f"{step}: {diff.field} is {diff.before}, would be {diff.after}" for step, diff in diffs]
    what = f" ({'; '.join(shown[:5])})" if shown else ""
    yield on_contract(
        terms, "TL-CHG-000", "terms",
        f" is set up on other terms{what}: signed terms changed after set-up, this is a change order. Nothing was "
        "written. Sign a change order, or restore the deal.",
    )  # fmt: skip
