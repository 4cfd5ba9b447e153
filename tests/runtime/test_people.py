from __future__ import annotations

import base64
import hashlib
import hmac
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from models.decision import Verdict, words_of
from models.errors import Retryable
from models.ids import DecisionId, EngagementId, FirmId, PersonId
from models.roles import Role
from ports.people import InvalidToken
from runtime.people import FilePeople, make_demo_people, sign_decision
from runtime.setting_problems import WrongSetting

FIRM = FirmId("harbour-finch")
ADA = PersonId("ada.finance")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_demo_people(tmp_path)
    return tmp_path


@pytest.fixture
def people(folder: Path) -> FilePeople:
    return FilePeople(folder / "people.toml", FIRM, now=lambda: NOW)


def _key(folder: Path, person: str = "ada.finance") -> SecretStr:
    return SecretStr((folder / "keys" / f"{person}.pem").read_text(encoding="utf-8"))


def _sign(folder: Path, **changes: Any) -> str:
    given: dict[str, Any] = {
        "person": ADA,
        "firm": FIRM,
        "decision": DecisionId("d-1"),
        "engagement": EngagementId("harbour-finch/C-1"),
        "verdict": Verdict.APPROVE,
        "subject": "a" * 64,
        "now": NOW,
        **changes,
    }
    return sign_decision(given.pop("key", None) or _key(folder), **given)


def _claims(**changes: Any) -> dict[str, Any]:
    return {
        "sub": ADA, "aud": FIRM, "iat": int(NOW.timestamp()), "exp": int(NOW.timestamp()) + 60, "jti": "d-1",
        "engagement": "harbour-finch/C-1", "verdict": "approve", "subject": "a" * 64,
        "words": words_of("", ""), **changes,
    }  # fmt: skip


def _raw(folder: Path, claims: dict[str, Any], **headers: Any) -> str:
    headers = {"kid": ADA, "typ": "tieline-decision+jwt", **headers}
    return jwt.encode(claims, _key(folder).get_secret_value(), algorithm="EdDSA", headers=headers)


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_decision_signed_by_its_person_says_who_and_what(folder: Path, people: FilePeople) -> None:
    claims = people.verify(_sign(folder, verdict=Verdict.REPAIR, subject="b-1", answer="same:17", reason="seen"))

    assert (claims.person, claims.firm, claims.decision) == (ADA, FIRM, "d-1")
    assert (claims.verdict, claims.subject, claims.words) == (Verdict.REPAIR, "b-1", words_of("same:17", "seen"))
    assert claims.issued_at == NOW
    assert claims.expires_at == NOW + timedelta(minutes=10)


def test_a_token_without_signature_is_refused(people: FilePeople) -> None:
    header = {"alg": "none", "kid": ADA, "typ": "tieline-decision+jwt"}

    with pytest.raises(InvalidToken):
        people.verify(f"{_part(header)}.{_part(_claims())}.")


def test_the_public_key_is_no_shared_secret(folder: Path, people: FilePeople) -> None:
    ada = people.find_person(ADA)
    assert ada is not None
    text = f"{_part({'alg': 'HS256', 'kid': ADA, 'typ': 'tieline-decision+jwt'})}.{_part(_claims())}"
    forged = hmac.new(ada.public_key_pem.encode(), text.encode(), hashlib.sha256).digest()

    with pytest.raises(InvalidToken):
        people.verify(f"{text}.{base64.urlsafe_b64encode(forged).rstrip(b'=').decode()}")


def test_a_key_of_ones_own_in_the_header_is_refused(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match="as Tieline does it"):
        people.verify(_raw(folder, _claims(), jwk={"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}))


def test_a_signature_for_another_purpose_is_no_decision(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match="as Tieline does it"):
        people.verify(_raw(folder, _claims(), typ="JWT"))


def test_one_persons_key_does_not_sign_for_another(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match=r"signature of ada\.finance does not hold"):
        people.verify(_sign(folder, key=_key(folder, "sam.sales")))


def test_the_header_cannot_name_somebody_else_than_the_claims(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match=r"names cora\.controller"):
        people.verify(_raw(folder, _claims(sub="cora.controller")))


def test_an_unknown_person_is_refused(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match="Nobody in the people file"):
        people.verify(_sign(folder, person=PersonId("mallory")))


def test_an_expired_signature_says_so(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match="expired") as bad:
        people.verify(_sign(folder, now=NOW - timedelta(minutes=11)))

    assert bad.value.expired


def test_a_signature_from_the_future_is_refused(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match="in the future") as bad:
        people.verify(_sign(folder, now=NOW + timedelta(minutes=2)))

    assert not bad.value.expired


def test_half_a_minute_of_clock_skew_is_forgiven(folder: Path, people: FilePeople) -> None:
    assert people.verify(_sign(folder, now=NOW + timedelta(seconds=20))).person == ADA


def test_a_signature_that_lives_too_long_is_refused(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match="at most 15 minutes"):
        people.verify(_sign(folder, life=timedelta(minutes=16)))


def test_a_signature_for_another_firm_is_refused(folder: Path, people: FilePeople) -> None:
    with pytest.raises(InvalidToken, match="another firm"):
        people.verify(_sign(folder, firm=FirmId("other-firm")))


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_changed_character_anywhere_breaks_it(folder: Path, people: FilePeople, position: int) -> None:
    parts = _sign(folder).split(".")
    middle = len(parts[position]) // 2
    parts[position] = (
        parts[position][:middle] + ("B" if parts[position][middle] != "B" else "C") + parts[position][middle + 1 :]
    )

    with pytest.raises(InvalidToken):
        people.verify(".".join(parts))


def test_claims_cannot_be_exchanged_under_a_signature(folder: Path, people: FilePeople) -> None:
    header, _, signature = _sign(folder).split(".")

    with pytest.raises(InvalidToken):
        people.verify(f"{header}.{_part(_claims(subject='b' * 64))}.{signature}")


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None}, {"iat": None}, {"jti": None}, {"engagement": None}, {"words": None}, {"verdict": None},
        {"iat": "now"}, {"iat": True}, {"exp": 10**30}, {"verdict": "agree"}, {"aud": [FIRM, "other"]},
        {"admin": True}, {"jti": ""}, {"words": "x"}, {"sub": ["ada.finance"]},
    ],
)  # fmt: skip
def test_claims_that_are_not_those_of_a_decision_are_refused(
    folder: Path, people: FilePeople, changes: dict[str, Any]
) -> None:
    claims = {name: value for name, value in _claims(**changes).items() if value is not None}

    with pytest.raises(InvalidToken):
        people.verify(_raw(folder, claims))


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "a.b.c", "x" * 4001, "\x00", "é.é.é", _part({"alg": "EdDSA"}) + ".e30.", _part([1]) + ".e30.AA"],
)
def test_what_is_no_token_is_refused_in_plain_words(people: FilePeople, token: str) -> None:
    with pytest.raises(InvalidToken):
        people.verify(token)


def test_a_service_account_is_known_as_one_and_so_can_be_refused(folder: Path, people: FilePeople) -> None:
    robot = PersonId("ops-tooling")

    claims = people.verify(_sign(folder, key=_key(folder, robot), person=robot))
    person = people.find_person(claims.person)

    assert person is not None
    assert person.is_service_account


def test_a_role_taken_away_is_gone_at_the_next_decision(folder: Path, people: FilePeople) -> None:
    assert Role.FINANCE_OPERATIONS in people.find_person(ADA).roles  # type: ignore[union-attr]
    file = folder / "people.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('["finance-operations"]', "[]"), encoding="utf-8")

    assert people.find_person(ADA).roles == frozenset()  # type: ignore[union-attr]


def test_a_person_who_left_can_sign_nothing_more(folder: Path, people: FilePeople) -> None:
    token = _sign(folder)
    people.verify(token)
    (folder / "people.toml").write_text("", encoding="utf-8")

    with pytest.raises(InvalidToken):
        people.verify(token)


def test_a_file_broken_while_running_stops_decisions_until_it_is_mended(folder: Path, people: FilePeople) -> None:
    file = folder / "people.toml"
    good = file.read_text(encoding="utf-8")
    file.write_text("[[person", encoding="utf-8")
    with pytest.raises(Retryable, match=r"people\.toml"):
        people.verify(_sign(folder))
    file.unlink()
    with pytest.raises(Retryable, match="Put it back"):
        people.find_person(ADA)

    file.write_text(good, encoding="utf-8")
    assert people.verify(_sign(folder)).person == ADA


def test_demo_keys_are_for_nobody_elses_eyes_and_stay_the_same(folder: Path) -> None:
    keys = sorted((folder / "keys").iterdir())
    before = {key.name: key.read_bytes() for key in keys}
    make_demo_people(folder)

    assert len(keys) == 19
    assert {key.name: key.read_bytes() for key in keys} == before
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_every_role_of_the_demo_firm_has_somebody(people: FilePeople) -> None:
    assert {role for person in people.list_people() for role in person.roles} == set(Role)


_PERSON = '[[person]]\nid = "a.b"\nname = "A"\nemail = "a@b.example"\n'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("person = 3", "person"),
        (_PERSON + 'roles = ["boss"]', r"person a\.b: roles"),
        (_PERSON + 'public_key = "x"', r"person a\.b: public_key is not a PEM"),
        (_PERSON + 'manager = "x"', r"person a\.b: manager"),
        (_PERSON + 'reports_to = "x"', r"a\.b names x, who is not in the file"),
        (_PERSON + _PERSON, r"a\.b is listed twice"),
        (_PERSON + 'delegation = [{delegate="a.b", from_on="2026-01-01", until_on="2026-02-01"}]', "1 to 30 days"),
        ("[[people]]\n", "only .*person.* tables are known"),
        ("[[person]]\nid=", "is not valid TOML"),
    ],
)
def test_a_wrong_people_file_names_file_person_and_fix(tmp_path: Path, content: str, expected: str) -> None:
    file = tmp_path / "people.toml"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(WrongSetting, match=expected) as wrong:
        FilePeople(file, FIRM)

    assert str(file) in wrong.value.message


def test_a_signing_person_without_a_limit_is_refused(folder: Path) -> None:
    file = folder / "people.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('limit_usd = "1000000"\n', ""), encoding="utf-8")

    with pytest.raises(WrongSetting, match="needs limit_usd"):
        FilePeople(file, FIRM)


def test_two_people_never_share_a_key(folder: Path) -> None:
    (folder / "keys" / "finn.finance.pem").write_bytes((folder / "keys" / "ada.finance.pem").read_bytes())
    make_demo_people(folder)

    with pytest.raises(WrongSetting, match="have the same key"):
        FilePeople(folder / "people.toml", FIRM)
