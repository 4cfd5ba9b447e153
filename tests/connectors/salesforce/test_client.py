import asyncio
import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from connectors.salesforce import SalesforceConfig
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable, TielineError
from models.ids import DealId
from tests.connectors.salesforce.org import TestOrg, links
from tests.connectors.salesforce.samples import (
    DEAL,
    URL,
    Scripted,
    answer,
    complaint,
    page,
    private_key,
    terms,
)

EXPIRED = ("INVALID_SESSION_ID", 401, "Session expired or invalid")


def requests(org: Scripted) -> TestOrg:
    return TestOrg(org.http, org.crm, org.config, DealId(DEAL), "0015g0000000001AAA", "0055g0000000002AAA")


async def write(org: Scripted) -> None:
    async with org.http:
        await org.crm.ensure_write_back(requests(org).waiting(), links())


async def test_a_refused_token_is_renewed_once_and_the_call_repeated_once() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        return complaint(*EXPIRED) if request.headers["Authorization"] == "Bearer T1" else answer(page(terms()))

    org = Scripted(answering)
    async with org.http:
        await org.crm.get_signed_terms(DealId(DEAL))
    assert (org.tokens, len(org.requests)) == (2, 2)
    assert {request.headers["Sforce-Call-Options"] for request in org.requests} == {"client=Tieline"}


async def test_a_fresh_token_that_is_refused_ends_there() -> None:
    org = Scripted(lambda _: complaint(*EXPIRED))
    with pytest.raises(Fatal, match="base_url"):
        await write(org)
    assert (org.tokens, len(org.requests)) == (2, 2)


@pytest.mark.parametrize(
    "refusal",
    [
        complaint("INVALID_SESSION_ID", 401, "This session is not valid for use with the REST API"),
        complaint("SOMETHING_ELSE", 401),
        httpx.Response(401, html="<p>No</p>"),
        complaint("INSUFFICIENT_ACCESS_OR_READONLY", 403),
    ],
)
async def test_no_other_refusal_makes_a_new_token(refusal: httpx.Response) -> None:
    org = Scripted(lambda _: refusal)
    with pytest.raises(TielineError):
        await write(org)
    assert (org.tokens, len(org.requests)) == (1, 1)


async def test_many_calls_at_once_make_one_token_and_one_renewal() -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        return complaint(*EXPIRED) if request.headers["Authorization"] == "Bearer T1" else answer(page(terms()))

    org = Scripted(answering)
    async with org.http:
        await asyncio.gather(*(org.crm.get_signed_terms(DealId(DEAL)) for _ in range(20)))
    assert org.tokens == 2


def failing(error: Exception) -> Any:
    def handler(_: httpx.Request) -> httpx.Response:
        raise error

    return handler


@pytest.mark.parametrize(
    "token",
    [
        failing(httpx.ReadTimeout("no")),
        failing(httpx.ConnectError("no")),
        lambda _: httpx.Response(200, html="<p>Maintenance</p>"),
        lambda _: httpx.Response(503, text="later"),
        lambda _: answer({"access_token": ""}),
        lambda _: answer(["?"]),
        lambda _: answer({"error": "rate_limit_exceeded"}, 400),
    ],
)
async def test_without_a_token_nothing_was_sent(token: Any) -> None:
    org = Scripted(lambda _: answer(page(terms())), token=token)
    with pytest.raises(NotSent):
        await write(org)
    assert org.requests == []


async def test_a_sign_in_that_is_refused_without_a_reason_does_not_crash() -> None:
    org = Scripted(lambda _: answer(page()), token=lambda _: answer({"error": "invalid_grant"}, 400))
    with pytest.raises(Fatal, match="login history"):
        await write(org)


async def test_a_statement_that_came_too_late_is_made_again_once() -> None:
    replies: Iterator[httpx.Response] = iter(
        [answer({"error": "invalid_grant", "error_description": "expired authorization code"}, 400)] * 2
    )
    org = Scripted(lambda _: answer(page()), token=lambda _: next(replies))
    with pytest.raises(Fatal, match="clock"):
        await write(org)
    assert org.tokens == 2


async def test_the_statement_says_who_for_whom_and_for_how_long() -> None:
    forms: list[dict[str, str]] = []

    def token(request: httpx.Request) -> httpx.Response:
        forms.append(dict(httpx.QueryParams(request.content.decode()).items()))
        return answer({"access_token": "T"})

    login = {"kind": "jwt", "consumer_key": "key", "username": "me@example.com", "private_key_pem": private_key()}
    org = Scripted(lambda _: answer(page(terms())), token=token, login=login)
    async with org.http:
        await org.crm.get_signed_terms(DealId(DEAL))
    head, body, _ = forms[0]["assertion"].split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "RS256"
    assert (claims["iss"], claims["sub"], claims["aud"]) == ("key", "me@example.com", "https://login.salesforce.com")
    assert isinstance(claims["exp"], int)


async def test_a_private_key_that_is_none_is_a_matter_of_settings() -> None:
    login = {"kind": "jwt", "consumer_key": "key", "username": "me", "private_key_pem": "not a key"}
    with pytest.raises(Fatal, match="private_key_pem") as wrong:
        await write(Scripted(lambda _: answer(page()), login=login))
    assert "not a key" not in wrong.value.message


def test_secrets_are_not_shown() -> None:
    assert "not-shown" not in repr(Scripted(lambda _: answer(page())).config)


HOSTILE: dict[str, Any] = {
    "page": httpx.Response(200, html="<html>Maintenance</html>"),
    "half a document": httpx.Response(200, content=b'{"records": [', headers={"Content-Type": "application/json"}),
    "another shape": answer({"hello": 1}),
    "a list": answer([1, 2]),
    "nothing": httpx.Response(200, content=b"", headers={"Content-Type": "application/json"}),
    "no content": httpx.Response(204),
    "nested": httpx.Response(200, content=b"[" * 200_000, headers={"Content-Type": "application/json"}),
    "server error": httpx.Response(500, text="oops"),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_an_answer_that_is_none_leaves_a_write_unknown(name: str) -> None:
    with pytest.raises(OutcomeUnknown):
        await write(Scripted(lambda _: HOSTILE[name]))


@pytest.mark.parametrize("name", HOSTILE)
async def test_an_answer_that_is_none_lets_a_read_be_asked_again(name: str) -> None:
    org = Scripted(lambda _: HOSTILE[name])
    async with org.http:
        with pytest.raises(Retryable) as lost:
            await org.crm.list_won_deals()
    assert type(lost.value) is Retryable


NEXT = "/services/data/v67.0/query/01g5g0000000001-2000"


async def test_pages_are_followed_of_the_list_and_of_the_children() -> None:
    won = terms()
    replies = {"/services/data/v67.0/query": page(won, done=False, nextRecordsUrl=NEXT), NEXT: page(won)}
    org = Scripted(lambda request: answer(replies[request.url.path]))
    async with org.http:
        assert len(await org.crm.list_won_deals()) == 2
    lines = terms()["OpportunityLineItems"]
    more = {**lines, "done": False, "nextRecordsUrl": NEXT}
    replies = {"/services/data/v67.0/query": page(terms(OpportunityLineItems=more)), NEXT: lines}
    org = Scripted(lambda request: answer(replies[request.url.path]))
    async with org.http:
        assert len((await org.crm.get_signed_terms(DealId(DEAL))).lines) == 2


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/services/data/v67.0/query/1", "/services/data/v67.0/query/../../x", "", None, "@x"],
)
async def test_a_next_page_elsewhere_is_not_visited(address: str | None) -> None:
    org = Scripted(lambda _: answer(page(terms(), done=False, nextRecordsUrl=address)))
    async with org.http:
        with pytest.raises(Retryable, match="does not go on"):
            await org.crm.list_won_deals()
    assert {request.url.host for request in org.requests} == {"acme.my.salesforce.com"}
    assert len(org.requests) == 1


async def test_rows_without_end_are_cut_off() -> None:
    lines = terms()["OpportunityLineItems"]["records"] * 1500
    endless = {"totalSize": 9, "done": False, "records": lines, "nextRecordsUrl": NEXT}
    org = Scripted(lambda r: answer(endless if r.url.path == NEXT else page(terms(OpportunityLineItems=endless))))
    async with org.http:
        with pytest.raises(NeedsRepair, match="more than 2000 rows about lines of deal"):
            await org.crm.get_signed_terms(DealId(DEAL))
    assert len(org.requests) == 2


async def test_more_deals_than_fit_into_one_question_are_asked_in_turns() -> None:
    org = Scripted(lambda _: answer(page()))
    deals = [DealId(f"0065g000000{number:04d}") for number in range(450)]
    async with org.http:
        assert await org.crm.find_contracts([*deals, deals[0]]) == ()
        assert await org.crm.find_contracts([]) == ()
    assert len(org.requests) == 3


def part(reference: str, status: int = 200, body: Any = None) -> dict[str, Any]:
    return {"referenceId": reference, "httpStatusCode": status, "body": body, "httpHeaders": {}}


def failed(reference: str, code: str, message: str = "no") -> dict[str, Any]:
    return part(reference, 400, [{"errorCode": code, "message": message}])


def composite(*parts: dict[str, Any]) -> httpx.Response:
    return answer({"compositeResponse": list(parts)})


HALTED = failed("project", "PROCESSING_HALTED", "The transaction was rolled back since another operation failed.")


async def test_the_part_that_failed_speaks_not_those_rolled_back_with_it() -> None:
    org = Scripted(lambda _: composite(HALTED, failed("deal", "ENTITY_IS_LOCKED")))
    with pytest.raises(NeedsRepair, match="deal of deal 006"):
        await write(org)


async def test_a_vendor_code_survives_words_that_are_too_long_and_fields_that_are_none() -> None:
    body = [{"errorCode": "STRING_TOO_LONG", "message": "x" * 9000, "fields": None}]
    with pytest.raises(NeedsRepair, match="does not fit"):
        await write(Scripted(lambda _: composite(HALTED, part("deal", 400, body))))


@pytest.mark.parametrize(
    "parts",
    [
        [part("project", 201)],
        [part("project", 201), part("project", 204)],
        [part("deal", 204), part("project", 201)],
        [],
        [part(f"p{number}") for number in range(26)],
    ],
)
async def test_a_composite_answer_that_does_not_fit_the_question_leaves_the_write_unknown(parts: list[Any]) -> None:
    with pytest.raises(OutcomeUnknown):
        await write(Scripted(lambda _: composite(*parts)))


async def test_a_lost_race_for_the_key_is_repeated_once_and_then_left_to_the_engine() -> None:
    org = Scripted(lambda _: composite(failed("project", "DUPLICATE_VALUE", "duplicate value found"), HALTED))
    with pytest.raises(NotSent):
        await write(org)
    assert len(org.requests) == 2


async def test_a_customer_that_another_account_shows_is_written_once_more_without_its_id() -> None:
    taken = failed("account", "DUPLICATE_VALUE", "duplicates value on record with id: 0015g0000000009AAA")
    org = Scripted(lambda _: composite(HALTED, taken))
    async with org.http:
        with pytest.raises(NotSent):
            await org.crm.ensure_write_back(requests(org).write_back(), links())
    bodies = [json.loads(request.content)["compositeRequest"] for request in org.requests]
    first, second = ([one["body"] for one in body if one["referenceId"] == "account"] for body in bodies)
    assert ("ERP_Customer_Id__c" in first[0], "ERP_Customer_Id__c" in second[0]) == (True, False)


async def test_everything_is_written_in_one_call_all_or_nothing() -> None:
    org = Scripted(
        lambda _: composite(*(part(name) for name in ("project", "gate", "state", "account", "deal", "note")))
    )
    async with org.http:
        await org.crm.ensure_write_back(requests(org).write_back(), links())
    (request,) = org.requests
    sent = json.loads(request.content)
    assert (request.url.path, sent["allOrNone"], sent["collateSubrequests"]) == (
        "/services/data/v67.0/composite", True, False,
    )  # fmt: skip
    by_name = {one["referenceId"]: one for one in sent["compositeRequest"]}
    assert by_name["account"]["body"] == {"ERP_Customer_Id__c": "4711", "ERP_Customer_Number__c": "N4711"}
    assert by_name["deal"]["body"]["ERP_Sync_Error__c"] is None
    assert by_name["note"]["body"]["Subject"].endswith("[hf-c-100-deal-0123456789ab]")
    assert by_name["project"]["url"].endswith("/Tieline_Project__c/Key__c/hf-c-100-deal-0123456789ab")


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"owner_id": ""}, NeedsRepair, "has no owner"),
        ({"owner_id": "0055g0000000002AAB"}, NeedsRepair, "no CRM id of a user"),
        ({"account_id": "006x"}, NeedsRepair, "no CRM id of an account"),
        ({"deal_id": "x/../y"}, NeedsRepair, "no CRM id of a deal"),
        ({"key": "a b"}, Fatal, "key of ours"),
        ({"plan_digest": "x' OR"}, Fatal, "digest of ours"),
        ({"project_step": "never"}, Fatal, "before step never"),
    ],
)
async def test_a_write_back_that_cannot_be_meant_is_not_sent(
    changes: dict[str, Any], kind: type[TielineError], words: str
) -> None:
    org = Scripted(lambda _: composite())
    async with org.http:
        with pytest.raises(kind, match=words):
            await org.crm.ensure_write_back(requests(org).write_back(**changes), links())
    assert org.requests == []


async def test_two_records_under_one_key_are_for_a_person() -> None:
    org = Scripted(lambda _: answer(page({"Id": "a01"}, {"Id": "a02"})))
    async with org.http:
        with pytest.raises(NeedsRepair, match="a01 and a02"):
            await org.crm.find_write_back(requests(org).waiting(), links())


def test_the_org_is_named_by_its_own_address() -> None:
    login = {"kind": "client-credentials", "consumer_key": "k", "consumer_secret": "s"}
    assert SalesforceConfig.model_validate({"base_url": f"{URL}/", "login": login}).root_url == URL
