from __future__ import annotations

from collections.abc import Generator

import httpx
from pydantic import SecretStr

__all__ = ["ApiKey"]


class ApiKey(httpx.Auth):
    """The integration user's key. It does not expire and is not renewed: a refusal is a person's business."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Sign the request."""
        request.headers["Authorization"] = f"Bearer {self._key.get_secret_value()}"
        yield request
