"""Record ids as the vendor makes them: 15 case-sensitive characters plus a three-character checksum."""

import string

__all__ = ["IdGenerator", "checksum", "is_id", "sequence", "to_18"]

_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SUFFIX = string.ascii_uppercase + "012345"
_POD = "5g0"
_SHORT = 15
_FULL = 18
_PREFIX = 3


def checksum(short: str) -> str:
    """Return the suffix that makes a 15-character id safe where upper and lower case are confused."""
    groups = (short[0:5], short[5:10], short[10:15])
    return "".join(_SUFFIX[sum(1 << place for place, char in enumerate(group) if char.isupper())] for group in groups)


def is_id(text: object) -> bool:
    """Tell whether a text has the shape of an id, its checksum included when it has one."""
    if not isinstance(text, str) or len(text) not in {_SHORT, _FULL} or not text.isascii() or not text.isalnum():
        return False
    return len(text) == _SHORT or checksum(text[:_SHORT]) == text[_SHORT:].upper()


def to_18(text: str) -> str:
    """Return the 18-character form that the vendor always answers with."""
    return text[:_SHORT] + checksum(text[:_SHORT])


def sequence(record_id: str) -> int:
    """Return the running number inside an id, from which automatic numbers are made."""
    number = 0
    for char in record_id[_PREFIX + len(_POD) : _SHORT]:
        number = number * len(_BASE62) + _BASE62.index(char)
    return number


class IdGenerator:
    """Gives ids in order, per kind, and never one that was given before, restarts included."""

    def __init__(self) -> None:
        """Know of no id yet."""
        self._last: dict[str, int] = {}

    def next(self, prefix: str) -> str:
        """Return a fresh id of a kind."""
        number = self._last.get(prefix, 0) + 1
        self._last[prefix] = number
        return to_18(prefix + _POD + _in_base62(number, _SHORT - _PREFIX - len(_POD)))

    def note(self, record_id: str) -> None:
        """Remember an id that is in use, so that it is not given again."""
        prefix, pod = record_id[:_PREFIX], record_id[_PREFIX : _PREFIX + len(_POD)]
        if pod == _POD and is_id(record_id):
            self._last[prefix] = max(self._last.get(prefix, 0), sequence(record_id))


def _in_base62(number: int, width: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 62)
        digits = _BASE62[rest] + digits
    return digits.rjust(width, "0")
