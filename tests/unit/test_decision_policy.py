from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mappings.decision_policy import DecisionCase, Judgement, judge
from models.blocker import Blocker, Choice, Fix
from models.decision import Decision, DecisionClaims, Refusal, Verdict, words_of
from models.desk import Signature
from models.ids import BlockerId, EngagementId, PersonId
from models.plan import Plan
from models.roles import Delegation, Person, Role
from tests.unit.planning import BOOK, plan_of
from tests.unit.signed_terms import cost_plus, fixed_fee, line, money

NOW = datetime(2027, 1, 6, 15, tzinfo=UTC)
ENGAGEMENT = EngagementId("harbour-finch/C-1001")


def person(name: str, *roles: Role, limit: int | None = None, **more: Any) -> Person:
    return Person.model_validate(
        {"person": name, "name": name.title(), "email": f"{name}@example.com", "roles": frozenset(roles),
         "limit_usd": None if limit is None else Decimal(limit), **more}
    )  # fmt: skip


ADA = person("ada", Role.FINANCE_OPERATIONS, limit=1_000_000)
CORA = person("cora", Role.CONTROLLER, limit=5_000_000)
CHRIS = person("chris", Role.CFO)
SAM = person("sam.seller", Role.SALES, Role.FINANCE_OPERATIONS)
ROSA = person("rosa.rules", Role.FINANCE_OPERATIONS, Role.CONTROLLER)
CARLA = person("carla", Role.CONTRACTS)
ADAM = person("adam", Role.ADMIN)
BOT = person("ops-tooling", Role.FINANCE_OPERATIONS, is_service_account=True)


def big(amount: str) -> Plan:
    """A standard deal of that value."""
    terms = fixed_fee(
        header_discount_percent=0, lines=[line("1", "milestones", amount)], signed_total=money(amount),
        values={"exercised": money(amount)},
        milestones=[{"code": "M1", "due_on": "2027-06-01", "amount": money(amount), "trigger": "date"}],
    )  # fmt: skip
    return plan_of(terms)


PLAN_400K, PLAN_2M, PLAN_7M = big("400000.00"), big("2000000.00"), big("7000000.00")
BLOCKER = Blocker(
    blocker=BlockerId("b-1"), engagement=ENGAGEMENT, code="TL-CUS-001", record="Northwind", message="Same company?",
    owner=Role.MASTER_DATA, fix=Fix.CHOOSE, answer_field="match",
    choices=(Choice(value="same:4711", label="Same"), Choice(value="different", label="Another")),
)  # fmt: skip
MIA = person("mia", Role.MASTER_DATA)


def decide(
    who: Person | None,
    plan: Plan | None = PLAN_400K,
    verdict: Verdict = Verdict.APPROVE,
    *,
    blocker: Blocker | None = None,
    answer: str = "",
    decision: Mapping[str, Any] | None = None,
    claims: Mapping[str, Any] | None = None,
    case: Mapping[str, Any] | None = None,
) -> Judgement:
    """Judge a decision in good order, but for what the test changes."""
    subject = blocker.blocker if blocker else (plan.digest if plan else "")
    said: dict[str, Any] = {
        "decision": "d-1", "engagement": ENGAGEMENT, "verdict": verdict, "answer": answer, "token": "t",
        "plan": None if blocker else subject, "blocker": blocker.blocker if blocker else None,
    }  # fmt: skip
    signed: dict[str, Any] = {
        "person": who.person if who else "nobody", "firm": "harbour-finch", "decision": "d-1", "engagement": ENGAGEMENT,
        "verdict": verdict, "subject": subject, "words": words_of(answer, ""),
        "issued_at": NOW - timedelta(minutes=1), "expires_at": NOW + timedelta(minutes=10),
    }  # fmt: skip
    stands: dict[str, Any] = {
        "firm": "harbour-finch", "engagement": ENGAGEMENT, "person": who,
        "waiting_for_plan": None if blocker or plan is None else plan.digest, "plan": None if blocker else plan,
        "blocker": blocker,
    }  # fmt: skip
    return judge(
        Decision.model_validate(said | dict(decision or {})),
        DecisionClaims.model_validate(signed | dict(claims or {})),
        DecisionCase.model_validate(stands | dict(case or {})),
        BOOK,
        NOW,
    )


def refusal(judged: Judgement) -> Refusal | None:
    assert judged.answer.accepted is (judged.answer.refusal is None)
    assert judged.answer.message.endswith((".", "?"))
    return judged.answer.refusal


ROLES: list[tuple[Role, Plan, Refusal | None]] = [
    *((role, PLAN_400K, None) for role in (Role.FINANCE_OPERATIONS, Role.CONTROLLER, Role.CFO)),
    *(
        (role, PLAN_400K, Refusal.WRONG_ROLE)
        for role in Role
        if role not in {Role.FINANCE_OPERATIONS, Role.CONTROLLER, Role.CFO}
    ),
    *((role, PLAN_7M, None) for role in (Role.FINANCE_OPERATIONS, Role.CONTROLLER, Role.CFO)),
]


@pytest.mark.parametrize(("role", "plan", "expected"), ROLES)
@pytest.mark.parametrize("own", [False, True], ids=["other", "own"])
@pytest.mark.parametrize("fresh", [True, False], ids=["fresh", "stale"])
@pytest.mark.parametrize("verdict", [Verdict.APPROVE, Verdict.REJECT])
def test_who_may_decide(  # noqa: PLR0917 - one argument per axis of the table
    role: Role, plan: Plan, expected: Refusal | None, own: bool, fresh: bool, verdict: Verdict
) -> None:
    who = person("sam.seller" if own else "pat", role)
    changed: dict[str, Any] = {} if fresh else {"decision": {"plan": "0" * 64}, "claims": {"subject": "0" * 64}}
    judged = decide(who, plan, verdict, **changed)
    if not fresh:
        expected = Refusal.STALE_PLAN
    elif own:
        expected = Refusal.OWN_REQUEST
    assert refusal(judged) is expected


@pytest.mark.parametrize(
    ("plan", "slots"),
    [
        (PLAN_400K, {"finance": "400000.00"}),
        (PLAN_2M, {"finance": "1000000", "controller": "2000000.00"}),
        (PLAN_7M, {"finance": "1000000", "controller": "5000000", "cfo": "7000000.00"}),
    ],
)
def test_a_signature_answers_for_its_part_of_the_value(plan: Plan, slots: dict[str, str]) -> None:
    assert {slot.slot: str(slot.value_usd) for slot in plan.approvals} == slots


def signed(plan: Plan, slot: str, who: Person) -> Signature:
    return Signature(plan=plan.digest, slot=slot, person=who.person, decided_at=NOW)


def test_a_plan_is_complete_when_every_slot_has_its_own_person() -> None:
    first = decide(ADA, PLAN_2M)
    assert (first.slot, first.answer.complete) == ("finance", False)
    assert first.answer.message == "Ada approved the plan. 1 more must sign."
    again = decide(ADA, PLAN_2M, case={"signatures": (signed(PLAN_2M, "finance", ADA),)})
    assert refusal(again) is Refusal.ALREADY_SIGNED
    second = decide(CORA, PLAN_2M, case={"signatures": (signed(PLAN_2M, "finance", ADA),)})
    assert (second.slot, second.answer.complete) == ("controller", True)


def test_a_higher_role_takes_its_own_slot_first() -> None:
    assert decide(CORA, PLAN_2M).slot == "controller"
    assert decide(CHRIS, PLAN_7M).slot == "cfo"
    late = decide(ADA, PLAN_400K, case={"signatures": (signed(PLAN_400K, "finance", CORA),)})
    assert refusal(late) is Refusal.NOT_WAITING


def test_a_limit_holds_and_says_who_can() -> None:
    judged = decide(person("ann", Role.FINANCE_OPERATIONS, limit=399_999))
    assert refusal(judged) is Refusal.OVER_LIMIT
    assert judged.answer.message == (
        "The contract is over your limit. It needs cfo or controller or finance-operations with a higher one."
    )
    assert refusal(decide(person("ann", Role.FINANCE_OPERATIONS, limit=400_000))) is None


def test_a_wrong_role_is_told_which_one_is_asked() -> None:
    judged = decide(CARLA)
    assert judged.answer.message == (
        "You have no role for this decision. It is for cfo or controller or finance-operations."
    )
    assert decide(CARLA, plan_of(cost_plus())).slot == "contracts-cost-plus"


def test_an_admin_decides_nothing() -> None:
    assert refusal(decide(ADAM)) is Refusal.WRONG_ROLE
    assert refusal(decide(ADAM, verdict=Verdict.REPAIR, blocker=BLOCKER, answer="different")) is Refusal.WRONG_ROLE


def test_nobody_decides_on_their_own_deal_or_by_their_own_rules() -> None:
    assert refusal(decide(SAM)) is Refusal.OWN_REQUEST
    by_mail = person("other-id", Role.CONTROLLER, email="Sam.Seller@Example.com")
    assert refusal(decide(by_mail)) is Refusal.OWN_REQUEST
    assert refusal(decide(ROSA)) is Refusal.OWN_RULE
    both = person("sam.seller", Role.ADMIN, Role.CFO)
    assert refusal(decide(both)) is Refusal.OWN_REQUEST


def test_a_service_account_and_a_stranger_decide_nothing() -> None:
    assert refusal(decide(BOT)) is Refusal.SERVICE_ACCOUNT
    assert refusal(decide(None)) is Refusal.UNKNOWN_PERSON


@pytest.mark.parametrize(
    ("field", "value"),
    [("firm", "other"), ("decision", "d-2"), ("engagement", "harbour-finch/C-9"), ("verdict", "reject"),
     ("subject", "0" * 64), ("person", "cora")],
)  # fmt: skip
def test_a_signature_opens_nothing_but_the_decision_it_covers(field: str, value: str) -> None:
    assert refusal(decide(ADA, claims={field: value})) is Refusal.TOKEN_FOR_OTHER


@pytest.mark.parametrize("changed", [{"answer": "different"}, {"answer": ""}, {"reason": "Because I say so."}])
def test_neither_answer_nor_reason_can_be_changed_on_the_way(changed: dict[str, str]) -> None:
    judged = decide(MIA, verdict=Verdict.REPAIR, blocker=BLOCKER, answer="same:4711", decision=changed)
    assert refusal(judged) is Refusal.CHANGED_WORDS
    parts = {"answer": "same:4711", "reason": "x"}
    assert words_of("a", "b") != words_of("ab", "") != words_of("", "ab")
    good = decide(MIA, verdict=Verdict.REPAIR, blocker=BLOCKER, decision=parts, claims={"words": words_of(**parts)})
    assert refusal(good) is None


def test_a_decision_for_another_engagement_does_not_count_here() -> None:
    other = {"engagement": "harbour-finch/C-9"}
    assert refusal(decide(ADA, decision=other, claims=other)) is Refusal.TOKEN_FOR_OTHER


@pytest.mark.parametrize(
    "times",
    [
        {"expires_at": NOW},
        {"expires_at": NOW - timedelta(seconds=1)},
        {"issued_at": NOW + timedelta(seconds=1)},
    ],
)
def test_a_signature_counts_in_its_time_only(times: dict[str, datetime]) -> None:
    assert refusal(decide(ADA, claims=times)) is Refusal.EXPIRED_TOKEN


def test_a_decision_has_one_subject() -> None:
    assert refusal(decide(ADA, decision={"blocker": "b-1"})) is Refusal.BAD_FORM
    assert refusal(decide(ADA, decision={"answer": "x"}, claims={"words": words_of("x", "")})) is Refusal.BAD_FORM
    judged = decide(MIA, verdict=Verdict.REPAIR, blocker=BLOCKER, decision={"plan": PLAN_400K.digest})
    assert refusal(judged) is Refusal.BAD_FORM


def test_when_no_plan_waits_nothing_is_decided() -> None:
    assert refusal(decide(ADA, case={"waiting_for_plan": None, "plan": None})) is Refusal.NOT_WAITING


def test_a_plan_that_was_made_anew_needs_a_new_decision() -> None:
    judged = decide(ADA, PLAN_400K, case={"waiting_for_plan": PLAN_2M.digest, "plan": PLAN_2M})
    assert refusal(judged) is Refusal.STALE_PLAN


def test_a_rejection_settles_it() -> None:
    judged = decide(ADA, verdict=Verdict.REJECT)
    assert (judged.answer.accepted, judged.answer.complete, judged.slot) == (True, True, "finance")


@pytest.mark.parametrize(
    ("who", "expected"),
    [(SAM, None), (CARLA, None), (ADA, Refusal.WRONG_ROLE), (CHRIS, Refusal.WRONG_ROLE), (ADAM, Refusal.WRONG_ROLE)],
)
def test_only_the_requester_or_contracts_withdraws(who: Person, expected: Refusal | None) -> None:
    assert refusal(decide(who, verdict=Verdict.WITHDRAW)) is expected


def delegated(colleague: Person, to: Person, first: str = "2027-01-04", last: str = "2027-01-15") -> Person:
    row = Delegation(delegate=PersonId(to.person), from_on=first, until_on=last)
    return colleague.model_copy(update={"delegations": (row,)})


DINA = person("dina", Role.PMO, limit=1_000_000)


@pytest.mark.parametrize(
    ("delegator", "delegate", "expected"),
    [
        (delegated(ADA, DINA), DINA, None),
        (delegated(ADA, DINA, "2027-01-07", "2027-01-15"), DINA, Refusal.WRONG_ROLE),
        (delegated(ADA, DINA, "2026-12-01", "2027-01-05"), DINA, Refusal.WRONG_ROLE),
        (delegated(ADA, DINA, "2026-12-20", "2027-02-20"), DINA, Refusal.WRONG_ROLE),
        (delegated(ADA, CARLA), DINA, Refusal.WRONG_ROLE),
        (delegated(ADA, DINA), person("dina", Role.PMO, limit=100), Refusal.OVER_LIMIT),
        (delegated(SAM, DINA), DINA, Refusal.WRONG_ROLE),
        (delegated(ROSA, DINA), DINA, Refusal.WRONG_ROLE),
        (delegated(ADA, SAM), SAM, Refusal.OWN_REQUEST),
        (delegated(ADA, DINA), person("dina", Role.PMO, reports_to="sam.seller@example.com"), Refusal.WRONG_ROLE),
    ],
    ids=["today", "not-yet", "over", "too-long", "somebody-else", "lower-limit", "of-the-requester",
         "of-the-rules-author", "to-the-requester", "reports-to-the-requester"],
)  # fmt: skip
def test_a_delegate_acts_within_dates_limits_and_duties(
    delegator: Person, delegate: Person, expected: Refusal | None
) -> None:
    assert refusal(decide(delegate, case={"delegators": (delegator,)})) is expected


def test_nobody_signs_twice_through_a_delegate() -> None:
    case = {"delegators": (delegated(CORA, DINA),), "signatures": (signed(PLAN_2M, "finance", CORA),)}
    assert refusal(decide(DINA, PLAN_2M, case=case)) is Refusal.WRONG_ROLE


@pytest.mark.parametrize(
    ("who", "answer", "expected"),
    [
        (MIA, "same:4711", None),
        (MIA, "", None),
        (MIA, "same:9", Refusal.BAD_ANSWER),
        (ADA, "different", None),
        (CARLA, "different", Refusal.WRONG_ROLE),
        (SAM, "different", Refusal.OWN_REQUEST),
        (BOT, "different", Refusal.SERVICE_ACCOUNT),
    ],
    ids=["owner", "fixed-at-source", "outside-the-choices", "next-level", "other-role", "seller", "service-account"],
)
def test_who_repairs_and_with_which_answer(who: Person, answer: str, expected: Refusal | None) -> None:
    case = {"requested_by": ("sam.seller@example.com",)}
    judged = decide(who, verdict=Verdict.REPAIR, blocker=BLOCKER, answer=answer, case=case)
    assert refusal(judged) is expected
    if expected is None:
        assert (judged.answer_field, judged.answer.complete) == ("match" if answer else "", True)


def test_a_delegate_repairs_for_an_absent_colleague_but_not_for_the_seller() -> None:
    case = {"delegators": (delegated(MIA, DINA),)}
    assert refusal(decide(DINA, verdict=Verdict.REPAIR, blocker=BLOCKER, answer="different", case=case)) is None
    seller = {"requested_by": ("mia@example.com",), **case}
    judged = decide(DINA, verdict=Verdict.REPAIR, blocker=BLOCKER, answer="different", case=seller)
    assert refusal(judged) is Refusal.WRONG_ROLE


def test_what_was_typed_in_does_not_travel_with_the_message() -> None:
    typed = BLOCKER.model_copy(update={"choices": (), "field": "tax number", "answer_field": "tax_number"})
    judged = decide(MIA, verdict=Verdict.REPAIR, blocker=typed, answer="12-3456789")
    assert judged.answer.message == "Mia entered the tax number. It is looked at again now."


def test_a_blocker_that_is_not_open_takes_no_answer() -> None:
    judged = decide(MIA, verdict=Verdict.REPAIR, blocker=BLOCKER, answer="different", case={"blocker": None})
    assert refusal(judged) is Refusal.NOT_WAITING


def test_a_stop_that_is_mended_at_its_source_takes_no_answer() -> None:
    plain = BLOCKER.model_copy(update={"answer_field": "", "choices": ()})
    judged = decide(MIA, verdict=Verdict.REPAIR, blocker=plain, answer="anything")
    assert refusal(judged) is Refusal.BAD_ANSWER
    assert judged.answer.message == ("This blocker takes no answer: fix it at its source, then repair without one.")
    assert refusal(decide(MIA, verdict=Verdict.REPAIR, blocker=plain)) is None
