"""What an integration reads once about an account: pipelines, owners, and the account itself."""

from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.wire import Answer, Call
from sandbox.kit import Record

__all__ = ["SetUpApi"]

Json = dict[str, Any]
_USUAL_PAGE, _MOST_OWNERS = 100, 500


class SetUpApi:
    """Answers the pipelines, owners and account interfaces."""

    def __init__(self, account: Account) -> None:
        """Serve this account."""
        self._account = account

    def details(self, call: Call) -> Answer:
        """Answer what the account is."""
        if call.segments != ("details",):
            raise missing()
        return Answer(
            200,
            {
                "portalId": self._account.portal_id,
                "accountType": "DEVELOPER_TEST",
                "timeZone": self._account.world.text("time_zone"),
                "companyCurrency": "USD",
                "additionalCurrencies": ["GBP", "EUR", "JPY", "BRL"],
                "utcOffset": "+00:00",
                "utcOffsetMilliseconds": 0,
                "uiDomain": "app.hubspot.com",
                "dataHostingLocation": "na1",
            },
        )

    def owners(self, call: Call) -> Answer:
        """Answer who owns records; an owner's id is not the id of the user."""
        if call.method != "GET":
            raise missing()
        if call.segments:
            found = self._account.store.get("owner", call.segments[0])
            wanted = call.parameter("idProperty", "id")
            if wanted == "userId":
                rows = self._account.store.rows("owner")
                found = next((row for _, row in rows if str(row["userId"]) == call.segments[0]), None)
            if found is None:
                raise missing()
            return Answer(200, found)
        limit = call.limit(_MOST_OWNERS, _USUAL_PAGE)
        after, email = call.parameter("after", "0") or "0", call.parameter("email").lower()
        owned = [row for _, row in self._account.store.rows("owner") if row["archived"] == call.flag("archived")]
        owned = [row for row in owned if int(row["id"]) > int(after) and (not email or row["email"].lower() == email)]
        answer: Json = {"results": owned[:limit]}
        if len(owned) > limit:
            last = owned[limit - 1]["id"]
            answer["paging"] = {"next": {"after": last, "link": f"{call.base_path}?after={last}"}}
        return Answer(200, answer)

    def pipelines(self, call: Call) -> Answer:
        """Answer a call below .../pipelines/{type}."""
        if not call.segments:
            raise missing()
        kind = self._account.catalog.type_of(call.segments[0]).name
        kept = self._account.catalog.pipelines.get(kind, {})
        if len(call.segments) == 1:
            return self._all(call, kind, kept)
        pipeline = _in(kept, call.segments[1])
        match call.method, call.segments[2:]:
            case "GET", ():
                return Answer(200, pipeline)
            case "PATCH", ():
                changed = {**pipeline, **_named(call.body(), "label", "displayOrder", "archived")}
                return Answer(200, self._save(call, kind, changed))
            case "GET", ("stages",):
                return Answer(200, {"results": pipeline["stages"]})
            case "POST", ("stages",):
                stage = self._stage(call.body())
                self._save(call, kind, {**pipeline, "stages": [*pipeline["stages"], stage]})
                return Answer(201, stage)
            case _, ("stages", stage_id):
                return self._one_stage(call, kind, pipeline, stage_id)
        raise missing()

    def _all(self, call: Call, kind: str, kept: dict[str, Json]) -> Answer:
        if call.method == "GET":
            return Answer(200, {"results": list(kept.values())})
        if call.method == "POST":
            return Answer(201, self._add(call, kind))
        raise missing()

    def _one_stage(self, call: Call, kind: str, pipeline: Json, stage_id: str) -> Answer:
        stages = {stage["id"]: stage for stage in pipeline["stages"]}
        stage = _in(stages, stage_id)
        if call.method == "GET":
            return Answer(200, stage)
        if call.method == "PATCH":
            changed = {
                **stage,
                **_named(call.body(), "label", "displayOrder", "metadata"),
                "updatedAt": self._account.stamp,
            }
            stages[stage_id] = changed
            self._save(call, kind, {**pipeline, "stages": list(stages.values())})
            return Answer(200, changed)
        raise missing()

    def _add(self, call: Call, kind: str) -> Json:
        body = call.body()
        stamp = self._account.stamp
        pipeline = {
            "id": str(self._account.new_set_up_id()),
            "label": str(body["label"]),
            "displayOrder": int(body.get("displayOrder", 0)),
            "archived": False,
            "createdAt": stamp,
            "updatedAt": stamp,
            "stages": [self._stage(raw) for raw in body["stages"]],
        }
        return self._save(call, kind, pipeline)

    def _stage(self, raw: Json) -> Json:
        stamp = self._account.stamp
        probability = str((raw.get("metadata") or {}).get("probability", ""))
        if not probability:
            raise HubSpotError("VALIDATION_ERROR", f"The stage {raw.get('label')} needs metadata.probability")
        closed = str(probability in {"0.0", "0", "1.0", "1"}).lower()
        return {
            "id": str(self._account.new_set_up_id()),
            "label": str(raw["label"]),
            "displayOrder": int(raw.get("displayOrder", 0)),
            "archived": False,
            "createdAt": stamp,
            "updatedAt": stamp,
            "metadata": {"isClosed": closed, "probability": probability},
            "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        }

    def _save(self, call: Call, kind: str, pipeline: Record) -> Record:
        pipeline["updatedAt"] = self._account.stamp
        self._account.store.save("pipeline", f"{kind}/{pipeline['id']}", pipeline, call.author)
        return pipeline


def _in(kept: dict[str, Json], key: str) -> Json:
    if key not in kept:
        raise missing()
    return dict(kept[key])


def _named(body: Json, *names: str) -> Json:
    return {name: body[name] for name in names if name in body}
