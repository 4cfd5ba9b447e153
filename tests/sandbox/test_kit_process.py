import asyncio
import json
import os
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.kit import Options, RecordStore
from sandbox.kit.clock import Clock
from sandbox.kit.journal import Journal
from sandbox.kit.record_store import Author
from sandbox.netsuite import build
from tests.sandbox.netsuite_client import CUSTOMER, account, order


async def test_changes_outlive_the_process_on_top_of_the_first_state(tmp_path: Path) -> None:
    async with account(data_dir=tmp_path, state="demo") as client:
        ids = await order(client)
        await client.call("PATCH", f"/record/v1/job/{ids['job']}", {"jobPrice": 12.5})
        before = await client.control("GET", "state")
        seq = (await client.control("GET", "journal"))["last_seq"]
    with (tmp_path / "journal.jsonl").open("ab") as file:
        file.write(b'{"seq": 99, "torn')
    async with account(data_dir=tmp_path, state="empty") as client:
        assert await client.control("GET", "state") == before
        again = await client.put("customer", "tl_cust_1", CUSTOMER)
        assert again == ids["customer"]
        entry = (await client.journal())[-1]
        assert (entry["seq"], entry["changed"], entry["action"]) == (seq + 1, [], "update")
        new = await client.put("customer", "tl_cust_2", CUSTOMER | {"companyName": "Next"})
        assert int(new) > int(ids["job"])


async def test_the_journal_tells_what_changed_and_who_did_it() -> None:
    async with account() as client:
        record_id = await client.put("customer", "tl_cust_1", CUSTOMER)
        await client.put("customer", "tl_cust_1", CUSTOMER | {"phone": "1"})
        by_hand = {"type": "customer", "id": record_id, "email": "a@b.example"}
        await client.control("POST", "records", {"records": [by_hand]})
        entries = await client.journal()
        assert [entry["changed"] for entry in entries[1:]] == [["phone"], ["email"]]
        assert [entry["client"] for entry in entries] == ["rest", "rest", "ui"]
        assert entries[1]["before"]["companyName"] == entries[1]["after"]["companyName"] == "Acme & Söhne"
        page = await client.control("GET", "journal?since=1&limit=1")
        assert (page["count"], page["last_seq"], page["entries"][0]["seq"]) == (1, 3, 2)
        calls = await client.control("GET", "calls")
        assert calls["by_route"]["PUT /record/v1/customer"] == 2
        assert (await client.control("DELETE", "calls"))["total"] == 0


def test_a_failed_transaction_leaves_nothing_behind() -> None:
    store = RecordStore(Journal("toy"), Clock())
    store.save("thing", "1", {"v": 1}, Author("t"))

    def change_and_fail() -> None:
        with store.transaction():
            store.save("thing", "1", {"v": 2}, Author("t"))
            store.save("thing", "2", {"v": 3}, Author("t"))
            raise LookupError

    with pytest.raises(LookupError):
        change_and_fail()
    assert (store.get("thing", "1"), store.get("thing", "2"), store.journal.last_seq) == ({"v": 1}, None, 1)


async def test_the_command_line_prints_one_ready_line_and_ends_cleanly(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    records = [
        {"type": "customer", "name_in_file": "acme", "companyName": "Acme", "subsidiary": {"externalId": "LE-UK"}},
        {"type": "job", "companyName": "Old project", "parent": {"ref": "acme"}},
    ]
    state.write_text(json.dumps({"records": records}))
    arguments = ["-m", "sandbox", "netsuite", "--tls", "--state", str(state), "--data", str(tmp_path / "data")]
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    ready: dict[str, Any] = json.loads(await process.stdout.readline())
    try:
        trust = ssl.create_default_context(cafile=ready["ca"])
        async with httpx.AsyncClient(base_url=ready["url"], verify=trust, trust_env=False) as http:
            found = (await http.get("/_sandbox/state")).json()
        (job,), (customer,) = found["job"], found["customer"]
        assert job["parent"] == {"id": customer["id"]}
        assert (ready["system"], ready["journal"]) == ("netsuite", str(tmp_path / "data" / "journal.jsonl"))
        assert os.path.isfile(ready["client"]["private_key"])  # noqa: ASYNC240, PTH113 - a local file
    finally:
        process.send_signal(signal.SIGTERM)
    rest, _ = await process.communicate()
    assert (process.returncode, rest) == (0, b"")


@pytest.mark.parametrize("state", ["nowhere.json"])
def test_a_missing_state_file_is_named(state: str) -> None:
    with pytest.raises(ValueError, match=state):
        build(Options("netsuite", state=state))


async def test_a_test_can_move_the_clock_and_change_settings() -> None:
    async with account() as client:
        await client.control("POST", "clock", {"advance_s": 4000})
        assert (await client.call("GET", "/system/v1/serverTime")).status_code == 401
        answer = await client.http.post("/_sandbox/settings", json={"no_such": 1})
        assert (answer.status_code, "no_such" in answer.text) == (400, True)
