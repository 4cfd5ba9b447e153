"""Every command as a process of its own, against a whole Tieline: what it says, its JSON, its exit code."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from connectors.salesforce.ids import to_18
from models.desk import Stage
from runtime.embedded_temporal import _binary
from tests.e2e.colleagues import only_one
from tests.e2e.own_processes import Finished, run_program
from tests.e2e.sold import Sales, Sold
from tests.e2e.stand import Stand

pytestmark = [pytest.mark.kills, pytest.mark.timeout(300)]  # a process for each command: slow on a busy machine
NOBODY = to_18("0065g00000ZZZZZ")


async def cli(
    stand: Stand, *arguments: str, code: int | None = 0, away: dict[str, str] | None = None
) -> Finished:
    """One command; it ends with the code it should, and without a stack."""
    ended = await run_program(stand, "starter.py", *arguments, seconds=60, **(away or {}))
    assert code is None or ended.code == code, (arguments, ended)
    assert "Traceback" not in ended.out + ended.err, ended
    return ended


async def several(stand: Stand, *commands: tuple[str, ...], code: int | None = 0) -> list[Finished]:
    """Commands that do not need each other, two at a time."""
    turn = asyncio.Semaphore(2)

    async def one(arguments: tuple[str, ...]) -> Finished:
        async with turn:
            return await cli(stand, *arguments, code=code)

    return list(await asyncio.gather(*(one(command) for command in commands)))


@pytest.fixture(scope="module")
async def to_decide(stand: Stand, sales: Sales) -> list[Sold]:
    """Five contracts that wait for a signature of finance. Their buyers are not alike: near ones are compared."""
    names = ("Quillfeather Maps", "Brandywine Tiles", "Oxbow Telemetry", "Zephyr Looms", "Underhill Pumps")
    sold = [
        await sales.deal(f"CLI-{at}", await sales.company(f"{name}, Inc."), amount=400_000)
        for at, name in enumerate(names, start=1)
    ]
    for one in sold:
        await stand.start(one.deal)
    await stand.settled(*(one.contract for one in sold))
    for one in sold:
        await only_one(stand, one.contract)
    return sold


async def test_starting_by_id_by_file_and_all_won(stand: Stand, sales: Sales, tmp_path: Path) -> None:
    company = await sales.company("Starters, Inc.")
    one, two, three, four = [await sales.deal(f"START-{at}", company) for at in range(1, 5)]
    lines, listed = tmp_path / "deals.txt", tmp_path / "deals.json"
    lines.write_text(f"# two of them\n{one.deal}\n\n{two.deal}\n")
    listed.write_text(json.dumps([two.deal, three.deal]))
    by_id, by_lines, by_list = await several(
        stand,
        ("start", one.deal, NOBODY, "--json"),
        ("start", "--file", str(lines), "--wait"),
        ("start", "--file", str(listed), "--wait", "--json"),
        code=None,
    )
    assert (by_id.code, by_lines.code, by_list.code) == (1, 0, 0)
    assert [row["contract"] for row in by_id.document["started"]] == ["START-1"]
    assert by_id.document["refused"] == [
        {"deal": NOBODY, "reason": f"Deal {NOBODY} does not exist in the CRM. Check the id."}
    ]
    assert "START-2" in by_lines.out
    assert {row["contract"] for row in by_list.document["started"]} == {"START-2", "START-3"}
    everything = await cli(stand, "start", "--all-won", "--wait", "--json")
    assert {"START-1", "START-2", "START-3", "START-4"} <= {row["contract"] for row in everything.document["started"]}
    ended = {row["contract"]: (row["stage"], row["sentence"]) for row in everything.document["started"]}
    assert ended["START-4"][0] == Stage.ACTIVE
    assert ended["START-4"][1].startswith("Active")
    assert four.deal


async def test_what_cannot_be_started_is_said_in_a_sentence(stand: Stand, tmp_path: Path) -> None:
    broken, numbers = tmp_path / "broken.json", tmp_path / "numbers.json"
    broken.write_text("[not json")
    numbers.write_text("[1, 2]")
    usage = await several(
        stand, ("start",), ("start", NOBODY, "--all-won"), ("start", "--file", str(tmp_path / "missing")),
        ("nonsense",), ("reject", "CLI-1", "--as", "ada.finance"), code=2,
    )  # fmt: skip
    assert "Give deal ids, or --file, or --all-won." in usage[0].err
    assert "missing" in usage[2].err
    refused = await several(
        stand, ("start", "--file", str(broken)), ("start", "--file", str(numbers)), ("plan", NOBODY),
        ("status", "NOT-KNOWN"), ("audit", "show", "NOT-KNOWN"), code=1,
    )  # fmt: skip
    assert [part in one.err for part, one in zip(
        ("broken.json", "numbers.json", "does not exist in the CRM", "NOT-KNOWN is not known here"), refused,
        strict=False)] == [True] * 4  # fmt: skip


async def test_looking_as_text_and_as_json(stand: Stand, to_decide: list[Sold]) -> None:
    one = to_decide[4]
    plan, plan_json, status, all_json, queue, queue_json, mine = await several(
        stand,
        ("plan", one.deal), ("plan", one.contract, "--json"), ("status", one.contract), ("status", "--json"),
        ("queue",), ("queue", "--json"), ("queue", "--role", "tax", "--json"),
    )  # fmt: skip
    item = await only_one(stand, one.contract)
    assert plan_json.document["plan"]["contract_number"] == one.contract
    assert item.item in plan.out, "the digest to decide on"
    for words in "USD 400,000.00", "Needs a decision of finance-operations", "Operations":
        assert words in plan.out
    assert "deciding" in status.out
    assert one.contract in {row["contract_number"] for row in all_json.document}
    waiting: list[dict[str, Any]] = [row for row in queue_json.document if row["item"] == item.item]
    assert (waiting[0]["owner"], waiting[0]["kind"]) == ("finance-operations", "decision")
    assert waiting[0]["age_s"] >= 0
    assert one.contract in queue.out
    assert "USD 400,000.00" in queue.out
    assert one.contract not in {row["record"] for row in mine.document}


async def test_deciding_in_every_way(stand: Stand, to_decide: list[Sold]) -> None:
    yes, no, back, by_signal = (one.contract for one in to_decide[:4])
    refused = await several(
        stand,
        ("approve", yes, "--as", "tara.tax"), ("approve", yes, "--as", "adam.admin", "--json"),
        ("approve", yes, "--as", "nobody"), ("approve", yes, "--as", "ada.finance", "--plan", "0" * 64),
        ("approve", "NOT-KNOWN", "--as", "ada.finance"), ("repair", yes, "--as", "ada.finance"), code=1,
    )  # fmt: skip
    assert "wrong-role" in refused[0].err
    assert refused[1].document["refusal"] == "wrong-role"
    assert "no private key of nobody" in refused[2].err
    assert "stale-plan" in refused[3].err
    approved, rejected, withdrawn, token = await several(
        stand,
        ("approve", yes, "--as", "ada.finance", "--json"),
        ("reject", no, "--as", "ada.finance", "--reason", "not our kind of work"),
        ("withdraw", back, "--as", "carla.contracts", "--reason", "sold by mistake"),
        ("token", by_signal, "--as", "finn.finance", "--verdict", "approve"),
    )
    assert approved.document["accepted"] is True
    assert "Nothing of it is written." in rejected.out
    assert "withdrew the request" in withdrawn.out
    await _signal(stand, by_signal, token.out)
    for contract, stage in ((yes, Stage.ACTIVE), (no, Stage.REJECTED), (back, Stage.WITHDRAWN),
                            (by_signal, Stage.ACTIVE)):  # fmt: skip
        await _reaches(stand, contract, stage)
    late = await cli(stand, "approve", yes, "--as", "finn.finance", code=1)
    assert f"No plan of {yes} waits for a decision" in late.err


async def _signal(stand: Stand, contract: str, decision: str) -> None:
    """What anybody can do with the engine's own tool."""
    process = await asyncio.create_subprocess_exec(
        _binary(), "workflow", "signal", "--address", stand.temporal.address, "--workflow-id",
        f"quote-to-project/{stand.engagement(contract)}", "--name", "decide", "--input", decision.strip(),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said


async def _reaches(stand: Stand, contract: str, stage: Stage) -> None:
    for _ in range(200):
        row = await stand.store.desk.find_engagement(stand.engagement(contract))
        if row is not None and row.stage is stage:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{contract} is at {row}, not {stage}")


async def test_repairing_with_and_without_an_answer(stand: Stand, sales: Sales) -> None:
    account = await sales.company("Repair Shops, Inc.")
    choose = await sales.deal("REPAIR-1", account, milestones=[{}, {"Due_On__c": "2028-06-01"}])
    fix = await sales.deal("REPAIR-2", account, Signed_Total__c=90_000.01)
    await stand.start(choose.deal, fix.deal)
    (item,) = [await only_one(stand, "REPAIR-1")]
    await only_one(stand, "REPAIR-2")
    wrong, stranger = await several(
        stand,
        ("repair", "REPAIR-1", "--as", "carla.contracts", "--answer", "whatever"),
        ("repair", "REPAIR-1", "--as", "bea.billing", "--answer", item.choices[0].value), code=1,
    )  # fmt: skip
    assert "bad-answer" in wrong.err
    assert "wrong-role" in stranger.err
    await sales.change(fix, Signed_Total__c=90_000)
    await several(
        stand,
        ("repair", "REPAIR-1", "--as", "carla.contracts", "--answer", item.choices[0].value),
        ("repair", "REPAIR-2", "--as", "carla.contracts", "--blocker", "TL-CON-004", "--json"),
    )
    await _reaches(stand, "REPAIR-1", Stage.ACTIVE)
    await _reaches(stand, "REPAIR-2", Stage.ACTIVE)


async def test_a_tax_number_typed_into_a_repair_is_not_readable_in_the_engine(stand: Stand, sales: Sales) -> None:
    """Command line, engine and worker have the same keys; whoever may only read the engine has none."""
    typed_in = "11.222.333/0001-81"
    account = await sales.company(
        "Oficina do Canario Ltda.", BillingCountry="BR", BillingState="RJ", BillingPostalCode="20000-000"
    )
    sold = await sales.deal("TYPED-IN", account, Bill_To_Country__c="BR", Bill_To_State__c="RJ")
    await stand.start(sold.deal)
    item = await only_one(stand, "TYPED-IN")
    assert item.code == "TL-CUS-014", item
    await cli(stand, "repair", "TYPED-IN", "--as", "sofia.salesops", "--answer", typed_in, "--reason", "by the canary")
    await only_one(stand, "TYPED-IN", besides=item.item)

    history = await stand.client.get_workflow_handle(f"quote-to-project/{stand.engagement('TYPED-IN')}").fetch_history()
    raw = b"".join(event.SerializeToString() for event in history.events)
    assert [text for text in (typed_in, "11222333000181", "by the canary", "eyJ") if text.encode() in raw] == []
    assert b"tieline-sealed" in raw


async def test_the_audit_trail_is_told_and_verified(stand: Stand, sales: Sales) -> None:
    sold = await sales.deal("AUDIT", await sales.company("Auditable Goods, Inc."))
    await stand.start(sold.deal)
    await _reaches(stand, "AUDIT", Stage.ACTIVE)
    verified, as_json, shown, shown_json = await several(
        stand, ("audit", "verify"), ("audit", "verify", "--json"), ("audit", "show", "AUDIT"),
        ("audit", "show", "AUDIT", "--json"),
    )  # fmt: skip
    assert verified.out.startswith("Intact: ")
    assert as_json.document["intact"] is True
    assert "operation.applied" in shown.out
    kinds = {entry["kind"] for entry in shown_json.document}
    assert {"deal.bound", "plan.made", "operation.intended", "operation.applied", "engagement.active"} <= kinds


async def test_the_figures_of_what_went_through(stand: Stand, sales: Sales) -> None:
    sold = await sales.deal("FIGURES", await sales.company("Countable Goods, Inc."))
    await stand.start(sold.deal)
    await _reaches(stand, "FIGURES", Stage.ACTIVE)
    shown, as_json = await several(stand, ("figures",), ("figures", "--days", "1", "--json"))
    assert "success rate of writes" in shown.out
    assert as_json.document["writes"]["applied"] >= 5
    assert as_json.document["contracts"]["active"] >= 1
    assert as_json.document["cycle_time"]["count"] >= 1


async def test_help_is_there_for_the_simulators_too(stand: Stand) -> None:
    own, simulators = await several(stand, ("--help",), ("sandbox", "--help"))
    for command in "plan", "start", "status", "queue", "approve", "reject", "repair", "token", "audit", "sandbox":
        assert command in own.out
    assert "--state" in simulators.out


async def test_an_engine_that_is_away_is_said_and_looking_still_works(stand: Stand, to_decide: list[Sold]) -> None:
    away = {"TEMPORAL_ADDRESS": "127.0.0.1:1"}
    decided = await cli(stand, "approve", to_decide[4].contract, "--as", "ada.finance", code=1, away=away)
    assert "Temporal does not answer at 127.0.0.1:1" in decided.err
    await cli(stand, "queue", "--json", away=away)


async def test_a_dozen_looks_at_the_queue_end_by_themselves(stand: Stand, to_decide: list[Sold]) -> None:
    """The engine's SDK can abort the interpreter at its end, in one run of four; our programs leave before that.

    With the other commands of this file some fifty processes end here.
    """
    looks = await several(stand, *[("queue", "--json") for _ in range(12)])
    assert [look.code for look in looks] == [0] * 12
    assert all(isinstance(look.document, list) for look in looks)
