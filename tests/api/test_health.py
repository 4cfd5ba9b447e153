from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from api.senders import SenderLimit
from tests.api.edge import Edge, event_body


async def _fine() -> str:
    return ""


async def test_a_living_process_says_so_whatever_else_is_broken(make_edge: Callable[..., Edge]) -> None:
    async def broken() -> str:
        raise RuntimeError("canary")

    edge = make_edge(checks={"store": broken})

    assert (await edge.client.get("/healthz")).json() == {"status": "alive"}


async def test_ready_means_every_part_works(make_edge: Callable[..., Edge]) -> None:
    edge = make_edge(checks={"store": _fine, "temporal": _fine})

    answer = await edge.client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"store": "ok", "temporal": "ok"}}


async def test_what_is_not_ready_is_named_with_its_reason(make_edge: Callable[..., Edge]) -> None:
    async def down() -> str:
        return "Temporal does not answer at localhost:7233."

    async def broken() -> str:
        raise RuntimeError("canary")

    edge = make_edge(checks={"store": _fine, "temporal": down, "credentials": broken})

    answer = await edge.client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["store"] == "ok"
    assert answer.json()["checks"]["temporal"] == "Temporal does not answer at localhost:7233."
    assert "RuntimeError" in answer.json()["checks"]["credentials"]
    assert "canary" not in answer.text


async def test_a_part_that_hangs_does_not_hang_the_answer(
    make_edge: Callable[..., Edge], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.health._PATIENCE_S", 0.05)

    async def hanging() -> str:
        await asyncio.Event().wait()
        return ""

    edge = make_edge(checks={"store": hanging})

    assert "No answer" in (await edge.client.get("/readyz")).json()["checks"]["store"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nowhere", "/openapi.json", "/intake/crm-main"])
async def test_every_answer_carries_the_security_headers(edge: Edge, path: str) -> None:
    answer = await edge.client.get(path)

    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in answer.headers


async def test_a_bug_answers_with_a_sentence_and_the_same_headers(
    edge: Edge, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("canary")

    monkeypatch.setattr("api.intake._address", broken)

    answer = await edge.post(event_body())

    assert answer.status_code == 500
    assert "canary" not in answer.text
    assert answer.headers["x-frame-options"] == "DENY"


def test_an_allowance_refills_with_time() -> None:
    now = 0.0
    limit = SenderLimit(60, clock=lambda: now)
    assert all(limit.take("a").allowed for _ in range(60))
    refused = limit.take("a")
    assert (refused.allowed, refused.is_first_refusal) == (False, True)
    assert not limit.take("a").is_first_refusal
    assert limit.take("b").allowed

    now = 1.01

    assert limit.take("a").allowed
    assert not limit.take("a").allowed


def test_many_senders_do_not_fill_the_memory() -> None:
    limit = SenderLimit(10)
    for number in range(10_500):
        limit.take(f"sender-{number}")

    assert len(limit._senders) == 10_000


async def test_a_paused_connection_is_told_and_takes_no_events_away(make_edge: Callable[..., Edge]) -> None:
    async def paused() -> str:
        return "Paused since 24 Nov 09:12 UTC: the account refused our key."

    edge = make_edge(checks={"store": _fine}, connections={"crm-main": _fine, "erp-main": paused})

    answer = await edge.client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["connections"] == {"crm-main": "ok", "erp-main": await paused()}
