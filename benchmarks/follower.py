"""The follower's rate on a filled log, beside eventsourcing's ProjectionRunner and a page loop on the same events.

All of them start with empty views in a new database of one PostgreSQL server and end with the same rows, which is
checked. Ours and the page loop also keep the index; ProjectionRunner has its own tables for that and need not.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import uuid4

import psycopg

from benchmarks.figures import Figure, Target
from benchmarks.peers import page_loop, projection_runner, store
from benchmarks.peers.rows import Keys, Rows
from benchmarks.plan import Plan, in_a_process, interleaved
from events.log.contract import Log
from events.registry.master_key import MasterKey, load_master_key
from events.registry.postgres import PostgresRegistry
from projections import index
from projections.current_transcripts import CurrentTranscripts
from projections.database import connect
from projections.follower import Follower
from projections.projection import Projection
from projections.uploads import Uploads
from projections.views import PROJECTIONS, SCHEMAS, create_views
from services.embedded.postgres import EmbeddedPostgres
from services.embedded.postgres import start as start_postgres
from services.settings import Settings
from services.wiring import open_log, stop

STUDENTS = 15_000
TIMES_RUNNER, TIMES_PAGE_LOOP = 5.0, 1.0

BOTH: Sequence[Projection] = (CurrentTranscripts(), Uploads())

Peer: TypeAlias = Callable[[str, str, int, Rows], None]


@dataclass
class Arena:
    """A filled log, the same records in eventsourcing's recorder, and a server for new databases."""

    settings: Settings
    server: EmbeddedPostgres
    log: Log
    registry: str
    master: MasterKey
    store: str
    records: int
    transcripts: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)

    async def ours(self, projections: Sequence[Projection] = BOTH) -> float:
        """Let a follower of ours read the log from its beginning; return commits a second."""
        registry = await PostgresRegistry.open(
            self.registry, master=self.master, state_system=self.settings.state_system
        )
        async with self.views(projections) as dsn:
            began = time.perf_counter()
            follower = Follower(dsn, self.log, registry, projections=projections)
            following = asyncio.create_task(follower.run())
            try:
                await reached(dsn, self.records)
                seconds = time.perf_counter() - began
            finally:
                await stop(following)
                await registry.close()
            await self.take_note(dsn, with_index=True)
        return self.records / seconds

    async def peer(self, follow: Peer, *, with_index: bool) -> float:
        """Let a peer read the recorder's events from their beginning; return events a second."""
        async with self.views() as dsn:
            with psycopg.connect(self.registry, autocommit=True) as registry:
                rows = Rows(Keys(registry, self.master), index=with_index)
                began = time.perf_counter()
                await asyncio.to_thread(follow, self.store, dsn, self.records, rows)
                seconds = time.perf_counter() - began
            await self.take_note(dsn, with_index=with_index)
        return self.records / seconds

    @asynccontextmanager
    async def views(self, projections: Sequence[Projection] = BOTH) -> AsyncIterator[str]:
        """A new database with empty views, dropped at the end."""
        name = f"views_{uuid4().hex[:8]}"
        dsn = await self.server.database(name)
        connection = await connect(dsn, SCHEMAS)
        try:
            await create_views(connection, projections)
            await connection.execute(f"alter database {name} set search_path to {', '.join(SCHEMAS)}, public")
            await connection.execute(f"alter database {name} set jit to off")
        finally:
            await connection.close()
        try:
            yield dsn
        finally:
            server = await connect(self.server.dsn("postgres"), ["public"])
            await server.execute(f"drop database {name} with (force)")
            await server.close()

    async def take_note(self, dsn: str, *, with_index: bool) -> None:
        """Keep a digest of what was written, to see that everybody wrote the same."""
        self.transcripts.add(await digest(dsn, CurrentTranscripts.tables))
        if with_index:
            self.indexes.add(await digest(dsn, ["commits", "head"]))

    @property
    def all_alike(self) -> bool:
        """Whether every contestant has written the same rows."""
        return len(self.transcripts) == 1 and len(self.indexes) == 1


async def digest(dsn: str, tables: Sequence[str]) -> str:
    """Return a digest of some tables' rows, whatever their order."""
    connection = await connect(dsn, SCHEMAS)
    try:
        return " ".join(
            [
                str(
                    await connection.fetchval(
                        f"select count(*) || ':' || md5(string_agg(row, '' order by row)) "
                        f"from (select md5(t::text) as row from {table} as t) as rows"
                    )
                )
                for table in tables
            ]
        )
    finally:
        await connection.close()


async def reached(dsn: str, position: int) -> None:
    """Wait until the views have passed all records."""
    connection = await connect(dsn, SCHEMAS)
    try:
        while (await index.read_head(connection)).next_position < position:  # noqa: ASYNC110 (the database tells)
            await asyncio.sleep(0.02)
    finally:
        await connection.close()


async def open_arena(plan: Plan, servers: AsyncExitStack, log_kind: str) -> Arena:
    """Fill a log by uploading a file, and the recorder with the log's records."""
    settings = await servers.enter_async_context(plan.home(log_kind))
    file = plan.students_file(plan.size(STUDENTS))
    await in_a_process("benchmarks.upload_process", settings, str(file))
    server = await servers.enter_async_context(await start_postgres(settings.home))
    log = await open_log(settings)
    servers.push_async_callback(log.close)
    records = [record async for batch in log.read() for record in batch]
    recorder = await server.database("recorder")
    return Arena(
        settings=settings,
        server=server,
        log=log,
        registry=await server.database("registry"),
        master=load_master_key(settings.key_file),
        store=recorder,
        records=await asyncio.to_thread(store.fill, recorder, records),
    )


async def measure(plan: Plan) -> list[Figure]:
    """Let all contestants run in turns."""
    async with AsyncExitStack() as servers:
        plan.said("follower: filling a log and eventsourcing's recorder with the same commits")
        arena = await open_arena(plan, servers, "sqlite")
        contestants: dict[str, Callable[[], Awaitable[float]]] = {
            "ours": arena.ours,
            "all views": lambda: arena.ours(PROJECTIONS),
            "runner": lambda: arena.peer(projection_runner.follow, with_index=False),
            "pages": lambda: arena.peer(page_loop.follow, with_index=True),
            "pages without index": lambda: arena.peer(page_loop.follow, with_index=False),
        }
        plan.said(f"follower: {arena.records:,} commits, {len(contestants)} contestants, {plan.runs} turns")
        rates = await interleaved(contestants, plan.runs)
        if not arena.all_alike:
            raise RuntimeError("the contestants did not write the same rows")
    what, unit = "follower: commits to index and both views", "commits/s"
    note = f"{arena.records:,} commits, the same rows"
    return [
        Figure(
            "follower", what, unit, rates["ours"], "eventsourcing ProjectionRunner, views only", rates["runner"],
            Target(TIMES_RUNNER, "x", at_most=False, of_ratio=True), note,
        ),
        Figure(
            "follower", what, unit, rates["ours"], "page loop, 500 a transaction, same rows", rates["pages"],
            Target(TIMES_PAGE_LOOP, "x", at_most=False, of_ratio=True), note,
        ),
        Figure(
            "follower", what, unit, rates["ours"], "page loop without the index", rates["pages without index"],
            note="the peer leaves out what the index holds",
        ),
        Figure(
            "follower", f"follower: commits to index and all {len(PROJECTIONS)} views", unit, rates["all views"],
            "page loop, 500 a transaction", rates["pages"], note="the peer writes the current transcripts only",
        ),
    ]  # fmt: skip
