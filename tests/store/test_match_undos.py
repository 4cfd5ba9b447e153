from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from models.ids import PersonId
from models.match_undo import MatchUndo, UndoState
from models.records import RecordKind, RecordRef
from store import Store
from tests.store.facts import CRM, ERP, FIRM

MIA = (PersonId("mia.masterdata"),)


def wish(**changes: Any) -> MatchUndo:
    facts: dict[str, Any] = {
        "undo": "u-1", "firm": FIRM, "crm": CRM, "account_id": "001A", "account_name": "Acme Ltd",
        "customer": RecordRef(connection=ERP, kind=RecordKind.CUSTOMER, record_id="4711", number="C-4711"),
        "requested_by": "ada.finance", "reason": "two companies", "evidence": ("equal D-U-N-S numbers",),
        "asked_at": datetime(2026, 11, 24, 12, tzinfo=UTC),
    }  # fmt: skip
    return MatchUndo(**{**facts, **changes})


async def test_one_wish_per_account_waits_and_its_end_is_in_the_chain_with_both_people(store: Store) -> None:
    undos = store.match_undos
    asked = await undos.ask(wish())
    assert await undos.ask(wish(undo="u-2", requested_by="pia.pmo")) == asked
    assert await undos.find_open(FIRM, CRM, "001A") == asked
    assert await undos.list_told_apart(FIRM, CRM, "001A") == ()
    done = await undos.settle(asked, UndoState.UNDONE, decided_by=MIA, outcome="released")
    assert await undos.settle(asked, UndoState.REFUSED, decided_by=(), outcome="late") == done
    assert await undos.find_open(FIRM, CRM, "001A") is None
    assert await undos.list_told_apart(FIRM, CRM, "001A") == (done,)
    assert [await undos.list_about(FIRM, name) for name in ("001A", "4711", "C-4711", "001B")] == [(done,)] * 3 + [()]
    entries = await store.audit.list_entries(f"{FIRM}/account-001A")
    assert [entry.kind for entry in entries] == ["match.undo-asked", "match.undone"]
    facts = entries[-1].facts
    assert (facts["requested_by"], facts["decided_by"]) == ("ada.finance", "mia.masterdata")
    assert facts["evidence"] == "equal D-U-N-S numbers"
    assert (await store.audit.verify()).intact


async def test_a_refused_wish_tells_nobody_apart_and_may_be_made_again(store: Store) -> None:
    first = await store.match_undos.ask(wish())
    await store.match_undos.settle(first, UndoState.REFUSED, decided_by=MIA, outcome="Rejected.")
    assert await store.match_undos.list_told_apart(FIRM, CRM, "001A") == ()
    again = await store.match_undos.ask(wish(undo="u-2"))
    assert again.undo == "u-2"
    other_firm = await store.match_undos.find_open(type(FIRM)("another"), CRM, "001A")
    assert other_firm is None
