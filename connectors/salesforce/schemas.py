from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["CompositeReply", "LoginFailed", "QueryPage", "SubReply", "TokenGranted", "WireError"]


class _Wire(BaseModel):
    """As the vendor sends it; unknown fields are no surprise."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)


class TokenGranted(_Wire):
    """A sign-in that worked."""

    access_token: SecretStr


class LoginFailed(_Wire):
    """A sign-in that did not; the description may be absent (sheet 1.5)."""

    error: str = Field(default="unreadable", max_length=200)
    error_description: str = Field(default="", max_length=2000)


class QueryPage(_Wire):
    """One page of a query, of child rows too."""

    records: list[dict[str, Any]] = Field(max_length=2000)
    done: bool = True
    next_records_url: str | None = Field(default=None, alias="nextRecordsUrl", max_length=500)


class WireError(_Wire):
    """One complaint. Collections say `statusCode`, everything else `errorCode`."""

    message: str = Field(default="", max_length=4000)
    error_code: str = Field(default="", alias="errorCode", max_length=200)
    fields: list[str] = Field(default_factory=list, max_length=100)


class SubReply(_Wire):
    """One part of a composite answer."""

    body: Any = None
    status: int = Field(alias="httpStatusCode")
    reference: str = Field(alias="referenceId", max_length=100)


class CompositeReply(_Wire):
    """A composite answer: status 200 even when its parts failed."""

    parts: list[SubReply] = Field(alias="compositeResponse", max_length=25)
