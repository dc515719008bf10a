"""A TCP proxy before a Kafka node that misbehaves as it is told.

It reads just enough of the protocol (https://kafka.apache.org/protocol): each message has a length; a request then has
its kind and a number, by which its response is known again. Clients come to it when they start from
`LocalKafka.proxied_bootstrap`, since that listener advertises the proxy's port.
"""

import asyncio
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from types import TracebackType
from typing import Self

from services.embedded.local_kafka import HOST, LocalKafka

PRODUCE = 0
FETCH = 1


class FaultProxy:
    """Passes everything on until told otherwise. Faults are set and taken back at any time.

    `swallow`: kinds of requests whose responses never arrive. `delay`: seconds that each message takes, either way.
    `refuse`: close new connections at once. `produce_error`: the error code that clients are told instead of the
    truth, with offset -1. A held request goes on later even if its client has left.
    """

    def __init__(self, listens: int, target: int) -> None:
        self.swallow: set[int] = set()
        self.delay = 0.0
        self.refuse = False
        self.produce_error: int | None = None
        self.requests: Counter[int] = Counter()
        self.swallowed: Counter[int] = Counter()
        self._listens, self._target = listens, target
        self._held: set[int] = set()
        self._paused = False
        self._changed = asyncio.Condition()
        self._connections: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def hold(self, *kinds: int) -> None:
        """Keep requests of these kinds from now on; none: let all go that were kept."""
        self._held = set(kinds)
        await self._tell()

    async def pause(self) -> None:
        """Let nothing pass either way; connections stay open."""
        self._paused = True
        await self._tell()

    async def resume(self) -> None:
        self._paused = False
        await self._tell()

    def cut(self) -> None:
        """Reset all connections."""
        for writer in self._writers:
            writer.transport.abort()

    async def until_requested(self, kind: int, times: int = 1) -> None:
        """Wait until so many requests of this kind have come, held ones included."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.requests[kind] >= times)

    async def until_swallowed(self, kind: int, times: int = 1) -> None:
        """Wait until so many responses to this kind have vanished."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.swallowed[kind] >= times)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, HOST, self._listens)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self._paused, self._held = False, set()
        await self._tell()
        self.cut()
        await asyncio.gather(*self._connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            await self._connect_through(reader, writer)
        except OSError:
            pass
        finally:
            self._connections.discard(task)

    async def _connect_through(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuse:
            writer.transport.abort()
            return
        to_broker_reader, to_broker = await asyncio.open_connection(HOST, self._target)
        self._writers |= {writer, to_broker}
        kinds: dict[int, int] = {}
        ways = [
            asyncio.create_task(self._requests(reader, to_broker, kinds)),
            asyncio.create_task(self._responses(to_broker_reader, writer, kinds)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for each in (writer, to_broker):
                each.transport.abort()
                self._writers.discard(each)

    async def _requests(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kinds: dict[int, int]
    ) -> None:
        async for message in _messages(reader):
            kind, _, number = struct.unpack_from(">hhi", message)
            kinds[number] = kind
            self.requests[kind] += 1
            await self._tell()
            await self._until_passable(kind)
            await self._pass_on(writer, message)

    async def _responses(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kinds: dict[int, int]
    ) -> None:
        async for message in _messages(reader):
            kind = kinds.pop(struct.unpack_from(">i", message)[0])
            await self._until_passable(None)
            if kind in self.swallow:
                self.swallowed[kind] += 1
                await self._tell()
            elif kind == PRODUCE and self.produce_error is not None:
                await self._pass_on(writer, _with_error(message, self.produce_error))
            else:
                await self._pass_on(writer, message)

    async def _pass_on(self, writer: asyncio.StreamWriter, message: bytes) -> None:
        if self.delay:
            await asyncio.sleep(self.delay)
        writer.write(struct.pack(">i", len(message)) + message)
        await writer.drain()

    async def _until_passable(self, request: int | None) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: not self._paused and request not in self._held)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def proxies_before(kafka: LocalKafka) -> AsyncIterator[list[FaultProxy]]:
    """Put a proxy before each node, in the nodes' order."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(FaultProxy(node.proxy, node.proxied)) for node in kafka.nodes]


async def _messages(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            yield await reader.readexactly(struct.unpack(">i", await reader.readexactly(4))[0])


def _with_error(response: bytes, code: int) -> bytes:
    """Put an error code and the offset -1 into a produce response (versions 0 to 8) for one partition."""
    [name_length] = struct.unpack_from(">h", response, 8)
    start = 8 + 2 + name_length + 4 + 4
    return response[:start] + struct.pack(">hq", code, -1) + response[start + 10 :]
