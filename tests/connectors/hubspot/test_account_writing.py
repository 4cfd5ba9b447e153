"""The adapter writes to the simulated account; the account's journal is the judge."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from connectors.hubspot import build
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.ids import ConnectionId, PlanDigest
from models.money import Money
from tests.connectors.hubspot.account import TestAccount, open_account, sold
from tests.connectors.hubspot.samples import links

OBJECTS = "/crm/objects/2026-09"
WRITE_BACK = {
    f"GET {OBJECTS}/p_tieline_project/{{id}}": 1,
    f"PATCH {OBJECTS}/companies/{{id}}": 1,
    f"PATCH {OBJECTS}/deals/{{id}}": 1,
    "POST /crm/associations/2026-09/deals/tasks/batch/read": 2,
    f"POST {OBJECTS}/tasks": 1,
    f"POST {OBJECTS}/p_tieline_project/batch/upsert": 1,
    "POST /crm/associations/2026-09/p_tieline_project/deals/batch/associate/default": 1,
}


@pytest.fixture
async def account() -> AsyncIterator[TestAccount]:
    async with open_account() as running:
        yield running


async def test_an_edition_without_custom_objects_reads_and_writes_the_deal_alone() -> None:
    async with open_account(config={"custom_objects": False}, custom_objects=False) as account:
        rows = '[{"name": "Design", "code": "D", "amount": "250000.10", "due_on": "2027-01-31", "trigger": "Date"}]'
        await account.save({"type": "deals", "id": account.deal, "tieline_milestones_json": rows})
        terms = await account.crm.get_signed_terms(account.deal)
        assert [row.amount for row in terms.milestones] == [Money.of("250000.10", "USD")]
        first = await account.crm.ensure_write_back(account.write_back(), links())
        written = await account.written()
        again = await account.crm.ensure_write_back(account.write_back(), links())
        assert (first.changed, again.changed, await account.written()) == (True, False, written)
        assert await account.crm.find_write_back(account.write_back(), links()) is not None
        assert await account.crm.find_write_back(account.waiting(), links()) is None
        deal = await account.shown()
        assert (deal["tieline_project_status"], deal["erp_project_id"]) == ("Active", "88")
        assert len(await account.state("tasks")) == 1
        config = account.config.model_copy(update={"custom_objects": True})
        async with httpx.AsyncClient(trust_env=False) as http:
            wrong = build(ConnectionId("crm-main"), config, http)
            with pytest.raises(Fatal, match="`custom_objects` to false"):
                await wrong.ensure_write_back(account.write_back(), links())


async def test_the_outcome_is_written_in_so_many_calls(account: TestAccount) -> None:
    effect = await account.crm.ensure_write_back(account.write_back(), links())
    assert (effect.created, effect.changed, effect.ref.record_id) == (True, True, account.deal)
    assert await account.calls() == WRITE_BACK
    assert sum(WRITE_BACK.values()) == 8
    (project,), (task,) = [await account.state(kind) for kind in ("tieline_project", "tasks")]
    assert (project["status"], project["erp_project_id"], project["number"]) == ("Active", "88", "N88")
    assert (task["hubspot_owner_id"], task["hs_task_status"]) == (account.owner, "NOT_STARTED")
    deal = await account.shown()
    assert (deal["erp_sync_status"], deal["erp_contract_number"]) == ("Active", "N99")
    assert (await account.state("companies"))[0]["erp_customer_id"] == "4711"


async def test_a_status_costs_four_calls_and_the_next_one_three(account: TestAccount) -> None:
    look, show = f"GET {OBJECTS}/p_tieline_project/{{id}}", f"PATCH {OBJECTS}/deals/{{id}}"
    keep = f"POST {OBJECTS}/p_tieline_project/batch/upsert"
    link = "POST /crm/associations/2026-09/p_tieline_project/deals/batch/associate/default"
    await account.crm.ensure_write_back(account.waiting(), links())
    assert await account.calls() == {look: 1, show: 1, keep: 1, link: 1}
    await account.crm.ensure_write_back(account.waiting("Another reason."), links())
    assert await account.calls() == {look: 2, show: 2, keep: 2, link: 1}
    await account.crm.find_write_back(account.waiting(), links())
    assert (await account.calls())[look] == 3


async def test_written_twice_there_is_still_one_record_and_one_note(account: TestAccount) -> None:
    first = await account.crm.ensure_write_back(account.write_back(), links())
    written = await account.written()
    await account.control("calls", "DELETE")
    second = await account.crm.ensure_write_back(account.write_back(), links())
    assert (first.created, second.created, second.changed) == (True, False, False)
    assert await account.written() == written
    assert await account.calls() == {f"GET {OBJECTS}/p_tieline_project/{{id}}": 1}


async def test_evidence_is_this_very_write_back_and_no_other(account: TestAccount) -> None:
    assert await account.crm.find_write_back(account.waiting(), links()) is None
    await account.crm.ensure_write_back(account.waiting(), links())
    assert await account.crm.find_write_back(account.waiting(), links()) is not None
    assert await account.crm.find_write_back(account.waiting("Another reason."), links()) is None
    assert await account.crm.find_write_back(account.write_back(), links()) is None
    (other,) = await account.save(sold(account.owner, account.company, contract_number="C-200"))
    assert await account.crm.find_write_back(account.waiting().model_copy(update={"deal_id": other}), links()) is None


async def test_a_plan_is_told_from_another_plan(account: TestAccount) -> None:
    one, two = (account.write_back(plan_digest=PlanDigest(letter * 64)) for letter in "ab")
    await account.crm.ensure_write_back(one, links())
    assert await account.crm.find_write_back(one, links()) is not None
    assert await account.crm.find_write_back(two, links()) is None
    await account.crm.ensure_write_back(two, links())
    assert await account.notes_and_records() == (2, 1)


async def test_a_deal_that_waited_becomes_active_and_its_ids_survive_a_later_status(account: TestAccount) -> None:
    await account.crm.ensure_write_back(account.waiting(), links())
    await account.crm.ensure_write_back(account.write_back(), links())
    deal = await account.shown()
    assert (deal["erp_sync_status"], deal.get("erp_sync_error") or "") == ("Active", "")
    frozen = account.waiting("Frozen by finance.").model_copy(update={"status": "frozen"})
    await account.crm.ensure_write_back(frozen, links())
    deal = await account.shown()
    assert (deal["erp_sync_status"], deal["erp_project_id"]) == ("Frozen", "88")


CUTS: dict[str, dict[str, Any]] = {
    "company": {"method": "PATCH", "path": "/companies/"},
    "deal": {"method": "PATCH", "path": "/deals/"},
    "note": {"method": "POST", "path": "/2026-09/tasks$"},
    "record": {"method": "POST", "path": "/batch/upsert"},
    "link": {"method": "POST", "path": "/associate/default"},
}


@pytest.mark.parametrize(
    ("part", "action"),
    [(part, action) for part in CUTS for action in ("reset", "truncate")],
)
async def test_an_answer_cut_after_any_part_converges_to_one_effect(part: str, action: str) -> None:
    async with open_account() as account:
        await account.fault(**CUTS[part], action=action, when="after")
        with pytest.raises(OutcomeUnknown):
            await account.crm.ensure_write_back(account.write_back(), links())
        landed = await account.crm.find_write_back(account.write_back(), links())
        assert (landed is not None) == (part == "link")
        await account.crm.ensure_write_back(account.write_back(), links())
        assert await account.crm.find_write_back(account.write_back(), links()) is not None
        assert await account.notes_and_records() == (1, 1)
        assert (await account.shown())["erp_sync_status"] == "Active"


@pytest.mark.parametrize("part", CUTS)
async def test_a_request_cut_before_it_arrived_leaves_no_evidence_and_is_made_good(part: str) -> None:
    async with open_account() as account:
        await account.fault(**CUTS[part], action="reset", when="before")
        with pytest.raises(OutcomeUnknown):
            await account.crm.ensure_write_back(account.write_back(), links())
        assert await account.crm.find_write_back(account.write_back(), links()) is None
        await account.crm.ensure_write_back(account.write_back(), links())
        assert await account.notes_and_records() == (1, 1)
        assert await account.crm.find_write_back(account.write_back(), links()) is not None


async def test_a_record_that_lands_after_its_repetition_is_still_one(account: TestAccount) -> None:
    await account.fault(**CUTS["record"], action="late_apply", delay_s=0.3)
    with pytest.raises(OutcomeUnknown):
        await account.crm.ensure_write_back(account.write_back(), links())
    await account.crm.ensure_write_back(account.write_back(), links())
    await asyncio.sleep(0.5)  # the simulator applies the late request on its own clock
    assert await account.notes_and_records() == (1, 1)


async def test_the_one_gap_a_note_that_lands_after_its_repetition_was_checked_is_a_second_note(
    account: TestAccount,
) -> None:
    await account.fault(**CUTS["note"], action="late_apply", delay_s=0.4)
    with pytest.raises(OutcomeUnknown):
        await account.crm.ensure_write_back(account.write_back(), links())
    await account.crm.ensure_write_back(account.write_back(), links())
    await asyncio.sleep(0.6)  # the simulator applies the late request on its own clock
    assert await account.notes_and_records() == (2, 1)


async def test_at_the_same_moment_there_is_one_record_and_one_note() -> None:
    async with open_account(upsert_gap_s=0.05) as account:
        request = account.write_back()
        effects = await asyncio.gather(*(account.crm.ensure_write_back(request, links()) for _ in range(6)))
        assert [effect.created for effect in effects].count(True) == 1
        assert await account.notes_and_records() == (1, 1)
        assert await account.crm.find_write_back(request, links()) is not None


async def test_a_second_company_of_one_customer_shows_its_number_and_leaves_the_id_to_the_first(
    account: TestAccount,
) -> None:
    await account.save({"type": "companies", "name": "Acme twin", "erp_customer_id": "4711"})
    assert (await account.crm.ensure_write_back(account.write_back(), links())).changed
    assert await account.notes_and_records() == (1, 1)


async def test_a_key_that_is_not_unique_is_a_matter_of_settings(account: TestAccount) -> None:
    config = {"names": {"project_key": "name"}}
    async with open_account(config=config) as other:
        with pytest.raises(Fatal, match="not unique"):
            await other.crm.ensure_write_back(other.write_back(), links())
    assert await account.written() == []


async def test_a_rule_of_the_administrator_names_the_property_and_what_is_written_already(account: TestAccount) -> None:
    rule = {"object": "deals", "when": {"dealstage": ["148213305"]}, "require": ["dealtype"]}
    await account.control("rules", rules=[rule])
    with pytest.raises(NeedsRepair, match="requires dealtype before deal") as stop:
        await account.crm.ensure_write_back(account.write_back(), links())
    assert (stop.value.field, "Written already: company" in stop.value.message) == ("dealtype", True)
    assert await account.crm.find_write_back(account.write_back(), links()) is None
    await account.save({"type": "deals", "id": account.deal, "dealtype": "newbusiness"})
    await account.crm.ensure_write_back(account.write_back(), links())
    assert await account.notes_and_records() == (1, 1)


async def test_a_value_that_a_rule_refuses_is_told_in_its_words(account: TestAccount) -> None:
    rule = {"object": "companies", "property": "erp_customer_id", "pattern": "CUST-.*", "message": "Ask finance"}
    await account.control("rules", rules=[rule])
    with pytest.raises(NeedsRepair, match=r"erp_customer_id.*Ask finance"):
        await account.crm.ensure_write_back(account.write_back(), links())
    assert await account.written() == []


async def test_a_deal_that_was_archived_meanwhile_is_named_and_nothing_hangs_in_the_air(account: TestAccount) -> None:
    await account.control("archive", type="deals", ids=[account.deal])
    with pytest.raises(NeedsRepair, match="archived, deleted or merged"):
        await account.crm.ensure_write_back(account.write_back(), links())
    assert await account.notes_and_records() == (0, 0)


async def test_a_record_of_ours_that_was_archived_is_no_evidence(account: TestAccount) -> None:
    await account.crm.ensure_write_back(account.write_back(), links())
    (project,) = await account.state("tieline_project")
    await account.control("archive", type="tieline_project", ids=[project["hs_object_id"]])
    assert await account.crm.find_write_back(account.write_back(), links()) is None
    await account.crm.ensure_write_back(account.write_back(), links())
    assert await account.notes_and_records() == (1, 1)


async def test_an_expired_token_is_renewed_in_the_middle_of_work() -> None:
    async with open_account(login="oauth") as account:
        await account.crm.find_contracts([account.deal])
        await account.control("expire-tokens")
        assert (await account.crm.ensure_write_back(account.write_back(), links())).created
        assert sum(count for route, count in (await account.calls()).items() if "token" in route) == 2
        assert await account.notes_and_records() == (1, 1)


async def test_a_withdrawn_token_is_for_an_operator() -> None:
    async with open_account() as account:
        await account.control("revoke", token=account.config.login.access_token.get_secret_value())  # type: ignore[union-attr]
        with pytest.raises(Fatal, match="lost its access"):
            await account.crm.check_access()


async def test_a_missing_right_is_named() -> None:
    async with open_account(withheld_scopes="crm.objects.companies.write") as account:
        with pytest.raises(Fatal, match=r"crm\.objects\.companies\.write"):
            await account.crm.ensure_write_back(account.write_back(), links())


async def test_a_used_up_day_parks_the_work_without_an_effect(account: TestAccount) -> None:
    await account.control("settings", daily_limit=1, calls_before=5)
    with pytest.raises(NotSent, match="until midnight") as later:
        await account.crm.ensure_write_back(account.write_back(), links())
    assert later.value.retry_after_s == 900.0
    assert await account.written() == []


@pytest.mark.parametrize(("told", "waits"), [(0, 10.0), (3, 3.0)])
async def test_too_many_calls_at_once_wait_as_long_as_the_vendor_says(told: int, waits: float) -> None:
    async with open_account(burst_limit=1, retry_after_s=told) as account:
        await account.crm.check_access()
        with pytest.raises(NotSent) as later:
            await account.crm.ensure_write_back(account.write_back(), links())
        assert later.value.retry_after_s == waits
        assert await account.written() == []


async def test_a_limit_hit_in_the_middle_is_unknown_and_made_good(account: TestAccount) -> None:
    body = {"status": "error", "message": "x", "errorType": "RATE_LIMIT", "policyName": "TEN_SECONDLY_ROLLING"}
    await account.fault(method="PATCH", path="/deals/", action="status", status=429, body=body)
    with pytest.raises(OutcomeUnknown) as stopped:
        await account.crm.ensure_write_back(account.write_back(), links())
    assert stopped.value.retry_after_s == 10.0
    await account.crm.ensure_write_back(account.write_back(), links())
    assert await account.notes_and_records() == (1, 1)


PAGE = "<html><body>Down for maintenance</body></html>"


@pytest.mark.parametrize("status", [200, 404, 502, 503])
async def test_a_maintenance_page_is_never_data(account: TestAccount, status: int) -> None:
    await account.fault(path="/crm/", action="status", status=status, body=PAGE, times=0)
    with pytest.raises(TielineError) as lost:
        await account.crm.get_signed_terms(account.deal)
    with pytest.raises(TielineError):
        await account.crm.ensure_write_back(account.write_back(), links())
    if status != 404:
        assert isinstance(lost.value, Retryable)
    assert await account.written() == []


async def test_an_account_that_is_not_there_was_sent_nothing(account: TestAccount) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    async with open_account(transport=httpx.MockTransport(refuse)) as away:
        with pytest.raises(NotSent):
            await away.crm.ensure_write_back(account.write_back(), links())
