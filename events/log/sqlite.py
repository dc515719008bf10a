"""The log in one SQLite file: the embedded default. Several processes may have it open."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from events.log import sqlite_file
from events.log.append_queue import AppendQueue, Pending, fail, succeed
from events.log.contract import AppendRefused, LogError, LogUnavailable, LogUnfit, Record

T = TypeVar("T")

POLL = 0.005
"""Seconds after which a follower looks for other processes' appends."""


class SqliteLog:
    """Records in an SQLite file behind the log contract (events/log/contract.py).

    One thread writes: all that waits when it gets free goes into one transaction, hence into one sync of the disk.
    Another thread reads.
    """

    def __init__(self, path: Path, writing: sqlite3.Connection, reading: sqlite3.Connection) -> None:
        self._path = path
        self._inode = path.stat().st_ino
        self._writing, self._reading = writing, reading
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="log-writer")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="log-reader")
        # An attempt that began in time may end later; only its end tells whether it was refused.
        self._queue = AppendQueue(self._write, f"the log {path}", grace=2 * sqlite_file.LOCK_WAIT)
        self._grown = asyncio.Event()
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the log in the file `path`, which is made if it is missing. Raises LogUnfit or LogUnavailable."""
        return cls(path, *await asyncio.to_thread(sqlite_file.open_file, path))

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        return await self._queue.append(data, deadline)

    async def read(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        end = await self._end_not_before(start)
        position = start
        while batch := await self._select(position, end, limit):
            yield batch
            position = batch[-1].position + 1

    async def follow(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        await self._end_not_before(start)
        last: Record | None = None
        while True:
            grown = self._grown
            if batch := await self._select_after(last, start, limit):
                yield batch
                last = batch[-1]
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await grown.wait()

    async def end(self) -> int:
        return await self._read(lambda: sqlite_file.next_position(self._reading))

    async def close(self) -> None:
        if self._closed:
            return
        await self._queue.close()
        self._closed = True
        self._wake()
        for thread, connection in ((self._writer, self._writing), (self._reader, self._reading)):
            await asyncio.get_running_loop().run_in_executor(thread, connection.close)
            thread.shutdown()

    async def _write(self) -> None:
        """Write all that waits in one transaction."""
        group = self._queue.take()
        try:
            first = await self._insert(group)
        except sqlite_file.Locked:
            self._queue.put_back(group)
        except LogError as error:
            fail(group, error)
        else:
            succeed(group, first)
            self._wake()

    async def _insert(self, group: Sequence[Pending]) -> int:
        if not self._path.exists() or self._path.stat().st_ino != self._inode:
            raise AppendRefused(f"the log {self._path} was removed or replaced: nothing was stored; open it again")
        for pending in group:
            pending.sent = True
        batch = [pending.data for pending in group]
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, sqlite_file.insert, self._writing, self._path, batch)

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    async def _end_not_before(self, start: int) -> int:
        end = await self.end()
        if start > end:
            raise LogUnfit(
                f"the log {self._path} ends at position {end}, so it cannot be read from {start}: "
                "records are missing; restore the file from a backup"
            )
        return end

    async def _select(self, start: int, end: int | None, limit: int) -> list[Record]:
        return await self._read(lambda: sqlite_file.select(self._reading, start, end, limit))

    async def _select_after(self, last: Record | None, start: int, limit: int) -> list[Record]:
        """Return what comes after the last record read, which must still be there: else the file was cut."""
        if last is None:
            return await self._select(start, None, limit)
        found = await self._select(last.position, None, limit + 1)
        if found[:1] != [last]:
            raise LogUnfit(
                f"the log {self._path} does not hold the record at position {last.position} any more that was read "
                "there: records were removed or replaced; restore the file from a backup"
            )
        return found[1:]

    async def _read(self, question: Callable[[], T]) -> T:
        """Ask the file in the reading thread. Raises LogUnavailable or LogUnfit."""
        if self._closed:
            raise LogUnavailable(f"the log {self._path} was closed: open it again")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, question)
        except sqlite3.Error as error:
            raise sqlite_file.reading_error(error, self._path) from error
