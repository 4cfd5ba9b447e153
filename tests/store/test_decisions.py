from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from models.decision import Answer, Refusal, Verdict
from models.errors import Fatal
from models.ids import PersonId, PlanDigest
from models.roles import Role
from ports.desk import Judged
from store import Store
from tests.store.facts import ENGAGEMENT, FIRM, Clock, a_blocker, a_plan, approval, repair

WORKFLOW = "quote-to-project/hf/C-1001"
TWO_SLOTS = (("finance", Role.CONTROLLER), ("delivery", Role.PMO))


async def _asked(store: Store, clock: Clock, *slots: tuple[str, Role]) -> PlanDigest:
    digest = await store.plans.save_plan(a_plan(*slots))
    await store.desk.ask_decision(digest, WORKFLOW, clock() + timedelta(days=1))
    return digest


def _with(judged: Judged, **changes: object) -> Judged:
    return judged.model_copy(update={"decision": judged.decision.model_copy(update=changes)})


async def test_an_accepted_approval_is_a_signature_and_an_audit_entry(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    answer = await store.desk.record_decision(approval(digest, "finance", "carla", reason="as agreed"))
    assert (answer.accepted, answer.complete) == (True, False)
    (signature,) = await store.desk.list_signatures(digest)
    assert (signature.plan, signature.slot, signature.person) == (digest, "finance", "carla")
    assert signature.decided_at.utcoffset() == timedelta(0)
    entry = (await store.audit.list_entries(ENGAGEMENT))[-1]
    assert (entry.kind, entry.subject, entry.facts["person"]) == ("decision.accepted", digest, "carla")
    assert entry.facts["reason"] == "as agreed"


async def test_the_token_of_a_decision_is_stored_nowhere(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    await store.desk.record_decision(approval(digest, "finance", "carla", token="canary-token"))
    assert "canary-token" not in str([entry.model_dump() for entry in await store.audit.list_entries()])


async def test_the_last_signature_completes_the_plan_and_takes_it_off_the_desk(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    await store.desk.record_decision(approval(digest, "finance", "carla"))
    answer = await store.desk.record_decision(approval(digest, "delivery", "pavel"))
    assert (answer.accepted, answer.complete) == (True, True)
    assert await store.desk.list_open(FIRM) == ()


async def test_two_people_who_sign_two_slots_at_once_complete_the_plan_exactly_once(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    answers = await asyncio.gather(
        store.desk.record_decision(approval(digest, "finance", "carla")),
        store.desk.record_decision(approval(digest, "delivery", "pavel")),
    )
    assert all(answer.accepted for answer in answers)
    assert sorted(answer.complete for answer in answers) == [False, True]


async def test_of_two_people_who_race_for_one_slot_one_signs_and_one_is_refused_on_record(
    store: Store, clock: Clock
) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    answers = await asyncio.gather(
        *(store.desk.record_decision(approval(digest, "finance", f"person-{number}")) for number in range(8))
    )
    assert sum(answer.accepted for answer in answers) == 1
    refused = [answer for answer in answers if not answer.accepted]
    assert {answer.refusal for answer in refused} == {Refusal.ALREADY_SIGNED}
    assert len(await store.desk.list_signatures(digest)) == 1
    kinds = [entry.kind for entry in await store.audit.list_entries()]
    assert (kinds.count("decision.accepted"), kinds.count("decision.refused")) == (1, 7)
    again = await store.desk.record_decision(approval(digest, "finance", str(refused[0].person)))
    assert again == refused[0]


async def test_one_person_never_fills_two_slots_of_a_plan(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    answers = await asyncio.gather(
        store.desk.record_decision(approval(digest, "finance", "carla")),
        store.desk.record_decision(approval(digest, "delivery", "carla")),
    )
    assert sorted(answer.accepted for answer in answers) == [False, True]


async def test_the_same_decision_sent_again_gets_its_first_answer_and_leaves_no_second_trace(
    store: Store, clock: Clock
) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    judged = approval(digest, "finance", "carla")
    first = await store.desk.record_decision(judged)
    entries = await store.audit.list_entries()
    judged_later = judged.model_copy(
        update={"answer": Answer(accepted=False, refusal=Refusal.ALREADY_SIGNED, message="You signed already.")}
    )
    answers = await asyncio.gather(*(store.desk.record_decision(judged_later) for _ in range(5)))
    assert set(answers) == {first}
    assert await store.audit.list_entries() == entries


async def test_the_same_decision_sent_ten_times_at_once_is_one_signature(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    answers = await asyncio.gather(
        *(store.desk.record_decision(approval(digest, "finance", "carla")) for _ in range(10))
    )
    assert len(set(answers)) == 1
    assert len(await store.desk.list_signatures(digest)) == 1


async def test_another_decision_under_a_used_id_is_a_replay_and_is_written_down(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    judged = approval(digest, "finance", "carla", decision="d-1")
    await store.desk.record_decision(judged)
    answer = await store.desk.record_decision(_with(judged, reason="changed"))
    assert (answer.accepted, answer.refusal, answer.person) == (False, Refusal.REPLAYED, "carla")
    entry = (await store.audit.list_entries())[-1]
    assert (entry.kind, entry.facts["refusal"]) == ("decision.refused", "replayed")
    assert len(await store.desk.list_signatures(digest)) == 1


async def test_the_same_decision_in_a_later_process_is_a_replay(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    judged = approval(digest, "finance", "carla").model_copy(update={"run": "run-1"})
    first = await store.desk.record_decision(judged)
    assert await store.desk.record_decision(judged) == first
    later = await store.desk.record_decision(judged.model_copy(update={"run": "run-2"}))
    assert (later.accepted, later.refusal) == (False, Refusal.REPLAYED)
    assert "earlier process" in later.message


@pytest.mark.parametrize("verdict", [Verdict.REJECT, Verdict.WITHDRAW])
async def test_a_no_takes_the_signatures_that_were_there(store: Store, clock: Clock, verdict: Verdict) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    await store.desk.record_decision(approval(digest, "finance", "carla"))
    no = approval(digest, "delivery", "pavel", verdict=verdict, decision="d-no")
    await store.desk.record_decision(no.model_copy(update={"answer": no.answer.model_copy(update={"complete": True})}))
    assert await store.desk.list_signatures(digest) == ()
    (voided,) = [entry for entry in await store.audit.list_entries() if entry.kind == "signature.voided"]
    assert (voided.facts["slot"], voided.facts["person"], voided.facts["decision"]) == ("finance", "carla", "d-no")


async def test_a_refused_decision_is_recorded_and_signs_nothing(store: Store, clock: Clock) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    refusal = Answer(accepted=False, refusal=Refusal.OWN_REQUEST, message="Nobody decides on their own deal.")
    judged = approval(digest, "finance", "sam").model_copy(update={"answer": refusal})
    assert await store.desk.record_decision(judged) == refusal
    assert await store.desk.list_signatures(digest) == ()
    assert (await store.audit.list_entries())[-1].facts["refusal"] == "own-request"


async def test_a_rejection_closes_the_matter_and_a_signature_that_comes_too_late_is_refused(
    store: Store, clock: Clock
) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    rejection = approval(digest, "finance", "carla", verdict=Verdict.REJECT)
    rejection = rejection.model_copy(update={"answer": rejection.answer.model_copy(update={"complete": True})})
    assert (await store.desk.record_decision(rejection)).complete
    assert await store.desk.list_open(FIRM) == ()
    late = await store.desk.record_decision(approval(digest, "delivery", "pavel"))
    assert (late.accepted, late.refusal) == (False, Refusal.NOT_WAITING)
    assert await store.desk.list_signatures(digest) == ()


async def test_a_repair_keeps_the_answer_and_closes_the_blocker(store: Store, clock: Clock) -> None:
    blocker = a_blocker()
    await store.desk.raise_blockers((blocker,), WORKFLOW, (clock(),))
    answer = await store.desk.record_decision(repair(blocker, "olga"))
    assert (answer.accepted, answer.complete) == (True, True)
    (given,) = await store.desk.list_answers(ENGAGEMENT)
    assert (given.field, given.value, given.person) == ("tax_number", "yes", "olga")
    assert await store.desk.find_blocker(blocker.blocker) is None


async def test_a_repair_at_the_source_closes_the_blocker_without_an_answer(store: Store, clock: Clock) -> None:
    blocker = a_blocker()
    await store.desk.raise_blockers((blocker,), WORKFLOW, (clock(),))
    await store.desk.record_decision(repair(blocker, "olga", answer=""))
    assert await store.desk.list_answers(ENGAGEMENT) == ()
    assert await store.desk.list_open(FIRM) == ()


async def test_of_two_people_who_answer_one_blocker_at_once_one_is_believed(store: Store, clock: Clock) -> None:
    blocker = a_blocker()
    await store.desk.raise_blockers((blocker,), WORKFLOW, (clock(),))
    answers = await asyncio.gather(
        *(store.desk.record_decision(repair(blocker, name, answer=name)) for name in ("olga", "omar", "olaf"))
    )
    assert sum(answer.accepted for answer in answers) == 1
    assert {answer.refusal for answer in answers if not answer.accepted} == {Refusal.NOT_WAITING}
    (given,) = await store.desk.list_answers(ENGAGEMENT)
    assert given.value == given.person


async def test_answers_are_listed_oldest_first(store: Store, clock: Clock) -> None:
    for number, name in enumerate(("olga", "omar")):
        blocker = a_blocker(f"R{number}", answer_field=f"field-{number}")
        await store.desk.raise_blockers((blocker,), WORKFLOW, (clock(),))
        await store.desk.record_decision(repair(blocker, name, answer=name))
    given = await store.desk.list_answers(ENGAGEMENT)
    assert [(answer.field, answer.value) for answer in given] == [("field-0", "olga"), ("field-1", "omar")]


async def test_a_signature_under_a_plan_that_is_not_stored_is_our_bug_and_leaves_nothing(store: Store) -> None:
    digest = PlanDigest("0" * 64)
    with pytest.raises(Fatal, match="no plan"):
        await store.desk.record_decision(approval(digest, "finance", "carla"))
    assert await store.desk.list_signatures(digest) == ()
    assert await store.audit.list_entries() == ()


async def test_a_decision_made_of_hostile_text_is_recorded_as_refused(store: Store) -> None:
    refusal = Answer(accepted=False, refusal=Refusal.BAD_TOKEN, message="The signature does not hold.")
    judged = approval(
        PlanDigest("p'--"), "finance", "x", decision="d'; DROP TABLE audit; --", reason="\u202e\U0001f4a3"
    )
    judged = judged.model_copy(update={"answer": refusal})
    assert await store.desk.record_decision(judged) == refusal
    assert await store.desk.record_decision(judged) == refusal
    assert (await store.audit.verify()).entries == 1


async def test_a_crash_while_a_decision_is_recorded_leaves_neither_signature_nor_trace(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = await _asked(store, clock, *TWO_SLOTS)
    entries = await store.audit.list_entries()

    async def broken(*_args: object) -> None:
        raise RuntimeError("the worker is killed here")

    with monkeypatch.context() as patch:
        patch.setattr("store.chain.Chain.write", broken)
        with pytest.raises(RuntimeError, match="killed"):
            await store.desk.record_decision(approval(digest, "finance", "carla"))
    assert await store.desk.list_signatures(digest) == ()
    assert await store.audit.list_entries() == entries
    assert (await store.desk.record_decision(approval(digest, "finance", "carla"))).person == PersonId("carla")
