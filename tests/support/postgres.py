"""Databases for tests: fresh ones on the session's embedded server, dropped afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import asyncpg

from services.embedded.postgres import EmbeddedPostgres

NUMBERS = count()


@asynccontextmanager
async def fresh_database(server: EmbeddedPostgres, purpose: str) -> AsyncIterator[str]:
    """Yield the connection string of an empty database, and drop it afterwards, open connections or not."""
    name = f"{purpose}_{next(NUMBERS)}"
    try:
        yield await server.database(name)
    finally:
        await drop_database(server, name)


async def drop_database(server: EmbeddedPostgres, name: str) -> None:
    """Drop a database and cut whoever is still connected to it."""
    connection = await asyncpg.connect(server.dsn("postgres"))
    try:
        await connection.execute(f'drop database if exists "{name}" with (force)')
    finally:
        await connection.close()
