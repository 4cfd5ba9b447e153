from __future__ import annotations

from models.customer_sync import ShowCustomer
from models.ids import ConnectionId
from models.records import RecordKind, RecordRef
from tests.connectors.salesforce.org import TestOrg, open_org

CUSTOMER = RecordRef(connection=ConnectionId("erp-main"), kind=RecordKind.CUSTOMER, record_id="4711", number="C-4711")


async def person_at(org: TestOrg) -> str:
    pat = {"FirstName": "Pat", "LastName": "Lee", "Email": "pat@acme.example", "AccountId": org.account}
    [made] = await org.save({"type": "Contact", **pat})
    return made


def shown(org: TestOrg, *, on_credit_hold: bool = True) -> ShowCustomer:
    return ShowCustomer(
        account_id=org.account, customer=CUSTOMER, payment_terms="NET45", on_credit_hold=on_credit_hold,
        connection=ConnectionId("crm-main"),
    )  # fmt: skip


async def test_an_account_is_read_with_its_people_in_one_query() -> None:
    async with open_org() as org:
        pat = await person_at(org)
        await org.control("calls", "DELETE")
        found = await org.crm.get_account(org.account)
        assert (found.name, found.address.country, found.is_deleted) == ("Acme", "US", False)
        assert [(one.code, one.email) for one in found.people] == [(pat, "pat@acme.example")]
        assert sum(count for route, count in (await org.calls()).items() if "query" in route) == 1


async def test_events_about_people_lead_to_their_account() -> None:
    async with open_org() as org:
        pat = await person_at(org)
        found = await org.crm.find_accounts([pat, org.account, "nonsense", org.deal])
        assert [one.account_id for one in found] == [org.account]


async def test_what_the_erp_owns_is_shown_once() -> None:
    async with open_org() as org:
        assert await org.crm.find_shown(shown(org)) is None
        await org.crm.show_customer(shown(org))
        assert await org.crm.find_shown(shown(org)) is not None
        assert await org.crm.find_shown(shown(org, on_credit_hold=False)) is None
        found = await org.crm.get_account(org.account)
        assert (found.shown_number, found.shown_terms, found.shown_hold) == ("C-4711", "NET45", True)


async def test_an_org_without_the_fields_shows_the_number_alone() -> None:
    names = {"account_erp_terms": "", "account_erp_credit_hold": ""}
    async with open_org(limits={"names": names}) as org:
        await org.crm.show_customer(shown(org))
        assert (await org.crm.get_account(org.account)).shown_number == "C-4711"


async def test_an_account_that_is_gone_says_so() -> None:
    async with open_org() as org:
        [lone] = await org.save({"type": "Account", "Name": "Lone"})
        token = await org.crm._client.access_token()
        answer = await org.http.delete(
            f"/services/data/v67.0/sobjects/Account/{lone}", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 204
        found = await org.crm.get_account(lone)
        assert (found.is_deleted, found.merged_into) == (True, "")


async def test_a_person_who_was_deleted_still_leads_to_the_account() -> None:
    async with open_org() as org:
        pat = await person_at(org)
        token = await org.crm._client.access_token()
        answer = await org.http.delete(
            f"/services/data/v67.0/sobjects/Contact/{pat}", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status_code == 204
        assert [one.account_id for one in await org.crm.find_accounts([pat])] == [org.account]
