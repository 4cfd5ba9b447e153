"""The page on adding a system, followed to the letter: its blocks become a connector that passes the suite."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

import connectors
import sandbox
from models.ids import ConnectionId
from models.records import RecordRef
from sandbox.kit import Options, Running, running
from tests.conformance import test_existing_records, test_hostile_answers, test_one_effect
from tests.conformance.backend import ERP_OPERATIONS, ErpBackend, Snapshot
from tests.conformance.declared import COSTS, Cost
from tests.conformance.middle import NO_TLS, open_middle
from tests.connectors.netsuite import samples

_PAGE = Path(__file__).resolve().parents[2] / "docs" / "connectors" / "new.md"
_BLOCK = re.compile(r"^`((?:connectors|sandbox)/ledger/[\w.]+)`\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAME = "ledger@sandbox"


@dataclass
class Ledger(ErpBackend):
    """The backend of the page's system."""

    name: ClassVar[str] = _NAME
    operations = ERP_OPERATIONS
    renews_tokens = False
    billing_rule: ClassVar[str] = "milestones"

    connector: Any
    server: Running
    http: httpx.AsyncClient

    def adapter(self) -> Any:
        config = self.connector.LedgerConfig(
            base_url=self.middle.url, api_key=self.server.system.client_facts()["api_key"]
        )
        return self.connector.build(ConnectionId("erp-main"), config, self.http)

    async def snapshot(self) -> Snapshot:
        store = self.server.system.world.store
        return {kind: sorted(str(row) for _, row in store.rows(kind)) for kind in store.kinds()}

    async def deactivate(self, step: str, ref: RecordRef) -> bool:
        self.server.system.save_as_person({"type": step, "id": ref.number, "values": {"active": False}})
        return True

    async def make_twin(self, step: str, ref: RecordRef) -> bool:
        if step != "customer":
            return False
        values = {"active": True, "fields": {"name": "By hand", "account_id": samples.ACCOUNT_ID}}
        self.server.system.save_as_person({"type": step, "id": f"twin-of-{ref.number}", "values": values})
        return True


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any]]:
    """The connector and the simulator, as the page's blocks make them."""
    for path, text in _BLOCK.findall(_PAGE.read_text(encoding="utf-8")):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    for package in (connectors, sandbox):
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path / package.__name__)])
    costs = {one.name: Cost(2 if one.name == "purchase-order" else 1) for one in ERP_OPERATIONS}
    monkeypatch.setitem(COSTS, _NAME, costs)
    yield importlib.import_module("connectors.ledger"), importlib.import_module("sandbox.ledger")
    for name in [name for name in sys.modules if re.match(r"(connectors|sandbox)\.ledger\b", name)]:
        del sys.modules[name]
    for package in (connectors, sandbox):
        if hasattr(package, "ledger"):
            del package.ledger


@asynccontextmanager
async def _open(connector: Any, simulator: Any) -> AsyncIterator[Ledger]:
    options = Options("ledger")
    async with (
        running(simulator.build(options), options) as server,
        open_middle(server.url) as middle,
        httpx.AsyncClient(trust_env=False, verify=NO_TLS, timeout=5) as http,
    ):
        yield Ledger(middle, connector, server, http)


_FOR_EACH_WRITE = (
    test_one_effect.test_run_twice_has_one_effect_and_takes_the_calls_that_are_declared,
    test_one_effect.test_an_answer_cut_after_the_commit_is_settled_by_evidence,
    test_one_effect.test_two_at_once_have_one_effect_or_are_found_out,
    test_one_effect.test_at_the_limit_nothing_is_written_and_the_wish_to_wait_is_passed_on,
    test_hostile_answers.test_a_hostile_answer_is_never_taken_for_an_effect_nor_for_evidence,
)
_FOR_THE_WHOLE: tuple[Callable[[Any], Awaitable[None]], ...] = (
    test_existing_records.test_an_adopted_customer_is_not_even_asked_about,
    test_existing_records.test_two_holders_of_one_key_are_both_named_and_a_person_decides,
    test_existing_records.test_a_record_that_was_switched_off_is_neither_evidence_nor_made_again,
    test_hostile_answers.test_an_answer_that_calls_itself_something_else_leaves_the_outcome_open,
    test_hostile_answers.test_nobody_follows_to_another_host,
    test_hostile_answers.test_a_hundred_megabytes_are_not_taken_in,
    test_hostile_answers.test_a_sign_in_that_stays_refused_ends_after_one_renewal,
)


_FOR_ALL_WRITES = _FOR_EACH_WRITE[:2]
_OF_EACH_SORT = [one for one in ERP_OPERATIONS if one.name in {"customer", "contract", "hold"}]


async def test_the_connector_of_the_page_passes_the_suite(followed: tuple[Any, Any]) -> None:
    for check in _FOR_EACH_WRITE:
        for operation in ERP_OPERATIONS if check in _FOR_ALL_WRITES else _OF_EACH_SORT:
            async with _open(*followed) as backend:
                await check(backend, operation)
    for whole in _FOR_THE_WHOLE:
        async with _open(*followed) as backend:
            await whole(backend)


async def test_the_suite_notices_when_the_pages_connector_is_made_worse(followed: tuple[Any, Any]) -> None:
    async with _open(*followed) as backend:
        backend.connector.LedgerErp._find = _finds_nothing
        with pytest.raises(AssertionError):
            await test_one_effect.test_an_answer_cut_after_the_commit_is_settled_by_evidence(backend, ERP_OPERATIONS[0])


async def _finds_nothing(*_: object) -> None:
    return None
