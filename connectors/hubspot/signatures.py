from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime

from pydantic import SecretStr

from connector_kit import BadSignature, Delivery

__all__ = ["check_delivery"]

_WINDOW_MS = 300_000
_V3, _TIMESTAMP = "x-hubspot-signature-v3", "x-hubspot-request-timestamp"
_OLD, _VERSION = "x-hubspot-signature", "x-hubspot-signature-version"
_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
"""Escapes that the vendor undoes before it signs an address with v3 (sheet 8.2). A target without any is best."""


def check_delivery(delivery: Delivery, secrets: tuple[SecretStr, ...], now: datetime) -> bool:
    """Check who sent this, over the raw bytes and in constant time. Raises BadSignature.

    True when the signature says itself how old it is (v3). The older two do not: what they signed can be sent again
    at any time, so the age must be read from the events. Where a v3 signature came along, only that one counts.
    """
    v3, old = _header(delivery.headers, _V3), _header(delivery.headers, _OLD)
    if v3:
        _check_v3(delivery, v3, secrets, now)
        return True
    version = _header(delivery.headers, _VERSION)
    if not old or version not in {"v1", "v2"}:
        raise BadSignature(
            "The event has neither an X-HubSpot-Signature-v3 header nor an older signature with its version. "
            "Check that HubSpot itself sent it.",
            field="signature",
        )
    signed = delivery.body
    if version == "v2":
        signed = delivery.method.upper().encode() + delivery.url.encode() + delivery.body
    _compare(secrets, old, lambda secret: hashlib.sha256(secret + signed).hexdigest())
    return False


def _check_v3(delivery: Delivery, signature: str, secrets: tuple[SecretStr, ...], now: datetime) -> None:
    timestamp = _header(delivery.headers, _TIMESTAMP)
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 15:  # noqa: PLR2004 - milliseconds
        raise BadSignature("The event has no readable X-HubSpot-Request-Timestamp header.", field="timestamp")
    # In either direction: a stamp from the future would stay good for as long as its writer likes.
    if abs(now.timestamp() * 1000 - int(timestamp)) > _WINDOW_MS:
        raise BadSignature(
            "The event was signed more than 5 minutes from now. Check the clock of this machine.", field="timestamp"
        )
    address = re.sub("%[0-9A-Fa-f]{2}", lambda found: _DECODED.get(found[0].upper(), found[0]), delivery.url)
    # The stamp goes in as the text it came as; a number would lose digits.
    signed = delivery.method.upper().encode() + address.encode() + delivery.body + timestamp.encode()
    _compare(
        secrets, signature, lambda secret: base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    )


def _compare(secrets: tuple[SecretStr, ...], signature: str, expected: Callable[[bytes], str]) -> None:
    given = signature.encode("utf-8", "replace")
    matches = [
        hmac.compare_digest(expected(secret.get_secret_value().encode()).encode(), given)
        for secret in secrets
        if secret.get_secret_value()  # with an empty one, anybody could sign
    ]
    if not any(matches):
        raise BadSignature(
            "The event's signature does not fit. Check the app's client secret on the connection, and "
            "TIELINE_API_PUBLIC_URL if a proxy stands before Tieline.",
            field="signature",
        )


def _header(headers: Mapping[str, str], name: str) -> str:
    found = {value for key, value in headers.items() if key.lower() == name}
    if len(found) > 1:
        raise BadSignature(f"The event has two different {name} headers. Send one.", field=name)
    return found.pop() if found else ""
