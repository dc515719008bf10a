"""The edge between a writer and what keeps its records, for tests that make it slow or deaf.

For Kafka it is a proxy before the broker; for SQLite the call in the writing thread.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from sqlite3 import Connection
from typing import Protocol

import pytest

from events.log import sqlite_file
from services.embedded.local_kafka import LocalKafka
from tests.support.proxy import PRODUCE, FaultProxy, proxies_before


class Edge(Protocol):
    """What a test can do to the appends of this process."""

    async def hold(self) -> None:
        """Keep what is sent from reaching the log."""
        ...

    async def holds(self) -> None:
        """Wait until something is held."""
        ...

    async def lose_answers(self) -> None:
        """Let everything reach the log, and no answer come back."""
        ...

    async def heal(self) -> None:
        """Let go what was held, and everything pass as it should."""
        ...


class KafkaEdge:
    """A proxy before the one node."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy

    async def hold(self) -> None:
        self._proxy.requests[PRODUCE] = 0
        await self._proxy.hold(PRODUCE)

    async def holds(self) -> None:
        await self._proxy.until_requested(PRODUCE)

    async def lose_answers(self) -> None:
        self._proxy.swallow = {PRODUCE}

    async def heal(self) -> None:
        self._proxy.swallow = set()
        await self._proxy.hold()


class SqliteEdge:
    """The writing thread, which hangs before or after its transaction."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._before, self._after, self._waits = threading.Event(), threading.Event(), threading.Event()
        self._before.set()
        self._after.set()
        insert = sqlite_file.insert

        def hanging(connection: Connection, path: Path, batch: Sequence[bytes]) -> int:
            self._waits.set()
            self._before.wait()
            first = insert(connection, path, batch)
            self._after.wait()
            return first

        patch.setattr(sqlite_file, "insert", hanging)

    async def hold(self) -> None:
        self._waits.clear()
        self._before.clear()

    async def holds(self) -> None:
        await asyncio.to_thread(self._waits.wait)

    async def lose_answers(self) -> None:
        self._after.clear()

    async def heal(self) -> None:
        self._before.set()
        self._after.set()


@asynccontextmanager
async def edge_before(kafka: LocalKafka | None, patch: pytest.MonkeyPatch) -> AsyncIterator[Edge]:
    """Stand between this process and its log, healed in the end."""
    if kafka is None:
        edge: Edge = SqliteEdge(patch)
        yield edge
        await edge.heal()
        return
    async with proxies_before(kafka) as [proxy]:
        yield KafkaEdge(proxy)
