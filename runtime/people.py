from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from models.decision import DecisionClaims, Verdict, words_of
from models.errors import Retryable
from models.ids import DecisionId, EngagementId, FirmId, PersonId
from models.roles import Person
from ports.people import InvalidToken
from runtime.demo_people import make_demo_people
from runtime.people_directory import read_directory
from runtime.setting_problems import WrongSetting

__all__ = ["FilePeople", "make_demo_people", "sign_decision"]

_ALGORITHM = "EdDSA"
_TYPE = "tieline-decision+jwt"
"""Keeps a signature that the same key made for another purpose from counting as a decision."""
_LONGEST_TOKEN = 4000
_CLOCK_SKEW = timedelta(seconds=30)
_USUAL_LIFE = timedelta(minutes=10)


class _Claims(BaseModel):
    """What a decision token says: closed and strictly typed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    sub: str = Field(max_length=63)
    aud: str = Field(max_length=32)
    iat: int
    exp: int
    jti: str = Field(min_length=1, max_length=80)
    engagement: str = Field(max_length=300)
    verdict: str
    subject: str = Field(max_length=64)
    words: str = Field(pattern=r"^[0-9a-f]{64}$")


def sign_decision(
    private_key: SecretStr,
    *,
    person: PersonId,
    firm: FirmId,
    decision: DecisionId,
    engagement: EngagementId,
    verdict: Verdict,
    subject: str,
    answer: str = "",
    reason: str = "",
    now: datetime | None = None,
    life: timedelta = _USUAL_LIFE,
) -> str:
    """Sign one decision with the person's own Ed25519 key; the token opens this decision and nothing else.

    It holds a fingerprint of answer and reason, so neither can be changed on the way, nor read from the token.
    """
    issued_at = now or datetime.now(UTC)
    claims = {
        "sub": person,
        "aud": firm,
        "iat": int(issued_at.timestamp()),
        "exp": int((issued_at + life).timestamp()),
        "jti": decision,
        "engagement": engagement,
        "verdict": verdict.value,
        "subject": subject,
        "words": words_of(answer, reason),
    }
    key = private_key.get_secret_value()
    return jwt.encode(claims, key, algorithm=_ALGORITHM, headers={"kid": person, "typ": _TYPE})


class FilePeople:
    """The people of a TOML file. The file is looked at for each decision: a role taken away is gone at once."""

    def __init__(
        self,
        path: Path,
        firm: FirmId,
        *,
        longest_life: timedelta = timedelta(minutes=15),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._path = path
        self._firm = firm
        self._longest_life = longest_life
        self._now = now
        content = path.read_bytes()
        self._seen = hashlib.sha256(content).digest()
        self._people = read_directory(content, path)

    def find_person(self, person: PersonId) -> Person | None:
        """The colleague, or None."""
        return self._current().get(person)

    def list_people(self) -> tuple[Person, ...]:
        """Everybody, by id."""
        people = self._current()
        return tuple(people[name] for name in sorted(people))

    def list_delegators(self, person: PersonId) -> tuple[Person, ...]:
        """Colleagues who ever named this person as their delegate; on which days, they say themselves."""
        return tuple(
            colleague
            for colleague in self.list_people()
            if any(row.delegate == person for row in colleague.delegations)
        )

    def verify(self, token: str) -> DecisionClaims:
        """Check the person's own signature. Raises InvalidToken."""
        person = self._signer(token)
        try:
            payload = jwt.decode(
                token,
                person.public_key_pem,
                algorithms=[_ALGORITHM],
                # Who, for whom and when are checked below, against our clock and in our words.
                options={"verify_aud": False, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
            claims = _Claims.model_validate(payload)
            verdict = Verdict(claims.verdict)
        except (jwt.PyJWTError, ValidationError, ValueError) as bad:
            raise InvalidToken(
                f"The signature of {person.person} does not hold, or its claims are not those of a decision. "
                "Sign the decision again."
            ) from bad
        issued_at, expires_at = self._times(claims)
        if claims.sub != person.person:
            raise InvalidToken(f"The decision names {claims.sub}, but {person.person} signed it. Sign it yourself.")
        if claims.aud != self._firm:
            raise InvalidToken(f"The decision was signed for another firm, not for {self._firm}.")
        self._check_times(issued_at, expires_at)
        return DecisionClaims(
            person=person.person,
            firm=claims.aud,
            decision=DecisionId(claims.jti),
            engagement=EngagementId(claims.engagement),
            verdict=verdict,
            subject=claims.subject,
            words=claims.words,
            issued_at=issued_at,
            expires_at=expires_at,
        )

    def _signer(self, token: str) -> Person:
        """Whoever the token says signed it. Only its own claim so far: the key in our file decides."""
        if len(token) > _LONGEST_TOKEN:
            raise InvalidToken(f"A decision token has at most {_LONGEST_TOKEN} characters. Sign the decision again.")
        try:
            header: dict[str, Any] = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, RecursionError) as bad:
            raise InvalidToken("This is no signed decision. Make one with `starter.py token`.") from bad
        if set(header) != {"alg", "kid", "typ"} or header["alg"] != _ALGORITHM or header["typ"] != _TYPE:
            raise InvalidToken("The decision is not signed with a person's Ed25519 key as Tieline does it.")
        person = self.find_person(PersonId(str(header["kid"])))
        if person is None or not person.public_key_pem:
            raise InvalidToken("Nobody in the people file has the key that this decision names. Ask an admin.")
        return person

    def _times(self, claims: _Claims) -> tuple[datetime, datetime]:
        try:
            return datetime.fromtimestamp(claims.iat, UTC), datetime.fromtimestamp(claims.exp, UTC)
        except (ValueError, OverflowError, OSError) as bad:
            raise InvalidToken("The times in the decision are no times. Sign it again.") from bad

    def _check_times(self, issued_at: datetime, expires_at: datetime) -> None:
        now = self._now()
        if issued_at > now + _CLOCK_SKEW:
            raise InvalidToken("The decision was signed in the future. Set the clock of the signing machine.")
        if expires_at <= now:
            raise InvalidToken(f"The signature expired at {expires_at:%H:%M:%S} UTC. Sign again.", expired=True)
        if expires_at - issued_at > self._longest_life:
            minutes = int(self._longest_life.total_seconds()) // 60
            raise InvalidToken(f"A signed decision lives at most {minutes} minutes. Sign it again with a shorter life.")

    def _current(self) -> dict[PersonId, Person]:
        """The file as it is now. An unreadable one stops decisions until it is mended; nobody decides on old rights."""
        try:
            content = self._path.read_bytes()
            seen = hashlib.sha256(content).digest()
            if seen != self._seen:
                self._people = read_directory(content, self._path)
                self._seen = seen
        except OSError as unreadable:
            raise Retryable(f"The people file {self._path} cannot be read. Put it back.") from unreadable
        except WrongSetting as wrong:
            raise Retryable(f"The people file is broken. {wrong.message}", record=str(self._path)) from wrong
        return self._people
