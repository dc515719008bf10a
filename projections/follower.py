"""The follower: keeps the views at the log's end. Every process that writes runs one.

An advisory lock keeps two followers from doing the same work. Correctness never rests on it: the guarded position
does. A follower that waits and sees no progress for a second goes ahead without the lock. The row a stopped process
still holds is freed by PostgreSQL after five seconds, or, where it stopped in the middle of a COPY and PostgreSQL waits
for the rest, by the follower that loses patience.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass

import asyncpg

from events.log.contract import Log, LogUnavailable, Record
from events.registry.contract import Registry, RegistryUnavailable
from projections import index
from projections.advance import PositionMoved, advance
from projections.catch_up import bring_forward, catch_up, left_behind
from projections.database import SERVER_TROUBLE, Connection, being_cancelled, connect
from projections.index import Head
from projections.opening import Keyring
from projections.projection import Projection
from projections.startup import check_log_against_views
from projections.views import PROJECTIONS, SCHEMAS, create_views

FOLLOWER_LOCK = 0x1ED6E8
PATIENCE = "10s"
"""How long a follower waits for the row that another one holds before it ends that one's connection."""

BATCH = 500
"""Records a transaction: large enough to amortise it, small enough that an online edit never waits long behind one."""

STALL_SECONDS = 1.0
STANDBY_SECONDS = 0.1
RETRY_SECONDS = 0.5
IDLE_SECONDS = 1.0
LEFT_BEHIND_SECONDS = 1.0

VIEWS_GONE = (asyncpg.InvalidCatalogNameError, asyncpg.InvalidSchemaNameError, asyncpg.UndefinedTableError)
"""Somebody dropped the views, or their database; nothing is lost, they are made again."""

TRANSIENT = (*SERVER_TROUBLE, *VIEWS_GONE, LogUnavailable, RegistryUnavailable)


@dataclass
class Progress:
    """What a follower can tell of itself: where it is, whether it leads, what holds it up."""

    next_position: int = 0
    leading: bool = False
    trouble: str = ""


class Follower:
    """Follows one log into one views' database until it is cancelled."""

    def __init__(
        self, dsn: str, log: Log, registry: Registry, *, projections: Sequence[Projection] = PROJECTIONS
    ) -> None:
        self._dsn = dsn
        self._log = log
        self._registry = registry
        self._keyring = Keyring(registry, log)
        self._projections = projections
        self._forgotten = 0
        self.progress = Progress()

    async def run(self) -> None:
        """Follow for ever; after a lost server try again. Raises what only a person can repair, such as LogUnfit."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._persist(self._follow))
                group.create_task(self._persist(self._bring_forward))
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None

    async def _persist(self, session: Callable[[Connection], Awaitable[None]]) -> None:
        """Keep a session going, each time on a new connection; a session's locks live and die with that."""
        while not being_cancelled():
            try:
                connection = await connect(self._dsn, SCHEMAS)
                try:
                    await connection.execute(f"set lock_timeout = '{PATIENCE}'")
                    await create_views(connection, self._projections)
                    await session(connection)
                finally:
                    await close(connection)
            except TRANSIENT as error:
                self.progress.trouble = f"{type(error).__name__}: trying again"
                if not being_cancelled():
                    await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self, connection: Connection) -> None:
        """Lead, or stand by."""
        self._forgotten = 0
        try:
            while True:
                if await self._may_lead(connection):
                    with suppress(PositionMoved):
                        await self._lead(connection)
        finally:
            self.progress.leading = False

    async def _bring_forward(self, connection: Connection) -> None:
        """Bring forward who stopped or joined later; then, for ever, who was left behind by a process that died."""
        for projection in self._projections:
            await bring_forward(connection, projection, self._keyring)
        while True:
            await asyncio.sleep(LEFT_BEHIND_SECONDS)
            behind = await left_behind(connection)
            for projection in self._projections:
                if (projection.name, projection.version) in behind:
                    await catch_up(connection, projection, self._keyring)

    async def _lead(self, connection: Connection) -> None:
        """Fold batch after batch as they come."""
        await self._forget_erased(connection)
        head = await index.read_head(connection)
        await check_log_against_views(self._log, head)
        self.progress.leading, self.progress.trouble = True, ""
        # Beginning with the last record folded: from then on the log tells when that is not there any more.
        start = head.next_position if head.last_position is None else head.last_position
        async with aclosing(or_idle(self._log.follow(start, limit=BATCH), IDLE_SECONDS)) as following:
            async for records in following:
                if records:
                    start = await self._advance(connection, start, records)
                elif (await index.read_head(connection)).next_position < start:
                    return  # the views were dropped and made again, and nobody writes who would tell

    async def _may_lead(self, connection: Connection) -> bool:
        """Wait until the lock is ours, or until whoever holds it has made no progress for too long."""
        clock = asyncio.get_running_loop().time
        seen, since = -1, clock()
        while True:
            if await connection.fetchval("select pg_try_advisory_lock($1)", FOLLOWER_LOCK):
                return True
            head = await index.read_head(connection)
            self.progress.next_position = head.next_position
            if head.next_position != seen:
                await self._forget_erased(connection)
            end = await self._log.end()
            if end < head.next_position:
                await check_log_against_views(self._log, head)
            if head.next_position != seen or end <= head.next_position:
                seen, since = head.next_position, clock()
            elif clock() - since > STALL_SECONDS:
                await self._go_ahead(connection, head)
            await asyncio.sleep(STANDBY_SECONDS)

    async def _forget_erased(self, connection: Connection) -> None:
        """Forget the keys of those whom another process's follower met as erased, or a restored registry remembers."""
        for position, ref in await index.erased_since(connection, self._forgotten):
            await self._registry.erase(ref)
            self._forgotten = position + 1

    async def _go_ahead(self, connection: Connection, head: Head) -> None:
        """Fold what lies there without the lock: its holder is stopped, or gone without its server noticing."""
        await check_log_against_views(self._log, head)
        start = head.next_position
        with suppress(PositionMoved):
            async with aclosing(self._log.read(start, limit=BATCH)) as lying:
                async for records in lying:
                    start = await self._advance(connection, start, records)

    async def _advance(self, connection: Connection, start: int, records: Sequence[Record]) -> int:
        """Fold a batch; where somebody else holds the head and has stopped, free it and raise what was met."""
        try:
            self.progress.next_position = await advance(connection, start, records, self._projections, self._keyring)
        except asyncpg.LockNotAvailableError:
            await free_head(connection)
            raise
        return self.progress.next_position


async def or_idle(
    batches: AsyncGenerator[Sequence[Record], None], seconds: float
) -> AsyncGenerator[Sequence[Record], None]:
    """Yield the batches as they come, and an empty one whenever nothing has come for so long."""
    async with aclosing(batches):
        coming = asyncio.ensure_future(anext(batches))
        try:
            while True:
                await asyncio.wait([coming], timeout=seconds)
                if coming.done():
                    yield coming.result()
                    coming = asyncio.ensure_future(anext(batches))
                else:
                    yield ()
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)


async def free_head(connection: Connection) -> None:
    """End the sessions that hold the head and wait for a client that says nothing. Each loses only its transaction."""
    await connection.execute(
        "select pg_terminate_backend(pid) from pg_locks join pg_stat_activity using (pid) "
        "where relation = $1::regclass and mode = 'RowShareLock' and granted and pid <> pg_backend_pid() "
        "and wait_event = 'ClientRead'",
        f"{index.SCHEMA}.head",
    )


async def close(connection: Connection) -> None:
    """Close a connection without waiting for a server that does not answer."""
    try:
        await connection.close(timeout=2)
    except (TimeoutError, *TRANSIENT):
        connection.terminate()


async def advance_to_end(connection: Connection, log: Log, keyring: Keyring, projections: Sequence[Projection]) -> int:
    """Fold everything that lies in the log now, and return the position reached. For rebuilds, fsck and tests."""
    start = (await index.read_head(connection)).next_position
    async with aclosing(log.read(start, limit=BATCH)) as lying:
        async for records in lying:
            start = await advance(connection, start, records, projections, keyring)
    return start
