from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime

from pydantic import SecretStr

from models.errors import TielineError

__all__ = ["BadSignature", "check_signature"]

WINDOW_S = 300


class BadSignature(TielineError):
    """The sender of an event is not recognised, or the event is too old. It is refused and not read."""

    code = "TL-INT-042"


def check_signature(
    *,
    timestamp: str,
    signature: str,
    body: bytes,
    secrets: Iterable[SecretStr],
    now: datetime,
    window_s: int = WINDOW_S,
) -> None:
    """HMAC-SHA256 over `timestamp.body`, compared in constant time with every secret in force; raises BadSignature.

    `signature` is the hex digest without the vendor's prefix. Several secrets allow rotation.
    """
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 12:  # noqa: PLR2004 - epoch seconds
        raise BadSignature("The event has no readable timestamp header. Send epoch seconds.", field="timestamp")
    if abs(now.timestamp() - int(timestamp)) > window_s:
        raise BadSignature(
            f"The event was signed more than {window_s // 60} minutes from now. "
            "Check the sender's clock, or send it again.",
            field="timestamp",
        )
    content = timestamp.encode() + b"." + body
    matches = [
        hmac.compare_digest(
            hmac.new(secret.get_secret_value().encode(), content, hashlib.sha256).hexdigest().encode(),
            signature.encode("utf-8", "replace"),
        )
        for secret in secrets
        if secret.get_secret_value()  # with an empty one, anybody could sign
    ]
    if not any(matches):
        raise BadSignature(
            "The event's signature does not fit. Check the shared secret on both sides.", field="signature"
        )
