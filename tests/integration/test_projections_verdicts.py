"""Verdicts: whoever waits hears what became of their command, also when nobody tells them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import pytest

from events.identity import StudentIdentified, standing
from events.log.contract import LogUnfit
from events.streams import identity_stream
from projections import index
from projections.database import connect_pool
from projections.index import Settled, read_head
from projections.verdicts import Verdicts
from projections.views import SCHEMAS, create_views
from tests.support.ledgers import House


@asynccontextmanager
async def listening(house: House) -> AsyncIterator[Verdicts]:
    """Verdicts on a pool of their own."""
    async with house.views() as connection:
        await create_views(connection)
    pool = await connect_pool(house.views_dsn, SCHEMAS, size=2)
    verdicts = Verdicts(pool)
    await verdicts.start()
    try:
        yield verdicts
    finally:
        await verdicts.close()
        await pool.close()


async def write(house: House, command: UUID, *, expected: int | None = None) -> int:
    """Write a commit under this command id."""
    key = (await house.registry.enrol(["1000000001"]))["1000000001"]
    event = StudentIdentified("Vorimquenda", "Zylthmarope")
    told = [(event, standing(event, key.material))]
    return await house.pen.write(identity_stream(key.owner), told, key, expected=expected, command=command)


async def test_a_verdict_is_given_once_the_views_have_passed_the_record(house: House) -> None:
    command = uuid4()
    async with listening(house) as verdicts:
        position = await write(house, command)
        waiting = asyncio.create_task(verdicts.of(command, position))
        await asyncio.sleep(0)
        assert not waiting.done()
        await house.fold()
        settled = await waiting
    assert settled == Settled(command, position, "stands", settled.stream, 1)
    assert settled.stands


async def test_a_verdict_that_is_there_already_is_given_at_once(house: House) -> None:
    command = uuid4()
    position = await write(house, command)
    await house.fold()
    async with listening(house) as verdicts:
        assert (await verdicts.of(command, position)).position == position


async def test_a_void_attempt_is_told_with_its_reason(house: House) -> None:
    command = uuid4()
    await write(house, uuid4())
    position = await write(house, command, expected=0)
    await house.fold()
    async with listening(house) as verdicts:
        settled = await verdicts.of(command, position)
    assert (settled.verdict, settled.position, settled.version, settled.stands) == ("stale-version", position, 1, False)


async def test_a_repetition_is_told_where_its_command_stands(house: House) -> None:
    """Whether it was the same body or another one: what stands is the first."""
    command = uuid4()
    first = await write(house, command)
    again = await write(house, command)
    await house.fold()
    async with listening(house) as verdicts:
        assert not (await verdicts.of(command, first)).repeated
        settled = await verdicts.of(command, again)
    assert (settled.position, settled.verdict, settled.repeated) == (first, "stands", True)


async def test_of_several_void_attempts_the_newest_is_told(house: House) -> None:
    command = uuid4()
    await write(house, uuid4())
    positions = [await write(house, command, expected=each) for each in (0, 5, 9)]
    await house.fold()
    async with listening(house) as verdicts:
        for position in positions:
            assert (await verdicts.of(command, position)).position == positions[-1]


async def test_an_attempt_that_was_void_and_then_decided_again_stands(house: House) -> None:
    command = uuid4()
    await write(house, uuid4())
    await write(house, command, expected=0)
    position = await write(house, command, expected=1)
    await house.fold()
    async with listening(house) as verdicts:
        settled = await verdicts.of(command, position)
    assert (settled.verdict, settled.position, settled.repeated) == ("stands", position, False)


async def test_a_notification_that_is_lost_is_made_up_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "CHANNEL", "another_channel")
    async with listening(house) as verdicts:
        monkeypatch.undo()
        command = uuid4()
        position = await write(house, command)
        waiting = asyncio.create_task(verdicts.of(command, position))
        await house.fold()
        assert (await waiting).stands


async def test_whoever_waits_while_the_connection_is_lost_is_answered_on_another_one(house: House) -> None:
    async with listening(house) as verdicts:
        command = uuid4()
        position = await write(house, command)
        waiting = asyncio.create_task(verdicts.of(command, position))
        await asyncio.sleep(0)
        for _ in range(3):
            async with house.views() as connection:
                await connection.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and pid <> pg_backend_pid()"
                )
        await house.fold()
        assert (await waiting).stands


async def test_whoever_waits_when_the_listening_ends_by_a_fault_hears_of_it_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(connection: object) -> None:
        raise ZeroDivisionError

    async with listening(house) as verdicts:
        monkeypatch.setattr(index, "read_head", broken)
        for _ in range(2):  # while it ends, and after it has ended
            with pytest.raises(ZeroDivisionError):
                await verdicts.of(uuid4(), 10_000)


async def test_many_wait_at_once_and_each_hears_of_their_own(house: House) -> None:
    async with listening(house) as verdicts:
        commands = [uuid4() for _ in range(300)]
        positions = [await write(house, command) for command in commands]
        waiting = [
            asyncio.create_task(verdicts.of(command, position))
            for command, position in zip(commands, positions, strict=True)
        ]
        await house.fold()
        settled = await asyncio.gather(*waiting)
    assert [one.command for one in settled] == commands
    assert [one.position for one in settled] == positions
    assert [one.version for one in settled] == list(range(1, 301))


async def test_who_gives_up_is_forgotten_and_holds_nobody_up(house: House) -> None:
    async with listening(house) as verdicts:
        gone = [asyncio.create_task(verdicts.of(uuid4(), 10_000)) for _ in range(50)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        await asyncio.wait(gone)
        command = uuid4()
        position = await write(house, command)
        await house.fold()
        assert (await verdicts.of(command, position)).stands
        assert verdicts._waiting == []


async def test_who_waits_for_what_never_comes_waits_and_others_do_not(house: House) -> None:
    async with listening(house) as verdicts:
        late = asyncio.create_task(verdicts.of(uuid4(), 10_000))
        for _ in range(3):
            command = uuid4()
            position = await write(house, command)
            await house.fold()
            assert (await verdicts.of(command, position)).stands
        assert not late.done()
    assert late.cancelled() or await asyncio.wait([late])


async def test_a_position_that_holds_somebody_elses_record_is_a_fault_and_not_a_verdict(house: House) -> None:
    await write(house, uuid4())
    await house.fold()
    async with listening(house) as verdicts:
        with pytest.raises(LogUnfit, match="another record at position 1 than the one that was appended there"):
            await verdicts.of(uuid4(), 1)
        async with house.views() as connection:
            assert (await read_head(connection)).next_position == 2
