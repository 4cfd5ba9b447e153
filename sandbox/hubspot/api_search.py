"""Search over the lagging copy of the records: filters, sorts, pages, and the caps of the vendor."""

from decimal import Decimal
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import HubSpotError
from sandbox.hubspot.render import Renderer, Wanted
from sandbox.hubspot.schema import ObjectType, Property
from sandbox.hubspot.search_filters import Filter, parse_groups
from sandbox.hubspot.values import ordered
from sandbox.hubspot.wire import Answer, Call
from sandbox.kit import Record

__all__ = ["SearchApi"]

Json = dict[str, Any]
_MOST_PER_PAGE, _USUAL_PAGE, _MOST_BODY = 200, 10, 3_000


class SearchApi:
    """Answers .../search of the objects interface."""

    def __init__(self, account: Account) -> None:
        """Search this account."""
        self._account = account
        self._render = Renderer(account)

    def search(self, call: Call, one: ObjectType) -> Answer:
        """Answer one search."""
        if len(call.request.body) > _MOST_BODY:
            raise HubSpotError("VALIDATION_ERROR", f"The request body may have at most {_MOST_BODY} characters")
        body = call.body()
        limit, after = _page(body)
        cap = int(self._account.world.number("search_cap"))
        if after + limit > cap:
            message = f"The total of after and limit, {after + limit}, is beyond the {cap} results a query can page"
            raise HubSpotError("VALIDATION_ERROR", message)
        properties = self._account.catalog.properties(one.name)
        groups = parse_groups(body.get("filterGroups") or [], properties)
        found = [record for _, record in self._account.search_index.rows(one.name) if _matches(record, groups)]
        if query := body.get("query"):
            found = [record for record in found if _mentions(record, str(query), properties)]
        found = _sorted(found, body.get("sorts") or [], properties)
        wanted = Wanted(body.get("properties") or ())
        page = found[after : after + limit]
        answer: Json = {"total": len(found), "results": [self._render.record(one, row, wanted) for row in page]}
        if after + limit < len(found):
            answer["paging"] = {"next": {"after": str(after + limit)}}
        return Answer(200, answer)


def _page(body: Json) -> tuple[int, int]:
    limit = body.get("limit", _USUAL_PAGE)
    after = body.get("after") or 0
    if not str(limit).isdigit() or not 0 < int(limit) <= _MOST_PER_PAGE:
        raise HubSpotError("VALIDATION_ERROR", f"limit must be between 1 and {_MOST_PER_PAGE}, inclusive; got {limit}")
    if not str(after).isdigit():
        raise HubSpotError("VALIDATION_ERROR", f"after must be a number; got {after}")
    return int(limit), int(after)


def _matches(record: Record, groups: list[list[Filter]]) -> bool:
    return not groups or any(all(one.matches(record) for one in group) for group in groups)


def _mentions(record: Record, query: str, properties: dict[str, Property]) -> bool:
    text = " ".join(str(record.get(name, "")) for name, prop in properties.items() if prop.searched).lower()
    return all(word in text for word in query.lower().split())


def _sorted(rows: list[Record], sorts: list[Any], properties: dict[str, Property]) -> list[Record]:
    """Sort by the first sort only; without one, oldest record first."""
    name, descending = "hs_object_id", False
    if sorts:
        first = sorts[0]
        if isinstance(first, dict):
            name = str(first.get("propertyName"))
            descending = first.get("direction") == "DESCENDING"
        else:
            name, descending = str(first).removeprefix("-"), str(first).startswith("-")
    prop = properties.get(name)
    if prop is None:
        raise HubSpotError("VALIDATION_ERROR", f"There is no property {name} to sort by")

    def key(record: Record) -> tuple[bool, Any, Decimal]:
        value = record.get(name)
        return value is None, (0 if value is None else ordered(prop, value)), Decimal(record["hs_object_id"])

    return sorted(rows, key=key, reverse=descending)
