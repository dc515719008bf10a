"""The embedded PostgreSQL: shared by the living, never kept alive by the dead."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import psutil
import pytest

from services.embedded import postgres
from services.embedded.postgres_programs import EmbeddedUnavailable, is_running, socket_folder
from tests.support.postgres import fresh_database

pytestmark = pytest.mark.postgres

CHILD = """
import asyncio, sys
from pathlib import Path
from services.embedded import postgres

async def hold() -> None:
    server = await postgres.start(Path(sys.argv[1]))
    print("joined", flush=True)
    await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with TemporaryDirectory(prefix="ledger-test-") as folder:
        yield Path(folder)


@contextmanager
def child_with_a_share(home: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that takes a share in the server and keeps it; killed at the end if it still lives."""
    with subprocess.Popen([sys.executable, "-c", CHILD, str(home)], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "joined\n"
            yield child
        finally:
            child.kill()


def server_process(home: Path) -> psutil.Process:
    return psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0]))


def is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_data_outlive_the_server(home: Path) -> None:
    async with await postgres.start(home) as server:
        connection = await asyncpg.connect(await server.database("views"))
        await connection.execute("create table kept as select 42 as answer")
        await connection.close()
    assert not is_running(home / "postgres")
    async with await postgres.start(home) as server:
        connection = await asyncpg.connect(await server.database("views"))
        assert await connection.fetchval("select answer from kept") == 42
        await connection.close()


async def test_the_server_stops_with_its_last_user_and_not_before(home: Path) -> None:
    first, second = await asyncio.gather(postgres.start(home), postgres.start(home))
    process = server_process(home)
    await first.stop()
    await first.stop()
    assert not is_gone(process)
    await second.stop()
    assert is_gone(process)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "SIGTERM"])
async def test_a_dead_user_does_not_keep_the_server_alive(home: Path, how: signal.Signals) -> None:
    server = await postgres.start(home)
    with child_with_a_share(home) as child:
        process = server_process(home)
        child.send_signal(how)
    assert not is_gone(process)
    await server.stop()
    assert is_gone(process)


async def test_a_server_left_behind_by_the_dead_is_joined_and_then_stopped(home: Path) -> None:
    with child_with_a_share(home) as child:
        process = server_process(home)
        child.kill()
    server = await postgres.start(home)
    assert server_process(home).pid == process.pid
    await server.stop()
    assert is_gone(process)


async def test_a_living_user_in_another_process_keeps_the_server(home: Path) -> None:
    server = await postgres.start(home)
    with child_with_a_share(home):
        await server.stop()
        assert not is_gone(server_process(home))
    await (await postgres.start(home)).stop()
    assert not is_running(home / "postgres")


async def test_a_killed_server_recovers_at_the_next_start(home: Path) -> None:
    abandoned = await postgres.start(home)
    connection = await asyncpg.connect(await abandoned.database("views"))
    await connection.execute("create table kept as select 42 as answer")
    process = server_process(home)
    for victim in [*process.children(), process]:
        with suppress(psutil.NoSuchProcess):  # a worker that ended by itself meanwhile
            victim.kill()
    connection.terminate()
    await asyncio.to_thread(psutil.wait_procs, [process], timeout=10)
    async with await postgres.start(home) as server:
        connection = await asyncpg.connect(await server.database("views"))
        assert await connection.fetchval("select answer from kept") == 42
        await connection.close()
    await abandoned.stop()


async def test_a_path_too_long_or_odd_for_a_socket_works(home: Path) -> None:
    deep = home / ("d" * 90) / "écoles, St. John's"
    async with await postgres.start(deep) as server:
        connection = await asyncpg.connect(await server.database("views"))
        assert await connection.fetchval("show data_directory") == str(deep / "postgres")
        await connection.close()
        sockets = socket_folder(deep / "postgres")
        assert sockets != deep / "postgres"
    assert not sockets.exists()


async def test_an_interrupted_creation_is_started_again(home: Path) -> None:
    unfinished = home / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    async with await postgres.start(home) as server:
        await server.database("views")


async def test_data_of_another_version_are_refused(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(EmbeddedUnavailable, match="written by PostgreSQL 16 and this program brings 18"):
        await postgres.start(home)


async def test_what_postgres_says_reaches_the_operator(home: Path) -> None:
    async with await postgres.start(home):
        pass
    (home / "postgres" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedUnavailable, match="pg_control"):
        await postgres.start(home)


async def test_no_personal_data_reach_the_servers_log(home: Path) -> None:
    async with await postgres.start(home) as server:
        connection = await asyncpg.connect(await server.database("views"))
        await connection.execute("create table student (name text primary key)")
        await connection.execute("insert into student values ('Canary')")
        with pytest.raises(asyncpg.UniqueViolationError, match="student_pkey"):
            await connection.execute("insert into student values ('Canary')")
        await connection.close()
    log = (home / "postgres" / "server.log").read_text()
    assert "duplicate key" in log
    assert "Canary" not in log


async def test_databases_are_created_once_even_by_many(home: Path) -> None:
    async with await postgres.start(home) as server:
        assert len(set(await asyncio.gather(*(server.database("views") for _ in range(5))))) == 1
        with pytest.raises(ValueError, match="no database name"):
            await server.database('x"; drop database postgres')


async def test_views_and_registry_are_two_fresh_databases(views_dsn: str, registry_dsn: str) -> None:
    assert views_dsn != registry_dsn


async def test_a_fresh_database_is_dropped_although_somebody_is_connected(
    postgres_server: postgres.EmbeddedPostgres,
) -> None:
    async with fresh_database(postgres_server, "gone") as dsn:
        connection = await asyncpg.connect(dsn)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(dsn)
    connection.terminate()
