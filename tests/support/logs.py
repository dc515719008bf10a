"""Logs for tests, of any of the three kinds."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import count
from pathlib import Path
from uuid import uuid4

from events.log.contract import Log, Record
from events.log.kafka import KafkaLog
from events.log.memory import MemoryLog, MemoryStore
from events.log.sqlite import SqliteLog

Opener = Callable[[str], Awaitable[Log]]
"""Opens the log of a name, whether it exists or not."""


class LogMaker:
    """Makes logs of one kind, and closes them all at the end.

    `await new_log()` gives a new empty log, `await new_log.again(log)` opens the same records a second time.
    """

    def __init__(self, kind: str, opener: Opener) -> None:
        self.kind = kind
        self._open = opener
        self._numbers = count()
        self._names: dict[int, str] = {}
        self._opened: list[Log] = []

    async def __call__(self) -> Log:
        return await self._remember(f"log-{next(self._numbers)}")

    async def again(self, log: Log) -> Log:
        return await self._remember(self.name(log))

    def name(self, log: Log) -> str:
        return self._names[id(log)]

    async def close(self) -> None:
        for log in self._opened:
            await log.close()

    async def _remember(self, name: str) -> Log:
        log = await self._open(name)
        self._opened.append(log)
        self._names[id(log)] = name
        return log


def memory_opener() -> Opener:
    stores: dict[str, MemoryStore] = {}

    async def open_log(name: str) -> Log:
        return MemoryLog(stores.setdefault(name, MemoryStore()))

    return open_log


def sqlite_opener(folder: Path) -> Opener:
    async def open_log(name: str) -> Log:
        return await SqliteLog.open(folder / f"{name}.sqlite")

    return open_log


def kafka_opener(bootstrap: list[str]) -> Opener:
    run = uuid4()

    async def open_log(name: str) -> Log:
        return await KafkaLog.open(bootstrap, f"test-{run}-{name}", replication=1, min_insync=1)

    return open_log


async def read_all(log: Log, start: int = 0, *, limit: int = 500) -> list[Record]:
    """Read from `start` to the end."""
    return [record async for batch in log.read(start, limit=limit) for record in batch]


async def follow_some(log: Log, number: int, start: int = 0) -> list[Record]:
    """Follow from `start` until there are `number` records."""
    found: list[Record] = []
    batches: Sequence[Record]
    async for batches in log.follow(start):
        found.extend(batches)
        if len(found) >= number:
            break
    return found
