"""The open sockets of a server, so that a fault can cut one in the middle of a call."""

import asyncio
import socket
import struct

from uvicorn.protocols.http.h11_impl import H11Protocol

__all__ = ["Connections"]

Peer = tuple[str, int]


class Connections:
    """Open sockets by the address of the client at the other end."""

    def __init__(self) -> None:
        """Know no socket yet."""
        self._open: dict[Peer, asyncio.Transport] = {}

    def protocol(self) -> type[asyncio.Protocol]:
        """Return uvicorn's HTTP protocol, made to report its socket here."""
        sockets = self._open

        class ReportingProtocol(H11Protocol):
            """Uvicorn's own protocol plus a note of which socket belongs to which client."""

            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                """Note a new socket."""
                super().connection_made(transport)
                self._peer = _peer(transport)
                sockets[self._peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                """Forget a closed socket."""
                sockets.pop(self._peer, None)
                super().connection_lost(exc)

        return ReportingProtocol

    def reset(self, peer: Peer) -> None:
        """Cut a client off with a TCP reset, no byte of answer sent."""
        if transport := self._open.get(peer):
            raw = transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            transport.abort()

    def send_and_close(self, peer: Peer, data: bytes) -> None:
        """Send raw bytes to a client and hang up, as a broken proxy does in the middle of an answer."""
        if transport := self._open.get(peer):
            transport.write(data)
            transport.close()


def _peer(transport: asyncio.Transport) -> Peer:
    name = transport.get_extra_info("peername")
    return str(name[0]), int(name[1])
