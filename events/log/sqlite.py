"""The log in one SQLite file: the embedded default. Several processes may have it open."""

import asyncio
import sqlite3
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from events.log import sqlite_file
from events.log.contract import (
    AppendRefused,
    AppendUnknown,
    LogError,
    LogUnavailable,
    LogUnfit,
    Record,
    refuse_oversize,
)

T = TypeVar("T")

POLL = 0.005
"""Seconds after which a follower looks for other processes' appends."""


class SqliteLog:
    """Records in an SQLite file behind the log contract (events/log/contract.py).

    One thread writes: all that is waiting when it gets free goes into one transaction, hence into one sync of the
    disk. Another thread reads.
    """

    def __init__(self, path: Path, writing: sqlite3.Connection, reading: sqlite3.Connection) -> None:
        self._path = path
        self._inode = path.stat().st_ino
        self._writing, self._reading = writing, reading
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="log-writer")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="log-reader")
        self._queue: deque[_Pending] = deque()
        self._draining: asyncio.Task[None] | None = None
        self._grown = asyncio.Event()
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the log in the file `path`, which is made if it is missing. Raises LogUnfit or LogUnavailable."""
        await asyncio.to_thread(sqlite_file.prepare, path)
        return cls(path, sqlite_file.connect(path), sqlite_file.connect(path))

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        refuse_oversize(data)
        if self._closed:
            raise AppendRefused(f"the log {self._path} was closed: nothing was stored; open it again")
        loop = asyncio.get_running_loop()
        pending = _Pending(data, loop.time() + deadline, loop.create_future())
        self._queue.append(pending)
        if self._draining is None or self._draining.done():
            self._draining = loop.create_task(self._drain())
        try:
            # An attempt that began in time may end this much later; only its end tells whether it was refused.
            async with asyncio.timeout(deadline + 2 * sqlite_file.LOCK_WAIT):
                return await pending.outcome
        except TimeoutError:
            raise self._late(pending) from None

    async def read(self, start: int = 0, *, limit: int = 500) -> AsyncIterator[Sequence[Record]]:
        end = await self._end_not_before(start)
        position = start
        while batch := await self._select(position, end, limit):
            yield batch
            position = batch[-1].position + 1

    async def follow(self, start: int = 0, *, limit: int = 500) -> AsyncIterator[Sequence[Record]]:
        await self._end_not_before(start)
        position = start
        while True:
            grown = self._grown
            if batch := await self._select(position, None, limit):
                yield batch
                position = batch[-1].position + 1
            else:
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL):
                        await grown.wait()

    async def end(self) -> int:
        return await self._read(lambda: sqlite_file.next_position(self._reading))

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._wake()
        if self._draining:
            await self._draining
        for thread, connection in ((self._writer, self._writing), (self._reader, self._reading)):
            await asyncio.get_running_loop().run_in_executor(thread, connection.close)
            thread.shutdown()

    async def _drain(self) -> None:
        """Write what waits, group by group, until nothing waits."""
        while group := self._take():
            try:
                first = await self._insert([pending.data for pending in group])
            except sqlite_file.Locked:
                self._put_back(group)
            except LogError as error:
                for pending in group:
                    pending.fail(error)
            else:
                for position, pending in enumerate(group, first):
                    pending.succeed(position)
                self._wake()

    async def _insert(self, group: list[bytes]) -> int:
        if not self._path.exists() or self._path.stat().st_ino != self._inode:
            raise AppendRefused(f"the log {self._path} was removed or replaced: nothing was stored; open it again")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, sqlite_file.insert, self._writing, self._path, group)

    def _take(self) -> list["_Pending"]:
        group = [pending for pending in self._queue if not pending.outcome.done()]
        self._queue.clear()
        for pending in group:
            pending.taken = True
        return group

    def _put_back(self, group: list["_Pending"]) -> None:
        now = asyncio.get_running_loop().time()
        for pending in reversed(group):
            pending.taken = False
            if pending.expires > now:
                self._queue.appendleft(pending)
            else:
                pending.fail(self._late(pending))

    def _late(self, pending: "_Pending") -> LogError:
        if pending.taken:
            return AppendUnknown(f"the log {self._path} gave no answer in time: look the command up, or repeat it")
        return AppendRefused(f"another process kept the log {self._path} locked: nothing was stored; try again")

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

    async def _read(self, question: Callable[[], T]) -> T:
        """Ask the file in the reading thread. Raises LogUnavailable or LogUnfit."""
        if self._closed:
            raise LogUnavailable(f"the log {self._path} was closed: open it again")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._reader, question)
        except sqlite3.Error as error:
            raise sqlite_file.reading_error(error, self._path) from error


@dataclass(slots=True, eq=False)
class _Pending:
    """One record on its way to the disk, and the future that its caller awaits."""

    data: bytes
    expires: float
    outcome: asyncio.Future[int]
    taken: bool = False

    def succeed(self, position: int) -> None:
        if not self.outcome.done():
            self.outcome.set_result(position)

    def fail(self, error: LogError) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(type(error)(*error.args))
