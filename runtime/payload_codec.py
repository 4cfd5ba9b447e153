from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    EncodingPayloadConverter,
    PayloadCodec,
)

from models.errors import NeedsRepair
from models.roles import Role
from runtime.log_events import log_event
from runtime.payload_keys import PayloadKey

__all__ = ["ENCODING", "PayloadSealed", "Sealing", "data_converter"]

ENCODING = "binary/tieline-sealed"
_NONCE_BYTES = 12
_MOST_TOLD = 20
_LONGEST_SUMMARY = 1_600
"""Bytes of a JSON text: more than 200 characters of any script, with its escapes."""
_RUN_PAGE = b"temporal.api.sdk.v1.WorkflowMetadata"


class PayloadSealed(NeedsRepair):
    """Something in the engine's history cannot be opened with the keys of this process."""

    code = "TL-INT-047"


class Sealing(PayloadCodec):
    """Seals what processes, steps and decisions say before it leaves for the engine, and opens it again.

    AES-256-GCM with a fresh nonce for each payload; the key's name travels beside it and is covered by the seal. The
    first key seals, every key opens: a new one is added everywhere as reader first, then moved to the front.

    Three things stay readable: what others sent unsealed (opening passes it through), summaries of steps (the only
    texts that travel on their own), and the run page's current details. They name contracts and customers, never
    what a person typed in.
    """

    def __init__(self, keys: Sequence[PayloadKey]) -> None:
        self._writes = keys[0].name if keys else ""
        self._ciphers = {key.name: AESGCM(key.content) for key in keys}
        self._told: set[str] = set()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal each, save what the run page shows."""
        if not self._writes:
            return list(payloads)
        return [payload if _is_for_the_run_page(payload) else self._sealed(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open what we sealed. One that cannot be opened is handed on with the reason, and fails where it is read.

        To raise here would fail the whole step of the engine, again and again: anybody who can signal could then hold
        up a process with a few bytes.
        """
        return [self._opened(payload) if _encoding_of(payload) == ENCODING else payload for payload in payloads]

    def _sealed(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE_BYTES)
        name = self._writes.encode()
        content = self._ciphers[self._writes].encrypt(nonce, payload.SerializeToString(), name)
        return Payload(metadata={"encoding": ENCODING.encode(), "key-id": name}, data=nonce + content)

    def _opened(self, payload: Payload) -> Payload:
        name = payload.metadata.get("key-id", b"")
        key = name.decode(errors="replace")[:40]
        cipher = self._ciphers.get(key)
        if cipher is None:
            return self._shut(
                payload,
                key,
                f"A payload is sealed with key '{key}', which this process does not have. Add that key to "
                "TIELINE_PAYLOAD_KEYS (after the one that seals) and start again.",
            )
        nonce, content = payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:]
        try:
            return Payload.FromString(cipher.decrypt(nonce, content, name))
        except (InvalidTag, DecodeError, ValueError):
            return self._shut(
                payload,
                key,
                f"A payload that names key '{key}' does not open with it: it was changed on its way, or another key "
                "has that name here. Compare TIELINE_PAYLOAD_KEYS of all processes.",
            )

    def _shut(self, payload: Payload, key: str, problem: str) -> Payload:
        """Hand it on with the reason; the log tells each key's name once, and not those that a flood makes up."""
        if key not in self._told and len(self._told) < _MOST_TOLD:
            self._told.add(key)
            log_event("payload.not_opened", level=logging.ERROR, code=PayloadSealed.code, reason=problem)
        return Payload(metadata={**payload.metadata, "problem": problem.encode()}, data=payload.data)


class _SealedPayloads(EncodingPayloadConverter):
    """Says why a sealed payload could not be opened, to whoever wants to read it."""

    @property
    def encoding(self) -> str:
        return ENCODING

    def to_payload(self, value: Any) -> Payload | None:  # noqa: ARG002 - the library's signature
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:  # noqa: ARG002
        problem = payload.metadata.get("problem", b"")
        raise PayloadSealed(
            problem.decode() or "A payload is sealed, and this process has no keys. Set TIELINE_PAYLOAD_KEYS.",
            owner=Role.INTEGRATION,
        )


class _Converter(CompositePayloadConverter):
    """Models as ever, and a plain sentence for what is shut."""

    def __init__(self) -> None:
        super().__init__(*PydanticPayloadConverter().converters.values(), _SealedPayloads())


def data_converter(keys: Sequence[PayloadKey]) -> DataConverter:
    """How all of Tieline reads and writes in the engine. Without keys everything stands there in clear."""
    opened = dataclasses.replace(pydantic_data_converter, payload_converter_class=_Converter)
    if not keys:
        return opened
    return dataclasses.replace(
        opened, payload_codec=Sealing(keys), failure_converter_class=DefaultFailureConverterWithEncodedAttributes
    )


def _encoding_of(payload: Payload) -> str:
    encoding = payload.metadata.get("encoding", b"")
    return encoding.decode(errors="replace")


def _is_for_the_run_page(payload: Payload) -> bool:
    encoding = _encoding_of(payload)
    if encoding == "json/plain":
        return payload.data[:1] == b'"' and len(payload.data) <= _LONGEST_SUMMARY
    return encoding == "json/protobuf" and payload.metadata["messageType"] == _RUN_PAGE
