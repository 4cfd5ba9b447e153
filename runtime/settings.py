from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)
from temporalio.envconfig import ClientConfig

from models.errors import NeedsRepair
from models.ids import ConnectionId, FirmId, PersonId
from runtime.connections import Connection
from runtime.payload_keys import PayloadKey, parse_payload_keys, read_payload_keys
from runtime.setting_problems import WrongSetting, names_not_known, sentences_of

__all__ = ["CodecEndpoint", "Feedback", "Limits", "Settings", "Telemetry", "WrongSetting", "load_settings"]

PREFIX = "TIELINE_"
_DEFAULT_ADDRESS = "localhost:7233"
_PERSON = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
_READABLE_BY_OTHERS = 0o077
_SHORTEST_TOKEN = 32


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Limits(_Group):
    """How much is taken in at once, and how long a signed decision may live."""

    event_bytes: int = Field(default=1_000_000, ge=1_000, le=10_000_000)
    """Largest event body."""
    event_read_s: float = Field(default=10.0, gt=0, le=120)
    """How long a sender may take to deliver its body."""
    events_per_minute: int = Field(default=600, ge=1)
    """Per sender (connection and address); more is answered with 429."""
    deals_per_batch: int = Field(default=200, ge=1, le=200)
    """Deals the dispatcher asks the CRM about in one call."""
    starts_at_once: int = Field(default=20, ge=1, le=100)
    """A larger burst only fills the workers' queues (TEMPORAL section 0, trap 11)."""
    decision_minutes: int = Field(default=15, ge=1, le=60)
    """Longest life of a signed decision."""


class Telemetry(_Group):
    """Where traces and metrics go. Off while `endpoint` is empty."""

    endpoint: str = ""
    """OTLP over HTTP, for example http://collector:4318."""
    headers: SecretStr = SecretStr("")
    """`name=value` pairs separated by commas, for a collector that asks for a key."""
    service_name: str = "tieline"
    metrics_every_s: float = Field(default=60, ge=1, le=3600)
    engine_spans: bool = False
    """Also a span for each start and run in the engine: 14 instead of 4 for two steps (TEMPORAL section 7)."""

    @field_validator("endpoint")
    @classmethod
    def _is_http(cls, endpoint: str) -> str:
        if endpoint and not endpoint.startswith(("http://", "https://")):
            raise ValueError("Give an OTLP/HTTP address that starts with http:// or https://, or leave it empty.")
        return endpoint.rstrip("/")


class CodecEndpoint(_Group):
    """Opens sealed payloads for people who look at the engine with its own tools. Off while `token` is empty."""

    token: SecretStr = SecretStr("")
    """What these tools must send: `temporal --codec-auth "Bearer TOKEN"`."""
    origin: str = Field(default="", pattern=r"^(https?://[^/?#\s]+)?$")
    """Where the engine's Web UI is, for its browsers, for example https://temporal.example.com."""

    @field_validator("token")
    @classmethod
    def _hard_to_guess(cls, token: SecretStr) -> SecretStr:
        if 0 < len(token.get_secret_value()) < _SHORTEST_TOKEN:
            raise ValueError(f"A token has at least {_SHORTEST_TOKEN} characters; make one: `openssl rand -hex 32`.")
        return token


class Feedback(_Group):
    """How often invoices are looked at in the ERP, beside its doorbell."""

    every_s: float = Field(default=60.0, ge=0, le=86_400)
    """0: only when something rings, or a person asks."""
    look_back_s: int = Field(default=900, ge=0, le=2_592_000)
    """How far before the last look each one begins, for saves that were committed late."""


class Settings(BaseSettings):
    """Everything a process of Tieline is told from outside: environment variables `TIELINE_*`, nested with `__`.

    Where Temporal is and how to sign in there comes from `TEMPORAL_*` and its own TOML file, as for all its tools.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", hide_input_in_errors=True
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the library's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only `load_settings` reads variables, so that a wrong one is always told in our words."""
        return (init_settings,)

    firm: FirmId = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")
    """Who runs this Tieline; the first part of every business key. Never change it later."""
    store_url: SecretStr
    """sqlite:///path/to/file, or postgresql://user:password@host/database."""
    task_queue: str = Field(default="tieline", min_length=1, max_length=200)
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8080, ge=0, le=65535)
    api_public_url: str = Field(default="", pattern=r"^(https?://[^/?#\s]+(/[^?#\s]*)?)?$")
    """Where senders reach us, if a proxy stands before us: some sign the address they called. Without the path."""
    people_file: Path
    people_keys_folder: Path | None = None
    """Where the command line finds private keys (`PERSON.pem`); empty: `keys` beside the people file."""
    rulebook_folder: Path
    crm: Connection
    erp: Connection
    further_connections: tuple[Connection, ...] = ()
    payload_keys: tuple[PayloadKey, ...] = Field(default=(), max_length=20)
    """Seal the engine's history: a JSON list of NAME:KEY, the first seals, all open. Empty: all of it is in clear."""
    payload_keys_file: Path | None = None
    """The same, one key per line, instead of `payload_keys`."""
    codec: CodecEndpoint = CodecEndpoint()
    limits: Limits = Limits()
    feedback: Feedback = Feedback()
    telemetry: Telemetry = Telemetry()

    @field_validator("store_url")
    @classmethod
    def _is_a_known_store(cls, url: SecretStr) -> SecretStr:
        if not re.match(r"(sqlite|postgresql|postgres)(\+[a-z0-9]+)?://", url.get_secret_value()):
            raise ValueError("Give sqlite:///path/to/file or postgresql://user:password@host/database.")
        return url

    @field_validator("payload_keys", mode="before")
    @classmethod
    def _are_keys(cls, lines: object) -> object:
        if isinstance(lines, (list, tuple)) and all(isinstance(line, str) for line in lines):
            return parse_payload_keys(str(line) for line in lines)
        raise ValueError('Give a JSON list of texts, for example ["2026-11:..."].')

    @field_validator("people_file")
    @classmethod
    def _is_a_file(cls, path: Path) -> Path:
        if not path.is_file():
            raise ValueError(f"There is no file {path}. Name the TOML file that lists your people.")
        return path

    @field_validator("rulebook_folder")
    @classmethod
    def _is_a_folder(cls, path: Path) -> Path:
        if not path.is_dir():
            raise ValueError(f"There is no folder {path}. Name the folder that holds your mapping rules.")
        return path

    @model_validator(mode="after")
    def _connections_have_names_of_their_own(self) -> Self:
        crm = self.crm.model_copy(update={"connection": self.crm.connection or ConnectionId("crm-main")})
        erp = self.erp.model_copy(update={"connection": self.erp.connection or ConnectionId("erp-main")})
        # The model is frozen for everybody else; here it is still being made.
        self.__dict__.update(crm=crm, erp=erp)
        if unnamed := [item.connector for item in self.further_connections if not item.connection]:
            raise ValueError(f"Give each further connection its own name in `connection`: {', '.join(unnamed)}.")
        names = [item.connection for item in self.connections]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"Two connections have the same name: {', '.join(twice)}. Change one `connection`.")
        return self

    @model_validator(mode="after")
    def _keys_come_from_one_place(self) -> Self:
        if self.payload_keys_file is not None:
            if self.payload_keys:
                raise ValueError("Set TIELINE_PAYLOAD_KEYS or TIELINE_PAYLOAD_KEYS_FILE, not both.")
            self.__dict__.update(payload_keys=read_payload_keys(self.payload_keys_file))
        return self

    @property
    def connections(self) -> tuple[Connection, ...]:
        """All accounts of outside systems."""
        return (self.crm, self.erp, *self.further_connections)

    @property
    def temporal_address(self) -> str:
        """Where the engine answers."""
        return str(self.temporal_connect_config().get("target_host") or _DEFAULT_ADDRESS)

    def temporal_connect_config(self) -> dict[str, Any]:
        """How to reach the engine: `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, TLS, API key, profile."""
        try:
            config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
        except (RuntimeError, ValueError, OSError) as wrong:
            raise WrongSetting(f"The Temporal settings cannot be read: {wrong}. Look at TEMPORAL_*.") from wrong
        config.setdefault("target_host", _DEFAULT_ADDRESS)
        return config

    def private_key_of(self, person: PersonId) -> SecretStr:
        """The person's own signing key, for the command line on their machine."""
        folder = self.people_keys_folder or self.people_file.parent / "keys"
        path = folder / f"{person}.pem"
        if not _PERSON.fullmatch(person) or not path.is_file():
            raise NeedsRepair(
                f"There is no private key of {person} in {folder}. Check the name, or set TIELINE_PEOPLE_KEYS_FOLDER.",
                record=person,
            )
        if path.stat().st_mode & _READABLE_BY_OTHERS:
            raise NeedsRepair(f"Others can read the private key {path}. Run: chmod 600 {path}", record=person)
        return SecretStr(path.read_text(encoding="utf-8"))


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings; a wrong or unknown one raises WrongSetting, which names the variable and the fix."""
    given = os.environ if environment is None else environment
    if unknown := names_not_known(given, PREFIX, Settings):
        raise WrongSetting("\n".join(unknown))
    try:
        return _read(given)
    except ValidationError as wrong:
        raise WrongSetting("\n".join(sentences_of(wrong, PREFIX))) from wrong
    except SettingsError as wrong:
        raise WrongSetting(f"{_variable_in(str(wrong))} is not valid JSON. Write lists and tables as JSON.") from wrong


def _read(given: Mapping[str, str]) -> Settings:
    return Settings(**_Variables(given)())


class _Variables(EnvSettingsSource):
    """The variables handed in, not those of the process. An empty one counts as unset."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._given.items() if value}


def _variable_in(text: str) -> str:
    found = re.search(r'field "([a-z_]+)"', text)
    return f"{PREFIX}{found[1].upper()}" if found else f"One of {PREFIX}*"
