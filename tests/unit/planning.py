"""A planning case that a test changes where it needs to, with the demo firm's own rules."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mappings.plan_contract import PlanningCase, plan_contract
from mappings.rulebook import RuleBook, load_rulebook
from models.blocker import Blocker
from models.desk import GivenAnswer
from models.ids import PersonId
from models.plan import Plan, VerdictKind
from models.records import Guard
from models.survey import Survey
from models.terms import SignedTerms
from tests.fakes import FakeErp, demo_chart

__all__ = ["BOOK", "DEMO_FIRM", "NOW", "answer", "blockers_of", "case_of", "plan_of"]

DEMO_FIRM = Path(__file__).parents[2] / "mappings" / "demo_firm"
BOOK: RuleBook = load_rulebook(DEMO_FIRM)
NOW = datetime(2027, 1, 6, 14, tzinfo=UTC)


def answer(field: str, value: str) -> GivenAnswer:
    return GivenAnswer(field=field, value=value, person=PersonId("mia.masterdata"), decided_at=NOW)


def case_of(terms: SignedTerms, **changes: Any) -> PlanningCase:
    whole: dict[str, Any] = {
        "firm": "harbour-finch",
        "engagement": f"harbour-finch/{terms.contract_number}",
        "terms": terms,
        "chart": demo_chart(),
        "traits": FakeErp().traits,
        "survey": Survey(),
        "crm_connection": "crm-main",
        "write_back_guard": Guard.PROOF,
        "erp_connection": "erp-main",
        "now": NOW,
    }
    return PlanningCase.model_validate(whole | changes)


def plan_of(terms: SignedTerms, book: RuleBook = BOOK, **changes: Any) -> Plan:
    verdict = plan_contract(case_of(terms, **changes), book)
    assert verdict.kind is VerdictKind.PLAN, [item.message for item in verdict.blockers] or verdict.reason
    assert verdict.plan is not None
    return verdict.plan


def blockers_of(terms: SignedTerms, book: RuleBook = BOOK, **changes: Any) -> tuple[Blocker, ...]:
    verdict = plan_contract(case_of(terms, **changes), book)
    assert verdict.kind is VerdictKind.BLOCKED, verdict
    assert verdict.plan is None
    return verdict.blockers
