"""The servers and logs that all tests may ask for. A server starts when the first test asks for it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from services.embedded import postgres
from services.embedded.postgres import EmbeddedPostgres
from tests.support.postgres import fresh_database


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The session's own PostgreSQL server."""
    with TemporaryDirectory(prefix="ledger-test-") as folder:
        server = asyncio.run(postgres.start(Path(folder)))
        yield server
        asyncio.run(server.stop())


@pytest.fixture
async def views_dsn(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The connection string of an empty database for views."""
    async with fresh_database(postgres_server, "views") as dsn:
        yield dsn


@pytest.fixture
async def registry_dsn(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The connection string of an empty database for the registry."""
    async with fresh_database(postgres_server, "registry") as dsn:
        yield dsn
