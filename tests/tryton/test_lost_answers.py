"""The ERP has done the work and the answer is lost on the way: found by its key, never made again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from connectors.tryton import TrytonErp
from models.errors import OutcomeUnknown
from models.records import Effect, Links
from tests.connectors.netsuite import samples
from tests.tryton.conftest import Connected
from tests.tryton.proxy import open_proxy
from tests.tryton.set_up import set_up

Call = Callable[[TrytonErp, Any, Links], Awaitable[Any]]

_STEPS: list[tuple[str, Any, Call, Call]] = [
    ("customer", samples.customer, TrytonErp.ensure_customer, TrytonErp.find_customer),
    ("contact", samples.contact, TrytonErp.ensure_contact, TrytonErp.find_contact),
    ("cost-centre", samples.cost_centre, TrytonErp.ensure_cost_centre, TrytonErp.find_cost_centre),
    ("project", samples.project, TrytonErp.ensure_project, TrytonErp.find_project),
    ("schedule", samples.schedule, TrytonErp.ensure_billing_schedule, TrytonErp.find_billing_schedule),
    ("contract", samples.contract, TrytonErp.ensure_contract, TrytonErp.find_contract),
]  # fmt: skip


@pytest.mark.parametrize(("step", "request_of", "ensure", "find"), _STEPS, ids=[row[0] for row in _STEPS])
async def test_a_lost_answer_never_makes_a_second_record(
    keyed: Connected, step: str, request_of: Any, *, ensure: Call, find: Call
) -> None:
    links, _ = await set_up(keyed.erp)
    fresh = _fresh(step, request_of)
    rows = keyed.books.rows()
    async with open_proxy(keyed.books.server.url) as proxy:
        erp = keyed.another(proxy.url)
        proxy.lose = b"POST"
        with pytest.raises(OutcomeUnknown):
            await ensure(erp, fresh, links)
        assert proxy.lost == 1
        after = keyed.books.rows()
        assert after != rows  # the ERP did the work
        found: Effect | None = await find(keyed.another(proxy.url), fresh, links)
        assert found is not None
        again: Effect = await ensure(keyed.another(proxy.url), fresh, links)
    assert (again.ref.record_id, again.created) == (found.ref.record_id, False)
    assert keyed.books.rows() == after


@pytest.mark.parametrize("cut", [b"POST /plain/rest/model/sale.sale?", b"/quote", b"/confirm"])
async def test_without_our_module_a_contract_is_taken_on_from_where_it_was_lost(plain: Connected, cut: bytes) -> None:
    links, _ = await set_up(plain.erp)
    fresh = _fresh("contract", samples.contract)
    async with open_proxy(plain.books.server.url) as proxy:
        proxy.lose = cut
        with pytest.raises(OutcomeUnknown):
            await plain.another(proxy.url).ensure_contract(fresh, links)
        assert proxy.lost == 1
    erp = plain.another()
    if await erp.find_contract(fresh, links) is None:
        await erp.ensure_contract(fresh, links)
    assert plain.books.sql("SELECT state FROM sale_sale WHERE reference = ?", "SOW-LOST") == [("processing",)]
    found = await erp.find_contract(fresh, links)
    assert found is not None


async def test_calls_of_a_deal_are_as_many_as_the_connectors_page_says(keyed: Connected, plain: Connected) -> None:
    for it, wanted in ((keyed, 1 + 1 + 1 + 2 + 2), (plain, 1 + 1 + 2 + 3 + 6)):
        async with open_proxy(it.books.server.url) as proxy:
            erp = it.another(proxy.url)
            await erp.get_chart()
            assert len(proxy.requests) == 8
            proxy.requests.clear()
            links, _ = await set_up(erp)
            assert len(proxy.requests) == wanted, proxy.requests
            proxy.requests.clear()
            await erp.survey(samples.question())
            assert len(proxy.requests) == 3
            proxy.requests.clear()
            contract, schedule, project = (links.refs[step] for step in list(links.refs)[-1:-4:-1])
            await erp.read_back(contract, project, (schedule,))
            assert len(proxy.requests) == 2


def _fresh(step: str, request_of: Any) -> Any:
    if step == "cost-centre":
        return request_of()
    more: dict[str, Any] = {"key": samples.key("lost-answer")}
    if step == "customer":
        more["account_id"] = "001000000000009AAA"
    if step == "schedule":
        more["billing_rule"] = "SVC-FIXED"
    if step == "contract":
        more["contract_number"] = "SOW-LOST"
    return request_of(**more)
