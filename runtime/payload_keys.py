from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

__all__ = ["PayloadKey", "new_payload_key", "parse_payload_keys", "read_payload_keys"]

_KEY_BYTES = 32
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}")
_READABLE_BY_OTHERS = 0o077
_FORM = "Write each as NAME:KEY with KEY from `openssl rand -base64 32`, for example 2026-11:..."


class PayloadKey(BaseModel):
    """What the engine's history is sealed with. The name stands beside each sealed payload, the secret nowhere."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    secret: SecretStr

    @property
    def content(self) -> bytes:
        """The 32 bytes themselves."""
        return base64.b64decode(self.secret.get_secret_value(), validate=True)


def new_payload_key(name: str) -> str:
    """A fresh key as settings take it."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"


def parse_payload_keys(lines: Iterable[str]) -> tuple[PayloadKey, ...]:
    """Keys in their order: the first seals, all open. A wrong one raises ValueError, without quoting it."""
    keys: list[PayloadKey] = []
    for number, line in enumerate(lines, start=1):
        name, found, secret = line.strip().partition(":")
        if not found or not _NAME.fullmatch(name):
            raise ValueError(f"Key {number} has no name of small letters, digits, dots and hyphens. {_FORM}")
        try:
            content = base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError) as wrong:
            raise ValueError(f"Key {name} is not base64. {_FORM}") from wrong
        if len(content) != _KEY_BYTES:
            raise ValueError(f"Key {name} has {len(content)} bytes instead of {_KEY_BYTES}. {_FORM}")
        keys.append(PayloadKey(name=name, secret=SecretStr(secret)))
    names = [key.name for key in keys]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"Two keys have the same name: {', '.join(twice)}. Give each key its own.")
    return tuple(keys)


def read_payload_keys(path: Path) -> tuple[PayloadKey, ...]:
    """The same from a file with one key per line; lines that begin with # say something to people."""
    try:
        if path.stat().st_mode & _READABLE_BY_OTHERS:
            raise ValueError(f"Others can read {path}. Run: chmod 600 {path}")
        text = path.read_text(encoding="utf-8")
    except OSError as unreadable:
        raise ValueError(f"Cannot read {path} ({unreadable.strerror}). Name a file with one key per line.") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines:
        raise ValueError(f"{path} holds no key. {_FORM}")
    return parse_payload_keys(lines)
