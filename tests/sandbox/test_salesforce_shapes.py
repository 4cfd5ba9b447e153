"""The simulator's answers have the shapes of published real ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.sandbox.salesforce_org import B, salesforce

FIXTURES = Path(__file__).parent.parent / "data" / "salesforce"


def real(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


async def test_answers_have_the_members_of_the_real_ones() -> None:
    async with salesforce(settings={"max_page_rows": "1", "not_unique_fields": "Account.ERP_Customer_Id__c"}) as org:
        facts = org.system.client_facts()
        pair = (facts["consumer_key"], facts["consumer_secret"])
        granted = await org.http.post("/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=pair)
        assert set(real("auth_success_response")) <= set(granted.json())
        refused = await org.http.post("/services/oauth2/token", data={"grant_type": "client_credentials"})
        assert set(refused.json()) == set(real("auth_error_response"))
        bare = await org.http.get(f"{B}/limits", headers={"Authorization": "Bearer none"})
        assert bare.json() == real("expired_session_response")
        rows = [{"Name": name, "ERP_Customer_Id__c": "C"} for name in ("A", "B")]
        made = [(await org.http.post(f"{B}/sobjects/Account", json=row)).json() for row in rows]
        assert set(made[0]) == set(real("create_success_response"))
        several = (await org.http.patch(f"{B}/sobjects/Account/ERP_Customer_Id__c/C", json={"Name": "C"})).json()
        assert [type(one) for one in several] == [type(one) for one in real("upsert_multiple_error_response")]
        first = await org.query("SELECT Id FROM Account")
        assert set(first) == set(real("query_paginated_first_page_response"))
        last = (await org.http.get(first["nextRecordsUrl"])).json()
        assert set(last) == set(real("query_paginated_last_page_response"))
        assert await org.query("SELECT Id FROM Contact") == real("query_empty_response")
        unknown = await org.http.patch(f"{B}/sobjects/Account/23foo/1", json={"Name": "x"})
        assert unknown.json() == real("sobject_find_error_response")
        wrong = await org.http.patch(f"{B}/sobjects/Account/{made[0]['id']}", json={"foo": "x"})
        expected = real("write_error_response")[0]
        assert wrong.json() == [{**expected, "message": expected["message"].replace("Bar", "Account")}]
        now = datetime.now(UTC)
        window = {"start": (now - timedelta(hours=1)).isoformat(), "end": (now + timedelta(hours=1)).isoformat()}
        changed = await org.http.get(f"{B}/sobjects/Account/updated/", params=window)
        assert set(changed.json()) == set(real("get_updated_success_response"))
        assert set((await org.http.get("/services/data")).json()[0]) == set(real("services_data_success_response")[0])


async def test_a_described_field_answers_what_clients_look_at() -> None:
    async with salesforce() as org:
        field = (await org.http.get(f"{B}/sobjects/Account/describe")).json()["fields"][0]
        looked_at = {
            "name", "label", "type", "length", "nillable", "createable", "updateable", "calculated", "externalId",
            "unique", "caseSensitive", "picklistValues", "referenceTo", "relationshipName", "precision", "scale",
        }  # fmt: skip
        assert looked_at <= set(real("sobject_describe_success_response")["fields"][0])
        assert looked_at <= set(field)
