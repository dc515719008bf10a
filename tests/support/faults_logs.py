"""Logs that are late on purpose, around any real one: for clients that must not wait for a deadline of 30 seconds."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from events.log.contract import Log, Record


class Around:
    """The log contract, passed on to another log as it is."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        return await self._log.append(data, deadline=deadline)

    def read(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        return self._log.read(start, limit=limit)

    def follow(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        return self._log.follow(start, limit=limit)

    async def end(self) -> int:
        return await self._log.end()

    async def close(self) -> None:
        await self._log.close()


class ImpatientLog(Around):
    """Appends that give up after `patience` seconds."""

    def __init__(self, log: Log, patience: float) -> None:
        super().__init__(log)
        self._patience = patience

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        return await self._log.append(data, deadline=min(deadline, self._patience))


class HeldLog(Around):
    """Appends that wait at the door until they are let go: decided, and not yet sent."""

    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self._open = asyncio.Event()
        self._arrived = asyncio.Semaphore(0)

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        self._arrived.release()
        await self._open.wait()
        return await self._log.append(data, deadline=deadline)

    async def arrived(self, number: int = 1) -> None:
        """Wait until so many appends stand at the door."""
        for _ in range(number):
            await self._arrived.acquire()

    def let_go(self) -> None:
        """Let all go, and hold none from here on."""
        self._open.set()
