"""Every request of ours exists in the vendor's published interface, and has the shape that is published for it."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from models.ids import DealId
from tests.connectors.hubspot.samples import DEAL, Scripted, answer, complaint, links, record, waiting, write_back

SURFACE = json.loads((Path(__file__).parents[2] / "data" / "hubspot" / "published_surface.json").read_text())
OAUTH = {"kind": "oauth", "client_id": "app", "client_secret": "s", "refresh_token": "r"}
BODIES = {
    "/batch/read": "batch_read_input_simple_public_object_id",
    "/search": "public_object_search_request",
    "/batch/upsert": "simple_public_object_batch_input_upsert",
    "/batch/associate/default": "public_default_association_multi_post",
}
OF_OBJECTS = {"POST": "simple_public_object_input_for_create", "PATCH": "simple_public_object_input"}


def template(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{[a-z_]+\\}", "[^/]+", re.escape(pattern)))


def check(body: Any, shape: str) -> None:
    """No field that is not published, none missing that is required, every value of its type."""
    fields = SURFACE["models"][shape]
    assert set(body) <= set(fields), (shape, set(body) - set(fields))
    assert {name for name, field in fields.items() if field.get("required")} <= set(body), shape
    for name, value in body.items():
        kind = fields[name]["type"]
        assert value in fields[name].get("enum", [value])
        if kind == "str":
            assert isinstance(value, str), (shape, name)
        elif kind == "int":
            assert isinstance(value, int), (shape, name)
        elif kind == "dict[str, str]":
            assert all(isinstance(one, str) for one in value.values()), (shape, name)
        elif kind == "list[str]" and name != "sorts":  # published as texts, documented and sent as tables
            assert all(isinstance(one, str) for one in value), (shape, name)
        elif inner := re.fullmatch(r"(list\[)?([A-Z]\w+)\]?", kind):
            known = re.sub(r"(?<!^)(?=[A-Z])", "_", inner[2]).lower()
            for one in value if inner[1] else [value]:
                check(one, known)


def check_request(request: httpx.Request) -> None:
    called = f"{request.method} {request.url.path}"
    assert any(template(one).fullmatch(called) for one in SURFACE["endpoints"]), called
    if not request.content or "/oauth/" in called:
        return
    body, path = json.loads(request.content), request.url.path
    if path.startswith("/crm/associations/") and path.endswith("/batch/read"):
        for one in body["inputs"]:
            check(one, "public_fetch_associations_batch_request")
        return
    shape = next((shape for end, shape in BODIES.items() if path.endswith(end)), OF_OBJECTS[request.method])
    rows = body["inputs"] if shape in {BODIES["/batch/upsert"], BODIES["/batch/associate/default"]} else [body]
    for row in rows:
        check(row, shape)


@pytest.mark.parametrize("custom_objects", [True, False])
async def test_every_request_is_published_and_has_the_published_shape(custom_objects: bool) -> None:
    doubles = [{"toObjectId": "9500", "associationTypes": []}, {"toObjectId": "9501", "associationTypes": []}]
    looks: list[int] = []

    def answering(request: httpx.Request) -> httpx.Response | None:
        if request.url.path.endswith("/deals/tasks/batch/read"):
            looks.append(1)
            return answer({"results": [{"to": doubles if len(looks) > 1 else []}]})
        if request.url.path.endswith("/tasks/batch/read"):
            subject = account.sent("/tasks")[0]["properties"]["hs_task_subject"]
            return answer({"results": [record("9500", {"hs_task_subject": subject})]})
        if request.url.path.endswith("/search"):
            return answer({"results": [record(DEAL, {})]})
        return complaint("", 404) if request.method == "DELETE" else None

    account = Scripted(answering, login=OAUTH, api_version="2026-03", custom_objects=custom_objects)
    if not custom_objects:
        account.links = {kind: account.links[kind] for kind in ("companies", "contacts", "line items")}
    async with account.http:
        await account.crm.check_access()
        assert len(await account.crm.list_won_deals()) == 1
        await account.crm.get_signed_terms(DealId(DEAL))
        await account.crm.ensure_write_back(write_back(), links())
        await account.crm.ensure_write_back(waiting(), links())
        await account.crm.find_write_back(waiting(), links())
    kinds = {(request.method, request.url.path.rsplit("/", 1)[-1]) for request in account.requests}
    assert {("POST", "search"), ("POST", "tasks"), ("DELETE", "9501")} <= kinds
    for request in (*account.requests, *account.token_requests):
        check_request(request)


def test_the_check_itself_notices_what_is_not_published() -> None:
    with pytest.raises(AssertionError):
        check({"propertyName": "x", "operator": "LIKE"}, "filter")
    with pytest.raises(AssertionError):
        check({"propertyName": "x"}, "filter")
    with pytest.raises(AssertionError):
        check_request(httpx.Request("PUT", "https://api.hubapi.com/crm/objects/2026-03/deals/1"))
