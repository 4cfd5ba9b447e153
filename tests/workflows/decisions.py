"""Decisions that are wrong in one way each, and the ways in which a decision can reach a process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
from typer.testing import CliRunner

from cli.app import app
from models.decision import Decision, Refusal, Verdict
from models.ids import BlockerId
from tests.workflows.house import ROOT, House
from tests.workflows.raw import Said, temporal

__all__ = ["ATTEMPTS", "WAYS", "Attempt", "cli_environment", "starter"]

WRONG_DIGEST = "0" * 64


@dataclass(frozen=True)
class Attempt:
    """What is wrong with it, how it is made for the plan that waits, and the one reason it must be refused for."""

    what: str
    make: Callable[[House, str], Decision]
    refusal: Refusal


def _by(person: str, verdict: Verdict = Verdict.APPROVE) -> Callable[[House, str], Decision]:
    return lambda house, plan: house.signed(person, verdict, plan)


def _signed_for(**other: Any) -> Callable[[House, str], Decision]:
    """The signature is good, and says something else than the decision it comes with."""

    def make(house: House, plan: str) -> Decision:
        signed = house.signed("cora.controller", other.get("verdict", Verdict.APPROVE), other.get("plan", plan))
        name = other.get("decision", signed.decision)
        return signed.model_copy(update={"verdict": Verdict.APPROVE, "plan": plan, "decision": name})

    return make


def _reason_added(house: House, plan: str) -> Decision:
    return _by("cora.controller")(house, plan).model_copy(update={"reason": "Agreed by phone."})


def _for_another_contract(house: House, plan: str) -> Decision:
    """Signed for another engagement, sent as if it were for this one."""
    other = house.signed("cora.controller", Verdict.APPROVE, plan, engagement=f"{house.firm}/C-9999")
    return other.model_copy(update={"engagement": house.engagement})


def _sent_to_the_wrong_process(house: House, plan: str) -> Decision:
    return house.signed("cora.controller", Verdict.APPROVE, plan, engagement=f"{house.firm}/C-9999")


def _old(house: House, plan: str) -> Decision:
    return house.signed("cora.controller", Verdict.APPROVE, plan, now=house.now() - timedelta(minutes=11))


def _long_lived(house: House, plan: str) -> Decision:
    return house.signed("cora.controller", Verdict.APPROVE, plan, life=timedelta(days=1))


def _not_yet(house: House, plan: str) -> Decision:
    return house.signed("cora.controller", Verdict.APPROVE, plan, now=house.now() + timedelta(minutes=5))


def _with_token(forge: Callable[[House, dict[str, Any]], str]) -> Callable[[House, str], Decision]:
    def make(house: House, plan: str) -> Decision:
        good = house.signed("cora.controller", Verdict.APPROVE, plan)
        claims = jwt.decode(good.token, options={"verify_signature": False})
        return good.model_copy(update={"token": forge(house, claims)})

    return make


def _header(person: str) -> dict[str, str]:
    return {"kid": person, "typ": "tieline-decision+jwt"}


def _alg_none(_house: House, claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none", headers=_header("cora.controller"))


def _shared_secret(_house: House, claims: dict[str, Any]) -> str:
    """HMAC with something everybody knows, as if the public key were a secret."""
    return jwt.encode(claims, "k" * 64, algorithm="HS256", headers=_header("cora.controller"))


def _anothers_key(house: House, claims: dict[str, Any]) -> str:
    key = house.key_of("pia.pmo").get_secret_value()
    return jwt.encode(claims, key, algorithm="EdDSA", headers=_header("cora.controller"))


def _own_key_anothers_name(house: House, claims: dict[str, Any]) -> str:
    key = house.key_of("pia.pmo").get_secret_value()
    return jwt.encode(claims, key, algorithm="EdDSA", headers=_header("pia.pmo"))


def _stranger(house: House, claims: dict[str, Any]) -> str:
    key = house.key_of("pia.pmo").get_secret_value()
    return jwt.encode({**claims, "sub": "nobody"}, key, algorithm="EdDSA", headers=_header("nobody"))


def _unknown_blocker(house: House, _plan: str) -> Decision:
    return house.signed("cora.controller", Verdict.REPAIR, "b-0000000000000000")


def _two_subjects(house: House, plan: str) -> Decision:
    return house.signed("cora.controller", Verdict.APPROVE, plan).model_copy(update={"blocker": BlockerId("b-1")})


ATTEMPTS = [
    Attempt("a role that does not decide this", _by("pia.pmo"), Refusal.WRONG_ROLE),
    Attempt("an auditor", _by("alex.auditor"), Refusal.WRONG_ROLE),
    Attempt("an admin", _by("adam.admin"), Refusal.WRONG_ROLE),
    Attempt("an admin who rejects", _by("adam.admin", Verdict.REJECT), Refusal.WRONG_ROLE),
    Attempt("a colleague who withdraws", _by("pia.pmo", Verdict.WITHDRAW), Refusal.WRONG_ROLE),
    Attempt("a role taken away this morning", _by("finn.finance"), Refusal.WRONG_ROLE),
    Attempt("over the limit", _by("bea.billing"), Refusal.OVER_LIMIT),
    Attempt("one's own deal", _by("sam.sales"), Refusal.OWN_REQUEST),
    Attempt("one's own rules", _by("rosa.rules"), Refusal.OWN_RULE),
    Attempt("a service account", _by("ops-tooling"), Refusal.SERVICE_ACCOUNT),
    Attempt("signed already", _by("ada.finance"), Refusal.ALREADY_SIGNED),
    Attempt(
        "another plan", lambda h, _: h.signed("cora.controller", Verdict.APPROVE, WRONG_DIGEST), Refusal.STALE_PLAN
    ),
    Attempt("no such blocker", _unknown_blocker, Refusal.NOT_WAITING),
    Attempt("two subjects", _two_subjects, Refusal.BAD_FORM),
    Attempt("expired", _old, Refusal.EXPIRED_TOKEN),
    Attempt("valid for a day", _long_lived, Refusal.BAD_TOKEN),
    Attempt("from the future", _not_yet, Refusal.BAD_TOKEN),
    Attempt("a token for another contract", _for_another_contract, Refusal.TOKEN_FOR_OTHER),
    Attempt("sent to the wrong process", _sent_to_the_wrong_process, Refusal.TOKEN_FOR_OTHER),
    Attempt("a token for another verdict", _signed_for(verdict=Verdict.REJECT), Refusal.TOKEN_FOR_OTHER),
    Attempt("a token for another plan", _signed_for(plan=WRONG_DIGEST), Refusal.TOKEN_FOR_OTHER),
    Attempt("a token for another decision", _signed_for(decision="another"), Refusal.TOKEN_FOR_OTHER),
    Attempt("another reason than was signed", _reason_added, Refusal.CHANGED_WORDS),
    Attempt("no signature (alg none)", _with_token(_alg_none), Refusal.BAD_TOKEN),
    Attempt("a shared secret", _with_token(_shared_secret), Refusal.BAD_TOKEN),
    Attempt("signed with another's key", _with_token(_anothers_key), Refusal.BAD_TOKEN),
    Attempt("signed by one, says another", _with_token(_own_key_anothers_name), Refusal.BAD_TOKEN),
    Attempt("somebody unknown", _with_token(_stranger), Refusal.BAD_TOKEN),
    Attempt(
        "no token at all", lambda h, p: _by("ada.finance")(h, p).model_copy(update={"token": ""}), Refusal.BAD_TOKEN
    ),
]


async def _update(house: House, decision: Decision) -> None:
    await house.send(decision)


async def _update_by_program(house: House, decision: Decision) -> None:
    text = decision.model_dump_json(exclude_defaults=True)
    said = await temporal(house, "workflow", "update", "execute", "--name", "decide", "--input", text)
    assert said.code == 0, said.out


async def _signal_by_program(house: House, decision: Decision) -> None:
    text = decision.model_dump_json(exclude_defaults=True)
    said = await temporal(house, "workflow", "signal", "--name", "decide", "--input", text)
    assert said.code == 0, said.out


WAYS: dict[str, Callable[[House, Decision], Awaitable[None]]] = {
    "update": _update,
    "temporal workflow update execute": _update_by_program,
    "temporal workflow signal": _signal_by_program,
}


def cli_environment(house: House) -> dict[str, str]:
    """Settings of `starter.py` for this house. The connections are named, and no decision uses them."""
    return {
        "PATH": os.environ["PATH"],
        "TEMPORAL_ADDRESS": house.client.service_client.config.target_host,
        "TIELINE_FIRM": house.firm,
        "TIELINE_STORE_URL": f"sqlite:///{house.folder / 'store.db'}",
        "TIELINE_TASK_QUEUE": house.queue,
        "TIELINE_PEOPLE_FILE": str(house.folder / "people.toml"),
        "TIELINE_RULEBOOK_FOLDER": str(ROOT / "mappings" / "demo_firm"),
        "TIELINE_CRM__CONNECTOR": "salesforce",
        "TIELINE_CRM__CONFIG__BASE_URL": "http://127.0.0.1:9",
        "TIELINE_CRM__CONFIG__LOGIN__KIND": "client-credentials",
        "TIELINE_CRM__CONFIG__LOGIN__CONSUMER_KEY": "none",
        "TIELINE_CRM__CONFIG__LOGIN__CONSUMER_SECRET": "none",
        "TIELINE_ERP__CONNECTOR": "netsuite",
        "TIELINE_ERP__CONFIG__ACCOUNT_ID": "TSTDRV1",
        "TIELINE_ERP__CONFIG__BASE_URL": "http://127.0.0.1:9",
        "TIELINE_ERP__CONFIG__LOGIN__KIND": "tba",
        "TIELINE_ERP__CONFIG__LOGIN__CONSUMER_KEY": "none",
        "TIELINE_ERP__CONFIG__LOGIN__CONSUMER_SECRET": "none",
        "TIELINE_ERP__CONFIG__LOGIN__TOKEN_ID": "none",
        "TIELINE_ERP__CONFIG__LOGIN__TOKEN_SECRET": "none",
    }


async def starter(house: House, *command: str) -> Said:
    """One command of `starter.py`, in this process: what it prints and its exit code."""
    result = await asyncio.to_thread(CliRunner().invoke, app, list(command), env=cli_environment(house))
    return Said(result.exit_code, result.output)
