"""The connector against the real ERP, with our module in its database and without."""

from __future__ import annotations

import pytest

from models.errors import Fatal, NeedsRepair
from models.ids import Step, external_key
from models.money import Money
from models.operations import CancelEngagement, EnterPurchaseOrder, HoldEngagement, ReleaseEngagement
from models.party import Address
from models.records import Guard, Links, RecordKind, WorkDone
from tests.connectors.netsuite import samples
from tests.tryton.conftest import Connected
from tests.tryton.set_up import set_up


async def test_a_contract_is_set_up_and_reads_back_to_the_cent(either: Connected) -> None:
    links, effects = await set_up(either.erp)
    assert [effect.created for effect in effects] == [True] * 5
    schedules = (links.of(Step("billing-schedule")),)
    rows = (await either.erp.read_back(links.of(Step("contract")), links.of(Step("project")), schedules)).rows
    assert [(row.source, row.code, str(row.amount)) for row in rows] == [
        ("line", "L1", "USD 38,000.00"), ("line", "L2", "USD 80,750.00"), ("line", "L3", "USD 9,499.99"),
        ("milestone", "M1", "USD 38,475.00"), ("milestone", "M2", "USD 51,299.99"),
        ("milestone", "M3", "USD 38,475.00"),
    ]  # fmt: skip
    assert [row.due_on for row in rows[3:]] == [day for _, _, day in samples.ROWS]
    (state, reference, terms) = either.books.sql(
        "SELECT s.state, s.reference, t.name FROM sale_sale s JOIN account_invoice_payment_term t"
        " ON t.id = s.payment_term"
    )[0]
    assert (state, reference, terms) == ("processing", samples.CONTRACT, "Net 30 days")
    assert either.books.count("account_invoice") == 0


async def test_only_with_our_module_is_every_write_proof(keyed: Connected, plain: Connected) -> None:
    def guards(it: Connected) -> list[Guard]:
        traits = it.erp.traits
        return [traits.customer, traits.contact, traits.cost_centre, traits.project, traits.billing_schedule,
                traits.contract, traits.hold]  # fmt: skip

    assert guards(keyed) == [Guard.PROOF] * 7
    assert guards(plain) == [Guard.PROOF] * 2 + [Guard.GUARDED] * 4 + [Guard.PROOF]
    assert any("no dated billing schedule" in sentence for sentence in plain.erp.traits.manual)


async def test_settings_that_promise_the_module_are_compared_with_the_database(plain: Connected) -> None:
    with pytest.raises(Fatal, match="Install it"):
        await plain.another(has_uniqueness_module=True).get_chart()


async def test_the_survey_finds_customer_and_records_with_the_signed_terms(either: Connected) -> None:
    links, _ = await set_up(either.erp)
    survey = await either.another().survey(samples.question())
    (customer,) = survey.candidates
    assert customer.ref.record_id == links.of(Step("customer")).record_id
    assert (customer.external_key, customer.account_id) == (samples.CUSTOMER_KEY, samples.ACCOUNT_ID)
    assert (customer.registration_number, customer.duns) == ("01234567", "007805067")
    assert customer.address.city == "London"
    assert customer.tax_number.replace(" ", "").endswith("980780684")
    existing = {record.ref.kind: record for record in survey.existing}
    assert set(existing) == {RecordKind.PROJECT, RecordKind.BILLING_SCHEDULE, RecordKind.CONTRACT}
    assert existing[RecordKind.CONTRACT].fields == {
        "amount": "128249.99", "currency": "USD", "legal_entity": "LE-US", "contract_number": samples.CONTRACT,
        "signed_on": "2027-03-15", "start_on": "2027-04-01", "end_on": "2027-09-30", "payment_terms_code": "NET30",
        "funded": "100000.00", "with_options": "150000.00",
    }  # fmt: skip


async def test_a_deactivated_customer_is_not_revived_nor_made_again(either: Connected) -> None:
    made = await either.erp.ensure_customer(samples.customer(), Links())
    either.books.sql("UPDATE party_party SET active = ? WHERE id = ?", False, int(made.ref.record_id))  # noqa: FBT003
    erp = either.another()
    with pytest.raises(NeedsRepair, match="inactive") as stopped:
        await erp.find_customer(samples.customer(), Links())
    assert stopped.value.code == "TL-CUS-003"
    (candidate,) = (await erp.survey(samples.question())).candidates
    assert not candidate.is_active


async def test_two_holders_of_one_crm_account_stop_and_are_both_named(either: Connected) -> None:
    await either.erp.ensure_customer(samples.customer(), Links())
    await either.erp.ensure_customer(samples.customer(key=external_key("second"), name="Northwind again"), Links())
    with pytest.raises(NeedsRepair, match="Two customers in Tryton carry CRM account") as stopped:
        await either.erp.find_customer(samples.customer(), Links())
    assert stopped.value.code == "TL-CUS-004"


async def test_two_projects_with_one_key_stop_where_the_database_lets_them_be(plain: Connected) -> None:
    links, _ = await set_up(plain.erp)
    plain.books.sql(
        "INSERT INTO project_work (name, type, company, status, comment, number)"
        " SELECT name, type, company, status, comment, 'X1' FROM project_work WHERE type = 'project'"
    )
    with pytest.raises(NeedsRepair, match="Two projects in Tryton carry our key"):
        await plain.erp.find_project(samples.project(), links)


async def test_a_sale_made_by_hand_under_the_same_number_stops(either: Connected) -> None:
    await set_up(either.erp)
    column = "external_id = NULL, comment" if either.books.has_module else "comment"
    either.books.sql(f"UPDATE sale_sale SET {column} = NULL")  # noqa: S608 - our own columns
    with pytest.raises(NeedsRepair, match="carries contract number SOW-2027-001"):
        await either.erp.find_contract(samples.contract(), Links())
    with pytest.raises(NeedsRepair, match="carries contract number SOW-2027-001"):
        await either.erp.survey(samples.question())


async def test_a_wrong_key_and_too_few_rights_are_told_apart(keyed: Connected) -> None:
    with pytest.raises(Fatal, match="refused our API key") as refused:
        await keyed.another(api_key="0" * 128).get_chart()
    assert refused.value.code == "TL-INT-002"
    links, _ = await set_up(keyed.erp)
    with pytest.raises(NeedsRepair, match="Add the groups") as stopped:
        await keyed.another(api_key=keyed.books.key("reader_key")).ensure_contract(
            samples.contract(key=external_key("other"), contract_number="SOW-2"), links
        )
    assert stopped.value.owner == "admin"
    assert keyed.books.count("sale_sale") == 1


async def test_a_milestone_marked_as_done_is_invoiced_at_its_very_amount(keyed: Connected) -> None:
    """The ERP's own billing, driven as a person would: it must come to what was signed."""
    links, _ = await set_up(keyed.erp)
    (task,) = keyed.books.sql("SELECT id FROM project_work WHERE name LIKE 'M2%'")
    client = keyed.erp._client
    await client.write("project.work", task[0], {"status": 2, "progress": 1.0}, record="M2", company=1)
    project = int(links.of(Step("project")).record_id)
    await client.press("project.work", project, "invoice", record="project", company=1)
    (invoice,) = keyed.books.sql("SELECT l.unit_price, l.quantity FROM account_invoice_line l")
    assert (Money.of(str(invoice[0]), "USD"), invoice[1]) == (Money.of("51299.99", "USD"), 1)


async def test_a_contract_with_a_billing_hold_stays_a_draft_and_bills_nothing(either: Connected) -> None:
    links, _ = await set_up(either.erp)
    request = samples.contract(
        key=external_key("held"), contract_number="SOW-HELD", billing_hold="The purchase order is missing."
    )
    effect = await either.erp.ensure_contract(request, links)
    (found,) = either.books.sql("SELECT state, comment FROM sale_sale WHERE id = ?", int(effect.ref.record_id))
    assert found[0] == "draft"
    assert "Billing hold: The purchase order is missing." in found[1]
    methods = either.books.sql("SELECT project_invoice_method FROM project_work WHERE type = 'project'")
    assert methods == [("manual",)]


async def test_a_po_number_that_comes_later_confirms_the_sale_and_lets_its_projects_bill(either: Connected) -> None:
    links, _ = await set_up(either.erp)
    (before,) = either.books.sql("SELECT project_invoice_method FROM project_work WHERE type = 'project'")
    request = samples.contract(
        key=external_key("held"), contract_number="SOW-HELD", billing_hold="The PO is missing.", po_number=""
    )
    contract = (await either.erp.ensure_contract(request, links)).ref
    order = EnterPurchaseOrder(
        key=external_key("po"), project=links.of(Step("project")), contract=contract, po_number="88-12",
        lifts="The PO is missing.",
    )  # fmt: skip
    assert await either.erp.find_purchase_order(order, links) is None
    for _ in range(2):
        await either.erp.ensure_purchase_order(order, links)
        assert await either.erp.find_purchase_order(order, links) is not None
    (found,) = either.books.sql("SELECT state, comment FROM sale_sale WHERE id = ?", int(contract.record_id))
    assert found[0] in {"confirmed", "processing"}
    assert "Purchase order: 88-12" in found[1]
    assert "Billing hold" not in found[1]
    assert either.books.sql("SELECT project_invoice_method FROM project_work WHERE type = 'project'") == [before]


async def test_a_freeze_closes_time_and_invoices_and_a_release_restores_both(either: Connected) -> None:
    links, _ = await set_up(either.erp)
    project, contract = links.of(Step("project")), links.of(Step("contract"))
    hold = HoldEngagement(key=external_key("h"), project=project, contract=contract, reason="Lost after the set-up")
    release = ReleaseEngagement(key=external_key("r"), project=project, contract=contract)
    query = "SELECT p.project_invoice_method, t.timesheet_start_date, p.comment FROM project_work p JOIN timesheet_work t ON t.origin = 'project.work,' || p.id"  # noqa: E501
    before = either.books.sql(query)
    assert await either.erp.find_hold(hold, links) is None
    for _ in range(2):
        await either.erp.ensure_hold(hold, links)
        assert await either.erp.find_hold(hold, links) is not None
    ((method, start, comment),) = either.books.sql(query)
    assert (method, str(start)) == ("manual", "9999-12-31")
    assert comment.startswith("Frozen: Lost after the set-up")
    assert await either.erp.find_release(release, links) is None
    for _ in range(2):
        await either.erp.ensure_release(release, links)
        assert await either.erp.find_release(release, links) is not None
    assert either.books.sql(query) == before


async def test_a_cancellation_stays_closed_until_it_is_released_and_nothing_was_billed(either: Connected) -> None:
    links, _ = await set_up(either.erp)
    project, contract = links.of(Step("project")), links.of(Step("contract"))
    cancel = CancelEngagement(key=external_key("c"), project=project, contract=contract, reason="Lost")
    assert await either.erp.get_work_done(project, contract) == WorkDone()
    assert await either.erp.find_cancellation(cancel, links) is None
    for _ in range(2):
        await either.erp.ensure_cancellation(cancel, links)
        assert await either.erp.find_cancellation(cancel, links) is not None
    release = ReleaseEngagement(key=external_key("r"), project=project, contract=contract)
    await either.erp.ensure_release(release, links)
    assert await either.erp.find_release(release, links) is not None
    assert await either.erp.find_cancellation(cancel, links) is None


async def test_a_cost_centre_is_adopted_by_its_code_or_made_once(either: Connected) -> None:
    there = await either.erp.ensure_cost_centre(samples.cost_centre(code="ADV"), Links())
    assert (there.created, there.changed) == (False, False)
    made = [await either.erp.ensure_cost_centre(samples.cost_centre(), Links()) for _ in range(2)]
    assert [effect.created for effect in made] == [True, False]
    assert "LAB" in (await either.erp.get_chart()).cost_centres


async def test_a_schedule_in_another_currency_than_the_books_stops_before_anything_is_written(keyed: Connected) -> None:
    links, _ = await set_up(keyed.erp)
    rows = tuple(row.model_copy(update={"amount": Money.of(10, "EUR")}) for row in samples.schedule().rows)
    before = keyed.books.rows()
    request = samples.schedule(key=external_key("eur"), rows=rows, billing_rule="SVC-FIXED")
    with pytest.raises(NeedsRepair, match="in USD only"):
        await keyed.erp.ensure_billing_schedule(request, links)
    assert keyed.books.rows() == before


async def test_a_state_the_erp_lists_is_referred_to_and_another_stays_on_the_envelope(keyed: Connected) -> None:
    keyed.books.sql("INSERT INTO country_subdivision (name, code, country, active, type) VALUES ('Ohio', 'US-OH', 1, 1, 'state')")  # noqa: E501
    for at, (region, wanted) in enumerate((("OH", ("1 Pier Rd", 1)), ("Ruritania", ("1 Pier Rd\nRuritania", 0)))):
        address = Address(street="1 Pier Rd", city="Dayton", region=region, postal_code="45402", country="US")
        request = samples.customer(
            key=external_key("region", str(at)), address=address, tax_number="", account_id=f"region-{at}"
        )
        made = await keyed.erp.ensure_customer(request, Links())
        found = keyed.books.sql(
            "SELECT street_unstructured, subdivision IS NOT NULL FROM party_address WHERE party = ?",
            int(made.ref.record_id),
        )
        assert found == [wanted]
