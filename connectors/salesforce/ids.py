from __future__ import annotations

import re

__all__ = ["is_record_id"]

_ID = re.compile(r"[A-Za-z0-9]{15}([A-Z0-5]{3})?")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def is_record_id(text: str) -> bool:
    """A 15-character id, or an 18-character one whose last three characters fit: bit i of each stands for a capital."""
    if not _ID.fullmatch(text):
        return False
    body, check = text[:15], text[15:]
    parts = (body[start : start + 5] for start in (0, 5, 10))
    right = "".join(_ALPHABET[sum(1 << place for place, char in enumerate(part) if char.isupper())] for part in parts)
    return not check or check == right
