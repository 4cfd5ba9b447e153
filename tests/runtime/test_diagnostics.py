"""A connection as it may be shown to somebody who helps: what works, how it is set up, and no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from models.ids import ConnectionId
from runtime.connections import Connection
from runtime.diagnostics import diagnose
from sandbox.kit import Options, running
from sandbox.registry import build

_SECRET = "a-secret-that-signs-events"


def _login_of(system: str, facts: dict[str, Any]) -> dict[str, Any]:
    match system:
        case "hubspot":
            return {"kind": "token", "access_token": facts["access_token"]}
        case "salesforce":
            return {
                "kind": "client-credentials", "consumer_key": facts["consumer_key"],
                "consumer_secret": facts["consumer_secret"],
            }  # fmt: skip
        case _:
            key = Path(facts["ec_private_key"]).read_text(encoding="utf-8")
            return {
                "kind": "m2m", "client_id": facts["client_id"], "certificate_id": facts["ec_certificate_id"],
                "private_key_pem": key, "algorithm": "ES256",
            }  # fmt: skip


@pytest.mark.parametrize(
    ("system", "more", "guards"),
    [
        ("salesforce", {}, {"proof"}),
        ("hubspot", {}, {"guarded"}),
        ("netsuite", {"account_id": "123456_SB1"}, {"proof"}),
    ],
)
async def test_a_diagnosis_tells_what_works_and_holds_no_secret(
    system: str, more: dict[str, str], guards: set[str]
) -> None:
    options = Options(system)
    async with running(build(options), options) as server:
        login = _login_of(system, server.system.client_facts())
        config = {"base_url": server.url, "login": login, **more}
        connection = Connection.model_validate(
            {"connection": ConnectionId("main"), "connector": system, "event_secrets": [_SECRET], "config": config}
        )
        found = await diagnose(connection)
    assert (found.problem, found.connector, set(found.guards.values())) == ("", system, guards)
    text = json.dumps(found.model_dump(mode="json"))
    assert server.url in text
    for name, secret in login.items():
        if name in {"access_token", "consumer_secret", "private_key_pem"}:
            assert secret not in text
            assert secret.splitlines()[-2 if "\n" in secret else 0] not in text
    assert _SECRET not in text
    away = await diagnose(connection)  # the system is down by now
    assert "cannot be reached" in away.problem
    assert away.guards == found.guards


async def test_an_erp_that_is_away_is_diagnosed_without_its_key() -> None:
    config = {
        "base_url": "http://127.0.0.1:1", "database": "books", "api_key": "0123456789abcdef-key",
        "has_uniqueness_module": True,
    }  # fmt: skip
    connection = Connection.model_validate(
        {"connection": ConnectionId("erp-main"), "connector": "tryton", "config": config}
    )
    found = await diagnose(connection)
    assert found.settings["api_key"] == "[hidden]"
    assert found.settings["base_url"] == config["base_url"]
    assert "cannot be reached" in found.problem
    assert set(found.guards) >= {"customer", "contract", "hold"}
    assert "0123456789abcdef-key" not in str(found.model_dump())
