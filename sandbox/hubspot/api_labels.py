"""The labels an administrator gives to links between two object types."""

from dataclasses import asdict
from typing import Any

from sandbox.hubspot.account import Account
from sandbox.hubspot.association_types import AssociationType
from sandbox.hubspot.errors import HubSpotError, missing
from sandbox.hubspot.schema import ObjectType
from sandbox.hubspot.wire import Answer, Call
from sandbox.kit import Author

__all__ = ["LabelsApi", "make_link_type"]

Json = dict[str, Any]
_KIND = "association_label"


class LabelsApi:
    """Answers {from}/{to}/labels of the associations interface."""

    def __init__(self, account: Account) -> None:
        """Serve this account."""
        self._account = account

    def handle(self, call: Call, one: ObjectType, other: ObjectType) -> Answer:
        """List, make, rename or remove a label."""
        between = self._account.association_types.between(one.name, other.name)
        if call.method == "GET":
            return Answer(200, {"results": [kind.as_json() for kind in between]})
        if call.method == "POST":
            body = call.body()
            if any(kind.label == body["label"] for kind in between):
                message = f"The label {body['label']} already exists between {one.shouted} and {other.shouted}"
                raise HubSpotError("VALIDATION_ERROR", message)
            made = make_link_type(
                self._account, (one, other), str(body["name"]), call.author,
                label=str(body["label"]), inverse_label=str(body.get("inverseLabel") or body["label"]),
            )  # fmt: skip
            return Answer(200, {"results": [kind.as_json() for kind in made]})
        if call.method == "PUT":
            body = call.body()
            kind = self._made(between, str(body["associationTypeId"]))
            self._save({**asdict(kind), "label": body["label"]}, call.author)
            return Answer(200 if call.is_dated else 204)
        if call.method == "DELETE" and len(call.segments) == 4:  # noqa: PLR2004 - two types, labels, a number
            kind = self._made(between, call.segments[3])
            with self._account.store.transaction():
                self._account.links.drop_label(kind, call.author)
                for number in {kind.type_id, kind.inverse}:
                    self._account.store.delete(_KIND, str(number), call.author)
            return Answer(204)
        raise missing()

    def _made(self, between: list[AssociationType], number: str) -> AssociationType:
        for kind in between:
            if str(kind.type_id) == number and kind.category == "USER_DEFINED" and kind.label:
                return kind
        raise missing()

    def _save(self, record: Json, author: Author) -> None:
        self._account.store.save(_KIND, str(record["type_id"]), record, author)


def make_link_type(
    account: Account,
    ends: tuple[ObjectType, ObjectType],
    name: str,
    author: Author,
    *,
    label: str | None = None,
    inverse_label: str | None = None,
) -> list[AssociationType]:
    """Make one more type of link between two object types, without a label the plain one; returns both directions."""
    one, other = ends
    first, second = account.new_set_up_id(), account.new_set_up_id()
    there = AssociationType("USER_DEFINED", first, one.name, other.name, name, second, label)
    back_name = name if label else f"{other.singular}_to_{one.singular}"
    back = AssociationType("USER_DEFINED", second, other.name, one.name, back_name, first, inverse_label)
    with account.store.transaction():
        for kind in (there, back):
            account.store.save(_KIND, str(kind.type_id), asdict(kind), author)
    return [there, back]
