from __future__ import annotations

import re

__all__ = ["is_record_id", "same_record", "to_18"]

_ID = re.compile(r"[A-Za-z0-9]{15}([A-Z0-5]{3})?")
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT = 15


def is_record_id(text: str, prefix: str = "") -> bool:
    """A 15-character id, or an 18-character one whose last three characters fit; `prefix` tells the kind of record."""
    if not _ID.fullmatch(text) or not text.startswith(prefix):
        return False
    return text[_SHORT:] in {"", _checksum(text)}


def to_18(record_id: str) -> str:
    """The long form, which the vendor answers with and which survives a loss of case."""
    return record_id[:_SHORT] + _checksum(record_id)


def same_record(one: object, other: str) -> bool:
    """Whether two ids, short or long, mean one record."""
    return isinstance(one, str) and len(one) >= _SHORT and one[:_SHORT] == other[:_SHORT]


def _checksum(record_id: str) -> str:
    """Bit i of each character stands for a capital in place i of one third of the id."""
    parts = (record_id[start : start + 5] for start in (0, 5, 10))
    return "".join(_ALPHABET[sum(1 << place for place, char in enumerate(part) if char.isupper())] for part in parts)
