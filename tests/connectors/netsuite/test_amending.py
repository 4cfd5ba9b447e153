"""Changes of a contract in force, against the simulated account: judged by what the account then holds."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.netsuite import NetSuiteErp
from models.amending import AmendContract, AmendSchedule, CloseForTime
from models.contract_standing import AppliedAmendment, ContractStanding, RowState, StandingLine, StandingRow
from models.errors import OutcomeUnknown, Stale
from models.ids import Step, external_key
from models.money import Money
from models.records import Guard, Links, RecordRef
from models.values import SoldValues
from ports.amendments import ContractAmendments, ContractChange
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import Connected, connected


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


async def set_up(it: Connected) -> RecordRef:
    links = await it.set_up()
    return links.refs[Step("contract")]


async def bill(it: Connected, contract: RecordRef, row: str | None, amount: str) -> str:
    """Somebody in billing raises an invoice for a schedule row; its id."""
    line: dict[str, Any] = {"orderLine": 2, "quantity": 0.25, "amount": float(amount)}
    if row is not None:
        line["custcol_tl_schedule_row"] = row
    path = f"/record/v1/salesOrder/{contract.record_id}/!transform/invoice"
    answer = await it.sim.call("POST", path, {"item": {"items": [line]}})
    assert answer.status_code == 204, answer.text
    return str(answer.headers["Location"].rsplit("/", 1)[1])


async def pay(it: Connected, invoice: str, amount: str) -> None:
    found = await it.sim.get("invoice", invoice)
    applied = {"doc": {"id": invoice}, "apply": True, "amount": float(amount)}
    body = {"customer": found["entity"], "payment": float(amount), "apply": {"items": [applied]}}
    answer = await it.sim.call("POST", "/record/v1/customerPayment", body)
    assert answer.status_code == 204, answer.text


def schedule_change(now: ContractStanding, *rows: StandingRow, **more: Any) -> AmendSchedule:
    assert now.contract is not None
    return AmendSchedule(
        key=external_key("hf", "C", "A1", "schedule"), contract_number=now.contract_number, contract=now.contract,
        amendment="A1", expected_version=now.version, schedule=now.rows[0].schedule, name="billing",
        rows=rows or now.rows, **more,
    )  # fmt: skip


def contract_change(now: ContractStanding, *lines: StandingLine, **more: Any) -> AmendContract:
    assert now.contract is not None
    return AmendContract.model_validate(
        {
            "key": external_key("hf", "C", "A1", "contract"), "contract_number": now.contract_number,
            "contract": now.contract, "amendment": "A1", "expected_version": now.version, "lines": lines or now.lines,
            "values": now.values, "applied": (AppliedAmendment(number="A1"),), **more,
        }
    )  # fmt: skip


def further_row(now: ContractStanding, amount: str = "18000.00") -> StandingRow:
    return StandingRow(
        code="M4", name="Rollout", due_on=date(2027, 9, 15), amount=usd(amount), schedule=now.rows[0].schedule
    )


async def test_the_adapter_can_amend() -> None:
    async with connected() as it:
        erp: ContractAmendments = it.erp
        assert isinstance(erp, ContractAmendments)
        assert erp.guard_of_change("amend-schedule") is Guard.GUARDED
        assert erp.guard_of_change("release-parked") is Guard.MANUAL


async def test_the_standing_tells_rows_with_what_is_invoiced_and_paid_in_one_call() -> None:
    async with connected() as it:
        contract = await set_up(it)
        await it.erp.get_standing(contract)
        await it.reset()
        before = await it.erp.get_standing(contract)
        assert await it.calls() == {"POST /query/v1/suiteql": 1}
        assert [(row.code, row.name, row.state) for row in before.rows] == [
            (code, f"Stage {code}", RowState.PLANNED) for code, *_ in samples.ROWS
        ]  # fmt: skip
        assert before.values.exercised == usd("128249.99")
        assert (before.values.funded, before.currency, before.legal_entity) == (usd("100000.00"), "USD", "LE-US")

        paid = await bill(it, contract, "M1", "38475.00")
        await bill(it, contract, None, "51299.99")
        await pay(it, paid, "38475.00")
        now = await it.erp.get_standing(contract)
        assert [row.state for row in now.rows] == [RowState.SETTLED, RowState.INVOICED, RowState.PLANNED]
        assert [(one.net, one.balance) for one in now.invoices] == [
            (usd("38475.00"), usd("0.00")), (usd("51299.99"), usd("51299.99")),
        ]  # fmt: skip
        assert now.invoiced_net == usd("89774.99")
        assert now.version != before.version


async def test_a_change_keeps_rows_that_are_billed_and_adds_the_new_one() -> None:
    async with connected() as it:
        contract = await set_up(it)
        await bill(it, contract, "M1", "38475.00")
        now = await it.erp.get_standing(contract)
        first, *others = now.rows
        wanted = (first, others[0], others[1].model_copy(update={"state": RowState.CANCELLED}), further_row(now))
        more = now.lines[0].model_copy(update={"code": "A1-1", "amount": usd("18000.00"), "description": "Rollout"})
        smaller = now.lines[2].model_copy(update={"amount": usd("0.00")})
        values = SoldValues(funded=usd("118000.00"))
        schedule = schedule_change(now, *wanted)
        order = contract_change(now, *now.lines[:2], smaller, more, values=values, end_on=date(2027, 12, 31))

        assert await it.erp.find_change(schedule, Links()) is None
        # What the first one changed does not make the second one stale.
        effect = await it.erp.apply_change(schedule, Links())
        await it.erp.apply_change(order, Links())
        assert (effect.created, effect.changed) == (False, True)

        after = await it.erp.get_standing(contract)
        assert [(row.code, row.amount, row.state) for row in after.rows] == [
            ("M1", usd("38475.00"), RowState.INVOICED), ("M2", usd("51299.99"), RowState.PLANNED),
            ("M3", usd("0.00"), RowState.CANCELLED), ("M4", usd("18000.00"), RowState.PLANNED),
        ]  # fmt: skip
        assert [(line.code, line.amount) for line in after.lines] == [
            ("L1", usd("38000.00")), ("L2", usd("80750.00")), ("A1-1", usd("18000.00")),
        ]  # fmt: skip
        assert (after.values.exercised, after.values.funded) == (usd("136750.00"), usd("118000.00"))
        assert (after.end_on, [one.number for one in after.applied]) == (date(2027, 12, 31), ["A1"])
        job = await it.sim.get("job", str(after.project and after.project.record_id))
        assert Decimal(str(job["jobPrice"])) == Decimal(136750)


async def test_a_change_that_is_there_is_found_and_writes_nothing() -> None:
    async with connected() as it:
        contract = await set_up(it)
        now = await it.erp.get_standing(contract)
        schedule, order = schedule_change(now, *now.rows, further_row(now)), contract_change(now)
        for request in (schedule, order):
            await it.erp.apply_change(request, Links())
        await it.reset()
        for request in (schedule, order):
            assert await it.another().find_change(request, Links()) is not None
            again = await it.another().apply_change(request, Links())
            assert not again.changed
        assert not any(route.startswith(("PUT", "PATCH", "POST /record")) for route in await it.calls())


@pytest.mark.parametrize("kind", ["schedule", "contract"])
async def test_somebody_else_was_faster_so_nothing_is_written(kind: str) -> None:
    async with connected() as it:
        contract = await set_up(it)
        now = await it.erp.get_standing(contract)
        request = (
            schedule_change(now, *now.rows, further_row(now)) if kind == "schedule"
            else contract_change(now, end_on=date(2027, 12, 31))
        )  # fmt: skip
        await bill(it, contract, "M1", "38475.00")
        before = len(await it.sim.journal())
        with pytest.raises(Stale, match="invoiced"):
            await it.erp.apply_change(request, Links())
        assert len(await it.sim.journal()) == before


async def test_a_lost_answer_never_adds_a_line_or_a_row_twice() -> None:
    async with connected() as it:
        contract = await set_up(it)
        now = await it.erp.get_standing(contract)
        more = now.lines[0].model_copy(update={"code": "A1-1", "amount": usd("18000.00")})
        requests: tuple[ContractChange, ...] = (
            schedule_change(now, *now.rows, further_row(now)), contract_change(now, *now.lines, more),
        )  # fmt: skip
        for request, path in zip(requests, ("billingSchedule", "salesOrder"), strict=True):
            await it.sim.fault(action="reset", when="after", method="PATCH", path=path)
            with pytest.raises(OutcomeUnknown):
                await it.erp.apply_change(request, Links())
            other: NetSuiteErp = it.another()
            assert await other.find_change(request, Links()) is not None
            assert not (await other.apply_change(request, Links())).changed
        after = await it.erp.get_standing(contract)
        assert [row.code for row in after.rows] == ["M1", "M2", "M3", "M4"]
        assert [line.code for line in after.lines] == ["L1", "L2", "L3", "A1-1"]


async def test_no_time_is_taken_after_a_termination() -> None:
    async with connected() as it:
        contract = await set_up(it)
        now = await it.erp.get_standing(contract)
        assert now.project is not None
        request = CloseForTime(
            key=external_key("hf", "C", "A1", "time"), contract_number=now.contract_number, contract=contract,
            amendment="A1", expected_version=now.version, project=now.project, after=date(2026, 11, 1), reason="ended",
        )  # fmt: skip
        assert await it.erp.find_change(request, Links()) is None
        await it.erp.apply_change(request, Links())
        assert await it.erp.find_change(request, Links()) is not None
        assert (await it.sim.get("job", now.project.record_id))["allowTime"] is False
