"""The real ERP for tests. The first build takes two to three minutes; after that a server is up in two seconds.

TRYTON_TESTS: `slice` (default) runs what needs SQLite only and builds it when missing; `all` runs and builds
everything; `skip` builds nothing and skips tests whose part is not built yet. TRYTON_CACHE: where it is kept.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from connectors.tryton import TrytonErp, build
from models.ids import ConnectionId
from tests.databases import postgres_server
from tests.tryton.build import Built, NotBuilt, is_built
from tests.tryton.build import build as build_erp
from tests.tryton.server import Books, Server, postgres_books, postgres_server_of, running, sqlite_books

__all__ = ["Connected", "postgres_server"]

_HERE = Path(__file__).parent
_BUILDING_S = 600


@dataclass
class Connected:
    """Our adapter at a database of the real server."""

    erp: TrytonErp
    books: Books
    http: httpx.AsyncClient

    def another(self, base_url: str = "", **changes: object) -> TrytonErp:
        """An adapter of another process, perhaps by another way or with other settings."""
        settings = changes | ({"base_url": base_url} if base_url else {})
        return build(ConnectionId("erp-main"), self.books.config(**settings), self.http)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first may have to wait for the build."""
    if not is_built("keyed.dump" if os.environ.get("TRYTON_TESTS") == "all" else "keyed.sqlite"):
        for item in items:
            if _HERE in item.path.parents:
                item.add_marker(pytest.mark.timeout(_BUILDING_S))


def _built(*, postgres: bool) -> Built:
    wanted = os.environ.get("TRYTON_TESTS", "slice")
    if postgres and wanted == "slice":
        pytest.skip("the real ERP on PostgreSQL is part of `make tryton`")
    if wanted == "skip" and not is_built("keyed.dump" if postgres else "keyed.sqlite"):
        pytest.skip("the real ERP is not built yet (`make tryton` builds it), and TRYTON_TESTS=skip")
    try:
        return build_erp(postgres=postgres)
    except NotBuilt as refused:
        pytest.skip(f"the real ERP cannot be built here: {refused}")


@pytest.fixture(scope="session")
def sqlite_erp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(_built(postgres=False), tmp_path_factory.mktemp("tryton")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_erp(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Server]:
    built = _built(postgres=True)
    with (
        postgres_server_of(built, postgres_server) as url,
        running(built, tmp_path_factory.mktemp("tryton-pg"), postgres=url) as server,
    ):
        yield server


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
        yield client


def _connected(books: Books, http: httpx.AsyncClient) -> Connected:
    return Connected(build(ConnectionId("erp-main"), books.config(), http), books, http)


@pytest.fixture(params=["module", "without"])
def either(request: pytest.FixtureRequest, sqlite_erp: Server, http: httpx.AsyncClient) -> Connected:
    """A database with our module, and one without."""
    return _connected(sqlite_books(sqlite_erp, has_module=request.param == "module"), http)


@pytest.fixture
def keyed(sqlite_erp: Server, http: httpx.AsyncClient) -> Connected:
    return _connected(sqlite_books(sqlite_erp, has_module=True), http)


@pytest.fixture
def plain(sqlite_erp: Server, http: httpx.AsyncClient) -> Connected:
    return _connected(sqlite_books(sqlite_erp, has_module=False), http)


@pytest.fixture
def shared(postgres_erp: Server, http: httpx.AsyncClient) -> Iterator[Connected]:
    """A database with our module on PostgreSQL, where concurrency counts."""
    with postgres_books(postgres_erp) as books:
        yield _connected(books, http)
