from __future__ import annotations

import zlib

__all__ = ["BodyTooLarge", "BoundedBody", "UnreadableBody"]

_GZIP = 16 + zlib.MAX_WBITS


class BodyTooLarge(Exception):
    """An answer is larger than any honest one, after decompression."""


class UnreadableBody(Exception):
    """An answer ends early, or is packed in a way we did not ask for."""


class BoundedBody:
    """Collects an answer piece by piece and never holds more than `limit` bytes of it, however well it is packed."""

    def __init__(self, encoding: str, limit: int) -> None:
        packed = encoding.strip().lower() or "identity"
        if packed not in {"identity", "gzip", "x-gzip"}:
            raise UnreadableBody(f"answer packed as {packed[:20]}")
        self._unpacker = zlib.decompressobj(_GZIP) if packed != "identity" else None
        self._fed = False
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> None:
        """Take the next piece as it came over the wire. Raises BodyTooLarge, or UnreadableBody."""
        if self._unpacker is None:
            self._keep(piece)
            return
        self._fed = self._fed or bool(piece)
        while piece:
            if self._unpacker.eof:
                self._unpacker = zlib.decompressobj(_GZIP)
            # One byte more than is allowed is enough to know; a small piece may unpack to a thousand times its size.
            try:
                self._keep(self._unpacker.decompress(piece, self._limit - self._size + 1))
            except zlib.error as broken:
                raise UnreadableBody("answer that does not unpack") from broken
            piece = self._unpacker.unused_data if self._unpacker.eof else self._unpacker.unconsumed_tail

    def whole(self) -> bytes:
        """The answer, when all pieces were fed. Raises UnreadableBody when it ends early."""
        if self._unpacker is not None and self._fed and not self._unpacker.eof:
            raise UnreadableBody("answer that ends early")
        return b"".join(self._parts)

    def _keep(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise BodyTooLarge(f"answer larger than {self._limit / 1_000_000:g} MB")
        self._parts.append(part)
