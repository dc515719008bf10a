"""The log in memory: for tests, examples, and trying things out. It ends with the process."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from events.log.contract import AppendRefused, LogUnavailable, LogUnfit, Record, refuse_oversize


class MemoryStore:
    """The records, and the event that is set when there are more of them."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.grown = asyncio.Event()

    def append(self, data: bytes) -> int:
        position = len(self.records)
        self.records.append(Record(position, data))
        self.wake()
        return position

    def wake(self) -> None:
        self.grown.set()
        self.grown = asyncio.Event()


class MemoryLog:
    """A list of records behind the log contract (events/log/contract.py).

    `MemoryLog(other.store)` opens the records of `other` a second time, as a second process would.
    """

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self._closed = False

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:  # noqa: ARG002 (memory is never late)
        refuse_oversize(data)
        if self._closed:
            raise AppendRefused("the log was closed: nothing was stored; open it again")
        return self.store.append(data)

    async def read(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        end = self._check(start)
        for position in range(start, end, limit):
            yield self.store.records[position : min(position + limit, end)]

    async def follow(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        position, last = start, None
        while True:
            self._check(position)
            if last is not None and self.store.records[last.position] != last:
                raise LogUnfit(f"the record at position {last.position} is another one than was read there")
            grown = self.store.grown
            if batch := self.store.records[position : position + limit]:
                yield batch
                position, last = position + len(batch), batch[-1]
            else:
                await grown.wait()

    async def end(self) -> int:
        return self._check(0)

    async def close(self) -> None:
        self._closed = True
        self.store.wake()

    def _check(self, start: int) -> int:
        """Return the end. Raises LogUnavailable on a closed log, LogUnfit where `start` lies beyond the end."""
        if self._closed:
            raise LogUnavailable("the log was closed: open it again")
        end = len(self.store.records)
        if start > end:
            raise LogUnfit(f"the log ends at position {end}, so it cannot be read from {start}: records are missing")
        return end
