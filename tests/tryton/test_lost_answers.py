"""The ERP has done the work and the answer is lost on the way: a contract is taken on from there."""

from __future__ import annotations

import pytest

from models.errors import OutcomeUnknown
from tests.connectors.netsuite import samples
from tests.tryton.conftest import Connected
from tests.tryton.proxy import open_proxy
from tests.tryton.set_up import set_up


@pytest.mark.parametrize("cut", [b"POST /plain/rest/model/sale.sale?", b"/quote", b"/confirm"])
async def test_without_our_module_a_contract_is_taken_on_from_where_it_was_lost(plain: Connected, cut: bytes) -> None:
    links, _ = await set_up(plain.erp)
    fresh = samples.contract(key=samples.key("lost-answer"), contract_number="SOW-LOST")
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
