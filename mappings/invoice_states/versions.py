from __future__ import annotations

from enum import StrEnum

from models.invoice import Invoice

__all__ = ["Judgement", "judge"]


class Judgement(StrEnum):
    """What to do with a picture of a document. DOM-7.4."""

    SHOW = "show"
    """New: show it, higher or lower than before."""
    KNOWN = "known"
    """Nothing in it differs from what is shown."""
    OLDER = "older"
    """A late picture of an earlier state: ignored and counted."""
    READ_AGAIN = "read-again"
    """Stamps do not tell which is newer: the ERP is asked again and wins."""


def judge(shown: Invoice | None, seen: Invoice, *, read_again: bool = False) -> Judgement:
    """By source version, never by rank: a bounced payment is news, a late message is none.

    `read_again`: it was asked for by its id just now because stamps did not tell.
    """
    if shown is None:
        return Judgement.SHOW
    if seen.content == shown.content:
        return Judgement.KNOWN
    if seen.version.changed_at > shown.version.changed_at:
        return Judgement.SHOW
    is_later_look = seen.version.read_at > shown.version.read_at
    if seen.version.changed_at < shown.version.changed_at and not is_later_look:
        return Judgement.OLDER
    return Judgement.SHOW if read_again else Judgement.READ_AGAIN
