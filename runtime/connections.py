from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from models.ids import ConnectionId
from runtime.setting_problems import WrongSetting

__all__ = ["Connection", "ConnectionValues"]

ConnectionValues = dict[str, Any]
"""What a connector's own settings model reads: plain names and values."""

_FROM_FILE = "_file"
_SHORTEST_SECRET = 16


class Connection(BaseModel):
    """One account of an outside system: which connector speaks to it, under which id, with which settings.

    What the settings mean is the connector's business, and which of them are secret as well; so each of them is held
    as a secret here and never shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    connector: str = Field(min_length=1, pattern=r"^[a-z][a-z0-9_]*$")
    """Name of a folder in `connectors/`."""
    connection: ConnectionId = Field(default=ConnectionId(""), pattern=r"^[a-z0-9][a-z0-9-]{0,62}$|^$")
    """Our name of this account; it stands in bindings and in the address of its events."""
    event_secrets: tuple[SecretStr, ...] = Field(default=(), max_length=4)
    """What this account signs its events with; two while a secret is being changed."""
    config: dict[str, Any] = Field(default_factory=dict, repr=False)

    @field_validator("event_secrets", mode="after")
    @classmethod
    def _hard_to_guess(cls, secrets: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        if any(len(secret.get_secret_value()) < _SHORTEST_SECRET for secret in secrets):
            raise ValueError(f"A secret has at least {_SHORTEST_SECRET} characters; make one: `openssl rand -hex 32`.")
        return secrets

    @field_validator("config", mode="after")
    @classmethod
    def _hidden(cls, config: dict[str, Any]) -> dict[str, Any]:
        return {name: _wrapped(value) for name, value in config.items()}

    def values(self) -> ConnectionValues:
        """The settings in the clear, for the connector's own model."""
        return _opened(self.config)


def _wrapped(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name).lower(): _wrapped(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_wrapped(inner) for inner in value]
    if isinstance(value, str):
        return SecretStr(value)
    return value


def _opened(config: Mapping[str, Any]) -> ConnectionValues:
    values: ConnectionValues = {}
    for name, value in config.items():
        if name.endswith(_FROM_FILE) and isinstance(value, SecretStr):
            path = Path(value.get_secret_value())
            try:
                values[name.removesuffix(_FROM_FILE)] = path.read_text(encoding="utf-8").strip()
            except OSError as unreadable:
                raise WrongSetting(f"{name.upper()}: cannot read {path} ({unreadable.strerror}).") from unreadable
        else:
            values[name] = _plain(value)
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return _decoded(value.get_secret_value())
    if isinstance(value, Mapping):
        return _opened(value)
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value


def _decoded(text: str) -> Any:
    """An environment variable is text; a list or a table is written in it as JSON."""
    if text[:1] not in {"[", "{"}:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
