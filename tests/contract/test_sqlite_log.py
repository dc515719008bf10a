"""What only the SQLite log can get wrong: other people's files, locks, full disks, dying processes."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from events.log import sqlite_file
from events.log.contract import AppendRefused, AppendUnknown, LogUnavailable, LogUnfit, Record
from events.log.sqlite import SqliteLog
from tests.support.logs import follow_some, read_all

WRITER = """
import asyncio, sys
from pathlib import Path
from events.log.sqlite import SqliteLog

async def write() -> None:
    log = await SqliteLog.open(Path(sys.argv[1]))
    async def worker(name: int) -> None:
        for number in range(10_000):
            data = b"%d:%d" % (name, number)
            position = await log.append(data)
            print(position, data.decode(), flush=True)
    await asyncio.gather(*(worker(name) for name in range(int(sys.argv[2]))))

asyncio.run(write())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.sqlite"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    log = await SqliteLog.open(path)
    yield log
    await log.close()


@contextmanager
def foreign(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection of another program, in autocommit mode."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


@contextmanager
def writing_process(path: Path, workers: int) -> Iterator[subprocess.Popen[str]]:
    """A process that appends and prints each acknowledged position and its data; killed at the end."""
    command = [sys.executable, "-c", WRITER, str(path), str(workers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def acknowledged(process: subprocess.Popen[str]) -> list[Record]:
    """Read what the process printed until it ended; a last line without its end was not said completely."""
    assert process.stdout is not None
    lines = process.stdout.read().splitlines(keepends=True)
    pairs = [line.split() for line in lines if line.endswith("\n")]
    return [Record(int(position), data.encode()) for position, data in pairs]


async def test_the_file_is_durable_marked_and_its_owners_alone(log: SqliteLog, path: Path) -> None:
    with foreign(path) as connection:
        assert connection.execute("pragma journal_mode").fetchone() == ("wal",)
        assert connection.execute("pragma application_id").fetchone() == (sqlite_file.APPLICATION_ID,)
    with closing(sqlite_file.connect(path)) as connection:
        assert connection.execute("pragma synchronous").fetchone() == (2,)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_what_waits_together_is_committed_together(log: SqliteLog) -> None:
    statements: list[str] = []
    log._writing.set_trace_callback(statements.append)
    await asyncio.gather(*(log.append(b"%d" % number) for number in range(500)))
    assert sum(statement.lower().startswith("commit") for statement in statements) <= 2


@pytest.mark.parametrize("statement", ["update records set data = x'00'", "delete from records"])
async def test_nothing_is_changed_or_deleted_even_by_others(log: SqliteLog, path: Path, statement: str) -> None:
    await log.append(b"record")
    with foreign(path) as connection, pytest.raises(sqlite3.IntegrityError, match="the log only grows"):
        connection.execute(statement)
    assert await read_all(log) == [Record(0, b"record")]


async def test_another_programs_database_is_refused_and_left_as_it_was(path: Path) -> None:
    with foreign(path) as connection:
        connection.execute("create table theirs (x)")
    before = path.read_bytes()
    with pytest.raises(LogUnfit, match="another program's SQLite file"):
        await SqliteLog.open(path)
    assert path.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_left_as_it_was(path: Path) -> None:
    path.write_bytes(b"020" + bytes(2_000))
    with pytest.raises(LogUnfit, match="is not an SQLite file or is damaged"):
        await SqliteLog.open(path)
    assert path.read_bytes() == b"020" + bytes(2_000)


async def test_a_log_of_a_later_format_is_refused(path: Path) -> None:
    await (await SqliteLog.open(path)).close()
    with foreign(path) as connection:
        connection.execute("pragma user_version = 2")
    with pytest.raises(LogUnfit, match="has format 2 and this program knows 1"):
        await SqliteLog.open(path)


async def test_a_log_without_its_first_records_is_refused(path: Path) -> None:
    log = await SqliteLog.open(path)
    await asyncio.gather(*(log.append(b"record") for _ in range(3)))
    await log.close()
    with foreign(path) as connection:
        connection.execute("drop trigger nothing_goes")
        connection.execute("delete from records where position < 2")
    with pytest.raises(LogUnfit, match="begins at position 2 instead of 0"):
        await SqliteLog.open(path)


async def test_a_log_taken_out_of_wal_mode_is_refused(path: Path) -> None:
    await (await SqliteLog.open(path)).close()
    with foreign(path) as connection:
        connection.execute("pragma journal_mode = delete")
    with pytest.raises(LogUnfit, match="taken out of WAL mode"):
        await SqliteLog.open(path)


async def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="No such file or directory"):
        await SqliteLog.open(tmp_path / "missing" / "log.sqlite")


async def open_append_close(path: Path) -> int:
    log = await SqliteLog.open(path)
    position = await log.append(b"record")
    await log.close()
    return position


async def test_many_who_open_and_close_a_new_file_at_once_share_one_log(tmp_path: Path) -> None:
    for number in range(20):
        path = tmp_path / f"{number}.sqlite"
        positions = await asyncio.gather(*(open_append_close(path) for _ in range(8)))
        assert sorted(positions) == list(range(8))


async def test_a_file_that_another_has_to_itself_is_said_to_be_locked(
    log: SqliteLog, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await log.close()
    monkeypatch.setattr(sqlite_file, "OPEN_WAIT", 0.1)
    with foreign(path) as connection:
        connection.execute("pragma locking_mode = exclusive")
        connection.execute("begin exclusive")
        with pytest.raises(LogUnavailable, match=r"database is locked.*try again"):
            await SqliteLog.open(path)


async def test_a_lock_held_beyond_the_deadline_refuses_the_append_and_the_next_works(
    log: SqliteLog, path: Path
) -> None:
    with foreign(path) as connection:
        connection.execute("begin immediate")
        with pytest.raises(AppendRefused, match="could not be written in time: nothing was stored"):
            await log.append(b"refused", deadline=0.3)
        connection.execute("rollback")
    await log.append(b"kept")
    assert await read_all(log) == [Record(0, b"kept")]


async def test_a_lock_that_ends_in_time_only_delays_the_appends(log: SqliteLog, path: Path) -> None:
    with foreign(path) as connection:
        connection.execute("begin immediate")
        appending = [asyncio.create_task(log.append(b"%d" % number)) for number in range(5)]
        done, _ = await asyncio.wait(appending, timeout=2.5 * sqlite_file.LOCK_WAIT)
        assert not done
        connection.execute("rollback")
    assert await asyncio.gather(*appending) == [0, 1, 2, 3, 4]
    assert [record.data for record in await read_all(log)] == [b"0", b"1", b"2", b"3", b"4"]


async def test_a_full_disk_refuses_the_append_and_the_next_works(log: SqliteLog) -> None:
    await log.append(b"kept")
    log._writing.execute("pragma max_page_count = 20")
    with pytest.raises(AppendRefused, match="no room for the log"):
        await log.append(bytes(200_000))
    log._writing.execute("pragma max_page_count = 1000000")
    await log.append(bytes(200_000))
    assert [len(record.data) for record in await read_all(log)] == [4, 200_000]


async def test_a_write_that_hangs_beyond_the_deadline_is_unknown_and_may_land_later(
    log: SqliteLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk_answers = threading.Event()
    insert = sqlite_file.insert

    def hanging(connection: sqlite3.Connection, path: Path, batch: Sequence[bytes]) -> int:
        disk_answers.wait()
        return insert(connection, path, batch)

    monkeypatch.setattr(sqlite_file, "insert", hanging)
    with pytest.raises(AppendUnknown, match="gave no answer in time"):
        await log.append(b"late", deadline=0.05)
    disk_answers.set()
    await log.append(b"next")
    assert [record.data for record in await read_all(log)] == [b"late", b"next"]


class FailingCommit(sqlite3.Connection):
    """A connection whose disk fails once, at the sync of a commit."""

    fails = True

    def execute(self, sql: str, parameters: Any = ()) -> sqlite3.Cursor:
        if sql == "commit" and self.fails:
            self.fails = False
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
            raise error
        return super().execute(sql, parameters)


async def test_a_commit_that_fails_is_unknown_and_the_next_append_works(path: Path) -> None:
    log = await SqliteLog.open(path)
    log._writing.close()
    log._writing = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=FailingCommit)
    with pytest.raises(AppendUnknown, match="disk I/O error"):
        await log.append(b"unknown")
    await log.append(b"kept")
    assert b"kept" in [record.data for record in await read_all(log)]
    await log.close()


async def test_a_file_removed_or_replaced_is_not_written_to(log: SqliteLog, path: Path) -> None:
    await log.append(b"record")
    path.rename(path.with_suffix(".moved"))
    with pytest.raises(AppendRefused, match="was removed or replaced"):
        await log.append(b"lost")
    await (await SqliteLog.open(path)).close()
    with pytest.raises(AppendRefused, match="was removed or replaced"):
        await log.append(b"lost")


async def test_another_processs_appends_are_followed_in_order(log: SqliteLog, path: Path) -> None:
    with writing_process(path, workers=1):
        found = await follow_some(log, 50)
    assert [record.data for record in found] == [b"0:%d" % number for number in range(len(found))]


async def test_a_process_killed_in_mid_stream_loses_no_acknowledged_append(log: SqliteLog, path: Path) -> None:
    with writing_process(path, workers=20) as process:
        await follow_some(log, 400)
        process.kill()
        answered = await asyncio.to_thread(acknowledged, process)
    assert len(answered) > 100
    stored = await read_all(log)
    assert set(answered) <= set(stored)
    assert [record.position for record in stored] == list(range(len(stored)))
    assert await log.append(b"next") == len(stored)


async def test_two_processes_share_one_order(log: SqliteLog, path: Path) -> None:
    with writing_process(path, workers=5) as one, writing_process(path, workers=5) as other:
        await follow_some(log, 500)
        ours = await asyncio.gather(*(log.append(b"ours") for _ in range(20)))
        one.kill()
        other.kill()
        answered = acknowledged(one) + acknowledged(other)
    stored = await read_all(log)
    assert set(answered) <= set(stored)
    assert all(stored[position].data == b"ours" for position in ours)


async def test_reading_is_cut_by_bytes_too_so_that_memory_stays_small(log: SqliteLog) -> None:
    await asyncio.gather(*(log.append(os.urandom(800_000)) for _ in range(25)))
    sizes = [len(batch) async for batch in log.read()]
    assert sum(sizes) == 25
    assert max(sizes) * 800_000 < 2 * sqlite_file.BATCH_BYTES
