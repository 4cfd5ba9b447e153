"""No way round: every way in, every role, one's own and others' requests, fresh and stale, good and bad signatures."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from mappings.decision_policy import DecisionCase, judge
from models.decision import Decision, DecisionClaims, Refusal, Verdict, words_of
from models.desk import Stage
from models.ids import DecisionId, EngagementId, PersonId, PlanDigest
from models.plan import Plan
from models.process import EngagementRef, Outcome
from models.roles import Person, Role
from ports.audit import AuditEntry
from tests.workflows.clockwork import Clockwork
from tests.workflows.contracts import checked, two_signatures
from tests.workflows.decisions import ATTEMPTS, WAYS, Attempt, starter
from tests.workflows.house import CONTRACT, House, open_house

NOW = datetime(2027, 1, 6, 15, tzinfo=UTC)
DIGEST = PlanDigest("a" * 64)
MAY_SIGN = {Role.FINANCE_OPERATIONS, Role.CONTROLLER, Role.CFO}
"""Of a contract over USD 250,000: finance operations, or who stands in for them."""
MAY_WITHDRAW = {Role.CONTRACTS}

WHO = ["unknown", "service account", "former", *Role]
WHOSE = ["other's", "own request", "own rule"]
PLANS = ["waits", "was made anew", "nothing waits"]
TOKENS = ["good", "expired", "of tomorrow", "firm", "decision", "engagement", "verdict", "subject", "words", "person"]
VERDICTS = [Verdict.APPROVE, Verdict.REJECT, Verdict.WITHDRAW]


def expected(verdict: Verdict, who: str, whose: str, plan: str, token: str) -> Refusal | None:
    """The table, read from top to bottom: the first row that fits says why it is refused; none, that it is taken."""
    withdrawing = verdict is Verdict.WITHDRAW
    may = MAY_WITHDRAW if withdrawing else MAY_SIGN
    rows = [
        (token in {"expired", "of tomorrow"}, Refusal.EXPIRED_TOKEN),
        (token == "person" and who != "unknown", Refusal.TOKEN_FOR_OTHER),
        (token == "words", Refusal.CHANGED_WORDS),
        (token not in {"good", "person"}, Refusal.TOKEN_FOR_OTHER),
        (who == "unknown", Refusal.UNKNOWN_PERSON),
        (who == "service account", Refusal.SERVICE_ACCOUNT),
        (plan == "nothing waits", Refusal.NOT_WAITING),
        (plan == "was made anew", Refusal.STALE_PLAN),
        (whose == "own request" and not withdrawing, Refusal.OWN_REQUEST),
        (whose == "own rule" and not withdrawing, Refusal.OWN_RULE),
        (who not in may and not (withdrawing and whose == "own request"), Refusal.WRONG_ROLE),
    ]
    return next((refusal for fits, refusal in rows if fits), None)


@pytest.fixture(scope="module")
async def plan_house(client: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with open_house(client, tmp_path_factory.mktemp("plans"), worker=False) as house:
        yield house


@pytest.fixture(scope="module")
async def plan(plan_house: House) -> Plan:
    house = plan_house
    subject = EngagementRef(
        firm=house.firm, engagement=house.engagement, deal_id=checked().deal_id, contract_number=CONTRACT,
        workflow_id="none",
    )  # fmt: skip
    made = (await house.tieline.planning.verdict(subject, checked(), binds=False)).plan
    assert made is not None
    assert [slot.slot for slot in made.approvals] == ["finance"]
    return made


def _person(who: str) -> Person | None:
    if who == "unknown":
        return None
    roles = {"former": frozenset[Role](), "service account": frozenset({Role.FINANCE_OPERATIONS})}
    return Person(
        person=PersonId("p"), name="P", email="p@harbourfinch.example", is_service_account=who == "service account",
        roles=roles[who] if who in roles else frozenset({Role(who)}),
    )  # fmt: skip


def _cell(plan: Plan, cell: tuple[Verdict, str, str, str, str]) -> tuple[Decision, DecisionClaims, DecisionCase]:
    verdict, who, whose, waits, token = cell
    if whose == "own request":
        plan = plan.model_copy(update={"requested_by": ("P@HarbourFinch.example".lower(),)})
    if whose == "own rule":
        plan = plan.model_copy(update={"rules_author": PersonId("p")})
    decision = Decision(decision=DecisionId("d"), engagement=plan.engagement, verdict=verdict, plan=DIGEST, token="t")
    claims: dict[str, Any] = {
        "person": "p", "firm": plan.firm, "decision": "d", "engagement": plan.engagement, "verdict": verdict,
        "subject": DIGEST, "words": words_of("", ""), "issued_at": NOW, "expires_at": NOW + timedelta(minutes=10),
    }  # fmt: skip
    others = next(item for item in Verdict if item is not verdict)
    other_claims: dict[str, dict[str, Any]] = {
        "good": {},
        "expired": {"issued_at": NOW - timedelta(minutes=10), "expires_at": NOW},
        "of tomorrow": {"issued_at": NOW + timedelta(seconds=1)},
        "verdict": {"verdict": others},
        "engagement": {"engagement": EngagementId("hf/other")},
    }
    claims |= other_claims.get(token, {token: "other"})
    waiting = {"waits": DIGEST, "was made anew": PlanDigest("f" * 64), "nothing waits": None}[waits]
    case = DecisionCase(
        firm=plan.firm, engagement=plan.engagement, person=_person(who), waiting_for_plan=waiting,
        plan=plan if waits == "waits" else None, blocker=None,
    )  # fmt: skip
    return decision, DecisionClaims.model_validate(claims), case


def test_every_cell_of_the_table(plan_house: House, plan: Plan) -> None:
    book = plan_house.tieline.rules()
    wrong, taken, cells = [], 0, list(itertools.product(VERDICTS, WHO, WHOSE, PLANS, TOKENS))
    for cell in cells:
        answer = judge(*_cell(plan, cell), book, NOW).answer
        wanted = expected(*cell)
        taken += answer.accepted
        if (answer.refusal, answer.accepted) != (wanted, wanted is None) or not answer.message:
            wrong.append((cell, wanted, answer))
    assert not wrong, f"{len(wrong)} of {len(cells)}: {wrong[:3]}"
    assert len(cells) == 3 * 19 * 3 * 3 * 10
    assert taken == 2 * len(MAY_SIGN) + len(MAY_WITHDRAW) * 3 + 16


async def _deal_that_waits_for_a_second_signature(house: House) -> str:
    house.edit_person("finn.finance", roles=[])
    house.edit_person("bea.billing", roles=["controller"], limit_usd="1000")
    await house.win(two_signatures(owner_email="sam.sales@harbourfinch.example"))
    assert (await house.decide("ada.finance")).accepted
    return (await house.waiting()).item


async def _state(house: House) -> tuple[object, ...]:
    """All that a refused decision must leave as it is."""
    item = await house.waiting()
    return (
        item,
        await house.store.desk.list_signatures(PlanDigest(item.item)),
        await house.store.desk.list_answers(house.engagement),
        await house.row(),
        list(house.erp.journal),
        list(house.crm.journal),
    )


async def _entry_of(house: House, decision: Decision, kind: str) -> AuditEntry:
    count = 1
    while True:
        entries = await house.noted(kind, count)
        found = [entry for entry in entries if entry.facts["decision"] == decision.decision]
        if found:
            return found[-1]
        count = len(entries) + 1


def _named(attempt: Attempt) -> str:
    return attempt.what


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_in_refuses_what_is_wrong_and_takes_what_is_right(house: House, way: str) -> None:
    plan = await _deal_that_waits_for_a_second_signature(house)
    before = await _state(house)
    for attempt in ATTEMPTS:
        decision = attempt.make(house, plan)
        await WAYS[way](house, decision)

        entry = await _entry_of(house, decision, "decision.refused")
        assert entry.facts["refusal"] == attempt.refusal, attempt.what
        assert entry.engagement == house.engagement, attempt.what
        assert await _state(house) == before, attempt.what

    good = house.signed("cora.controller", Verdict.APPROVE, plan)
    await WAYS[way](house, good)
    assert (await _entry_of(house, good, "decision.accepted")).facts["person"] == "cora.controller"
    assert await house.outcome() is Outcome.ACTIVE
    assert (await house.store.audit.verify()).intact


@pytest.mark.parametrize("way", WAYS)
async def test_an_id_that_was_used_is_not_used_for_anything_else(house: House, way: str) -> None:
    plan = await _deal_that_waits_for_a_second_signature(house)
    wrong = house.signed("pia.pmo", Verdict.APPROVE, plan)
    await WAYS[way](house, wrong)
    await _entry_of(house, wrong, "decision.refused")
    again = house.signed("cora.controller", Verdict.APPROVE, plan, decision=wrong.decision, reason="now with rights")
    # An update id that was used is answered from the engine's memory, so a raw update takes a new one.
    way = "temporal workflow signal" if way == "update" else way

    await WAYS[way](house, again)

    entries = await house.noted("decision.refused", 2)
    assert [entry.facts["refusal"] for entry in entries] == ["wrong-role", "replayed"]
    assert house.erp.journal == []


async def test_a_rejection_kept_from_an_earlier_run_does_not_end_a_later_one(house: House) -> None:
    """A signed no is in the engine's history. Whoever sends it again, to this contract or another, changes nothing."""
    await house.win(checked())
    no = house.signed("ada.finance", Verdict.REJECT, (await house.waiting()).item)
    await house.send(no)
    assert await house.outcome() is Outcome.REJECTED
    await house.win_again(expense_policy="Ten percent of fees")
    await house.waiting()

    await house.signal("decide", no)
    await house.signal("hello")

    await house.noted("message.refused")
    assert (await house.decide("ada.finance")).complete
    assert await house.outcome() is Outcome.ACTIVE


async def test_an_old_withdrawal_of_the_very_same_plan_does_not_end_a_later_run(clockwork: Clockwork) -> None:
    """The deal comes again on the same terms, so the same plan waits; the signature has expired meanwhile."""
    async with clockwork.open_house() as house:
        await house.win(checked())
        old = house.signed("carla.contracts", Verdict.WITHDRAW, (await house.waiting()).item)
        await house.send(old)
        await house.stage(Stage.WITHDRAWN)
        await clockwork.pass_time(timedelta(minutes=20))
        await house.win()
        assert (await house.waiting()).item == old.plan

        await house.signal("decide", old)
        await house.signal("hello")
        await house.noted("message.refused")

        assert (await house.decide("finn.finance")).complete
        await house.stage(Stage.ACTIVE)


COMMANDS = {
    "a role that does not decide this": (["approve", "--as", "pia.pmo"], "wrong-role"),
    "an admin": (["approve", "--as", "adam.admin"], "wrong-role"),
    "a role taken away this morning": (["reject", "--as", "finn.finance", "--reason", "no"], "wrong-role"),
    "over the limit": (["approve", "--as", "bea.billing"], "over-limit"),
    "one's own deal": (["approve", "--as", "sam.sales"], "own-request"),
    "one's own rules": (["reject", "--as", "rosa.rules", "--reason", "no"], "own-rule"),
    "a service account": (["approve", "--as", "ops-tooling"], "service-account"),
    "signed already": (["approve", "--as", "ada.finance"], "already-signed"),
    "another plan": (["approve", "--as", "cora.controller", "--plan", "0" * 64], "stale-plan"),
    "a colleague who withdraws": (["withdraw", "--as", "pia.pmo", "--reason", "no"], "wrong-role"),
}


async def test_the_command_line_refuses_what_is_wrong_and_takes_what_is_right(house: House, tmp_path: Path) -> None:
    await _deal_that_waits_for_a_second_signature(house)
    before = await _state(house)
    for number, (what, (command, refusal)) in enumerate(COMMANDS.items(), start=1):
        said = await starter(house, command[0], CONTRACT, *command[1:], "--json")

        assert said.code == 1, what
        assert json.loads(said.out)["refusal"] == refusal, (what, said.out)
        assert (await house.noted("decision.refused", number))[-1].facts["refusal"] == refusal
        assert await _state(house) == before, what

    stranger = await starter(house, "approve", CONTRACT, "--as", "nobody")
    assert stranger.code == 1
    assert "nobody" in stranger.out
    nothing = await starter(house, "repair", CONTRACT, "--as", "ada.finance")
    assert nothing.code == 1
    assert await _state(house) == before

    good = await starter(house, "approve", CONTRACT, "--as", "cora.controller")
    assert good.code == 0, good.out
    assert await house.outcome() is Outcome.ACTIVE


REPAIRS = {
    "another's job": (["--as", "pia.pmo", "--answer", "NET30"], "wrong-role"),
    "an admin": (["--as", "adam.admin", "--answer", "NET30"], "wrong-role"),
    "a service account": (["--as", "ops-tooling", "--answer", "NET30"], "service-account"),
    "no such choice": (["--as", "carl.credit", "--answer", "NET31"], "bad-answer"),
}


async def test_a_repair_by_the_command_line_is_for_whoever_owns_the_stop(house: House) -> None:
    await house.win(checked(payment_terms="Net 33"))
    stop = await house.waiting("TL-CON-007")
    for what, (command, refusal) in REPAIRS.items():
        said = await starter(house, "repair", CONTRACT, *command, "--json")
        assert (said.code, json.loads(said.out)["refusal"]) == (1, refusal), (what, said.out)
        assert await house.waiting("TL-CON-007") == stop

    good = await starter(house, "repair", CONTRACT, "--as", "carl.credit", "--answer", "NET30")
    assert good.code == 0, good.out
    rejected = await house.decide("ada.finance", Verdict.REJECT)
    assert rejected.complete
    assert await house.outcome() is Outcome.REJECTED
