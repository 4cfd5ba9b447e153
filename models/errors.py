from __future__ import annotations

from models.roles import Role

__all__ = [
    "Fatal",
    "NeedsRepair",
    "NotSent",
    "OutcomeUnknown",
    "Retryable",
    "Stale",
    "TielineError",
]


class TielineError(Exception):
    """Something that stops a step. Its class says who acts: nobody (Retryable), a person (NeedsRepair), us (Fatal).

    `message` is for people: it names the record, the field and the fix; it never holds a payload, a stack or a secret.
    """

    code = "TL-INT-000"
    owner = Role.INTEGRATION

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        record: str = "",
        field: str = "",
        owner: Role | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.record = record
        self.field = field
        if code is not None:
            self.code = code
        if owner is not None:
            self.owner = owner


class Retryable(TielineError):
    """The same call will work later. `retry_after_s` is the vendor's wish, if it told one."""

    code = "TL-INT-010"

    def __init__(self, message: str, *, retry_after_s: float | None = None, record: str = "", field: str = "") -> None:
        super().__init__(message, record=record, field=field)
        self.retry_after_s = retry_after_s


class NotSent(Retryable):
    """The request certainly had no effect: it never left, or the vendor says it blocked it before running it."""

    code = "TL-INT-011"


class OutcomeUnknown(Retryable):
    """The request may have had its effect; only evidence may tell (never time alone)."""

    code = "TL-INT-001"


class NeedsRepair(TielineError):
    """A person must change data or a rule; then the same step goes on. The write certainly had no effect."""

    code = "TL-INT-020"


class Stale(NeedsRepair):
    """What is to be changed does not stand any more as the plan saw it; nothing was written, a new plan is made."""

    code = "TL-CHG-020"


class Fatal(TielineError):
    """Our bug or a broken connection: parks the process, owned by the integration team."""

    code = "TL-INT-030"
