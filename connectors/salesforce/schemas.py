from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, TypeAdapter

__all__ = [
    "Changes",
    "CompositeReply",
    "Deletion",
    "Deletions",
    "Hint",
    "LoginFailed",
    "QueryPage",
    "RowError",
    "RowReplies",
    "RowReply",
    "SubReply",
    "TokenGranted",
    "WireError",
]


def _cut(value: object) -> object:
    """Words are for people and are cut; a code decides what happens and must not get lost with them."""
    return value[:2000] if isinstance(value, str) else ""


def _named(value: object) -> object:
    return [str(item)[:80] for item in value[:20]] if isinstance(value, list) else []


def _with_colon(value: object) -> object:
    """The vendor writes `+0000`, ISO 8601 as others read it `+00:00`."""
    return f"{value[:-2]}:{value[-2:]}" if isinstance(value, str) and value[-5:-4] in {"+", "-"} else value


Words = Annotated[str, BeforeValidator(_cut)]
Names = Annotated[list[str], BeforeValidator(_named)]


class _Wire(BaseModel):
    """As the vendor sends it; unknown fields are no surprise."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class TokenGranted(_Wire):
    """A sign-in that worked. How long it lasts is never told (sheet 1.4)."""

    access_token: Annotated[SecretStr, Field(min_length=1, max_length=10_000)]


class LoginFailed(_Wire):
    """A sign-in that did not; the description may be absent (sheet 1.5)."""

    error: str = Field(default="unreadable", max_length=200)
    error_description: Words = ""


class QueryPage(_Wire):
    """One page of a query, of child rows too."""

    records: list[dict[str, Any]] = Field(max_length=2000)
    done: bool
    next_records_url: str | None = Field(default=None, alias="nextRecordsUrl", max_length=500)


class WireError(_Wire):
    """One complaint. Collections say `statusCode`, everything else `errorCode`."""

    message: Words = ""
    error_code: str = Field(default="", alias="errorCode", max_length=200)
    fields: Names = Field(default_factory=list)


class RowError(_Wire):
    """One complaint about one row of a collection."""

    code: str = Field(default="", alias="statusCode", max_length=200)
    message: Words = ""
    fields: Names = Field(default_factory=list)


class RowReply(_Wire):
    """What became of one row of a collection, in the order of the rows."""

    success: bool
    errors: list[RowError] = Field(default_factory=list, max_length=100)


RowReplies = TypeAdapter(list[RowReply])


class Changes(_Wire):
    """Which records changed in a window of time. Sheet 11.8."""

    ids: list[Annotated[str, Field(max_length=18)]] = Field(max_length=600_000)
    covered: Annotated[AwareDatetime, BeforeValidator(_with_colon)] = Field(alias="latestDateCovered")


class Deletion(_Wire):
    """One record that was deleted, and when."""

    record_id: str = Field(alias="id", max_length=18)
    at: Annotated[AwareDatetime, BeforeValidator(_with_colon)] = Field(alias="deletedDate")


class Deletions(_Wire):
    """Which records were deleted in a window of time. Sheet 11.8."""

    records: list[Deletion] = Field(alias="deletedRecords", max_length=600_000)
    covered: Annotated[AwareDatetime, BeforeValidator(_with_colon)] = Field(alias="latestDateCovered")


class SubReply(_Wire):
    """One part of a composite answer."""

    body: Any = None
    status: int = Field(alias="httpStatusCode")
    reference: str = Field(alias="referenceId", max_length=100)


class CompositeReply(_Wire):
    """A composite answer: status 200 even when its parts failed."""

    parts: list[SubReply] = Field(alias="compositeResponse", max_length=25)


class Hint(BaseModel):
    """What an org's callout tells: which record rang. Sheet 8.3. Strict: it comes from outside, unasked."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True, strict=True)

    org_id: str = Field(alias="orgId", pattern=r"^00D[A-Za-z0-9]{12}([A-Z0-5]{3})?$")
    object_name: str = Field(alias="object", max_length=80)
    record_id: str = Field(alias="recordId", max_length=18)
    event: str = Field(max_length=80)
    occurred_at: datetime = Field(alias="occurredAt")
    event_id: str = Field(alias="eventId", pattern=r"^[A-Za-z0-9-]{8,100}$")
