"""What a connector says of itself is what it does, and a plan tells what it cannot do before anything is written."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connector_kit import ConnectorSpec
from models.base import Canonical
from models.ids import ConnectionId
from models.survey import ErpTraits
from models.terms import BillingType
from runtime.connections import Connection
from runtime.registry import CONNECTORS, open_erp
from runtime.setting_problems import WrongSetting
from tests.capabilities import METHODS, PAGE, page_text
from tests.conformance.applying import applies
from tests.conformance.backend import Backend, ErpBackend
from tests.conformance.conftest import BACKENDS
from tests.conformance.crms import CrmBackend
from tests.conformance.declared import COSTS, FACTS
from tests.unit.planning import plan_of
from tests.unit.signed_terms import fixed_fee


async def test_a_whole_deal_takes_the_declared_calls(backend: Backend) -> None:
    if isinstance(backend, CrmBackend):
        await backend.fill()
    adapter = await backend.ready()
    # Once for what is kept for an hour, such as owners and pipelines, on another deal's account.
    if isinstance(backend, CrmBackend):
        await adapter.get_signed_terms(backend.deal)
        backend.middle.calm()
    await backend.whole_deal(adapter)
    calls, _ = backend.counted()
    assert calls == FACTS[backend.name].calls_per_deal, backend.middle.asked


async def test_a_connector_has_the_methods_of_what_it_can_do_and_no_others(backend: Backend) -> None:
    adapter = backend.adapter()
    for capability, methods in METHODS.items():
        has = [method for method in methods if hasattr(adapter, method)]
        assert has == (list(methods) if capability in backend.spec.capabilities else []), capability


def test_every_registered_connector_is_in_the_suite_with_all_its_operations() -> None:
    assert {kind.spec.name for kind in BACKENDS.values()} == set(CONNECTORS)
    for name, kind in BACKENDS.items():
        tried = {one.capability for one in kind.operations}
        assert tried == kind.spec.capabilities & {one.capability for one in kind.operations} & set(METHODS)
        assert set(COSTS[name]) == {one.name for one in kind.operations}
    assert set(FACTS) == set(COSTS) == set(BACKENDS)


@applies(lambda kind: issubclass(kind, ErpBackend))
async def test_a_plan_says_what_this_erp_leaves_to_people(backend: ErpBackend) -> None:
    traits: ErpTraits = backend.adapter().traits
    told = [sentence.partition(": ") for sentence in traits.manual]
    assert {billing_type for billing_type, _, _ in told} <= {one.value for one in BillingType}
    for_milestones = tuple(sentence for billing_type, _, sentence in told if billing_type == "milestones")
    assert plan_of(fixed_fee(), traits=traits).manual_steps == for_milestones


class _NoSettings(Canonical):
    pass


def _built(connection: ConnectionId, config: _NoSettings, http: httpx.AsyncClient) -> Any:
    raise AssertionError(f"{connection} was opened with {config} and {http}")


async def test_an_erp_that_lacks_something_is_refused_by_name_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    can = frozenset({"surveys", "customers", "contacts", "cost-centres", "projects", "contracts"})
    spec = ConnectorSpec(name="half", capabilities=can, config=_NoSettings, build=_built)
    monkeypatch.setitem(CONNECTORS, "half", spec)
    with pytest.raises(WrongSetting, match="half has no billing-schedules, holds"):
        async with open_erp(Connection(connection=ConnectionId("erp-main"), connector="half")):
            pass


def test_the_page_of_capabilities_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page_text(), "run: python -m tests.capabilities"
