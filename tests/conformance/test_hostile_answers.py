"""Whatever a system answers: no crash, no write of ours taken for done, an error with a meaning, bounded memory."""

from __future__ import annotations

import asyncio
import json

import pytest

from models.errors import OutcomeUnknown, Retryable, TielineError
from tests.conformance.applying import applies
from tests.conformance.backend import Backend, Operation
from tests.conformance.declared import cost_of
from tests.conformance.middle import Flood, Relabel, Say, memory_kb

_ABSURD = {
    "id": {"a": [1]}, "items": "none", "records": 5, "results": {"id": []}, "errors": 7, "done": "perhaps",
    "totalSize": [], "hasMore": {}, "compositeResponse": "yes", "properties": [], "status": {},
}  # fmt: skip
_BODIES = {
    "half a document": b'{"id": "12", "items": [{"id": "1',
    "an absurd document": json.dumps(_ABSURD).encode(),
    "an empty document": b"{}",
    "nothing at all": b"",
    "null": b"null",
    "a number": b"12",
    "no number": b'{"id": NaN}',
    "a number without end": b'{"id": 1e999999999, "items": 1' + b"0" * 5000 + b"}",
    "nested": b"[" * 100_000,
    "not text": b'{"id": "\xff\xfe"}',
}
HOSTILE = {
    **{name: Say(body=body) for name, body in _BODIES.items()},
    "a page": Say(body=b"<html>Down for maintenance</html>", content_type="text/html"),
    "a line cut in the middle": Say(body=b'{"id": "12"', length=1000),
    "another type": Say(body=b'{"id": "12", "items": [], "totalSize": 0, "done": true}', content_type="text/plain"),
    "packed in an unknown way": Say(body=b'{"id": "12"}', headers=(("Content-Encoding", "br"),)),
    "not packed as it says": Say(body=b'{"id": "12"}', headers=(("Content-Encoding", "gzip"),)),
}


def _has_a_client_of_its_own(kind: type[Backend]) -> bool:
    """Two backends of one connector read answers with the same client."""
    return not kind.tried


async def _outcome(call: object) -> str:
    try:
        return f"answered {await call!r}"  # type: ignore[misc]
    except OutcomeUnknown:
        return "unknown"
    except Retryable:
        return "asked again"
    except TielineError:
        return "stopped"


@applies(lambda kind, one: _has_a_client_of_its_own(kind) and not one.is_like)
async def test_a_hostile_answer_is_never_taken_for_an_effect_nor_for_evidence(
    backend: Backend, operation: Operation
) -> None:
    await backend.prepare(operation)
    before = await backend.snapshot()
    adapter = await backend.ready()
    wrong: dict[str, str] = {}
    for name, answer in HOSTILE.items():
        backend.middle.order(answer, backend.is_write)
        if (said := await _outcome(backend.ensure(adapter, operation))) != "unknown":
            wrong[f"{name} to the write"] = said
        backend.middle.calm()
        backend.middle.order(answer, backend.is_data)
        if (said := await _outcome(backend.find(adapter, operation))) not in {"asked again", "stopped"}:
            wrong[f"{name} to the look-up"] = said
        backend.middle.calm()
    assert wrong == {}
    assert await backend.snapshot() == before
    if (writes := cost_of(backend.name, operation.name).writes) > 1:
        backend.middle.order(HOSTILE["a page"], backend.is_write, skip=writes - 1)
        assert await _outcome(backend.ensure(adapter, operation)) == "unknown"
    await backend.ensure(adapter, operation)
    assert await backend.find(adapter, operation) is not None


@applies(_has_a_client_of_its_own)
async def test_an_answer_that_calls_itself_something_else_leaves_the_outcome_open(backend: Backend) -> None:
    operation = backend.operations[0]
    adapter = await backend.ready()
    backend.middle.order(Relabel("text/html"), backend.is_write)
    said = await _outcome(backend.ensure(adapter, operation))
    if said != "unknown":
        # What tells is in the head of this vendor's answer, and the head is as it should be.
        assert backend.name.startswith("netsuite"), said
    await backend.ensure(adapter, operation)
    assert await backend.find(adapter, operation) is not None


@applies(_has_a_client_of_its_own)
async def test_nobody_follows_to_another_host(backend: Backend) -> None:
    visits: list[bytes] = []

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(await reader.read(100))
        writer.close()

    operation = backend.operations[0]
    before = await backend.snapshot()
    adapter = await backend.ready()
    server = await asyncio.start_server(elsewhere, "127.0.0.1", 0)
    place = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    for status in (301, 302, 303, 307, 308):
        for matches, call in ((backend.is_write, backend.ensure), (backend.is_data, backend.find)):
            backend.middle.order(Say(status=status, headers=(("Location", place),)), matches)
            with pytest.raises(TielineError):
                await call(adapter, operation)
            backend.middle.calm()
    server.close()
    await server.wait_closed()
    assert visits == []
    assert await backend.snapshot() == before


@applies(_has_a_client_of_its_own)
async def test_a_hundred_megabytes_are_not_taken_in(backend: Backend) -> None:
    operation = backend.operations[0]
    before = await backend.snapshot()
    adapter = await backend.ready()
    for matches, call in ((backend.is_write, backend.ensure), (backend.is_data, backend.find)):
        held = memory_kb()
        backend.middle.sent_in_flood = backend.middle.most_memory_kb = 0
        backend.middle.order(Flood(100_000_000), matches)
        with pytest.raises(Retryable, match="larger than 20 MB"):
            await call(adapter, operation)
        assert backend.middle.sent_in_flood < 40_000_000
        assert backend.middle.most_memory_kb - held < 60_000
        backend.middle.calm()
    assert await backend.snapshot() == before


@applies(_has_a_client_of_its_own)
async def test_a_sign_in_that_stays_refused_ends_after_one_renewal(backend: Backend) -> None:
    operation = backend.operations[0]
    before = await backend.snapshot()
    adapter = await backend.ready()
    backend.middle.order(Say(status=401, body=backend.expired()), backend.is_data, times=100)
    with pytest.raises(TielineError) as stopped:
        await backend.ensure(adapter, operation)
    assert stopped.value.code == "TL-INT-002"
    data, _ = backend.counted()
    assert data == (2 if backend.renews_tokens else 1)
    assert sum(map(backend.is_sign_in, backend.middle.asked)) == (1 if backend.renews_tokens else 0)
    assert await backend.snapshot() == before
