"""Ledgers in one process: log and registry in memory, blobs in memory, views in a real PostgreSQL.

A `House` is what outlives a process. `house.open()` is a process: a ledger with its own follower and connections.
`house.pen` writes commits straight into the log, for tests of what reads them.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from events.commit import Commit, Genesis, decode, encode
from events.genesis import adopt_genesis
from events.identity import IdentityEvent, IdentityState, Unknown
from events.identity import evolve as evolve_identity
from events.identity import standing as identity_standing
from events.log.contract import Log
from events.log.memory import MemoryLog, MemoryStore
from events.registry.contract import Key, Registry
from events.registry.memory import MemoryRegistry
from events.sealing import event_context
from events.stored import Event, Standing, store
from events.streams import identity_stream, student_stream, upload_stream
from events.student import ABSENT, StudentEvent, StudentState, evolve, standing
from events.upload import UploadEvent
from projections.database import Connection, connect
from projections.follower import Follower, advance_to_end
from projections.fsck import Finding, fsck
from projections.opening import Keyring
from projections.projection import Projection
from projections.verdicts import Verdicts
from projections.views import PROJECTIONS, SCHEMAS, create_views
from services.blobs import BlobStore
from services.ledger import Ledger
from services.wiring import open_views, stop

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
SYSTEM = "louisiana-sts"


@dataclass
class Clock:
    """A clock that goes on by a second each time it is read."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


class Pen:
    """Writes commits into a log with no view at hand: it remembers versions and states itself."""

    def __init__(self, genesis: Genesis, log: Log, registry: Registry, clock: Clock) -> None:
        self.genesis, self.log, self.registry, self.clock = genesis, log, registry, clock
        self.versions: dict[str, int] = {}
        self.students: dict[str, StudentState] = {}
        self.identities: dict[str, IdentityState] = {}

    async def student(
        self, state_id: str, *events: StudentEvent, sponsor: str = "017", bssy: str = "2025", key: Key | None = None
    ) -> int:
        """Write one commit on a student's stream."""
        key = key or (await self.registry.enrol([state_id]))[state_id]
        stream = student_stream(sponsor, key.owner, bssy)
        written: list[tuple[Event, Standing | None]] = []
        state = self.students.get(stream, ABSENT)
        for event in events:
            state = evolve(state, event)
            written.append((event, standing(state, key.material)))
        self.students[stream] = state
        return await self.write(stream, written, key)

    async def identity(self, state_id: str, *events: IdentityEvent) -> int:
        """Write one commit on a student's identity."""
        key = (await self.registry.enrol([state_id]))[state_id]
        stream = identity_stream(key.owner)
        written: list[tuple[Event, Standing | None]] = []
        state = self.identities.get(stream, Unknown())
        for event in events:
            state = evolve_identity(state, event)
            written.append((event, identity_standing(state, key.material)))
        self.identities[stream] = state
        return await self.write(stream, written, key)

    async def upload(self, upload: UUID, *events: UploadEvent) -> int:
        """Write one commit on an upload's stream."""
        key = await self.registry.issue(upload)
        return await self.write(upload_stream(upload), [(event, None) for event in events], key)

    async def write(
        self,
        stream: str,
        events: Iterable[tuple[Event, Standing | None]],
        key: Key | None = None,
        *,
        expected: int | None = None,
        command: UUID | None = None,
    ) -> int:
        """Write a commit and return its position; it stands unless another version is expected."""
        version = self.versions.get(stream, 0) if expected is None else expected
        stored = tuple(
            store(
                event, told, key.material if key else b"", event_context(self.genesis.ledger, stream, version + number)
            )
            for number, (event, told) in enumerate(events, start=1)
        )
        commit = Commit(
            ledger=self.genesis.ledger,
            stream=stream,
            expected=version,
            command=command or uuid4(),
            events=stored,
            actor="pen",
            time=self.clock(),
            key=key.serial if key else 0,
        )
        if expected is None:
            self.versions[stream] = commit.version
        return await self.log.append(encode(commit))


@dataclass
class House:
    """What outlives a process. Close nothing: it is all in memory, but for the views' database."""

    views_dsn: str
    genesis: Genesis
    log: MemoryLog
    registry: MemoryRegistry
    blobs_url: str
    clock: Clock
    pen: Pen
    is_sound: bool = field(default=True)
    """Whether fsck must find nothing at the test's end. A test that damages rows takes it back."""

    @classmethod
    async def build(cls, views_dsn: str) -> "House":
        """Begin an empty ledger."""
        log, registry, clock = MemoryLog(), MemoryRegistry(), Clock()
        genesis = await adopt_genesis(log, ledger=uuid4(), state_system=SYSTEM, time=clock())
        await registry.bind(genesis.ledger)
        pen = Pen(genesis, log, registry, clock)
        return cls(views_dsn, genesis, log, registry, f"memory://{uuid4()}", clock, pen)

    @property
    def keyring(self) -> Keyring:
        """A keyring of one's own."""
        return Keyring(self.registry, self.log)

    @asynccontextmanager
    async def views(self) -> AsyncIterator[Connection]:
        """A connection to the views, which are created where they are missing."""
        connection = await connect(self.views_dsn, SCHEMAS)
        try:
            await create_views(connection)
            yield connection
        finally:
            await connection.close(timeout=10)

    async def fold(self, projections: Sequence[Projection] = PROJECTIONS) -> int:
        """Bring the views to the log's end, without a follower."""
        async with self.views() as connection:
            return await advance_to_end(connection, self.log, self.keyring, projections)

    def follower(self, *, log: Log | None = None, projections: Sequence[Projection] = PROJECTIONS) -> Follower:
        """A follower that does not run yet."""
        return Follower(self.views_dsn, log or self.again(), self.registry, projections=projections)

    def again(self) -> MemoryLog:
        """The log, opened once more as another process would."""
        return MemoryLog(self.log.store)

    @asynccontextmanager
    async def open(
        self,
        *,
        log: Log | None = None,
        registry: Registry | None = None,
        blobs: BlobStore | None = None,
        follows: bool = True,
        projections: Sequence[Projection] = PROJECTIONS,
    ) -> AsyncIterator[Ledger]:
        """Be a process: open the ledger and follow the log. What is given stands in for a part."""
        log, registry = log or self.again(), registry or self.registry
        async with AsyncExitStack() as stack:
            pool = await open_views(self.views_dsn, log, registry, self.genesis)
            stack.push_async_callback(pool.close)
            verdicts = Verdicts(pool)
            await verdicts.start()
            stack.push_async_callback(verdicts.close)
            follower = Follower(self.views_dsn, log, registry, projections=projections)
            following = asyncio.create_task(follower.run()) if follows else None
            if following is not None:
                stack.push_async_callback(stop, following)
            yield Ledger(
                genesis=self.genesis,
                log=log,
                registry=registry,
                blobs=blobs or BlobStore.at(self.blobs_url),
                pool=pool,
                keyring=Keyring(registry, log),
                verdicts=verdicts,
                follower=follower,
                actor="somebody",
                clock=self.clock,
                views_dsn=self.views_dsn,
                following=following,
            )

    async def check(self, projections: Sequence[Projection] = PROJECTIONS) -> Finding:
        """Run fsck on the views as they are."""
        async with self.views() as connection:
            return await fsck(connection, self.again(), self.keyring, projections=projections)

    async def assert_sound(self) -> None:
        """The oracle: every row is what a fresh fold of the log says, and no view stopped."""
        end = await self.fold()
        async with self.views() as connection:
            stopped = await connection.fetch("select name, error from projections where error is not null")
            assert [tuple(row) for row in stopped] == []
            behind = await connection.fetch("select name from projections where next_position <> $1", end)
            assert [row["name"] for row in behind] == []
        finding = await self.check()
        assert finding.differences == (), finding.differences
        assert finding.position == await self.log.end() == end


class Watched(MemoryLog):
    """A log that lets a test step in just before a commit is appended."""

    def __init__(self, store: MemoryStore, before: Callable[[Commit], Awaitable[None]]) -> None:
        super().__init__(store)
        self._before = before

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        entry = decode(data)
        if isinstance(entry, Commit):
            await self._before(entry)
        return await super().append(data, deadline=deadline)
