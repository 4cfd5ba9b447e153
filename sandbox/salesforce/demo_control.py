"""What the demo's salespeople sign after the contracts themselves: handed out as records, ready to be posted back."""

from collections.abc import Mapping
from typing import Any

from sandbox.kit import ControlRoute, Request, Response
from sandbox.salesforce.demo.modifications import modification_records
from sandbox.salesforce.org import Org

__all__ = ["DemoControls"]


class DemoControls:
    """The control route of the demo's later actions."""

    def __init__(self, org: Org) -> None:
        """Hand out records for this org."""
        self._org = org

    def routes(self) -> Mapping[str, ControlRoute]:
        """Return the routes by `METHOD path-after-/_sandbox/`."""
        return {"GET modifications": self._modifications}

    async def _modifications(self, _: Request) -> Response:
        store = self._org.store
        rows: list[tuple[str, dict[str, Any]]] = list(store.rows("Account"))
        accounts = {str(row.get("DUNS_Number__c")): account for account, row in rows}
        owners = [user for user, row in store.rows("User") if row["FirstName"] != "Tieline"]
        return Response.of_json(200, {"records": modification_records(accounts, owners)})
