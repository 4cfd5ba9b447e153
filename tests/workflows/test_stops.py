"""What stops a contract, and how it goes on: repaired by an answer, at the source, or by the system coming back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from models.desk import Stage
from models.errors import Fatal, NeedsRepair, NotSent, OutcomeUnknown, Retryable
from models.party import Address
from models.process import Outcome
from models.records import ReadBack, RecordKind, RecordRef
from models.survey import CustomerCandidate
from models.terms import SignedTerms
from tests.unit.signed_terms import line
from tests.workflows.clockwork import Clockwork
from tests.workflows.contracts import buyer, checked, simple
from tests.workflows.house import CONTRACT, House

RIO: dict[str, Any] = {"street": "Rua A 1", "city": "Rio de Janeiro", "postal_code": "20040-002", "country": "BR"}
NEAR = CustomerCandidate(
    ref=RecordRef.model_validate(
        {"connection": "erp-main", "kind": RecordKind.CUSTOMER, "record_id": "77", "number": "CUST77"}
    ),
    name="Northwind Traders Inc",
    address=Address(street="9 Other Rd", city="Chicago", region="IL", postal_code="60601", country="US"),
)


@dataclass(frozen=True)
class Stop:
    """A contract that a rule stops, who may repair it, the answer, and what mends it at the source."""

    code: str
    terms: Callable[[], SignedTerms]
    who: str
    answer: str
    mend: Callable[[House], None]
    signers: tuple[str, ...] = ()


def _mend_tax_number(house: House) -> None:
    house.change(buyer=buyer(address=RIO, tax_number="11.222.333/0001-81", registration_number=""))


def _mend_service_line(house: House) -> None:
    house.change(lines=simple().model_dump()["lines"])


def _mend_duplicate(house: House) -> None:
    house.erp.candidates.clear()


STOPS = {
    "missing tax number": Stop(
        "TL-CUS-014",
        lambda: simple(buyer=buyer(address=RIO, tax_number="", registration_number="")),
        "sofia.salesops", "11.222.333/0001-81", _mend_tax_number, ("ada.finance", "tara.tax"),
    ),
    "unmapped service line": Stop(
        "TL-CON-008",
        lambda: simple(lines=[
            line("1", "milestones", "40000.00", service_line="Relocation"),
            line("2", "milestones", "85000.00"), line("3", "milestones", "9999.99"),
        ]),
        "ada.finance", "Advisory", _mend_service_line,
    ),
    "near duplicate": Stop("TL-CUS-001", simple, "mia.masterdata", "same:77", _mend_duplicate),
}  # fmt: skip


@pytest.fixture(params=STOPS)
def stop(request: pytest.FixtureRequest, house: House) -> Stop:
    if request.param == "near duplicate":
        house.erp.candidates.append(NEAR)
    return STOPS[request.param]


async def test_a_stop_is_repaired_by_an_answer(house: House, stop: Stop) -> None:
    await house.win(stop.terms())
    await house.waiting(stop.code)
    assert house.erp.journal == []

    assert (await house.repair(stop.who, stop.code, stop.answer)).complete

    for signer in stop.signers:
        assert (await house.decide(signer)).accepted
    assert await house.outcome() is Outcome.ACTIVE


async def test_a_stop_is_repaired_at_its_source(house: House, stop: Stop) -> None:
    await house.win(stop.terms())
    await house.waiting(stop.code)
    stop.mend(house)

    assert (await house.repair(stop.who, stop.code)).complete

    for signer in stop.signers:
        assert (await house.decide(signer)).accepted
    assert await house.outcome() is Outcome.ACTIVE


async def test_a_stop_that_is_not_mended_stands_again(house: House, stop: Stop) -> None:
    await house.win(stop.terms())
    first = await house.waiting(stop.code)

    assert (await house.repair(stop.who, stop.code)).complete

    again = await house.waiting(stop.code)
    assert again.item == first.item
    assert house.erp.journal == []


async def test_what_was_just_set_up_in_the_erp_is_seen_at_once_after_a_repair(house: House) -> None:
    """The chart is kept for minutes; whoever adds an item and says so is not asked again."""
    whole = house.erp.chart
    house.erp.chart = whole.model_copy(update={"items": ()})
    await house.win(simple())
    await house.waiting("TL-CON-006")
    house.erp.chart = whole

    assert (await house.repair("ada.finance", "TL-CON-006")).complete

    assert await house.outcome() is Outcome.ACTIVE
    assert [call for call in house.erp.calls if call.startswith("chart")] == ["chart", "chart, fresh"]


async def test_what_the_erp_will_bill_is_compared_by_code_and_due_date_and_shown_by_its_number(house: House) -> None:
    def moved(read: ReadBack) -> ReadBack:
        rows = [row.model_copy(update={"due_on": None}) if row.code == "M2" else row for row in read.rows]
        return read.model_copy(update={"rows": tuple(rows)})

    house.erp.change_read_back = moved
    await house.win(simple())
    item = await house.waiting("TL-BIL-003")
    assert "the plan says M2 USD 51,299.99 due 31 Jul 2027" in item.message
    house.erp.change_read_back = lambda read: read
    await house.repair("ada.finance", "TL-BIL-003")
    assert await house.outcome() is Outcome.ACTIVE


async def test_news_from_the_crm_mends_without_anybody_answering(house: House) -> None:
    stop = STOPS["unmapped service line"]
    await house.win(stop.terms())
    await house.waiting(stop.code)
    stop.mend(house)

    await house.win()

    assert await house.outcome() is Outcome.ACTIVE


@pytest.mark.parametrize("error", [NeedsRepair("Field X is closed.", record=CONTRACT), Fatal("Not as we know it.")])
async def test_a_refusal_half_way_parks_and_goes_on_with_the_same_plan_and_the_same_yes(
    house: House, error: Exception
) -> None:
    house.erp.trouble = lambda moment, kind: error if (moment, kind) == ("before", "contract") else None
    await house.win(checked())
    assert (await house.decide("ada.finance")).complete
    code = getattr(error, "code", "")
    item = await house.waiting(code)
    await house.stage(Stage.PARKED)
    assert item.stake == house.terms.values.exercised
    written = list(house.erp.journal)

    house.erp.trouble = lambda _moment, _kind: None
    assert (await house.repair("ina.integration", code)).complete

    result = await house.result()
    assert result.outcome is Outcome.ACTIVE
    assert [what for what, _ in house.erp.journal[: len(written)]] == ["create"] * len(written)
    assert len(house.erp.journal) == len(written) + 1
    assert len(await house.audit("decision.asked")) == 1


TROUBLES: dict[str, Callable[[], Exception]] = {
    "busy": lambda: Retryable("The ERP is busy."),
    "not sent": lambda: NotSent("No connection to the ERP."),
    "answer lost": lambda: OutcomeUnknown("The ERP did not answer in time."),
    "a bug of ours": lambda: RuntimeError("never seen before"),
}

NEVER = ("not sent", "after")
"""A connector that says so is certain that nothing was done."""


@pytest.mark.parametrize(
    ("trouble", "moment"),
    [(trouble, moment) for trouble in TROUBLES for moment in ("before", "after") if (trouble, moment) != NEVER],
)
async def test_a_write_that_fails_for_a_while_is_applied_once(house: House, trouble: str, moment: str) -> None:
    """Whatever the answer said, before or after the effect: the fast path fails, the patient one finds out."""
    left = {"project": 1}

    def once(at: str, kind: str) -> Exception | None:
        if at == moment and left.get(kind, 0):
            left[kind] -= 1
            return TROUBLES[trouble]()
        return None

    house.erp.trouble = once
    await house.win(simple())

    assert await house.outcome() is Outcome.ACTIVE
    assert [what for what, _ in house.erp.journal] == ["create"] * 5
    assert {row.state for row in await house.store.ledger.list_operations(house.engagement)} == {"applied"}
    assert await house.activity_names() == ["ensure_project"]


async def test_what_waits_for_a_system_is_tried_again_without_anybody(clockwork: Clockwork) -> None:
    async with clockwork.open_house() as house:
        house.erp.trouble = lambda _moment, kind: NotSent("No connection.") if kind == "survey" else None
        await house.win(simple())
        await clockwork.pass_time(timedelta(minutes=2))
        item = await house.waiting("TL-INT-011")
        assert item.owner.value == "integration"
        house.erp.trouble = lambda _moment, _kind: None

        await clockwork.pass_time(timedelta(minutes=6))

        assert (await house.stage(Stage.ACTIVE)).terms_digest == house.terms.digest
        assert await house.store.desk.list_open(house.firm) == ()
