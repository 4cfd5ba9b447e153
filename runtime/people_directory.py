from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from models.ids import PersonId
from models.roles import Delegation, Person, Role
from runtime.setting_problems import WrongSetting

__all__ = ["read_directory"]

_LONGEST_DELEGATION_DAYS = 30
_UNLIMITED: Literal["unlimited"] = "unlimited"


class _Entry(BaseModel):
    """One `[[person]]` of the file. A person who signs states a limit; none is never the same as no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    id: PersonId = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,62}$")
    name: str = Field(min_length=1)
    email: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    roles: frozenset[Role] = frozenset()
    limit_usd: Decimal | Literal["unlimited"] | None = None
    reports_to: PersonId | None = None
    service_account: bool = False
    public_key: str = ""
    delegation: tuple[Delegation, ...] = ()

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.public_key:
            _public_key(self.public_key)
            if self.limit_usd is None:
                raise ValueError('a person who signs needs limit_usd: an amount in quotes, or "unlimited"')
        for item in self.delegation:
            days = (date.fromisoformat(item.until_on) - date.fromisoformat(item.from_on)).days + 1
            if not 1 <= days <= _LONGEST_DELEGATION_DAYS:
                raise ValueError(f"a delegation lasts 1 to {_LONGEST_DELEGATION_DAYS} days, this one {days}")
        return self

    def person(self) -> Person:
        return Person(
            person=self.id,
            name=self.name,
            email=self.email,
            roles=self.roles,
            limit_usd=None if self.limit_usd == _UNLIMITED else self.limit_usd,
            public_key_pem=self.public_key,
            is_service_account=self.service_account,
            reports_to=self.reports_to,
            delegations=self.delegation,
        )


def read_directory(content: bytes, path: Path) -> dict[PersonId, Person]:
    """The people in a TOML file. Raises WrongSetting, which names the file, the person and the fix."""
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise WrongSetting(f"{path} is not valid TOML: {broken}.", record=str(path)) from broken
    if unknown := sorted(set(document) - {"person"}):
        raise WrongSetting(f"{path}: only [[person]] tables are known, not {', '.join(unknown)}.", record=str(path))
    tables = document.get("person", [])
    if not isinstance(tables, list):
        raise WrongSetting(f"{path}: write each person as a [[person]] table.", record=str(path))
    people: dict[PersonId, Person] = {}
    for position, table in enumerate(tables, start=1):
        person = _entry(table, position, path).person()
        if person.person in people:
            raise WrongSetting(f"{path}: {person.person} is listed twice. Remove one.", record=str(path))
        people[person.person] = person
    for check in (_check_relations, _check_keys):
        check(people, path)
    return people


_Check = Callable[[dict[PersonId, Person], Path], None]


def _entry(table: object, position: int, path: Path) -> _Entry:
    try:
        return _Entry.model_validate(table)
    except ValidationError as wrong:
        first = wrong.errors(include_input=False, include_url=False, include_context=False)[0]
        who = table.get("id", f"number {position}") if isinstance(table, dict) else f"number {position}"
        where = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise WrongSetting(
            f"{path}: person {who}: {where + ': ' if where else ''}{reason}.", record=str(path)
        ) from wrong


def _check_relations(people: dict[PersonId, Person], path: Path) -> None:
    for person in people.values():
        named = {item.delegate for item in person.delegations} | ({person.reports_to} if person.reports_to else set())
        if strangers := sorted(named - set(people)):
            raise WrongSetting(
                f"{path}: {person.person} names {', '.join(strangers)}, who is not in the file.", record=str(path)
            )


def _check_keys(people: dict[PersonId, Person], path: Path) -> None:
    """A key belongs to one person: shared by two, a second signature would prove nothing."""
    holders: dict[bytes, PersonId] = {}
    for person in people.values():
        if not person.public_key_pem:
            continue
        raw = _public_key(person.public_key_pem).public_bytes_raw()
        if raw in holders:
            raise WrongSetting(
                f"{path}: {person.person} and {holders[raw]} have the same key. Give each their own.", record=str(path)
            )
        holders[raw] = person.person


def _public_key(pem: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as unreadable:
        raise ValueError("public_key is not a PEM public key") from unreadable
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("public_key must be an Ed25519 key: `openssl genpkey -algorithm ed25519`")  # noqa: TRY004 - a wrong value of a field
    return key
