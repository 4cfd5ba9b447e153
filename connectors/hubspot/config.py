from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from connectors.hubspot.names import CustomNames
from models.ids import ConnectionId

__all__ = ["HubSpotConfig", "OAuthLogin", "TokenLogin"]

_SEARCHES_PER_S = 4


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class TokenLogin(_Settings):
    """A service key, or the static token of an app: it does not expire, it is rotated or withdrawn. Sheet 1."""

    kind: Literal["token"] = "token"
    access_token: SecretStr = Field(min_length=1, max_length=10_000)


class OAuthLogin(_Settings):
    """An installed app: access tokens of half an hour, made from a refresh token. Sheet 1."""

    kind: Literal["oauth"] = "oauth"
    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr


class HubSpotConfig(_Settings):
    """One account as Tieline uses it."""

    connection: ConnectionId = ConnectionId("crm-main")
    base_url: str = Field(default="https://api.hubapi.com", pattern=r"^https?://[^/?#]+/?$")
    api_version: str = Field(default="2026-09", pattern=r"^20\d\d-(03|09)$")
    """Dated interface; since 2026-09 the account's own validation rules hold for us too (sheet 7.3)."""
    login: Annotated[TokenLogin | OAuthLogin, Field(discriminator="kind")]
    custom_objects: bool = True
    """Off for editions without custom objects: milestones and rates come from text properties of the deal, and what
    we write back stands on the deal alone."""
    portal_id: str = Field(default="", pattern=r"^\d{0,20}$")
    """The account's number; with it, records are shown with a link."""
    ui_url: str = Field(default="https://app.hubspot.com", pattern=r"^https?://[^/?#]+$")
    default_currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    """Currency of every deal of an account that has one currency only and does not name it on the deal."""
    countries: dict[str, str] = {"UK": "GB", "USA": "US"}
    """What this account's country fields say besides ISO codes and ISO names -> ISO 3166-1 alpha-2."""
    contact_roles: dict[str, Literal["billing", "signer"]] = {
        "billing": "billing", "billing_contact": "billing", "signer": "signer",
    }  # fmt: skip
    """Association labels between deal and contact (lower case) -> what the person does for the contract."""
    task_status: str = "NOT_STARTED"
    task_priority: str = "MEDIUM"
    calls_per_10_s: int = Field(default=150, ge=1, le=10_000)
    """Four fifths of the account's burst limit (190 for most editions, 100 for the small ones). Sheet 6."""
    searches_per_s: int = Field(default=_SEARCHES_PER_S, ge=1, le=_SEARCHES_PER_S)
    """All apps of an account together may search five times a second, and no answer says how many are left."""
    concurrency: int = Field(default=10, ge=1, le=10)
    max_body_bytes: int = Field(default=20_000_000, gt=0)
    names: CustomNames = CustomNames()

    @field_validator("base_url")
    @classmethod
    def _keeps_tokens_private(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            raise ValueError("Only an address of this machine may do without encryption. Use https://.")
        return url

    @field_validator("contact_roles")
    @classmethod
    def _compared_in_lower_case(cls, roles: dict[str, str]) -> dict[str, str]:
        if wrong := sorted(label for label in roles if label != re.sub(r"\s+", "_", label.strip().lower())):
            raise ValueError(f"Write labels in lower case with underscores: {', '.join(wrong)}.")
        return roles

    @property
    def root_url(self) -> str:
        """Where the vendor answers."""
        return self.base_url.rstrip("/")

    def link(self, object_type: str, record_id: str) -> str:
        """Where people see a record; empty while the account's number is not set."""
        return f"{self.ui_url}/contacts/{self.portal_id}/record/{object_type}/{record_id}" if self.portal_id else ""
