"""The ASGI application around a system: counts the call, lets fault rules act, and answers."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from itertools import count
from typing import Any
from uuid import uuid4

from sandbox.kit.connections import Connections
from sandbox.kit.control import PREFIX, Control
from sandbox.kit.faults import FaultRule
from sandbox.kit.http import Request, Response
from sandbox.kit.system import System

__all__ = ["MAX_BODY_BYTES", "SandboxApp"]

MAX_BODY_BYTES = 104 * 1024 * 1024
HANG_S = 60.0

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class SandboxApp:
    """One system behind HTTP."""

    def __init__(self, system: System, connections: Connections) -> None:
        """Serve this system over these sockets."""
        self.system = system
        self._connections = connections
        self._control = Control(system)
        self._later: set[asyncio.Task[Any]] = set()
        self._numbers = count(1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one call as ASGI wants it; a cut call sends nothing."""
        body = await _body(receive)
        if body is None:
            await _send(send, Response.of_json(413, {"error": "The request is larger than 104 MB."}))
            return
        request = _request(scope, body)
        answer = await self.answer(request)
        if answer is None:
            while (await receive())["type"] != "http.disconnect":
                continue
        else:
            await _send(send, answer)

    async def answer(self, request: Request) -> Response | None:
        """Return the answer to a call, or None when its connection was cut instead."""
        if request.path.startswith(PREFIX):
            return await self._control.handle(request)
        world = self.system.world
        world.calls.add(self.system.route_of(request))
        rule = world.faults.due(request)
        return await (self._handle(request) if rule is None else self._faulty(rule, request))

    async def stop(self) -> None:
        """Drop effects that were still to be applied late."""
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def _handle(self, request: Request) -> Response:
        try:
            return await self.system.handle(request)
        except Exception as error:  # noqa: BLE001 - the process edge: a defect becomes a loud answer, not a dead server
            return self.system.unexpected(request, error)

    async def _faulty(self, rule: FaultRule, request: Request) -> Response | None:
        if rule.action == "late_apply":
            task = asyncio.create_task(self._apply_later(rule.delay_s, request))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
            self._connections.reset(request.peer)
            return None
        real = await self._handle(request) if rule.when == "after" else None
        if rule.action == "status":
            await asyncio.sleep(rule.delay_s)
            return rule.response()
        if rule.action == "delay":
            await asyncio.sleep(rule.delay_s)
            return real or await self._handle(request)
        if rule.action == "truncate":
            self._connections.send_and_close(request.peer, _half(real or rule.response()))
            return None
        if rule.action == "hang":
            await asyncio.sleep(rule.delay_s or HANG_S)
        self._connections.reset(request.peer)
        return None

    async def _apply_later(self, delay_s: float, request: Request) -> None:
        await asyncio.sleep(delay_s)
        await self._handle(request)


def _half(answer: Response) -> bytes:
    head = "".join(f"{name}: {value}\r\n" for name, value in answer.headers)
    whole = f"HTTP/1.1 {answer.status} OK\r\n{head}Content-Length: {max(len(answer.body), 2)}\r\n\r\n".encode()
    return whole + answer.body[: len(answer.body) // 2] if answer.body else whole[: len(whole) // 2]


async def _body(receive: Receive) -> bytes | None:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _request(scope: Message, body: bytes) -> Request:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
    return Request(
        method=scope["method"].upper(),
        scheme=scope["scheme"],
        path=scope["path"],
        raw_path=scope["raw_path"].decode("latin-1"),
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        request_id=headers.get("x-request-id") or str(uuid4()),
        peer=(scope["client"][0], scope["client"][1]),
    )


async def _send(send: Send, answer: Response) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.status not in {204, 304}:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
