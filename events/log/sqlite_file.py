"""The SQLite file under a log: blocking functions, which the log calls in threads of its own.

WAL mode, `synchronous=FULL`: a commit that returned has been synced to disk, and readers never wait for a writer
(https://sqlite.org/wal.html).
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from events.log.contract import AppendRefused, AppendUnknown, LogError, LogUnavailable, LogUnfit, Record

APPLICATION_ID = 0x54524C47  # "TRLG": marks the file as a transcript ledger's log
FORMAT = 1
LOCK_WAIT = 0.25
"""Seconds that one attempt waits for another process's write to end."""
LOCK_RETRY = 0.001
OPEN_WAIT = 5.0
"""Seconds that opening waits for others who open or close the file at the same moment."""
BATCH_BYTES = 8 * 1024 * 1024

SCHEMA = (
    "create table records (position integer primary key, data blob not null) strict",
    "create trigger nothing_changes before update on records begin select raise(abort, 'the log only grows'); end",
    "create trigger nothing_goes before delete on records begin select raise(abort, 'the log only grows'); end",
    f"pragma application_id = {APPLICATION_ID}",
    f"pragma user_version = {FORMAT}",
)
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class Locked(Exception):
    """Another process is writing; nothing of the batch was stored."""


def open_file(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Make a new file a log, or see that an existing one is one; return a connection to write with and one to read.

    Raises LogUnfit for another program's file, another format, a damaged file or one whose first records are gone,
    LogUnavailable where it cannot be opened.
    """
    until = time.monotonic() + OPEN_WAIT
    while True:
        try:
            _create(path)
            return _open_as_log(path)
        except OSError as error:
            raise LogUnavailable(f"the log {path} cannot be opened: {error.strerror}; check the folder") from error
        except sqlite3.Error as error:
            if _code(error) not in LOCKED or time.monotonic() > until:
                raise reading_error(error, path) from error
            time.sleep(LOCK_RETRY)


def connect(path: Path, *, wait: float = LOCK_WAIT) -> sqlite3.Connection:
    """Open an existing file with the settings every connection needs; SQLite itself waits `wait` seconds for locks.

    The opening waits longer: whoever opens a file first or closes it last has it alone for a moment.
    """
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, timeout=OPEN_WAIT, isolation_level=None, check_same_thread=False)
    with _closed_on_error(connection):
        connection.execute("pragma synchronous = full")
        connection.execute(f"pragma busy_timeout = {round(wait * 1000)}")
    return connection


def insert(connection: sqlite3.Connection, path: Path, batch: Sequence[bytes]) -> int:
    """Append the batch in one transaction, by a connection that does not wait, and return its first position.

    Raises Locked, AppendRefused (certainly not stored) or AppendUnknown (the commit itself failed).
    """
    committing = False
    try:
        _lock(connection)
        first = next_position(connection)
        connection.executemany("insert into records (position, data) values (?, ?)", enumerate(batch, first))
        committing = True
        connection.execute("commit")
    except sqlite3.Error as error:
        _roll_back(connection)
        raise _append_error(error, path, committing) from error
    return first


def select(connection: sqlite3.Connection, start: int, end: int | None, limit: int) -> list[Record]:
    """Return up to `limit` records (and not much more than BATCH_BYTES) from `start`, below `end` if given."""
    query = "select position, data from records where position >= ? and position < ? order by position limit ?"
    found: list[Record] = []
    size = 0
    for position, data in connection.execute(query, (start, 2**63 - 1 if end is None else end, limit)):
        found.append(Record(position, data))
        size += len(data)
        if size >= BATCH_BYTES:
            break
    return found


def next_position(connection: sqlite3.Connection) -> int:
    """Return the position after the last record."""
    return int(connection.execute("select coalesce(max(position) + 1, 0) from records").fetchone()[0])


def reading_error(error: sqlite3.Error, path: Path) -> LogError:
    """Say in the log's terms why the file could not be opened or read."""
    if _code(error) in DAMAGED:
        return LogUnfit(f"{path} is not an SQLite file or is damaged ({error}): restore it from a backup")
    return LogUnavailable(f"the log {path} cannot be read now ({error}): see that it is there and try again")


def _open_as_log(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    reading = connect(path)
    with _closed_on_error(reading):
        if _is_blank(reading):
            _lay_out(reading, path)
        _check(reading, path)
        return connect(path, wait=0), reading


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def _create(path: Path) -> None:
    """Create an empty file that only its owner may read, and make its name durable."""
    if path.exists():
        return
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_blank(connection: sqlite3.Connection) -> bool:
    tables = connection.execute("select count(*) from sqlite_schema").fetchone()[0]
    return tables == 0 and _pragma(connection, "application_id") == 0 and _pragma(connection, "user_version") == 0


def _lay_out(connection: sqlite3.Connection, path: Path) -> None:
    """Turn a blank file into a log, unless another process does so at this moment."""
    if _pragma(connection, "journal_mode = wal") != "wal":
        raise LogUnfit(f"{path} lies on a disk without shared memory (a network share?): put the log on a local disk")
    connection.execute("begin immediate")
    if _is_blank(connection):
        for statement in SCHEMA:
            connection.execute(statement)
    connection.execute("commit")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise LogUnfit(f"{path} is another program's SQLite file, not a ledger's log: give the log a file of its own")
    if (found := _pragma(connection, "user_version")) != FORMAT:
        raise LogUnfit(f"{path} has format {found} and this program knows {FORMAT}: use the program that wrote it")
    if _pragma(connection, "journal_mode") != "wal":
        raise LogUnfit(f"{path} was taken out of WAL mode: run `pragma journal_mode = wal` on it once")
    first = connection.execute("select min(position) from records").fetchone()[0]
    if first not in (None, 0):
        raise LogUnfit(
            f"{path} begins at position {first} instead of 0, records were removed: restore it from a backup"
        )


def _pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"pragma {name}").fetchone()[0]


def _lock(connection: sqlite3.Connection) -> None:
    """Begin to write, waiting up to LOCK_WAIT for others.

    SQLite's own waiting backs off to 100 ms, with which a busy neighbour starves us; a sync takes well under one.
    """
    until = time.monotonic() + LOCK_WAIT
    while True:
        try:
            connection.execute("begin immediate")
        except sqlite3.OperationalError as error:
            if _code(error) not in LOCKED or time.monotonic() > until:
                raise
            time.sleep(LOCK_RETRY)
        else:
            return


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("rollback")


def _append_error(error: sqlite3.Error, path: Path, committing: bool) -> Exception:
    if _code(error) in LOCKED and not committing:
        return Locked(str(error))
    if _code(error) == sqlite3.SQLITE_FULL:
        return AppendRefused(f"no room for the log {path} ({error}): nothing was stored; free some disk and try again")
    if committing:
        return AppendUnknown(f"the commit to {path} failed ({error}): look the command up, or repeat it")
    return AppendRefused(f"the log {path} cannot be written ({error}): nothing was stored; check disk and permissions")


def _code(error: sqlite3.Error) -> int | None:
    """Return the primary result code (https://sqlite.org/rescode.html), if SQLite gave one."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
