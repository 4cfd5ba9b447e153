from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

__all__ = [
    "AccountDetails",
    "AssociatedPage",
    "AssociationBatch",
    "AssociationType",
    "Batch",
    "Linked",
    "LinksMade",
    "Owner",
    "Pipelines",
    "Record",
    "SearchPage",
    "TokenGranted",
    "WireError",
]


def _cut(value: object) -> object:
    """Words are for people and are cut; a code decides what happens and must not get lost with them."""
    return value[:4000] if isinstance(value, str) else ""


def _id(value: object) -> object:
    """Ids are texts now and were numbers in early answers (sheet 3.6)."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _table(value: object) -> object:
    return value if isinstance(value, dict) else {}


def _rows(value: object) -> object:
    return value[:200] if isinstance(value, list) else []


Words = Annotated[str, BeforeValidator(_cut)]
Id = Annotated[str, BeforeValidator(_id), Field(pattern=r"^\d{1,20}$")]
Table = Annotated[dict[str, Any], BeforeValidator(_table)]


class _Wire(BaseModel):
    """As the vendor sends it; unknown fields are no surprise."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class TokenGranted(_Wire):
    """An access token and how long it lives."""

    access_token: Annotated[SecretStr, Field(min_length=1, max_length=10_000)]
    refresh_token: SecretStr = SecretStr("")
    expires_in: int = Field(default=1800, ge=1, le=86_400)


class WireError(_Wire):
    """One complaint; every field is optional (sheet 7.1)."""

    status: Words = ""
    message: Words = ""
    category: Words = ""
    sub_category: Words = Field(default="", alias="subCategory")
    error_type: Words = Field(default="", alias="errorType")
    policy_name: Words = Field(default="", alias="policyName")
    error: Words = ""
    error_description: Words = ""
    correlation_id: Words = Field(default="", alias="correlationId")
    errors: Annotated[list[Table], BeforeValidator(_rows)] = Field(default_factory=list)
    context: Table = Field(default_factory=dict)


class _Next(_Wire):
    after: str = Field(min_length=1, max_length=200)


class _Paging(_Wire):
    next: _Next | None = None


class _Paged(_Wire):
    paging: _Paging | None = None

    @property
    def after(self) -> str:
        """Where the next page starts; empty on the last one."""
        return self.paging.next.after if self.paging and self.paging.next else ""


class Linked(_Wire):
    """One associated record; the same one comes once for each label (sheet 3.1)."""

    id: Id
    type: Words = ""


class AssociatedPage(_Paged):
    """The associations that come along with a record."""

    results: list[Linked] = Field(default_factory=list, max_length=1000)


class Record(_Wire):
    """One record with the properties that were asked for."""

    id: Id
    properties: dict[str, Any]
    updated_at: str = Field(default="", alias="updatedAt", max_length=40)
    archived: bool = False
    new: bool = False
    associations: dict[str, AssociatedPage] = Field(default_factory=dict)

    def linked(self, kind: str) -> AssociatedPage:
        """The associations with one kind of record, under any of its spellings (sheet 2, 3.1)."""
        wanted = _plain(kind)
        return next((page for name, page in self.associations.items() if _plain(name) == wanted), AssociatedPage())


def _plain(kind: str) -> str:
    """`line items` is `line_items`; a custom object comes back with the account's number in front of its name."""
    return re.sub(r"^p\d*_", "", kind.replace(" ", "_").lower())


class Batch(_Wire):
    """Answer of a batch call; 207 when some of it failed (sheet 7.4)."""

    results: list[Record] = Field(max_length=1000)
    errors: list[WireError] = Field(default_factory=list, max_length=1000)


class LinksMade(_Wire):
    """Answer of a batch that links records."""

    status: Literal["COMPLETE"]


class SearchPage(_Paged):
    """One page of a search."""

    results: list[Record] = Field(max_length=200)


class AssociationType(_Wire):
    """What a link between two records means."""

    type_id: int = Field(default=0, alias="typeId")
    label: Words = ""


class _To(_Wire):
    id: Id = Field(alias="toObjectId")
    types: list[AssociationType] = Field(default_factory=list, alias="associationTypes", max_length=200)


class _Associations(_Paged):
    to: list[_To] = Field(default_factory=list, max_length=2000)


class AssociationBatch(_Wire):
    """Associations of several records; ours asks about one."""

    results: list[_Associations] = Field(default_factory=list, max_length=1000)
    errors: list[WireError] = Field(default_factory=list, max_length=1000)


class _Stage(_Wire):
    id: str = Field(max_length=200)
    label: Words = ""
    metadata: dict[str, Any] = Field(default_factory=dict)
    archived: bool = False


class _Pipeline(_Wire):
    id: str = Field(max_length=200)
    stages: list[_Stage] = Field(max_length=1000)


class Pipelines(_Wire):
    """All pipelines of deals with their stages."""

    results: list[_Pipeline] = Field(max_length=1000)


class Owner(_Wire):
    """Who looks after a deal. An owner's id is not a user's id."""

    id: Id
    email: Words = ""
    first_name: Words = Field(default="", alias="firstName")
    last_name: Words = Field(default="", alias="lastName")
    archived: bool = False


class AccountDetails(_Wire):
    """The account itself."""

    portal_id: Id = Field(alias="portalId")
