"""What people did in the systems: adopted, deactivated, doubled, forbidden, and not in the search index yet."""

from __future__ import annotations

import pytest

from models.errors import NeedsRepair
from models.ids import DealId
from models.records import RecordKind
from tests.conformance.applying import applies
from tests.conformance.backend import Backend, ErpBackend
from tests.conformance.crms import CrmBackend, HubSpot
from tests.connectors.netsuite import samples

_MESSAGE = "Ask sales operations before you touch this"


def _is_erp(kind: type[Backend]) -> bool:
    return issubclass(kind, ErpBackend)


def _is_crm(kind: type[Backend]) -> bool:
    return issubclass(kind, CrmBackend)


async def _set_up(backend: Backend) -> None:
    contract = next(one for one in backend.operations if one.name == "contract")
    await backend.prepare(contract)
    backend.done["contract"] = await backend.ensure(await backend.ready(), contract)


@applies(_is_erp)
async def test_an_adopted_customer_is_not_even_asked_about(backend: ErpBackend) -> None:
    adapter = await backend.ready()
    before = await backend.snapshot()
    adopt = samples.ref(RecordKind.CUSTOMER, "4711")
    effect = await adapter.ensure_customer(samples.customer(adopt=adopt), backend.links())
    assert (effect.ref, effect.created, effect.changed) == (adopt, False, False)
    assert backend.counted() == (0, 0)
    assert await backend.snapshot() == before


@applies(_is_erp)
async def test_two_holders_of_one_key_are_both_named_and_a_person_decides(backend: ErpBackend) -> None:
    await _set_up(backend)
    tried = []
    for operation in backend.operations:
        ours = backend.done.get(operation.name)
        if ours is None or not await backend.make_twin(operation.name, ours.ref):
            continue
        with pytest.raises(NeedsRepair) as stopped:
            await backend.find(await backend.ready(), operation)
        assert stopped.value.code == "TL-CUS-004", operation.name
        first, _, second = stopped.value.record.partition(" and ")
        assert first, second
        assert first != second
        assert stopped.value.record in stopped.value.message
        tried.append(operation.name)
    assert "customer" in tried


@applies(_is_erp)
async def test_a_record_that_was_switched_off_is_neither_evidence_nor_made_again(backend: ErpBackend) -> None:
    await _set_up(backend)
    tried = []
    for operation in reversed(backend.operations):
        ours = backend.done.get(operation.name)
        if ours is None or not await backend.deactivate(operation.name, ours.ref):
            continue
        before = await backend.snapshot()
        with pytest.raises(NeedsRepair, match="inactive"):
            await backend.find(await backend.ready(), operation)
        assert await backend.snapshot() == before
        tried.append(operation.name)
    assert "customer" in tried


@applies(_is_crm)
async def test_a_deal_that_is_gone_is_named_and_nothing_hangs_in_the_air(backend: CrmBackend) -> None:
    adapter = await backend.ready()
    await backend.remove_deal()
    before = await backend.snapshot()
    assert await adapter.find_contracts([backend.deal]) == ()
    with pytest.raises(NeedsRepair, match=backend.deal):
        await adapter.get_signed_terms(backend.deal)
    with pytest.raises(NeedsRepair):
        await adapter.ensure_write_back(backend.write_back(), backend.links())
    assert {kind: len(rows) for kind, rows in (await backend.snapshot()).items()} == {
        kind: len(rows) for kind, rows in before.items()
    }


@applies(_is_crm)
async def test_a_rule_of_the_administrator_is_told_in_its_words_and_leaves_no_evidence(backend: CrmBackend) -> None:
    adapter = await backend.ready()
    await backend.forbid(_MESSAGE)
    with pytest.raises(NeedsRepair, match=_MESSAGE):
        await adapter.ensure_write_back(backend.write_back(), backend.links())
    assert await adapter.find_write_back(backend.write_back(), backend.links()) is None


@applies(lambda kind: kind is HubSpot)
async def test_what_the_index_does_not_know_yet_is_found_by_its_key(backend: HubSpot) -> None:
    (deal,) = await backend.save_another_deal()
    adapter = await backend.ready()
    assert deal not in {won.deal_id for won in await adapter.list_won_deals()}
    (contract,) = await adapter.find_contracts([DealId(deal)])
    assert contract.is_won
    assert (await adapter.get_signed_terms(DealId(deal))).deal_id == deal
    await adapter.ensure_write_back(backend.write_back(), backend.links())
    assert await adapter.find_write_back(backend.write_back(), backend.links()) is not None
