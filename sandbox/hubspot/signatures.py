"""The three signatures of a webhook delivery."""

import base64
import hashlib
import hmac
import re

__all__ = ["signature_v1", "signature_v2", "signature_v3", "signed_uri"]

# The escapes the vendor undoes before it signs a v3 address (list from memory of its guide).
_DECODED = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
_ESCAPE = re.compile("|".join(_DECODED), re.IGNORECASE)


def signature_v1(secret: str, body: bytes) -> str:
    """Return the hex digest of secret and body."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def signature_v2(secret: str, method: str, uri: str, body: bytes) -> str:
    """Return the hex digest of secret, method, full address and body."""
    return hashlib.sha256(f"{secret}{method}{uri}".encode() + body).hexdigest()


def signature_v3(secret: str, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Return the keyed digest, base64, of method, address with some escapes undone, body and timestamp in a row."""
    base = f"{method}{signed_uri(uri)}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), base, hashlib.sha256).digest()).decode()


def signed_uri(uri: str) -> str:
    """Return the address as v3 signs it."""
    return _ESCAPE.sub(lambda found: _DECODED[found[0].upper()], uri)
