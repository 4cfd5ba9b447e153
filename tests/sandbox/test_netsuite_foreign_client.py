import warnings
from typing import Any

import pytest

from tests.sandbox.netsuite_client import CUSTOMER, account


def _client(facts: dict[str, Any]) -> Any:
    with warnings.catch_warnings(record=True):  # the client's own dependencies announce deprecations on import
        from netsuite import Config, NetSuite, TokenAuth
    auth = TokenAuth(
        consumer_key=facts["consumer_key"], consumer_secret=facts["consumer_secret"], token_id=facts["token_id"],
        token_secret=facts["token_secret"],
    )  # fmt: skip
    return NetSuite(Config(account=facts["account"], auth=auth)).rest_api


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_an_unmodified_published_client_can_work_with_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    async with account(tls=True) as ours:
        certificate = ours.server.certificate
        assert certificate is not None
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.ca))
        api = _client(ours.server.system.client_facts())
        api.__dict__["hostname"] = ours.server.url.removeprefix("https://")
        address = {"items": [{"label": "HQ", "addressBookAddress": {"city": "London"}}]}
        for _ in range(2):
            assert (
                await api.put(
                    "/record/v1/customer/eid:CID-1", params={"replace": "addressBook"},
                    json=CUSTOMER | {"addressBook": address},
                ) is None
            )  # fmt: skip
        found = await api.get("/record/v1/customer/eid:CID-1", params={"expandSubResources": "true"})
        assert (found["companyName"], found["addressBook"]["totalResults"]) == (CUSTOMER["companyName"], 1)
        assert await api.post("/record/v1/department", json={"name": "New & old"}) is None
        page = await api.suiteql("SELECT name FROM department WHERE name = 'New & old'", limit=5)
        assert page["items"] == [{"links": [], "name": "New & old"}]
        from netsuite.exceptions import NetsuiteAPIRequestError

        with pytest.raises(NetsuiteAPIRequestError, match="NONEXISTENT_ID"):
            await api.get("/record/v1/customer/999999")
