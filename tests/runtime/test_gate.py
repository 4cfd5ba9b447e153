"""A refused sign-in closes the gate of its connection: one stop, one probe at a time, and all goes on afterwards."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from models.desk import EngagementRow, Stage
from models.errors import Fatal, Retryable
from models.ids import ConnectionId, ContractNumber, DealId, EngagementId, FirmId
from models.pausing import SIGN_IN_REFUSED, ConnectionPaused
from runtime.credential_watch import CredentialWatch
from runtime.gate import Gates
from store import Store, open_store

ERP, OTHER, FIRM = ConnectionId("erp-main"), ConnectionId("erp-eu"), FirmId("hf")
NOW = datetime(2026, 11, 24, 9, 12, tzinfo=UTC)


class Account:
    """An account that can refuse us."""

    def __init__(self) -> None:
        self.refuses: Exception | None = None
        self.asked = 0

    async def look(self) -> str:
        self.asked += 1
        if self.refuses is not None:
            raise self.refuses
        return "seen"


def refusal() -> Fatal:
    return Fatal("The account refused our key. Renew it.", code=SIGN_IN_REFUSED)


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as opened:
        yield opened


async def test_after_a_refused_sign_in_nothing_is_sent_any_more_except_by_the_probe() -> None:
    gates, account = Gates(lambda: NOW), Account()
    gate = gates.of(ERP)
    gate.guard(account)
    assert await account.look() == "seen"
    account.refuses = refusal()
    for _ in range(3):
        with pytest.raises(ConnectionPaused, match="Renew it"):
            await account.look()
    assert (account.asked, gates.paused(), gate.since) == (2, frozenset({ERP}), NOW)
    assert not gates.of(OTHER).is_closed
    with pytest.raises(ConnectionPaused):
        await gate.admit_request(httpx.Request("GET", "http://erp.example"))
    account.refuses = None
    with gate.probing():
        assert await account.look() == "seen"
    gate.open()
    assert await account.look() == "seen"


async def test_every_account_is_asked_at_the_start_and_a_refusal_closes_its_gate(store: Store) -> None:
    gates, good, bad = Gates(lambda: NOW), Account(), Account()
    gates.of(ERP).guard(bad)
    gates.of(OTHER).guard(good)
    bad.refuses = refusal()
    watch = CredentialWatch(
        gates, {ERP: bad.look, OTHER: good.look}, store.desk, _nobody, firm=FIRM, due_at=lambda _: NOW
    )
    await watch.first_look()
    assert (bad.asked, good.asked, gates.paused()) == (1, 1, frozenset({ERP}))
    good.refuses = Retryable("It did not answer.")
    await watch.first_look()
    assert (bad.asked, good.asked, gates.paused()) == (1, 2, frozenset({ERP}))


async def _nobody(_: EngagementRow) -> None:
    raise AssertionError("nobody waits")


async def test_other_errors_leave_the_gate_open() -> None:
    gates, account = Gates(), Account()
    gates.of(ERP).guard(account)
    for error in (Retryable("It did not answer."), Fatal("A bug.")):
        account.refuses = error
        with pytest.raises(type(error)):
            await account.look()
    assert gates.closed() == ()


def row(contract: str, waits_for: ConnectionId) -> EngagementRow:
    return EngagementRow(
        engagement=EngagementId(f"hf/{contract}"), firm=FIRM, contract_number=ContractNumber(contract),
        deal_id=DealId("006-1"), workflow_id=f"quote-to-project/hf/{contract}", stage=Stage.PARKED, sentence="waits",
        waits_for=waits_for,
    )  # fmt: skip


async def test_one_stop_tells_of_all_that_waits_and_goes_when_a_probe_succeeds(store: Store) -> None:
    gates, account, nudged = Gates(lambda: NOW), Account(), []
    gates.of(ERP).guard(account)

    async def nudge(waiting: EngagementRow) -> None:
        nudged.append(waiting.contract_number)

    def watch() -> CredentialWatch:
        return CredentialWatch(
            gates, {ERP: account.look, OTHER: account.look}, store.desk, nudge, firm=FIRM, due_at=lambda _: NOW,
            first_probe_s=0.0,
        )  # fmt: skip

    for contract, connection in (("C-1", ERP), ("C-2", ERP), ("C-3", OTHER), ("C-4", ConnectionId(""))):
        await store.desk.save_engagement(row(contract, connection))
    account.refuses = refusal()
    with pytest.raises(ConnectionPaused):
        await account.look()
    watching = watch()
    for _ in range(3):
        await watching.turn()
    (stop,) = await store.desk.list_open(FIRM)
    assert (stop.code, stop.record, stop.owner.value) == ("TL-INT-002", ERP, "integration")
    assert "erp-main is paused since 24 Nov 09:12 UTC; 2 deals wait for it." in stop.message
    assert "Paused since" in await watching.check(ERP)
    assert await watching.check(OTHER) == ""
    account.refuses = Retryable("It did not answer.")
    await watching.turn()
    assert gates.paused() == {ERP}
    account.refuses = None
    await watching.turn()
    assert (await store.desk.list_open(FIRM), nudged, gates.paused()) == ((), ["C-1", "C-2"], frozenset())


async def test_a_stop_of_an_earlier_process_is_taken_up_and_taken_away(store: Store) -> None:
    gates, account = Gates(lambda: NOW), Account()
    gates.of(ERP).guard(account)
    account.refuses = refusal()
    with pytest.raises(ConnectionPaused):
        await account.look()

    async def nudge(_: EngagementRow) -> None:
        raise AssertionError("nothing waits")

    await CredentialWatch(gates, {ERP: account.look}, store.desk, nudge, firm=FIRM, due_at=lambda _: NOW).turn()
    assert len(await store.desk.list_open(FIRM)) == 1

    account.refuses = None
    fresh = Gates(lambda: NOW)
    later = CredentialWatch(fresh, {ERP: account.look}, store.desk, nudge, firm=FIRM, due_at=lambda _: NOW)
    await later.take_up()
    assert fresh.paused() == {ERP}
    await later.turn()
    assert (await store.desk.list_open(FIRM), fresh.paused()) == ((), frozenset())
