"""Every backend of every connector, opened fresh for each test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.conformance.backend import Backend, Operation
from tests.conformance.crms import HubSpot, Salesforce, open_hubspot, open_salesforce
from tests.conformance.erps import NetSuite, Tryton, TrytonPlain, open_netsuite, open_tryton
from tests.databases import postgres_server
from tests.tryton.conftest import postgres_erp, sqlite_erp
from tests.tryton.server import postgres_books, sqlite_books

__all__ = ["BACKENDS", "postgres_erp", "postgres_server", "sqlite_erp"]

BACKENDS: dict[str, type[Backend]] = {one.name: one for one in (Salesforce, HubSpot, NetSuite, Tryton, TrytonPlain)}
_PG = "tryton-postgresql@real"
"""As `tryton@real`, where many write at once; part of `make tryton`."""


def _always(_kind: type[Backend], _operation: Operation | None = None) -> bool:
    return True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """`backend` alone: one test for each backend; with `operation`: one for each operation that it has."""
    if "backend" not in metafunc.fixturenames:
        return
    kinds: dict[str, type[Backend]] = {**BACKENDS, _PG: Tryton}
    applies = getattr(metafunc.function, "applies", _always)
    if "operation" in metafunc.fixturenames:
        rows = [
            (name, one)
            for name, kind in kinds.items()
            for one in kind.operations
            if (not kind.tried or one.name in kind.tried) and applies(kind, one)
        ]
        ids = [f"{name}-{one.name}" for name, one in rows]
        metafunc.parametrize(("backend", "operation"), rows, ids=ids, indirect=["backend"])
    else:
        metafunc.parametrize("backend", [name for name, kind in kinds.items() if applies(kind)], indirect=True)


@pytest.fixture
async def backend(request: pytest.FixtureRequest) -> AsyncIterator[Backend]:
    """A running system with a relay in front of it."""
    if request.param == _PG:
        if os.environ.get("TRYTON_TESTS") != "all":
            pytest.skip("the real ERP on PostgreSQL is part of `make tryton`")
        with postgres_books(request.getfixturevalue("postgres_erp")) as books:
            async with open_tryton(books) as opened:
                yield opened
        return
    async with _opened(request.param, request) as opened:
        yield opened


def _opened(name: str, request: pytest.FixtureRequest) -> AbstractAsyncContextManager[Any]:
    match name:
        case Salesforce.name:
            return open_salesforce()
        case HubSpot.name:
            return open_hubspot()
        case NetSuite.name:
            return open_netsuite()
        case _:
            books = sqlite_books(request.getfixturevalue("sqlite_erp"), has_module=name == Tryton.name)
            return open_tryton(books)
