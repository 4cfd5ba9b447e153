"""What a step that breaks tells the engine: its history is no place for names, tax numbers or the values of a query."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.boundary import business_boundary
from models.errors import NeedsRepair
from store import open_store
from tests.unit.signed_terms import fixed_fee

CANARY = "DE136695976"


@business_boundary
async def _breaks() -> None:
    raise ValueError(f"no such number: {CANARY}")


@business_boundary
async def _needs_repair() -> None:
    raise NeedsRepair("Fill it in.", record="C-1001")


async def test_a_bug_in_a_step_tells_its_kind_and_nothing_it_worked_on(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(_breaks)
    error = raised.value
    assert (error.type, error.non_retryable) == ("ValueError", False)
    assert list(error.details) == []
    assert CANARY not in "".join(traceback.format_exception(error))
    assert [record.getMessage() for record in caplog.records if record.exc_info] == ["step.broken"]


async def test_our_own_errors_still_say_what_to_do() -> None:
    with pytest.raises(ApplicationError, match="Fill it in") as raised:
        await ActivityEnvironment().run(_needs_repair)
    assert raised.value.details[0]["record"] == "C-1001"


async def test_a_store_that_fails_does_not_quote_what_was_to_be_stored(tmp_path: Path) -> None:
    terms = fixed_fee(owner_email="sam.seller@example.com", deal_name=CANARY)
    async with open_store(f"sqlite:///{tmp_path / 'store.db'}") as store:
        async with store.database.write() as connection:
            await connection.exec_driver_sql("DROP TABLE terms")
        with pytest.raises(Exception, match="no such table") as raised:
            await store.plans.save_terms("hf/C-1001", terms)  # type: ignore[arg-type]
    assert CANARY not in str(raised.value)
    assert "sam.seller" not in str(raised.value)


@business_boundary
async def _quotes_what_was_refused() -> None:
    raise NeedsRepair(
        "Contract 12-3456789: NetSuite does not accept DE136695976 as defaultTaxReg, nor j.doe@example.com as email.",
        record="12-3456789",
    )


async def test_a_value_that_a_vendor_refused_is_not_quoted_into_the_history() -> None:
    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(_quotes_what_was_refused)
    told = raised.value.message
    assert told == "Contract 12-3456789: NetSuite does not accept [hidden] as defaultTaxReg, nor [hidden] as email."
    assert raised.value.details[0]["message"] == told
