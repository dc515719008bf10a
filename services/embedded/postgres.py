"""A PostgreSQL server of our own under the ledger's home: nothing to install, no port, one folder.

Processes that name the same home share one server. Each holds a shared lock on a file for as long as it lives; the
last to leave finds nobody else holding it, and stops the server. The kernel drops the lock of a process that dies, in
whatever way, so the dead never keep the server alive: the next one that leaves properly stops it.

Everybody who reaches the socket is the database's superuser; it lies in a folder that only its owner may enter.
"""

import asyncio
import fcntl
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import urlencode

import asyncpg

from services.embedded import postgres_programs as programs

DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")


class EmbeddedPostgres:
    """A running server that this process has a share in. `stop` gives the share back."""

    def __init__(self, home: Path, socket_folder: Path, share: IO[bytes]) -> None:
        self._home = home
        self._share = share
        self._socket_folder = socket_folder

    async def database(self, name: str) -> str:
        """Create the database `name` unless it is there, and return its connection string."""
        if not DATABASE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no database name: use small letters, digits and _")
        connection = await asyncpg.connect(self.dsn("postgres"))
        try:
            if not await connection.fetchval("select true from pg_database where datname = $1", name):
                await connection.execute(f'create database "{name}"')
        except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
            pass  # another process has just created it
        finally:
            await connection.close()
        return self.dsn(name)

    def dsn(self, database: str) -> str:
        """Return the connection string of a database, whether it exists or not."""
        where = urlencode({"host": str(self._socket_folder), "port": programs.PORT})
        return f"postgresql://postgres@/{database}?{where}"

    async def stop(self) -> None:
        """Give the share back, and stop the server if nobody else has one. Safe to call twice."""
        await asyncio.to_thread(self._leave)

    def _leave(self) -> None:
        if self._share.closed:
            return
        with _one_at_a_time(self._home), closing(self._share):
            if _is_last(self._share):
                programs.stop(self._home / "postgres")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def start(home: Path) -> EmbeddedPostgres:
    """Start the server whose data lie in `home/postgres`, or join it where it runs.

    Raises EmbeddedUnavailable (services/embedded/postgres_programs.py) with what PostgreSQL said.
    """
    return await asyncio.to_thread(_join, home.absolute())


def _join(home: Path) -> EmbeddedPostgres:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    data = home / "postgres"
    with _one_at_a_time(home):
        share = (home / "postgres.users").open("ab")
        try:
            fcntl.flock(share, fcntl.LOCK_SH)
            if not (data / "PG_VERSION").exists():
                programs.create(data)
            programs.refuse_other_version(data)
            if not programs.is_running(data):
                programs.start(data)
            return EmbeddedPostgres(home, programs.socket_folder(data), share)
        except BaseException:
            share.close()
            raise


@contextmanager
def _one_at_a_time(home: Path) -> Iterator[None]:
    """Keep others from starting or stopping the server meanwhile."""
    with (home / "postgres.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_last(share: IO[bytes]) -> bool:
    try:
        fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
