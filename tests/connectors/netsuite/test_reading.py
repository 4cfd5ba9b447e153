"""Reading the simulated account: the chart, the survey before a plan and the check after the writes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from models.errors import Fatal, NeedsRepair, Retryable
from models.ids import LegalEntityCode, Step, external_key
from models.money import Money
from models.operations import EnsureBillingSchedule, EnsureContract, EnsureProject
from models.records import Links, RecordKind
from models.survey import Chart
from tests.connectors.netsuite import samples
from tests.connectors.netsuite.account import connected

CUSTOMER_EID = f"tl_cust_{samples.CUSTOMER_KEY}"


async def test_the_chart_is_read_in_one_call_and_kept() -> None:
    async with connected() as it:
        await it.reset()
        charts: list[Chart] = await asyncio.gather(*(it.erp.get_chart() for _ in range(10)))
        assert await it.calls() == {"POST /query/v1/suiteql": 1}
        chart = charts[0]
        assert chart.currencies["JPY"] == 0
        assert chart.currencies["BHD"] == 3
        assert {entity.code: entity.functional_currency for entity in chart.entities}[LegalEntityCode("LE-JP")] == "JPY"
        assert "NET30" in chart.terms
        assert "ADV" in chart.cost_centres
        assert "SVC-FIXED" in chart.items


async def test_an_inactive_customer_is_still_shown_as_a_candidate() -> None:
    async with connected(state="demo") as it:
        found = await it.erp.survey(samples.question(names=("Mill Pond Partners",)))
        assert [(one.name, one.is_active) for one in found.candidates] == [("Mill Pond Partners", False)]


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"names": ("GRADUATE SCHOOL",)}, ["Graduate School"]),
        ({"names": ("The Graduate School USA",)}, ["Graduate School"]),
        ({"names": ("Carahsoft Inc.",)}, ["Carahsoft Technology Corp"]),
        ({"names": ("Somebody Else",), "duns": "040535536"}, ["Graduate School"]),
        ({"names": ("Somebody Else",), "tax_numbers": ("DE 136.695.976",)}, ["Orme GmbH"]),
        ({"names": ("Somebody Else",), "registration_number": "HRB 1"}, ["Orme GmbH"]),
        ({"names": ("Somebody Else",)}, []),
    ],
)
async def test_the_survey_finds_a_customer_by_each_sort_of_evidence(asked: dict[str, Any], names: list[str]) -> None:
    async with connected(state="demo") as it:
        orme = {
            "companyName": "Orme GmbH", "subsidiary": {"externalId": "LE-DE"}, "creditHoldOverride": {"id": "ON"},
            "custentity_tl_registration_number": "HRB 1",
            "taxRegistration": {"items": [
                {"nexusCountry": {"id": "FR"}, "taxRegistrationNumber": "FR00000000000"},
                {"nexusCountry": {"id": "DE"}, "taxRegistrationNumber": "DE136695976"},
            ]},
        }  # fmt: skip
        orme_id = await it.sim.put("customer", "other_system", orme)
        link = {"entity": {"id": orme_id}, "subsidiary": {"externalId": "LE-UK"}}
        assert (await it.sim.call("POST", "/record/v1/customerSubsidiaryRelationship", link)).status_code == 204
        blank: dict[str, Any] = {"duns": "", "registration_number": "", "tax_numbers": (), "account_id": ""}
        found = await it.erp.survey(samples.question(**(blank | asked)))
        assert [one.name for one in found.candidates] == names
        for one in found.candidates:
            if one.name == "Orme GmbH":
                assert set(one.legal_entities) == {"LE-DE", "LE-UK"}
                assert one.on_credit_hold
                assert one.external_key == ""
                assert one.tax_number == "DE136695976"
            else:
                assert one.address.country == "US"


async def test_what_was_written_reads_back_as_the_very_terms_of_the_request() -> None:
    async with connected() as it:
        await it.set_up()
        found = await it.erp.survey(samples.question())
        requests: dict[RecordKind, EnsureProject | EnsureBillingSchedule | EnsureContract] = {
            RecordKind.PROJECT: samples.project(),
            RecordKind.BILLING_SCHEDULE: samples.schedule(),
            RecordKind.CONTRACT: samples.contract(),
        }
        assert {one.ref.kind for one in found.existing} == set(requests)
        for one in found.existing:
            request = requests[one.ref.kind]
            assert one.key == request.key
            fields = dict(one.fields)
            if one.ref.kind is RecordKind.CONTRACT:
                assert fields.pop("amount") == "128249.99"
            # Exactly what a plan compares: the text of the request's own field, of an amount without its currency.
            wanted = {name: getattr(request, name) for name in fields}
            assert fields == {
                name: str(value.amount if isinstance(value, Money) else value) for name, value in wanted.items()
            }
        by_kind = {one.ref.kind: set(one.fields) for one in found.existing}
        assert {"price", "currency", "legal_entity", "start_on", "end_on"} <= by_kind[RecordKind.PROJECT]
        assert {"amount", "funded", "with_options", "signed_on", "payment_terms_code"} <= by_kind[RecordKind.CONTRACT]
        assert found.candidates[0].external_key == samples.CUSTOMER_KEY
        assert found.candidates[0].account_id == samples.ACCOUNT_ID


async def test_tax_and_booked_facts_are_no_other_terms() -> None:
    async with connected() as it:
        links = await it.set_up()
        before = (await it.erp.survey(samples.question())).existing
        for kind, step, change in (
            ("salesOrder", "contract", {"otherRefNum": "PO-78", "custbody_tl_billing_hold": "Waiting for the portal."}),
            ("job", "project", {"companyName": "Renamed by the project manager"}),
        ):
            record_id = links.refs[Step(step)].record_id
            assert (await it.sim.call("PATCH", f"/record/v1/{kind}/{record_id}", change)).status_code == 204
        order = {"type": "salesOrder", "id": links.refs[Step("contract")].record_id, "taxTotal": 1000}
        await it.sim.control("POST", "records", {"records": [order]})
        after = (await it.erp.survey(samples.question())).existing
        assert [one.fields for one in after] == [one.fields for one in before]


async def test_an_earlier_amendment_of_the_contract_is_no_second_holder() -> None:
    async with connected() as it:
        await it.set_up()
        other = samples.question(keys=(external_key("hf", samples.CONTRACT, "1", "project"),))
        assert (await it.erp.survey(other)).existing == ()


async def test_an_amount_with_three_decimals_comes_back_exactly() -> None:
    async with connected() as it:
        customer = await it.erp.ensure_customer(samples.customer(currency="BHD"), Links())
        links = samples.links(customer=customer.ref)
        project = await it.erp.ensure_project(samples.project(currency="BHD", price=None), links)
        links = samples.links(customer=customer.ref, project=project.ref)
        amounts = ("1333.334", "1333.333", "1333.333")
        rows = tuple(
            row.model_copy(update={"amount": Money.of(amount, "BHD")})
            for row, amount in zip(samples.schedule().rows, amounts, strict=True)
        )
        schedule = await it.erp.ensure_billing_schedule(samples.schedule(rows=rows), links)
        links = samples.links(customer=customer.ref, project=project.ref, billing_schedule=schedule.ref)
        lines = tuple(
            line.model_copy(update={"amount": Money.of(amount, "BHD")})
            for line, amount in zip(samples.contract().lines, amounts, strict=True)
        )
        contract = await it.erp.ensure_contract(
            samples.contract(currency="BHD", lines=lines, funded=None, with_options=None), links
        )
        billed = (await it.erp.read_back(contract.ref, links.refs[Step("project")], (schedule.ref,))).rows
        assert [row.amount for row in billed] == [Money.of(amount, "BHD") for amount in (*amounts, *amounts)]


@pytest.mark.parametrize("sign", [1, -1])
async def test_lines_read_back_with_the_documents_sign_whichever_the_ledger_uses(sign: int) -> None:
    async with connected() as it:
        await it.sim.control("POST", "settings", {"sales_line_sign": sign})
        links = await it.set_up()
        billed = (await it.erp.read_back(links.refs[Step("contract")], links.refs[Step("project")], ())).rows
        assert [row.amount for row in billed] == [Money.of(amount, "USD") for _, amount in samples.LINES]


async def test_an_account_that_hides_schedule_rows_is_read_record_by_record() -> None:
    async with connected(own={"milestone_table": "nosuchtable"}) as it:
        links = await it.set_up()
        contract, schedule = links.refs[Step("contract")], links.refs[Step("billing-schedule")]
        project = links.refs[Step("project")]
        await it.reset()
        read = await it.erp.read_back(contract, project, (schedule,))
        rows = read.rows
        assert (read.contract_number[:2], read.project_number[:3], read.billing_hold) == ("SO", "PRJ", "")
        assert [row.amount for row in rows if row.source == "milestone"] == [
            Money.of(amount, "USD") for _, amount, _ in samples.ROWS
        ]
        assert [row.code for row in rows if row.source == "line"] == ["L1", "L2", "L3"]
        assert await it.erp.read_back(contract, project, (schedule,)) == read
        assert await it.calls() == {
            "POST /query/v1/suiteql": 1, "GET /record/v1/salesOrder": 2, "GET /record/v1/billingSchedule": 2,
            "GET /record/v1/job": 2,
        }  # fmt: skip


async def test_numbers_and_hold_are_read_back_with_the_rows_in_one_call() -> None:
    async with connected() as it:
        links = await it.set_up()
        contract, project = links.refs[Step("contract")], links.refs[Step("project")]
        await it.erp.ensure_contract(samples.contract(billing_hold="The purchase order is missing."), links)
        await it.reset()
        read = await it.erp.read_back(contract, project, (links.refs[Step("billing-schedule")],))
        assert await it.calls() == {"POST /query/v1/suiteql": 1}
        assert (project.number, contract.number) == ("", ""), "the answer to a write names the id alone"
        assert (read.project_number, read.contract_number) == (f"PRJ{project.record_id}", f"SO{contract.record_id}")
        assert read.customer_number.startswith("CUST")
        assert read.billing_hold == "The purchase order is missing."
        assert [(row.code, row.due_on) for row in read.rows if row.source == "milestone"] == [
            (code, day) for code, _, day in samples.ROWS
        ]


async def test_a_contract_that_was_deleted_is_told_by_name() -> None:
    async with connected() as it:
        await it.erp.get_chart()
        with pytest.raises(NeedsRepair, match="has no contract 99999 any more"):
            await it.erp.read_back(samples.ref(RecordKind.CONTRACT, "99999"), samples.ref(RecordKind.PROJECT, "1"), ())


async def test_a_missing_tax_table_is_told_and_never_passed_over() -> None:
    async with connected(own={"tax_registration_table": "nosuchtable"}) as it:
        with pytest.raises(Fatal, match="nosuchtable"):
            await it.erp.survey(samples.question())


async def test_a_broken_answer_to_a_question_is_asked_again_and_changes_nothing() -> None:
    async with connected() as it:
        await it.sim.fault(action="truncate", path="suiteql")
        with pytest.raises(Retryable):
            await it.erp.get_chart()
        assert (await it.erp.get_chart()).currencies
