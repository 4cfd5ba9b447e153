"""The connector against the simulated account: writes are judged by the simulator's journal, never by our own word."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from connectors.netsuite import build, read_event
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown
from models.ids import ConnectionId, Step, external_key
from models.money import Money
from models.party import ContactPerson
from models.records import Links, RecordKind
from ports.erp import Erp
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import connected

CUSTOMER_EID = f"tl_cust_{samples.CUSTOMER_KEY}"


async def test_the_adapter_is_an_erp() -> None:
    async with connected() as it:
        erp: Erp = it.erp
        assert erp.connection == "erp-main"
        assert erp.traits.one_billing_type_per_project
        assert {sentence.partition(":")[0] for sentence in erp.traits.manual} == {
            "cost-plus-fixed-fee", "time-and-materials-capped",
        }  # fmt: skip


async def test_a_new_deal_takes_one_call_per_step() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.erp.survey(samples.question())
        await it.reset()
        await it.erp.survey(samples.question())
        links = await it.set_up()
        await it.erp.ensure_contact(samples.contact(), links)
        schedules = (links.refs[Step("billing-schedule")],)
        rows = (await it.erp.read_back(links.refs[Step("contract")], links.refs[Step("project")], schedules)).rows
        assert await it.calls() == {
            "POST /query/v1/suiteql": 2,
            "PUT /record/v1/customer": 1,
            "PUT /record/v1/contact": 1,
            "PUT /record/v1/job": 1,
            "PUT /record/v1/billingSchedule": 1,
            "PUT /record/v1/salesOrder": 1,
        }
        lines = [(row.code, row.amount) for row in rows if row.source == "line"]
        assert lines == [(code, Money.of(amount, "USD")) for code, amount in samples.LINES]
        stages = [(row.code, row.amount, row.due_on) for row in rows if row.source == "milestone"]
        assert stages == [(code, Money.of(amount, "USD"), day) for code, amount, day in samples.ROWS]


async def test_created_is_told_once_and_not_after_a_survey_saw_the_record() -> None:
    async with connected() as it:
        assert (await it.erp.ensure_customer(samples.customer(), Links())).created
        other = it.another()
        await other.survey(samples.question())
        assert not (await other.ensure_customer(samples.customer(), Links())).created


@pytest.mark.parametrize("lost", ["reset", "truncate", "hang"])
async def test_a_lost_answer_never_makes_a_second_customer(lost: str) -> None:
    async with connected() as it:
        await it.erp.get_chart()
        if lost == "hang":
            it.http.timeout = httpx.Timeout(0.3)
        await it.sim.fault(action=lost, when="after", method="PUT", path="customer")
        with pytest.raises(OutcomeUnknown):
            await it.erp.ensure_customer(samples.customer(), Links())
        found = await it.another().find_customer(samples.customer(), Links())
        assert found is not None
        assert not found.created
        assert await it.made("customer") == [found.ref.record_id]


async def test_a_request_that_was_cut_before_it_ran_leaves_nothing_to_find() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.sim.fault(action="reset", when="before", method="PUT", path="customer")
        with pytest.raises(OutcomeUnknown):
            await it.erp.ensure_customer(samples.customer(), Links())
        assert await it.erp.find_customer(samples.customer(), Links()) is None
        assert (await it.erp.ensure_customer(samples.customer(), Links())).created


async def test_a_write_that_lands_late_converges_on_one_record() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.sim.fault(action="late_apply", delay_s=0.2, method="PUT", path="customer")
        with pytest.raises(OutcomeUnknown):
            await it.erp.ensure_customer(samples.customer(), Links())
        assert await it.erp.find_customer(samples.customer(), Links()) is None
        made = await it.erp.ensure_customer(samples.customer(), Links())
        async with asyncio.timeout(5):
            while len(await it.sim.journal("customer")) < 2:  # noqa: ASYNC110 - the simulator gives no signal
                await asyncio.sleep(0.02)
        assert await it.made("customer") == [made.ref.record_id]


@pytest.mark.parametrize(("status", "page"), [(500, None), (502, "<html>bad gateway</html>"), (200, "<html>ok</html>")])
async def test_a_failing_server_after_the_commit_leaves_the_outcome_open(status: int, page: str | None) -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.sim.fault(action="status", status=status, body=page or {}, when="after", method="PUT", path="job")
        customer = await it.erp.ensure_customer(samples.customer(), Links())
        links = samples.links(customer=customer.ref)
        with pytest.raises(OutcomeUnknown):
            await it.erp.ensure_project(samples.project(), links)
        found = await it.erp.find_project(samples.project(), links)
        assert found is not None
        assert await it.made("job") == [found.ref.record_id]


async def test_whoever_loses_the_race_adopts_the_winners_record() -> None:
    async with connected() as it:
        await it.erp.ensure_customer(samples.customer(), Links())
        body = _refusal("Error while accessing a resource. This entity already exists.")
        await it.sim.fault(action="status", status=400, body=body, method="PUT", path="customer")
        effect = await it.another().ensure_customer(samples.customer(), Links())
        assert (effect.created, effect.changed) == (False, False)


async def test_a_record_that_is_saved_at_the_same_moment_is_read_back() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        body = _refusal("Error while accessing a resource. Record has been changed")
        await it.sim.fault(action="status", status=400, body=body, method="PUT", path="customer")
        with pytest.raises(NotSent):
            await it.erp.ensure_customer(samples.customer(), Links())
        await it.erp.ensure_customer(samples.customer(), Links())
        await it.sim.control("DELETE", "faults")
        await it.sim.fault(action="status", status=400, body=body, method="PUT", path="customer")
        assert not (await it.erp.ensure_customer(samples.customer(), Links())).created


async def test_a_customer_of_that_name_under_another_key_asks_a_person() -> None:
    async with connected() as it:
        body = {"companyName": "Northwind Traders Ltd", "subsidiary": {"externalId": "LE-US"}}
        await it.sim.put("customer", "by_hand", body)
        with pytest.raises(NeedsRepair) as stopped:
            await it.erp.ensure_customer(samples.customer(), Links())
        assert stopped.value.code == "TL-CUS-001"
        assert "Northwind Traders Ltd" in stopped.value.message
        assert len(await it.made("customer")) == 1


async def test_two_holders_of_one_crm_account_are_named_both() -> None:
    async with connected() as it:
        await it.erp.ensure_customer(samples.customer(), Links())
        twin = {"companyName": "Northwind (by hand)", "subsidiary": {"externalId": "LE-US"},
                "custentity_tl_crm_id": samples.ACCOUNT_ID}  # fmt: skip
        await it.sim.put("customer", "by_hand", twin)
        with pytest.raises(NeedsRepair) as stopped:
            await it.erp.find_customer(samples.customer(), Links())
        assert stopped.value.code == "TL-CUS-004"
        numbers = [row["entityid"] for row in await it.sim.rows("SELECT entityid FROM customer")]
        assert all(number in stopped.value.message for number in numbers)
        assert len(numbers) == 2


async def test_a_project_made_by_hand_for_the_contract_stops_the_second_one() -> None:
    async with connected() as it:
        customer = await it.erp.ensure_customer(samples.customer(), Links())
        by_hand = {"companyName": "At risk start", "parent": {"id": customer.ref.record_id},
                   "custentity_tl_contract_number": samples.CONTRACT}  # fmt: skip
        await it.sim.put("job", "by_hand", by_hand)
        links = samples.links(customer=customer.ref)
        for look in (it.erp.find_project(samples.project(), links), it.erp.survey(samples.question())):
            with pytest.raises(
                NeedsRepair, match=f"carries contract number {samples.CONTRACT}, but not our key"
            ) as stop:
                await look
            assert stop.value.code == "TL-CUS-004"


async def test_an_inactive_record_of_ours_is_never_revived() -> None:
    async with connected() as it:
        links = await it.set_up()
        for kind, step in (("customer", "customer"), ("job", "project")):
            record_id = links.refs[Step(step)].record_id
            await it.sim.call("PATCH", f"/record/v1/{kind}/{record_id}", {"isInactive": True})
        with pytest.raises(NeedsRepair, match="is inactive in NetSuite"):
            await it.erp.find_customer(samples.customer(), Links())
        with pytest.raises(NeedsRepair, match="is inactive in NetSuite"):
            await it.erp.survey(samples.question())


async def test_the_account_without_a_free_slot_blocks_the_call_and_nothing_was_sent() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.sim.control("POST", "settings", {"concurrency": 0})
        with pytest.raises(NotSent):
            await it.erp.ensure_customer(samples.customer(), Links())
        await it.sim.control("POST", "settings", {"concurrency": 5})
        assert await it.made("customer") == []
        assert (await it.erp.ensure_customer(samples.customer(), Links())).created


async def test_our_own_limit_keeps_below_the_accounts() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.sim.control("POST", "settings", {"concurrency": 4, "latency_s": 0.01})
        requests = [
            samples.customer(key=external_key("hf", str(n)), name=f"Customer {n}", account_id=f"a{n}")
            for n in range(12)
        ]
        effects = await asyncio.gather(*(it.erp.ensure_customer(request, Links()) for request in requests))
        assert all(effect.created for effect in effects)


async def test_an_expired_token_is_renewed_once_for_all_callers() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.sim.control("POST", "expire-tokens")
        await it.reset()
        requests = [
            samples.customer(key=external_key("hf", str(n)), name=f"Customer {n}", account_id=f"a{n}") for n in range(4)
        ]
        await asyncio.gather(*(it.erp.ensure_customer(request, Links()) for request in requests))
        async with httpx.AsyncClient(base_url=it.sim.server.url, trust_env=False) as http:
            by_route = (await http.get("/_sandbox/calls")).json()["by_route"]
        assert by_route["POST /auth/oauth2/v1/token"] == 1
        async with httpx.AsyncClient(base_url=it.sim.server.url, trust_env=False) as http:
            journal = (await http.get("/_sandbox/journal")).json()["entries"]
        assert len([entry for entry in journal if entry["kind"] == "customer"]) == 4


async def test_a_certificate_that_is_not_known_parks_with_the_integration_team() -> None:
    async with connected() as it:
        login = it.config.login.model_copy(update={"certificate_id": "unknown"})
        erp = build(ConnectionId("erp-main"), it.config.model_copy(update={"login": login}), it.http)
        with pytest.raises(Fatal) as stopped:
            await erp.get_chart()
        assert stopped.value.code == "TL-INT-002"


async def test_a_token_desk_that_does_not_answer_means_nothing_was_sent() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.sim.control("POST", "expire-tokens")
        await it.sim.fault(action="reset", path="oauth2")
        with pytest.raises(NotSent):
            await it.erp.ensure_customer(samples.customer(), Links())


async def test_a_token_signed_account_works_as_well() -> None:
    async with connected() as it:
        facts = it.sim.server.system.client_facts()
        login = {
            "kind": "tba", "consumer_key": facts["consumer_key"], "token_id": facts["token_id"],
            "consumer_secret": SecretStr(facts["consumer_secret"]), "token_secret": SecretStr(facts["token_secret"]),
        }  # fmt: skip
        values = it.config.model_dump() | {"login": login}
        erp = build(ConnectionId("erp-main"), type(it.config).model_validate(values), it.http)
        assert (await erp.ensure_customer(samples.customer(), Links())).created


async def test_a_cost_centre_the_account_has_is_taken_as_it_is() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        await it.reset()
        effect = await it.erp.ensure_cost_centre(samples.cost_centre(code="ADV", name="Other"), Links())
        assert (effect.created, effect.changed) == (False, False)
        assert await it.calls() == {}


async def test_a_new_cost_centre_can_be_booked_to_at_once_even_by_another_process() -> None:
    async with connected() as it:
        other = it.another()
        await other.get_chart()
        assert (await it.erp.ensure_cost_centre(samples.cost_centre(), Links())).created
        assert "LAB" in (await it.erp.get_chart()).cost_centres
        links = await it.set_up()
        lines = tuple(line.model_copy(update={"cost_centre": "LAB"}) for line in samples.contract().lines)
        await other.ensure_contract(samples.contract(lines=lines), links)
        order = await it.sim.get("salesOrder", links.refs[Step("contract")].record_id)
        assert {line["department"]["refName"] for line in order["item"]["items"]} == {"Laboratory"}


async def test_a_customer_that_the_legal_entity_may_not_use_is_for_master_data() -> None:
    async with connected() as it:
        links = await it.set_up()
        with pytest.raises(NeedsRepair, match="Add the subsidiary to the customer") as stopped:
            await it.erp.ensure_contract(samples.contract(key=external_key("hf", "other"), legal_entity="LE-UK"), links)
        assert stopped.value.field == "subsidiary"


async def test_a_namesake_elsewhere_is_another_person_and_one_here_is_adopted() -> None:
    async with connected() as it:
        here = await it.erp.ensure_customer(samples.customer(), Links())
        links = samples.links(customer=here.ref)
        elsewhere = await it.sim.put(
            "customer", "other", {"companyName": "Contoso", "subsidiary": {"externalId": "LE-US"}}
        )
        ada = {"firstName": "Ada", "lastName": "Byron", "subsidiary": {"externalId": "LE-US"}}
        await it.sim.put("contact", "elsewhere", ada | {"company": {"id": elsewhere}})
        made = await it.erp.ensure_contact(samples.contact(), links)
        assert made.created
        assert len(await it.made("contact")) == 2

        grace = ContactPerson(code="003-grace", first_name="Grace", last_name="Hopper", email="grace@northwind.example")
        by_hand = {"firstName": "Grace", "lastName": "Hopper", "company": {"id": here.ref.record_id}}
        hand_id = await it.sim.put("contact", "by_hand", by_hand)
        adopted = await it.erp.ensure_contact(samples.contact(key=external_key("g"), person=grace), links)
        assert (adopted.ref.record_id, adopted.created, adopted.changed) == (hand_id, False, False)


async def test_two_people_of_one_name_at_one_customer_ask_a_person() -> None:
    async with connected() as it:
        here = await it.erp.ensure_customer(samples.customer(), Links())
        other = {"firstName": "Ada", "lastName": "Byron", "email": "another@northwind.example",
                 "company": {"id": here.ref.record_id}}  # fmt: skip
        await it.sim.put("contact", "by_hand", other)
        with pytest.raises(NeedsRepair) as stopped:
            await it.erp.ensure_contact(samples.contact(), samples.links(customer=here.ref))
        assert stopped.value.code == "TL-CUS-001"


async def test_part_projects_hang_under_their_parent() -> None:
    async with connected() as it:
        customer = await it.erp.ensure_customer(samples.customer(), Links())
        parent = await it.erp.ensure_project(
            samples.project(billing_type=None, price=None), samples.links(customer=customer.ref)
        )
        part = await it.erp.ensure_project(
            samples.project(key=external_key("part"), parent_step=Step("project")),
            samples.links(customer=customer.ref, project=parent.ref),
        )
        record = await it.sim.get("job", part.ref.record_id)
        assert record["parent"]["id"] == parent.ref.record_id


async def test_a_locked_record_is_for_the_owner_of_the_workflow() -> None:
    async with connected() as it:
        links = await it.set_up()
        record_id = links.refs[Step("customer")].record_id
        await it.sim.control(
            "POST", "records", {"records": [{"type": "customer", "id": record_id, "_locked": "year-end audit"}]}
        )
        with pytest.raises(NeedsRepair, match="year-end audit"):
            await it.erp.find_customer(samples.customer(), Links())


def _refusal(text: str) -> dict[str, Any]:
    return {"type": "x", "title": "Bad Request", "status": 400,
            "o:errorDetails": [{"detail": text, "o:errorCode": "USER_ERROR"}]}  # fmt: skip


async def test_the_accounts_own_script_sends_events_we_can_read() -> None:
    received: asyncio.Queue[tuple[dict[str, str], bytes]] = asyncio.Queue()

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head) if name}
        body = await reader.readexactly(int(headers["content-length"]))
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await received.put((headers, body))

    server = await asyncio.start_server(receive, "127.0.0.1", 0)
    async with server, connected() as it:
        port = server.sockets[0].getsockname()[1]
        subscription = {"url": f"http://127.0.0.1:{port}/", "secret": "a-secret-of-the-script"}
        await it.sim.control("POST", "subscriptions", subscription)
        customer = await it.erp.ensure_customer(samples.customer(), Links())
        await it.erp.ensure_project(samples.project(), samples.links(customer=customer.ref))
        headers, body = await received.get()
        event = read_event(
            connection=ConnectionId("erp-main"),
            headers=headers,
            body=body,
            secrets=(SecretStr("a-secret-of-the-script"),),
            now=datetime.now(UTC),
        )
        assert (event.object_kind, event.external_key) == ("project", f"tl_proj_{samples.PROJECT_KEY}")
        assert event.is_own_write


async def test_each_kind_of_record_is_found_by_its_key_and_by_nothing_else() -> None:
    async with connected() as it:
        links = await it.set_up()
        made = await it.erp.ensure_contact(samples.contact(), links)
        other = it.another()
        contact = await other.find_contact(samples.contact(), links)
        schedule = await other.find_billing_schedule(samples.schedule(), links)
        contract = await other.find_contract(samples.contract(), links)
        centre = await other.find_cost_centre(samples.cost_centre(code="ADV"), links)
        assert contact is not None
        assert contact.ref.record_id == made.ref.record_id
        assert schedule is not None
        assert schedule.ref.record_id == links.refs[Step("billing-schedule")].record_id
        assert contract is not None
        assert contract.ref.number.startswith("SO")
        assert centre is not None
        missing = external_key("missing")
        assert await other.find_contact(samples.contact(key=missing), links) is None
        assert await other.find_billing_schedule(samples.schedule(key=missing), links) is None
        assert await other.find_cost_centre(samples.cost_centre(), links) is None


async def test_an_adopted_customer_is_its_own_evidence() -> None:
    async with connected() as it:
        await it.reset()
        adopt = samples.ref(RecordKind.CUSTOMER, "4711")
        found = await it.erp.find_customer(samples.customer(adopt=adopt), Links())
        assert found is not None
        assert (found.ref, found.created) == (adopt, False)
        assert await it.calls() == {}


async def test_a_contract_made_by_hand_beside_ours_is_named_with_it() -> None:
    async with connected() as it:
        links = await it.set_up()
        by_hand = {"entity": {"id": links.refs[Step("customer")].record_id}, "subsidiary": {"externalId": "LE-US"},
                   "custbody_tl_contract_number": samples.CONTRACT,
                   "item": {"items": [{"item": {"externalId": "SVC-FIXED"}, "amount": 1}]}}  # fmt: skip
        hand_id = await it.sim.put("salesOrder", "by_hand", by_hand)
        with pytest.raises(NeedsRepair) as stopped:
            await it.erp.find_contract(samples.contract(), links)
        assert stopped.value.code == "TL-CUS-004"
        assert f"SO{hand_id}" in stopped.value.message
        assert f"SO{links.refs[Step('contract')].record_id}" in stopped.value.message
