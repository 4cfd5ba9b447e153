import asyncio

import httpx
import pytest

from sandbox.kit import Faults
from tests.sandbox.netsuite_client import CUSTOMER, account

PATH = "/record/v1/customer/eid:tl_cust_1"


@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1)])
@pytest.mark.parametrize("action", ["reset", "hang", "truncate"])
async def test_a_cut_call_is_applied_only_when_the_cut_comes_after_the_effect(
    action: str, when: str, applied: int
) -> None:
    async with account() as client:
        await client.fault(method="PUT", path="customer", action=action, when=when, delay_s=0.05)
        with pytest.raises(httpx.TransportError):
            await client.call("PUT", PATH, CUSTOMER)
        assert len(await client.journal("customer")) == applied
        await client.put("customer", "tl_cust_1", CUSTOMER)
        assert (await client.journal("customer"))[0]["action"] == "create"
        assert len({entry["record_id"] for entry in await client.journal("customer")}) == 1


@pytest.mark.parametrize(("when", "applied"), [("before", 0), ("after", 1)])
async def test_a_status_answer_replaces_the_real_one(when: str, applied: int) -> None:
    async with account() as client:
        await client.fault(action="status", when=when, status=502, body="<html>Bad gateway</html>", nth=2)
        first = await client.call("PUT", "/record/v1/customer/eid:first", CUSTOMER | {"companyName": "First"})
        second = await client.call("PUT", PATH, CUSTOMER)
        assert (first.status_code, second.status_code) == (204, 502)
        assert second.headers["content-type"] == "text/html"
        assert len(await client.journal("customer")) == 1 + applied


async def test_a_late_effect_lands_after_the_caller_was_cut_off() -> None:
    async with account() as client:
        landed = asyncio.Event()
        client.server.system.world.store.listeners.append(lambda _: landed.set())
        await client.fault(method="PUT", action="late_apply", delay_s=0.2)
        with pytest.raises(httpx.TransportError):
            await client.call("PUT", PATH, CUSTOMER)
        assert await client.journal("customer") == []
        async with asyncio.timeout(5):
            await landed.wait()
        assert len(await client.journal("customer")) == 1


async def test_a_delayed_call_is_answered_truthfully() -> None:
    async with account() as client:
        await client.fault(action="delay", delay_s=0.05)
        assert (await client.call("PUT", PATH, CUSTOMER)).status_code == 204


async def test_rules_are_listed_with_their_hits_and_removed() -> None:
    async with account() as client:
        await client.fault(id="mine", path="serverTime", action="status", status=500, times=0)
        for _ in range(2):
            assert (await client.call("GET", "/system/v1/serverTime")).status_code == 500
        (rule,) = (await client.control("GET", "faults"))["rules"]
        assert (rule["id"], rule["matched"], rule["fired"]) == ("mine", 2, 2)
        await client.control("DELETE", "faults")
        assert (await client.call("GET", "/system/v1/serverTime")).status_code == 200


@pytest.mark.parametrize(
    "rule", [{"action": "explode"}, {"action": "reset", "when": "later"}, {"action": "reset", "x": 1}]
)
def test_a_wrong_rule_is_refused_in_words(rule: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="fault rule"):
        Faults().add(rule)


async def test_a_body_pattern_chooses_the_call() -> None:
    async with account() as client:
        await client.fault(body="Acme", action="reset")
        await client.put("customer", "other", CUSTOMER | {"companyName": "Other"})
        with pytest.raises(httpx.TransportError):
            await client.call("PUT", PATH, CUSTOMER)
