"""A process that ends at the n-th thing it asks of the world, before or after that took effect."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, BinaryIO, TypeVar
from uuid import UUID

from events.log.memory import MemoryLog, MemoryStore
from events.registry.contract import Key
from events.registry.memory import MemoryRegistry
from projections.database import Connection, Pool
from services.blobs import BlobRef, BlobStore

T = TypeVar("T")


class Killed(BaseException):
    """The process is gone: nothing of it goes on."""


class Crash:
    """Ends the process at its n-th point. `cancels`: as Ctrl-C would, else as if it were killed."""

    def __init__(self, point: int, *, cancels: bool) -> None:
        self.left = point
        self.cancels = cancels
        self.where = ""
        self.process: asyncio.Task[Any] | None = None

    @property
    def has_happened(self) -> bool:
        """Whether the point was reached."""
        return self.left <= 0

    async def around(self, name: str, question: Callable[[], Awaitable[T]]) -> T:
        """Ask something of the world; there is a point before, and one after it took effect."""
        await self.point(f"before {name}")
        answer = await question()
        await self.point(f"after {name}")
        return answer

    async def point(self, where: str) -> None:
        """End here, if it is the n-th point."""
        self.left -= 1
        if self.left == 0:
            self.where = where
            if self.cancels and self.process is not None:
                self.process.cancel()
                await asyncio.Event().wait()
            raise Killed(where)
        if self.has_happened:
            raise Killed("after its end")


class CrashingLog(MemoryLog):
    """A log whose caller may end at an append."""

    def __init__(self, store: MemoryStore, crash: Crash) -> None:
        super().__init__(store)
        self.crash = crash

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        return await self.crash.around("append", lambda: super(CrashingLog, self).append(data, deadline=deadline))


class CrashingBlobs(BlobStore):
    """Blobs whose caller may end."""

    crash: Crash

    async def put(self, owner_key: Key, data: bytes | BinaryIO, *, kind: str) -> BlobRef:
        question = super().put
        return await self.crash.around(f"put {kind}", lambda: question(owner_key, data, kind=kind))

    async def get(self, ref: BlobRef | str, key: Key) -> bytes:
        question = super().get
        return await self.crash.around("get", lambda: question(ref, key))


class CrashingRegistry(MemoryRegistry):
    """A registry whose caller may end."""

    def __init__(self, registry: MemoryRegistry, crash: Crash) -> None:
        super().__init__()
        self.registry, self.crash = registry, crash

    async def enrol(self, state_ids: Sequence[str]) -> dict[str, Key]:
        return await self.crash.around("enrol", lambda: self.registry.enrol(state_ids))

    async def find(self, state_ids: Sequence[str]) -> dict[str, Key]:
        return await self.crash.around("find", lambda: self.registry.find(state_ids))

    async def issue(self, owner: UUID) -> Key:
        return await self.crash.around("issue", lambda: self.registry.issue(owner))

    async def keys(self, serials: Sequence[int]) -> dict[int, Key]:
        """Not counted: the follower asks too, at moments of its own."""
        return await self.registry.keys(serials)

    async def erase(self, owner: UUID) -> None:
        await self.registry.erase(owner)

    async def last_serial(self) -> int:
        return await self.registry.last_serial()


class CrashingPool:
    """A pool whose user may end before it asks the views, or after it was answered."""

    def __init__(self, pool: Pool, crash: Crash) -> None:
        self.pool, self.crash = pool, crash

    def acquire(self) -> AbstractAsyncContextManager[Connection]:
        return self.acquired()

    @asynccontextmanager
    async def acquired(self) -> AsyncIterator[Connection]:
        await self.crash.point("before the views")
        async with self.pool.acquire() as connection:
            yield connection
        await self.crash.point("after the views")
