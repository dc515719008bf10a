"""The follower: it leads, stands by, takes over, waits out what is lost, and folds each record once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from random import Random

import asyncpg
import pytest

from events.log.contract import LogUnavailable, LogUnfit, Record
from events.log.memory import MemoryLog, MemoryStore
from events.student import StudentEdited
from projections import follower as follower_module
from projections.catch_up import catch_up
from projections.database import Connection
from projections.follower import FOLLOWER_LOCK, Follower
from projections.views import PROJECTIONS, create_views, drop_views, shut_views
from services.embedded.postgres import EmbeddedPostgres
from services.wiring import stop
from tests.support.ledgers import House
from tests.support.postgres import drop_database
from tests.support.student_sets import full, submitted
from tests.support.views import Gated, head_of, until, with_transcripts


@asynccontextmanager
async def running(*followers: Follower) -> AsyncIterator[list["asyncio.Task[None]"]]:
    """Run followers until the block ends."""
    tasks = [asyncio.create_task(one.run()) for one in followers]
    try:
        yield tasks
    finally:
        for task in tasks:
            await stop(task)


async def write(house: House, number: int = 1) -> int:
    """Write some commits of one student; return the log's end."""
    stream_is_new = not house.pen.students
    if stream_is_new:
        await house.pen.student("1000000001", submitted(full()))
    for each in range(number):
        await house.pen.student("1000000001", StudentEdited({"sex_code": "MF"[each % 2]}))
    return await house.log.end()


async def reached(house: House, position: int) -> None:
    """Wait until the views have come to a position."""
    async with house.views() as connection:

        async def there() -> bool:
            return await head_of(connection) >= position

        await until(there)


def leads(follower: Follower) -> Callable[[], Awaitable[bool]]:
    """Ask whether a follower leads."""

    async def asked() -> bool:
        return follower.progress.leading

    return asked


async def end_sessions(house: House, *, like: str = "%") -> int:
    """End the sessions of the views' database whose last statement is like this; return how many there were."""
    async with house.views() as connection:
        ended = await connection.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() "
            "and datname = current_database() and query like $1",
            like,
        )
    return len(ended)


async def test_what_is_written_is_soon_seen(house: House) -> None:
    follower = house.follower()
    async with running(follower):
        for _ in range(3):
            end = await write(house, 5)
            await reached(house, end)
        assert follower.progress.leading
        assert follower.progress.next_position == end


async def test_of_two_one_leads_and_the_other_takes_over_when_it_ends(house: House) -> None:
    first, second = house.follower(), house.follower()
    async with running(first) as (task,):
        await until(leads(first))
        async with running(second):
            end = await write(house, 5)
            await reached(house, end)

            async def second_knows() -> bool:
                return second.progress.next_position == end

            await until(second_knows)
            assert not second.progress.leading
            await stop(task)
            await until(leads(second))
            await reached(house, await write(house, 5))


async def test_the_other_takes_over_when_the_leaders_session_is_ended(house: House) -> None:
    """And the first one, once it has noticed, stands by."""
    first, second = house.follower(), house.follower()
    async with running(first):
        await until(leads(first))
        async with running(second):
            async with house.views() as connection:
                pid = await connection.fetchval("select pid from pg_locks where objid = $1::bigint::oid", FOLLOWER_LOCK)
                await connection.execute("select pg_terminate_backend($1)", pid)
            await until(leads(second))
            await reached(house, await write(house, 20))
            await stop_leading(second, first)


async def stop_leading(old: Follower, new: Follower) -> None:
    """The old leader loses its session; the new one must lead in the end."""
    await old_session_ends(old)
    await until(leads(new))


async def old_session_ends(follower: Follower) -> None:
    """End the session of whoever leads."""
    connection = await asyncpg.connect(follower._dsn)
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and objid = $1::bigint::oid",
            FOLLOWER_LOCK,
        )
    finally:
        await connection.close()


@asynccontextmanager
async def stuck_leader(house: House) -> AsyncIterator[Connection]:
    """Hold the follower's lock and do nothing, as a process does that was stopped."""
    async with house.views() as connection:
        await connection.execute("select pg_advisory_lock($1)", FOLLOWER_LOCK)
        yield connection


async def test_a_leader_that_does_nothing_for_a_second_is_passed_by(house: House) -> None:
    """Case 21, between two transactions."""
    async with stuck_leader(house), running(house.follower()):
        await reached(house, await write(house, 30))
        await reached(house, await write(house, 30))


async def test_a_leader_that_stopped_in_mid_transaction_is_passed_by(house: House) -> None:
    """Case 21, holding the head: PostgreSQL ends it once it was idle for too long."""
    async with stuck_leader(house) as connection:
        await connection.execute("set idle_in_transaction_session_timeout = '500ms'")
        await connection.execute("begin; select * from head for update")
        async with running(house.follower()):
            await reached(house, await write(house, 30))


async def test_a_leader_that_stopped_in_the_middle_of_a_copy_is_passed_by(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case 21, where PostgreSQL itself would wait for the rest for ever."""
    monkeypatch.setattr(follower_module, "PATIENCE", "500ms")
    async with copying(house, holds_the_lock=True), running(house.follower()):
        await reached(house, await write(house, 30))


async def test_a_leader_frees_the_head_from_one_who_went_ahead_and_stopped(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever holds the head need not hold the lock: rebuilds and those who went ahead do not."""
    monkeypatch.setattr(follower_module, "PATIENCE", "500ms")
    follower = house.follower()
    async with running(follower):
        await until(leads(follower))
        async with copying(house, holds_the_lock=False):
            await reached(house, await write(house, 30))


@asynccontextmanager
async def copying(house: House, *, holds_the_lock: bool) -> AsyncIterator[None]:
    """Hold the head in the middle of a COPY whose next row never comes."""
    begun, never = asyncio.Event(), asyncio.Event()

    async def rows() -> AsyncGenerator[bytes, None]:
        yield b"\n"
        begun.set()
        await never.wait()

    async with house.views() as connection:
        if holds_the_lock:
            await connection.execute("select pg_advisory_lock($1)", FOLLOWER_LOCK)
        await connection.execute("create temporary table lines (line text)")
        await connection.execute("begin; select * from head for update")
        copy = asyncio.create_task(connection.copy_to_table("lines", source=rows(), format="csv"))
        await begun.wait()
        try:
            yield
        finally:
            copy.cancel()
            await asyncio.wait([copy])
            copy.cancelled() or copy.exception()
            connection.terminate()


async def test_sessions_that_are_lost_are_replaced(house: House) -> None:
    """Case 29: whichever of its sessions the server ends, and whenever."""
    follower, ended = house.follower(), 0
    async with running(follower):
        await until(leads(follower))
        for _ in range(5):
            await write(house, 20)
            ended += await end_sessions(house)
            await reached(house, await house.log.end())
    assert ended > 1


async def test_a_session_ended_in_mid_transaction_loses_nothing(house: House) -> None:
    ended = 0

    async def end_it(connection: Connection) -> None:
        nonlocal ended
        if ended < 3:
            ended += 1
            async with house.views() as other:
                await other.execute("select pg_terminate_backend($1)", connection.get_server_pid())

    await write(house, 250)
    async with running(house.follower(projections=with_transcripts(Gated(end_it)))):
        await reached(house, await house.log.end())
    assert ended == 3


class Flaky(MemoryLog):
    """A log that cannot be reached while it is down."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.down = False
        self.refused = 0

    def check(self) -> None:
        if self.down:
            self.refused += 1
            raise LogUnavailable("the log cannot be reached now")

    async def follow(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        self.check()
        async for records in super().follow(start, limit=limit):
            self.check()
            yield records

    async def end(self) -> int:
        self.check()
        return await super().end()


async def test_a_log_that_is_down_is_waited_out(house: House) -> None:
    log = Flaky(house.log.store)
    follower = house.follower(log=log)
    async with running(follower):
        await reached(house, await write(house, 10))
        log.down = True
        end = await write(house, 10)

        async def was_refused() -> bool:
            return log.refused > 2

        await until(was_refused)
        assert follower.progress.trouble == "LogUnavailable: trying again"
        assert not follower.progress.leading
        log.down = False
        await reached(house, end)
        assert follower.progress.trouble == ""


async def test_views_dropped_under_a_follower_fill_again(house: House) -> None:
    async with running(house.follower()):
        await reached(house, await write(house, 10))
        async with house.views() as connection:
            await drop_views(connection)
        await reached(house, await write(house, 10))


async def test_views_are_dropped_while_somebody_catches_up_and_neither_waits_in_a_circle(house: House) -> None:
    """Whoever folds looks at the head first, and whoever drops shuts it first."""
    await write(house, 10)
    await house.fold()
    async with house.views() as catching_up, house.views() as dropping, house.views() as watching:
        async with dropping.transaction():
            await shut_views(dropping)
            work = asyncio.create_task(catch_up(catching_up, PROJECTIONS[0], house.keyring))
            pid = catching_up.get_server_pid()

            async def waits() -> bool:
                return bool(await watching.fetchval("select 1 from pg_locks where pid = $1 and not granted", pid))

            await until(waits)
            await drop_views(dropping)
            await create_views(dropping)
        (outcome,) = await asyncio.gather(work, return_exceptions=True)
        assert not isinstance(outcome, asyncpg.DeadlockDetectedError)


async def test_a_database_dropped_under_a_follower_fills_again(house: House, postgres_server: EmbeddedPostgres) -> None:
    """Case 30: all the views are in the log."""
    name = house.views_dsn.split("?")[0].rsplit("/", 1)[1]
    async with running(house.follower()):
        await reached(house, await write(house, 10))
        await drop_database(postgres_server, name)
        await write(house, 10)
        await postgres_server.database(name)
        await reached(house, await house.log.end())


async def test_a_head_that_was_set_back_is_followed_from_there(house: House) -> None:
    """Case 31: the views were restored from yesterday, while a follower of today waits for the next record."""
    follower = house.follower()
    async with running(follower):
        await reached(house, await write(house, 10))
        await until(leads(follower))
        async with house.views() as connection, connection.transaction():
            await drop_views(connection)
            await create_views(connection)
        await reached(house, await write(house, 1))
        async with house.views() as connection:
            assert await connection.fetchval("select count(*) from commits") == await house.log.end()


async def test_a_log_shorter_than_the_views_is_never_followed(house: House) -> None:
    """Case 32: only a person can say which of the two is the truth."""
    await write(house, 10)
    await house.fold()
    house.is_sound = False
    cut = MemoryStore()
    cut.records = house.log.store.records[:5]
    with pytest.raises(LogUnfit, match="ends at 5, but the views have folded"):
        await house.follower(log=MemoryLog(cut)).run()


@pytest.mark.parametrize("seed", range(3))
async def test_followers_that_end_anywhere_lose_and_double_nothing(house: House, seed: int) -> None:
    """Case 27: three at a time, cancelled at random moments, while somebody writes."""
    random = Random(seed)
    for _ in range(12):
        followers = [house.follower() for _ in range(3)]
        async with running(*followers):
            await write(house, random.randint(1, 200))
            for _ in range(random.randint(0, 400)):
                await asyncio.sleep(0)
    async with running(house.follower()):
        await reached(house, await house.log.end())
    async with house.views() as connection:
        assert await connection.fetchval("select count(*) from commits") == await house.log.end()
