import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connectors.hubspot.pacing import Pace
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.ids import DealId
from models.records import Guard
from tests.connectors.hubspot.samples import (
    COMPANY,
    DEAL,
    KEY,
    OWNER,
    Scripted,
    answer,
    batch,
    complaint,
    links,
    record,
    waiting,
    write_back,
)

OAUTH = {"kind": "oauth", "client_id": "app", "client_secret": "not-shown", "refresh_token": "first"}


def on(method: str, end: str, reply: Callable[[httpx.Request], httpx.Response] | httpx.Response) -> Any:
    """Answer one kind of request; leave the others to the account."""

    def answering(request: httpx.Request) -> httpx.Response | None:
        if request.method == method and request.url.path.endswith(end):
            return reply(request) if callable(reply) else reply
        return None

    return answering


async def write(account: Scripted) -> None:
    async with account.http:
        await account.crm.ensure_write_back(write_back(), links())


async def test_a_static_token_signs_every_call_and_is_never_renewed() -> None:
    account = Scripted()
    async with account.http:
        await account.crm.check_access()
    assert account.requests[0].headers["Authorization"] == "Bearer not-shown"
    expired = Scripted(lambda _: complaint("EXPIRED_AUTHENTICATION", 401))
    with pytest.raises(Fatal, match="access_token") as stop:
        await write(expired)
    assert (len(expired.requests), stop.value.code) == (1, "TL-INT-002")


async def test_an_expired_token_is_renewed_once_for_all_and_the_calls_repeated_once() -> None:
    account = Scripted(
        lambda request: complaint("EXPIRED_AUTHENTICATION", 401)
        if request.headers.get("Authorization") == "Bearer T1"
        else None,
        login=OAUTH,
    )
    async with account.http:
        await asyncio.gather(*(account.crm.check_access() for _ in range(20)))
    assert len(account.token_requests) == 2


async def test_a_fresh_token_that_is_refused_ends_there() -> None:
    account = Scripted(
        lambda request: None if "oauth" in request.url.path else complaint("EXPIRED_AUTHENTICATION", 401), login=OAUTH
    )
    with pytest.raises(Fatal, match="clock"):
        await write(account)
    assert (len(account.token_requests), len(account.requests)) == (2, 2)


@pytest.mark.parametrize(
    "refusal",
    [
        complaint("INVALID_AUTHENTICATION", 401), complaint("MISSING_SCOPES", 403), complaint("SOMETHING", 401),
        httpx.Response(401, html="<p>No</p>"), httpx.Response(403, text="no"),
    ],
)  # fmt: skip
async def test_no_other_refusal_makes_a_new_token(refusal: httpx.Response) -> None:
    account = Scripted(lambda request: None if "oauth" in request.url.path else refusal, login=OAUTH)
    with pytest.raises(Fatal):
        await write(account)
    assert (len(account.token_requests), len(account.requests)) == (1, 1)


async def test_the_secret_is_sent_as_a_form_and_the_newest_refresh_token_is_used() -> None:
    account = Scripted(
        lambda request: complaint("EXPIRED_AUTHENTICATION", 401)
        if request.headers.get("Authorization") == "Bearer T1"
        else None,
        login=OAUTH,
    )
    async with account.http:
        await account.crm.check_access()
    first, second = (dict(httpx.QueryParams(one.content.decode())) for one in account.token_requests)
    assert first == {"grant_type": "refresh_token", "client_id": "app", "client_secret": "not-shown",
                     "refresh_token": "first"}  # fmt: skip
    assert second["refresh_token"] == "R"
    assert {str(one.url) for one in account.token_requests} == {"https://api.hubapi.com/oauth/2026-09/token"}


@pytest.mark.parametrize(
    "token",
    [
        httpx.Response(200, html="<p>Maintenance</p>"), httpx.Response(503, text="later"), answer({"access_token": ""}),
        answer(["?"]), answer({}), answer({"access_token": "T", "expires_in": -1}), complaint("", 429),
    ],
)  # fmt: skip
async def test_without_a_token_nothing_was_sent(token: httpx.Response) -> None:
    account = Scripted(lambda request: token if "oauth" in request.url.path else None, login=OAUTH)
    with pytest.raises(NotSent):
        await write(account)
    assert account.requests == []


@pytest.mark.parametrize("error", [httpx.ConnectError("no"), httpx.ReadTimeout("no")])
async def test_a_sign_in_without_an_answer_sent_nothing(error: Exception) -> None:
    def failing(_: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(NotSent):
        await write(Scripted(failing, login=OAUTH))


def test_secrets_are_not_shown() -> None:
    assert "not-shown" not in repr(Scripted().config)
    assert "not-shown" not in repr(Scripted(login=OAUTH).config)


async def test_a_token_of_another_account_is_noticed() -> None:
    account = Scripted(portal_id="7")
    async with account.http:
        with pytest.raises(NeedsRepair, match="belongs to HubSpot account 48211903"):
            await account.crm.check_access()


HOSTILE: dict[str, Any] = {
    "page": httpx.Response(200, html="<html>Maintenance</html>"),
    "half a document": httpx.Response(200, content=b'{"results": [', headers={"Content-Type": "application/json"}),
    "another shape": answer({"hello": 1}),
    "a list": answer([1, 2]),
    "nothing": httpx.Response(200, content=b"", headers={"Content-Type": "application/json"}),
    "nested": httpx.Response(200, content=b"[" * 200_000, headers={"Content-Type": "application/json"}),
    "ids that are none": answer({"id": "../1", "properties": {}, "results": [{"id": "x", "properties": {}}]}),
    "endless": answer({"results": [record(str(number), {}) for number in range(1, 1003)]}),
    "server error": httpx.Response(500, text="oops"),
    "accepted": answer({}, 202),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_an_answer_that_is_none_leaves_a_write_unknown(name: str) -> None:
    account = Scripted(on("PATCH", f"/companies/{COMPANY}", HOSTILE[name]))
    with pytest.raises(OutcomeUnknown):
        await write(account)


@pytest.mark.parametrize("name", HOSTILE)
async def test_an_answer_that_is_none_lets_a_read_be_asked_again(name: str) -> None:
    account = Scripted(on("POST", "/batch/read", HOSTILE[name]))
    async with account.http:
        with pytest.raises(Retryable) as lost:
            await account.crm.find_contracts([DealId(DEAL)])
    assert type(lost.value) is Retryable


async def test_more_deals_than_fit_into_one_question_are_asked_in_turns() -> None:
    account = Scripted(on("POST", "/batch/read", answer(batch())))
    deals = [DealId(str(number)) for number in range(1, 251)]
    async with account.http:
        assert await account.crm.find_contracts([*deals, deals[0]]) == ()
        assert await account.crm.find_contracts([]) == ()
    assert [len(body["inputs"]) for body in account.sent("/batch/read")] == [100, 100, 50]
    assert "idProperty" not in account.sent("/batch/read")[0]


async def test_deals_that_are_gone_are_missing_and_any_other_trouble_of_one_is_said() -> None:
    gone = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "gone", "context": {"ids": ["1"]}}
    account = Scripted(on("POST", "/batch/read", answer(batch(errors=[gone], numErrors=1), 207)))
    async with account.http:
        assert await account.crm.find_contracts([DealId("1")]) == ()
    for error in ({**gone, "category": "VALIDATION_ERROR"}, {"message": "half filled"}):
        account = Scripted(on("POST", "/batch/read", answer(batch(errors=[error]), 207)))
        async with account.http:
            with pytest.raises(TielineError):
                await account.crm.find_contracts([DealId("1")])


async def test_archived_deals_are_missing_too() -> None:
    account = Scripted(on("POST", "/batch/read", answer(batch({**record("1", {}), "archived": True}))))
    async with account.http:
        assert await account.crm.find_contracts([DealId("1")]) == ()


async def test_more_associations_than_come_along_are_read_on_their_own_over_pages() -> None:
    def associations(request: httpx.Request) -> httpx.Response:
        after = json.loads(request.content)["inputs"][0].get("after", "")
        to = [{"toObjectId": 7002 if after else 7001, "associationTypes": [{"typeId": 19, "label": None}]}]
        more = {} if after else {"paging": {"next": {"after": "p2"}}}
        return answer(batch() | {"results": [{"from": {"id": DEAL}, "to": to, **more}]})

    account = Scripted(on("POST", "/deals/line_items/batch/read", associations))
    account.links["line items"]["paging"] = {"next": {"after": "7001", "link": "https://evil.example"}}
    account.children["line_items"].append({"id": "7002", "properties": {"name": "Walk"}})
    async with account.http:
        terms = await account.crm.get_signed_terms(DealId(DEAL))
    assert [line.description for line in terms.lines] == ["Run", "Walk"]
    assert {request.url.host for request in account.requests} == {"api.hubapi.com"}


async def test_a_list_without_end_is_cut_off() -> None:
    to = [{"toObjectId": number} for number in range(1, 1500)]
    endless = answer({"results": [{"from": {"id": DEAL}, "to": to, "paging": {"next": {"after": "x"}}}]})
    account = Scripted(on("POST", "/deals/line_items/batch/read", endless))
    account.links["line items"]["paging"] = {"next": {"after": "7001"}}
    async with account.http:
        with pytest.raises(NeedsRepair, match="more than 2000 line_items"):
            await account.crm.get_signed_terms(DealId(DEAL))


async def test_a_label_counts_wherever_associations_are_read() -> None:
    to = [{"toObjectId": COMPANY, "associationTypes": [{"typeId": 341, "label": None}, {"typeId": 5, "label": "Main"}]},
          {"toObjectId": "1", "associationTypes": [{"typeId": 341, "label": None}]}]  # fmt: skip
    account = Scripted(on("POST", "/deals/companies/batch/read", answer({"results": [{"to": to}]})))
    account.links["companies"]["paging"] = {"next": {"after": "1"}}
    async with account.http:
        terms = await account.crm.get_signed_terms(DealId(DEAL))
    assert terms.buyer is not None
    assert terms.buyer.account_id == COMPANY


def found(request: httpx.Request, known: list[int], per_page: int) -> httpx.Response:
    """A search as the vendor does it: by id above a number, so many to a page."""
    body = json.loads(request.content)
    last = int(body["filterGroups"][0]["filters"][1]["value"])
    ids = [number for number in known if number > last]
    more = {"paging": {"next": {"after": "2"}}} if len(ids) > per_page else {}
    return answer({"total": len(ids), "results": [record(str(one), {}) for one in ids[:per_page]], **more})


def deals_of(request: httpx.Request) -> httpx.Response:
    ids = [one["id"] for one in json.loads(request.content)["inputs"]]
    won = {"pipeline": "75104382", "dealstage": "148213305"}
    open_deal = {"pipeline": "75104382", "dealstage": "148213301"}
    rows = [record(one, {**(open_deal if int(one) == 12 else won), "contract_number": f"C-{one}"}) for one in ids]
    return answer(batch(*rows))


async def test_won_deals_are_found_above_the_last_id_and_each_is_read_again() -> None:
    def answering(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/search"):
            return found(request, list(range(10, 15)), 2)
        return deals_of(request) if request.url.path.endswith("/deals/batch/read") else None

    account = Scripted(answering)
    async with account.http:
        won = await account.crm.list_won_deals()
    assert [one.contract_number for one in won] == ["C-10", "C-11", "C-13", "C-14"]
    searches = account.sent("/search")
    assert [one["filterGroups"][0]["filters"][1]["value"] for one in searches] == ["0", "11", "13"]
    assert searches[0]["filterGroups"][0]["filters"][0]["values"] == ["148213305"]
    assert {one["after"] for one in searches} == {"0"}
    assert all(len(json.dumps(one)) < 3000 for one in searches)


@pytest.mark.parametrize(
    "page",
    [
        {"results": [record("5", {}), record("5", {})]},
        {"results": [record("7", {}), record("5", {})]},
        {"results": [], "paging": {"next": {"after": "200"}}},
    ],
)
async def test_a_search_that_does_not_go_on_as_it_should_is_no_list(page: dict[str, Any]) -> None:
    account = Scripted(on("POST", "/search", answer(page)))
    async with account.http:
        with pytest.raises(Retryable, match="does not go on"):
            await account.crm.list_won_deals()


PARTS = [
    "GET /crm/objects/p_tieline_project/hf-c-100-deal-0123456789ab",
    f"PATCH /crm/objects/companies/{COMPANY}",
    f"PATCH /crm/objects/deals/{DEAL}",
    "POST /crm/associations/deals/tasks/batch/read",
    "POST /crm/objects/tasks",
    "POST /crm/associations/deals/tasks/batch/read",
    "POST /crm/objects/p_tieline_project/batch/upsert",
    "POST /crm/associations/p_tieline_project/deals/batch/associate/default",
]


async def test_the_parts_are_written_in_an_order_that_makes_a_cut_harmless() -> None:
    account = Scripted()
    async with account.http:
        effect = await account.crm.ensure_write_back(write_back(), links())
    assert account.paths() == PARTS
    assert (effect.created, effect.changed, effect.ref.record_id) == (True, True, DEAL)
    (upsert,) = account.sent("/batch/upsert")
    assert upsert["inputs"][0]["id"] == upsert["inputs"][0]["properties"]["key"] == KEY
    assert upsert["inputs"][0]["idProperty"] == "key"
    (company, deal) = (json.loads(one.content)["properties"] for one in account.requests if one.method == "PATCH")
    assert company == {"erp_customer_id": "4711", "erp_customer_number": "N4711"}
    assert (deal["erp_sync_status"], deal["erp_sync_error"], deal["erp_contract_number"]) == ("Active", "", "N99")
    (task,) = account.sent("/tasks")
    assert task["properties"]["hs_task_subject"].startswith("Contract C-100: the project is open [hf-c-100-deal-")
    assert task["associations"][0]["types"][0]["associationTypeId"] == 216
    assert task["properties"]["hubspot_owner_id"] == OWNER


async def test_a_note_says_what_it_says_and_makes_no_page() -> None:
    account = Scripted()
    async with account.http:
        await account.crm.ensure_write_back(
            write_back(notify_text="<b>A & B</b>\nnext", notify_subject="x" * 900), links()
        )
    (task,) = account.sent("/tasks")
    assert task["properties"]["hs_task_body"] == "&lt;b&gt;A &amp; B&lt;/b&gt;<br>next"
    assert len(task["properties"]["hs_task_subject"]) == 250
    assert task["properties"]["hs_task_subject"].endswith("]")


async def test_a_status_without_a_note_touches_neither_company_nor_tasks() -> None:
    account = Scripted()
    async with account.http:
        await account.crm.ensure_write_back(waiting(), links())
    assert account.paths() == [PARTS[0], PARTS[2], PARTS[6], PARTS[7]]


async def test_in_an_edition_without_custom_objects_all_of_it_stands_on_the_deal() -> None:
    account = Scripted(custom_objects=False)
    async with account.http:
        effect = await account.crm.ensure_write_back(write_back(), links())
    assert account.paths() == [f"GET /crm/objects/deals/{DEAL}", *PARTS[1:6], PARTS[2]]
    assert (effect.created, effect.changed) == (False, True)
    evidence = json.loads(account.requests[-1].content)["properties"]
    assert (evidence["tieline_project_key"], evidence["tieline_project_status"]) == (KEY, "Active")


async def test_where_tasks_have_a_unique_property_the_vendor_keeps_the_note_to_one() -> None:
    taken = complaint("VALIDATION_ERROR", 400, "57 already has that value.")
    account = Scripted(on("POST", "/tasks", taken), names={"task_key": "tieline_task_key"})
    async with account.http:
        await account.crm.ensure_write_back(write_back(), links())
    assert account.crm.guard_of_write_back() is Guard.PROOF
    assert account.paths() == [*PARTS[:3], PARTS[4], *PARTS[6:]]
    assert account.sent("/tasks")[0]["properties"]["tieline_task_key"].startswith(KEY)
    assert Scripted().crm.guard_of_write_back() is Guard.GUARDED


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"owner_id": ""}, NeedsRepair, "has no owner"),
        ({"owner_id": "dana"}, NeedsRepair, "no CRM id of an owner"),
        ({"account_id": "../x"}, NeedsRepair, "no CRM id of a company"),
        ({"deal_id": "x/../y"}, NeedsRepair, "no CRM id of a deal"),
        ({"key": "a b"}, Fatal, "key of ours"),
        ({"project_step": "never"}, Fatal, "before step never"),
    ],
)
async def test_a_write_back_that_cannot_be_meant_is_not_sent(
    changes: dict[str, Any], kind: type[TielineError], words: str
) -> None:
    account = Scripted()
    async with account.http:
        with pytest.raises(kind, match=words):
            await account.crm.ensure_write_back(write_back(**changes), links())
    assert account.requests == []


@pytest.mark.parametrize(
    ("refusal", "kind", "words"),
    [
        (complaint("VALIDATION_ERROR", 400, "Some required properties were not set.",
                   context={"properties": ["closedate"]}), NeedsRepair, "requires closedate before deal 57404229253"),
        (complaint("", 404, "resource not found"), NeedsRepair, "archived, deleted or merged"),
        (complaint("MISSING_SCOPES", 403), Fatal, "scopes"),
        (complaint("", 423), OutcomeUnknown, "busy"),
        (complaint("", 429, policyName="DAILY"), OutcomeUnknown, "midnight"),
    ],
)  # fmt: skip
async def test_what_stops_a_later_part_does_not_claim_that_nothing_was_written(
    refusal: httpx.Response, kind: type[TielineError], words: str
) -> None:
    account = Scripted(on("PATCH", f"/deals/{DEAL}", refusal))
    with pytest.raises(kind, match=words) as stop:
        await write(account)
    assert "Written already: company" in stop.value.message
    assert len(account.requests) == 3


async def test_a_customer_that_another_company_shows_is_written_once_more_without_its_id() -> None:
    taken = complaint("VALIDATION_ERROR", 400, "Cannot set it. 123 already has that value.")
    account = Scripted(on("PATCH", f"/companies/{COMPANY}", taken))
    with pytest.raises(NeedsRepair, match="Merge the two") as stop:
        await write(account)
    assert "Written already" not in stop.value.message
    first, second = (json.loads(request.content)["properties"] for request in account.requests[1:])
    assert ("erp_customer_id" in first, "erp_customer_id" in second) == (True, False)


async def test_a_lost_race_for_the_key_is_repeated_once_and_a_hidden_holder_is_named() -> None:
    taken = complaint("VALIDATION_ERROR", 400, "9 already has that value.")
    replies = [taken, answer(batch(record("9001", {})))]
    gets = [complaint("", 404), answer(record("9001", {}))]

    def answering(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/batch/upsert"):
            return replies.pop(0)
        if request.method == "GET" and "tieline_project" in request.url.path:
            return gets.pop(0)
        return None

    account = Scripted(answering)
    async with account.http:
        effect = await account.crm.ensure_write_back(write_back(), links())
    assert (effect.created, replies) == (False, [])
    hidden = Scripted(on("POST", "/batch/upsert", taken))
    with pytest.raises(NeedsRepair, match="already has that value"):
        await write(hidden)
    assert hidden.paths().count(PARTS[6]) == 1


@pytest.mark.parametrize("rows", [[], [record("1", {}), record("2", {})]])
async def test_an_upsert_that_does_not_answer_for_its_one_record_leaves_it_unknown(rows: list[Any]) -> None:
    with pytest.raises(OutcomeUnknown):
        await write(Scripted(on("POST", "/batch/upsert", answer(batch(*rows)))))


async def test_a_row_that_an_upsert_refuses_is_refused() -> None:
    row = {"status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid: "
           '[{"name": "url", "error": "INVALID_URL", "message": "no address"}]'}  # fmt: skip
    with pytest.raises(NeedsRepair, match="url"):
        await write(Scripted(on("POST", "/batch/upsert", answer(batch(errors=[row]), 207))))


async def test_of_two_notes_the_older_stays_and_one_that_is_away_already_stays_away() -> None:
    looks: list[int] = []
    names: dict[str, str] = {}

    def answering(request: httpx.Request) -> httpx.Response | None:
        path = request.url.path
        if path.endswith("/deals/tasks/batch/read"):
            looks.append(1)
            seen = ["9500", "9501", "9502"] if len(looks) > 1 else []
            return answer({"results": [{"to": [{"toObjectId": one} for one in seen]}]})
        if path.endswith("/tasks") and request.method == "POST":
            names["ours"] = json.loads(request.content)["properties"]["hs_task_subject"]
        if path.endswith("/tasks/batch/read"):
            other, ours = ({"hs_task_subject": subject} for subject in ("Call them", names["ours"]))
            return answer(batch(record("9500", other), record("9502", ours)))
        return complaint("", 404) if request.method == "DELETE" else None

    account = Scripted(answering)
    await write(account)
    assert [path for path in account.paths() if path.startswith("DELETE")] == ["DELETE /crm/objects/tasks/9502"]


async def test_who_is_too_early_waits_for_its_turn() -> None:
    now, waited = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        waited.append(round(seconds, 3))

    pace = Pace(2, 10.0, clock=lambda: now[0], sleep=sleep)
    for _ in range(5):
        await pace.turn()
    assert waited == [10, 10, 20]
    now[0] = 31.0
    await pace.turn()
    assert waited == [10, 10, 20]


async def test_searches_are_paced_and_other_calls_are_not() -> None:
    account = Scripted(on("POST", "/search", answer({"results": []})), searches_per_s=1)
    async with account.http:
        started = asyncio.get_running_loop().time()
        await asyncio.gather(account.crm.list_won_deals(), account.crm.list_won_deals())
        assert asyncio.get_running_loop().time() - started > 0.9
        await asyncio.gather(*(account.crm.check_access() for _ in range(20)))
        assert asyncio.get_running_loop().time() - started < 3
