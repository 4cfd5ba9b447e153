"""What the engine's own pages show of a contract, and what they must never hold."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.converter import DataConverter

from models.errors import NeedsRepair
from models.process import Outcome
from tests.unit.signed_terms import line
from tests.workflows.contracts import buyer, checked
from tests.workflows.house import House
from workflows.showing import CUSTOMER, FIRM, LEGAL_ENTITY, OWNER_ROLE, PARKED

HOSTILE = "[x](javascript:1) <b>"
CANARIES = {
    "tax number": "98-7654321",
    "registration number": "MA-CANARY-77",
    "invoice e-mail": "canary.ap@northwind.example",
    "street": "77 Canary Wharf",
    "contact's first name": "Canarina",
    "contact's last name": "Fringilla",
    "contact's e-mail": "canarina@northwind.example",
    "owner's name": "Serinus Canaria",
    "owner's e-mail": "serinus@harbourfinch.example",
    "acceptance person": "Wilma Finkenstein",
}


def _with_canaries(**changes: Any) -> Any:
    address = {"street": CANARIES["street"], "city": "Boston", "region": "MA", "postal_code": "02101", "country": "US"}
    return checked(
        owner_name=CANARIES["owner's name"],
        owner_email=CANARIES["owner's e-mail"],
        acceptance_person=CANARIES["acceptance person"],
        bill_to=address,
        buyer=buyer(
            address=address,
            tax_number=CANARIES["tax number"],
            registration_number=CANARIES["registration number"],
            invoice_email=CANARIES["invoice e-mail"],
        ),
        contacts=[
            {
                "code": "003-1",
                "first_name": CANARIES["contact's first name"],
                "last_name": CANARIES["contact's last name"],
                "email": CANARIES["contact's e-mail"],
                "role": "billing",
            }
        ],
        **changes,
    )


async def _details(house: House) -> str:
    metadata = await house.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    return str(metadata.current_details)


async def _summaries(house: House) -> list[str]:
    """Of every step, as the event list shows them."""
    converter = DataConverter.default.payload_converter
    return [
        str(converter.from_payload(event.user_metadata.summary, str))
        for event in await house.events()
        if event.HasField("user_metadata") and event.user_metadata.HasField("summary")
    ]


async def test_the_page_of_a_waiting_contract_says_what_waits_for_whom(house: House) -> None:
    await house.win(checked())
    seen = await house.shown("deciding")

    assert await seen.static_summary() == "Contract C-1001: from won deal to billable project"
    attributes = seen.typed_search_attributes
    assert attributes[FIRM] == house.firm
    assert attributes[LEGAL_ENTITY] == "LE-US"
    assert attributes[OWNER_ROLE] == "finance-operations"
    assert attributes[PARKED] is True
    assert "Northwind" not in attributes[CUSTOMER]
    page = await _details(house)
    assert "### Waits for\n- the contract is over USD 250,000.00 \\(finance\\-operations\\)" in page
    assert "starter.py approve C-1001" in page
    assert page.count("not yet") == 6


async def test_the_page_of_an_active_contract_says_what_was_made(house: House) -> None:
    await house.win(checked())
    await house.decide("ada.finance")
    assert await house.outcome() is Outcome.ACTIVE

    seen = await house.shown("active")
    assert seen.typed_search_attributes[PARKED] is False
    assert seen.typed_search_attributes.get(OWNER_ROLE) is None
    page = await _details(house)
    assert page.startswith("## Active: project, contract and billing are set up.")
    assert "created P\\-" in page
    assert "not yet" not in page
    summaries = await _summaries(house)
    for wanted in ("Read the signed terms", "Look at the ERP and make the plan", "Check who decides, and record it"):
        assert wanted in summaries
    assert any("Northwind" in text for text in summaries)
    assert any(text.startswith("Until ") and "remind or escalate" in text for text in summaries)
    assert max(map(len, summaries)) <= 200


@pytest.mark.parametrize("mark", ["[x](", "<b>"])
async def test_a_customers_name_is_text_and_nothing_else(house: House, mark: str) -> None:
    await house.win(checked(buyer=buyer(name=HOSTILE, legal_name=HOSTILE), bill_to_name=HOSTILE))
    await house.shown("deciding")

    page = await _details(house)

    assert mark not in page
    assert "\\[x\\]\\(javascript:1\\) \\<b\\>" in page


async def test_the_engine_holds_no_personal_data(house: House) -> None:
    """Through a stop, a decision, a refusal by the ERP and the end: nothing of it in any event of any kind."""
    lines = [line("1", "milestones", "400000.00", service_line="Relocation")]
    house.erp.trouble = lambda moment, kind: (
        NeedsRepair("Field X is closed.", record="C-1001") if (moment, kind) == ("before", "contract") else None
    )
    await house.win(_with_canaries(lines=lines))
    await house.repair("ada.finance", "TL-CON-008", "Advisory")
    await house.decide("ada.finance")
    await house.waiting("TL-INT-020")
    house.erp.trouble = lambda _moment, _kind: None
    await house.repair("ina.integration", "TL-INT-020")
    assert await house.outcome() is Outcome.ACTIVE

    events = await house.events()
    everything = b"".join(event.SerializeToString() for event in events)
    assert b"Northwind Traders" in everything, "payloads are readable here, so the search means something"
    assert [what for what, text in CANARIES.items() if text.encode() in everything] == []
    page = await _details(house)
    assert [what for what, text in CANARIES.items() if text in page] == []
