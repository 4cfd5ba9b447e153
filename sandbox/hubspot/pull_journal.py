"""The webhook journal: the same changes, kept for three days, for a reader that asks by offset."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sandbox.hubspot.account import Account
from sandbox.hubspot.change_events import Change, ChangeReader
from sandbox.hubspot.credentials import Credentials
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.scopes import require_scopes
from sandbox.hubspot.values import instant_text
from sandbox.hubspot.wire import Answer, Call
from sandbox.kit import Entry, Request

__all__ = ["PullJournal"]

Json = dict[str, Any]
_KEPT_S, _LINK_S = 3 * 86_400, 3_600
_MOST_AT_ONCE = 100
_ACTIONS = {
    "creation": "CREATE",
    "propertyChange": "UPDATE",
    "deletion": "DELETE",
    "merge": "MERGE",
    "restore": "RESTORE",
}
_TYPES = ("OBJECT", "ASSOCIATION", "LIST_MEMBERSHIP", "GDPR_PRIVACY_DELETION", "APP_LIFECYCLE_EVENT")
_DOWNLOAD = "/webhooks-journal-download/"


@dataclass(frozen=True)
class _Page:
    offset: str
    at_s: float
    events: tuple[Json, ...]


class PullJournal:
    """Keeps what its subscriptions ask for. One committed change gives one entry."""

    def __init__(self, account: Account, reader: ChangeReader, credentials: Credentials) -> None:
        """Listen to every committed change."""
        self._account = account
        self._world = account.world
        self._reader = reader
        self._credentials = credentials
        self._subscriptions: dict[int, Json] = {}
        self._pages: list[_Page] = []
        self._count = 0
        self._next = 1
        account.store.listeners.append(self._changed)

    def handle(self, call: Call) -> Answer:
        """Answer .../journal/...: the entry at, after or around an offset; 204 when there is none (from memory)."""
        require_scopes(call, frozenset({"developer.webhooks_journal.read"}))
        pages = self._live()
        match call.method, call.segments:
            case "GET", ("earliest",):
                return self._one(call, pages[:1])
            case "GET", ("latest",):
                return self._one(call, pages[-1:])
            case "GET", ("offset", offset, "next"):
                return self._one(call, self._after(pages, offset)[:1])
            case "GET", ("batch", *rest):
                return self._many(call, self._batch(pages, rest))
            case "POST", ("batch", "read"):
                wanted = [str(row["id"] if isinstance(row, dict) else row) for row in call.body()["inputs"]]
                return self._many(call, [page for page in pages if page.offset in wanted])
        raise missing()

    def download(self, request: Request) -> Answer | None:
        """Answer the signed address of an entry, which needs no token; None for any other path."""
        if not request.path.startswith(_DOWNLOAD):
            return None
        offset = request.path.removeprefix(_DOWNLOAD)
        until = float(request.query.get("expires", "0"))
        if request.query.get("signature") != self._signature(offset, until) or until < self._world.clock.epoch_s():
            return Answer(403, {"status": "error", "message": "The link has expired or is not valid"})
        for page in self._live():
            if page.offset == offset:
                shown = {"offset": offset, "publishedAt": _instant(page.at_s), "journalEvents": list(page.events)}
                return Answer(200, shown)
        return Answer(404, {"status": "error", "message": "resource not found"})

    def subscriptions(self, call: Call) -> Answer:
        """Answer .../subscriptions/...: what is to be kept from now on."""
        right = "read" if call.method == "GET" else "write"
        require_scopes(call, frozenset({f"developer.webhooks_journal.subscriptions.{right}"}))
        if call.method == "GET" and not call.segments:
            return Answer(200, {"results": list(self._subscriptions.values())})
        if call.method == "POST" and not call.segments:
            return Answer(201, self._subscribe(call.body()))
        key = int(call.segments[0]) if len(call.segments) == 1 and call.segments[0].isdigit() else 0
        if key not in self._subscriptions:
            raise missing()
        if call.method == "DELETE":
            del self._subscriptions[key]
            return Answer(204)
        return Answer(200, self._subscriptions[key])

    def _subscribe(self, body: Json) -> Json:
        if body.get("subscriptionType") not in _TYPES:
            raise HubSpotError("VALIDATION_ERROR", f"subscriptionType must be one of {', '.join(_TYPES)}")
        if body["subscriptionType"] == "OBJECT" and self._account.catalog.find(str(body.get("objectTypeId"))) is None:
            raise HubSpotError("VALIDATION_ERROR", f"objectTypeId {body.get('objectTypeId')} is not known")
        stamp = self._account.stamp
        kept = {
            "objectIds": [], "properties": [], "portalId": self._account.portal_id, **body, "id": self._next,
            "appId": self._credentials.app.app_id, "createdAt": stamp, "updatedAt": stamp,
        }  # fmt: skip
        self._subscriptions[self._next] = kept
        self._next += 1
        return kept

    def _changed(self, entry: Entry) -> None:
        if not self._subscriptions:
            return
        kept = [event for change in self._reader.read(entry) if (event := self._event(change)) is not None]
        if kept:
            self._count += 1
            offset = str(uuid5(NAMESPACE_URL, f"journal/{self._account.portal_id}/{self._count}"))
            self._pages.append(_Page(offset, self._world.clock.epoch_s(), tuple(_joined(kept))))

    def _event(self, change: Change) -> Json | None:
        kind = "ASSOCIATION" if change.what == "associationChange" else "OBJECT"
        if not any(_wants(one, change, kind) for one in self._subscriptions.values()):
            return None
        event: Json = {
            "type": "association" if kind == "ASSOCIATION" else "crmObject",
            "portalId": self._account.portal_id,
            "occurredAt": _instant(change.occurred_ms / 1000),
            "objectTypeId": change.type.type_id,
            "objectId": int(change.object_id),
            "changeSource": change.source,
            "sourceId": change.source_id,
        }
        if kind == "ASSOCIATION":
            return {**event, **change.more}
        event |= {"action": _ACTIONS[change.what], **change.more}
        return {**event, "propertyChanges": {change.property: change.value} if change.property else {}}

    def _live(self) -> list[_Page]:
        horizon = self._world.clock.epoch_s() - _KEPT_S
        self._pages = [page for page in self._pages if page.at_s > horizon]
        return self._pages

    def _after(self, pages: list[_Page], offset: str) -> list[_Page]:
        for place, page in enumerate(pages):
            if page.offset == offset:
                return pages[place + 1 :]
        raise HubSpotError("OBJECT_NOT_FOUND", f"Offset {offset} is not known or older than three days", status=404)

    def _batch(self, pages: list[_Page], rest: list[str]) -> list[_Page]:
        count = int(rest[-1]) if rest and rest[-1].isdigit() else 0
        if not 0 < count <= _MOST_AT_ONCE:
            raise HubSpotError("VALIDATION_ERROR", f"count must be between 1 and {_MOST_AT_ONCE}")
        match rest[:-1]:
            case ["earliest"]:
                return pages[:count]
            case ["latest"]:
                return pages[-count:]
            case [offset, "next"]:
                return self._after(pages, offset)[:count]
        raise missing()

    def _one(self, call: Call, pages: list[_Page]) -> Answer:
        return Answer(200, self._shown(call, pages[0])) if pages else Answer(204)

    def _many(self, call: Call, pages: list[_Page]) -> Answer:
        stamp = self._account.stamp
        results = [self._shown(call, page) for page in pages]
        return Answer(200, {"status": "COMPLETE", "results": results, "startedAt": stamp, "completedAt": stamp})

    def _shown(self, call: Call, page: _Page) -> Json:
        until = self._world.clock.epoch_s() + _LINK_S
        signed = f"?expires={until}&signature={self._signature(page.offset, until)}"
        url = f"{call.request.base_url}{_DOWNLOAD}{page.offset}{signed}"
        return {"url": url, "expiresAt": _instant(until), "currentOffset": page.offset}

    def _signature(self, offset: str, until: float) -> str:
        return uuid5(NAMESPACE_URL, f"{self._credentials.app.client_secret}/{offset}/{until}").hex


def _instant(epoch_s: float) -> str:
    return instant_text(datetime.fromtimestamp(epoch_s, tz=UTC))


def _wants(subscription: Json, change: Change, kind: str) -> bool:
    if subscription["subscriptionType"] != kind:
        return False
    if subscription.get("objectTypeId", change.type.type_id) != change.type.type_id:
        return False
    if subscription["objectIds"] and int(change.object_id) not in [int(one) for one in subscription["objectIds"]]:
        return False
    if kind == "OBJECT" and _ACTIONS[change.what] not in subscription.get("actions", list(_ACTIONS.values())):
        return False
    return not (change.property and subscription["properties"] and change.property not in subscription["properties"])


def _joined(events: list[Json]) -> list[Json]:
    """Put the changed properties of one record into one event, and those of a new record into its creation."""
    joined: list[Json] = []
    for event in events:
        last = joined[-1] if joined else None
        same = last is not None and last.get("objectId") == event["objectId"] and event.get("action") == "UPDATE"
        if last is not None and same and last.get("action") in {"UPDATE", "CREATE"}:
            last["propertyChanges"] |= event["propertyChanges"]
        else:
            joined.append(event)
    return joined
