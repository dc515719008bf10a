"""A rebuild: new rows beside the live ones, switched in at one position, whatever happens meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from events.student import CourseAdded, StudentEdited, StudentRemoved
from projections import catch_up as catch_up_module
from projections.catch_up import NEXT, rebuild
from projections.current_transcripts import CurrentTranscripts
from projections.database import SERVER_TROUBLE, Connection
from projections.opening import OpenCommit
from services.wiring import stop
from tests.support.ledgers import House
from tests.support.student_sets import FRENCH, full, submitted
from tests.support.views import Broken, Gated, Rows, dump, error_of, head_of, until, with_transcripts

TRANSCRIPTS = "current_transcripts"
STUDENTS = 12


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a rebuild of a few commits has many steps."""
    monkeypatch.setattr(catch_up_module, "BATCH", 4)


async def write_students(house: House) -> None:
    """Write some students with some history."""
    for each in range(STUDENTS):
        await house.pen.student(f"10000000{each:02d}", submitted(full()))
    for each in range(0, STUDENTS, 2):
        await house.pen.student(f"10000000{each:02d}", CourseAdded(2, FRENCH), StudentEdited({"sex_code": "M"}))
    await house.pen.student("1000000003", StudentRemoved("request"))


async def live_rows(house: House) -> Rows:
    """Return the live rows of the current transcripts."""
    async with house.views() as connection:
        return await dump(connection, only=TRANSCRIPTS)


async def residue(house: House) -> list[str]:
    """Return what a rebuild left behind."""
    async with house.views() as connection:
        schemas = await connection.fetch("select nspname from pg_namespace where nspname like $1", f"%{NEXT}")
        rows = await connection.fetch("select name from projections where right(name, 6) = $1", NEXT)
        return [row[0] for row in (*schemas, *rows)]


@asynccontextmanager
async def following(house: House) -> AsyncIterator[None]:
    """Follow the log until the block ends."""
    task = asyncio.create_task(house.follower().run())
    try:
        yield
    finally:
        await stop(task)


async def test_rebuilt_rows_are_the_rows_there_were(house: House) -> None:
    await write_students(house)
    await house.fold()
    before = await live_rows(house)
    async with house.views() as connection:
        left: list[int] = []
        assert await rebuild(connection, CurrentTranscripts(), house.keyring, left.append)
        assert await head_of(connection) == await house.log.end()
    assert await live_rows(house) == before
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0
    assert len(left) > 4
    assert await residue(house) == []


async def test_a_rebuild_repairs_rows_that_somebody_changed(house: House) -> None:
    await write_students(house)
    await house.fold()
    before = await live_rows(house)
    async with house.views() as connection:
        await connection.execute("update transcript_students set grade = '99'")
        await connection.execute("delete from transcript_courses")
        assert await rebuild(connection, CurrentTranscripts(), house.keyring)
    assert await live_rows(house) == before


async def test_the_live_rows_serve_and_follow_until_the_switch(house: House) -> None:
    """Case 34: writes go on under the rebuild, and are in the rows of both sides of the switch."""
    await write_students(house)
    await house.fold()
    written = 0
    async with following(house), house.views() as connection, house.views() as reader:

        async def gate(_building: Connection) -> None:
            nonlocal written
            if written < 10:
                written += 1
                await house.pen.student("1000000001", StudentEdited({"grade_placement_code": f"{written:02d}"}))
                end = await house.log.end()

                async def is_live() -> bool:
                    newest: int = await reader.fetchval("select max(position) from transcript_students")
                    return newest == end - 1

                if not await is_head_locked(reader):
                    await until(is_live)

        assert await rebuild(connection, Gated(gate), house.keyring)
    assert written > 4
    assert await residue(house) == []


async def is_head_locked(connection: Connection) -> bool:
    """Tell whether the rebuild is at its last batch, where followers wait."""
    rows = await connection.fetch("select 1 from head for update skip locked")
    return not rows


@pytest.mark.parametrize("point", [1, 2, 3, 4, 5])
async def test_a_rebuild_that_is_cancelled_anywhere_leaves_nothing_and_can_be_run_again(
    house: House, point: int
) -> None:
    """Case 35."""
    await write_students(house)
    await house.fold()
    before = await live_rows(house)
    reached = asyncio.Event()
    batches = 0

    async def gate(_building: Connection) -> None:
        nonlocal batches
        batches += 1
        if batches == point:
            reached.set()
            await asyncio.Event().wait()

    async with house.views() as connection:
        work = asyncio.create_task(rebuild(connection, Gated(gate), house.keyring))
        await reached.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await residue(house) == []
        assert await live_rows(house) == before
        assert await rebuild(connection, CurrentTranscripts(), house.keyring)
    assert await live_rows(house) == before


@pytest.mark.parametrize("point", [1, 3, 5])
async def test_a_rebuild_whose_session_dies_can_be_run_again(house: House, point: int) -> None:
    """Case 34: killed; what it built meanwhile lies there until the next one begins."""
    await write_students(house)
    await house.fold()
    before = await live_rows(house)
    batches = 0

    async def gate(building: Connection) -> None:
        nonlocal batches
        batches += 1
        if batches == point:
            async with house.views() as other:
                await other.execute("select pg_terminate_backend($1)", building.get_server_pid())

    async with house.views() as connection:
        with pytest.raises(SERVER_TROUBLE):
            await rebuild(connection, Gated(gate), house.keyring)
    assert await live_rows(house) == before
    assert (await house.check()).differences == ()
    async with house.views() as connection:
        assert await rebuild(connection, CurrentTranscripts(), house.keyring)
    assert await live_rows(house) == before
    assert await residue(house) == []


async def test_of_two_rebuilds_at_once_the_second_waits_and_both_are_right(house: House) -> None:
    await write_students(house)
    await house.fold()
    before = await live_rows(house)
    async with house.views() as one, house.views() as other:
        done = await asyncio.gather(
            rebuild(one, CurrentTranscripts(), house.keyring), rebuild(other, CurrentTranscripts(), house.keyring)
        )
    assert all(done)
    assert await live_rows(house) == before
    assert await residue(house) == []


async def test_new_rows_that_stop_at_an_event_are_dropped_and_the_reason_is_kept(house: House) -> None:
    await write_students(house)
    await house.fold()
    before = await live_rows(house)
    async with house.views() as connection:
        assert not await rebuild(connection, Broken(fails_at(7)), house.keyring)
        assert await live_rows(house) == before
        assert await error_of(connection, TRANSCRIPTS) is None
        stopped = await error_of(connection, TRANSCRIPTS + NEXT)
        assert stopped is not None
        assert stopped[0] == 7
        assert (await house.check()).differences == ()
        assert await rebuild(connection, CurrentTranscripts(), house.keyring)
    assert await residue(house) == []


async def test_a_rebuild_brings_a_view_that_had_stopped_back(house: House) -> None:
    await write_students(house)
    await house.fold(with_transcripts(Broken(fails_at(7))))
    async with house.views() as connection:
        assert await error_of(connection, TRANSCRIPTS) is not None
        assert await rebuild(connection, CurrentTranscripts(), house.keyring)
        assert await error_of(connection, TRANSCRIPTS) is None


def fails_at(position: int) -> Callable[[OpenCommit], None]:
    """Raise at a position."""

    def raises(commit: OpenCommit) -> None:
        if commit.position == position:
            raise ValueError

    return raises


async def test_a_reader_who_takes_long_holds_up_the_switch_but_not_the_follower(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catch_up_module, "SWITCH_PATIENCE", "200ms")
    await write_students(house)
    await house.fold()
    async with following(house), house.views() as connection, house.views() as reader:
        transaction = reader.transaction(isolation="repeatable_read", readonly=True)
        await transaction.start()
        rows = await reader.fetch("select * from transcript_students")
        work = asyncio.create_task(rebuild(connection, CurrentTranscripts(), house.keyring))
        async with house.views() as other:

            async def waits() -> bool:
                asks = "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and not granted"
                return bool(await other.fetchval(asks))

            await until(waits)
            for _ in range(3):
                await house.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
                end = await house.log.end()

                async def follows(end: int = end) -> bool:
                    return await head_of(other) == end

                await until(follows)
        assert not work.done()
        assert await reader.fetch("select * from transcript_students") == rows
        await transaction.rollback()
        assert await work


@pytest.mark.parametrize("seed", range(2))
async def test_rebuilds_under_live_writes_end_in_equal_rows(house: House, seed: int) -> None:
    """Case 34, at random moments, with three followers."""
    random = Random(seed)
    await write_students(house)

    async def writes() -> None:
        for _ in range(150):
            state_id = f"10000000{random.choice([0, 1, 2, 4, 5]):02d}"
            await house.pen.student(state_id, StudentEdited({"sex_code": random.choice("MF")}))
            await asyncio.sleep(random.random() * 0.01)

    async with following(house), following(house), following(house), house.views() as connection:
        writing = asyncio.create_task(writes())
        rebuilds = 0
        while not writing.done():
            assert await rebuild(connection, CurrentTranscripts(), house.keyring)
            rebuilds += 1
        await writing
    assert rebuilds > 1
