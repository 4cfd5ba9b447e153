from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cli.demo_processes import Ready
from models.errors import NeedsRepair

__all__ = ["ERP_CHOICES", "FIRST_ERP", "DemoBooks", "books_of"]


@dataclass(frozen=True)
class DemoBooks:
    """How one ERP of the demo is started and signed in to, and whose books it keeps when there are two."""

    system: str
    told: str
    is_real: bool
    module: str
    """What is run: a simulator, or what starts the real server."""
    entities: tuple[str, ...]
    """Companies of ours that book here when there are two ERPs."""
    login: Callable[[Ready], dict[str, str]]
    """Settings of the connection, by the end of their names."""
    patience_s: float
    """How long all deals may take to settle."""


_NETSUITE = DemoBooks(
    system="netsuite",
    told="the ERP NetSuite",
    is_real=False,
    module="sandbox",
    entities=("LE-FED", "LE-UK", "LE-DE", "LE-JP"),
    login=lambda ready: {
        "ACCOUNT_ID": str(ready.client["account"]),
        "LOGIN__KIND": "m2m",
        "LOGIN__CLIENT_ID": str(ready.client["client_id"]),
        "LOGIN__CERTIFICATE_ID": str(ready.client["certificate_id"]),
        "LOGIN__PRIVATE_KEY_PEM_FILE": str(ready.client["private_key"]),
    },
    patience_s=120.0,
)
_TRYTON = DemoBooks(
    system="tryton",
    told="the ERP Tryton",
    is_real=True,
    module="sandbox.tryton_server",
    entities=("LE-US",),
    login=lambda ready: {
        "DATABASE": str(ready.client["database"]),
        "API_KEY": str(ready.client["api_key"]),
        "HAS_UNIQUENESS_MODULE": "true",
        # On SQLite, writes that come together can fail as doubles of each other.
        "CONCURRENCY": "1",
    },
    patience_s=600.0,
)
FIRST_ERP = _NETSUITE.system
"""The ERP of the demo unless another is named."""
_BOOKS = {books.system: books for books in (_NETSUITE, _TRYTON)}
ERP_CHOICES = (
    ", ".join(f"{name} ({'real' if books.is_real else 'simulated'})" for name, books in _BOOKS.items()) + " or both"
)


def books_of(choice: str) -> tuple[DemoBooks, ...]:
    """One ERP by its name, or `both`. Raises NeedsRepair when the demo has no such ERP."""
    if choice == "both":
        return tuple(_BOOKS.values())
    if choice not in _BOOKS:
        known = ", ".join((*_BOOKS, "both"))
        raise NeedsRepair(f"The demo has no ERP '{choice}'. Choose one of: {known}.", record=choice)
    return (_BOOKS[choice],)
