"""Case 30: the views are dropped while a writer keeps writing; they fill again from position 0, and nothing is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from signal import SIGTERM

import asyncpg
import pytest

from projections.database import connect
from projections.views import SCHEMAS, drop_views
from tests.support.faults_cli import ledger_says
from tests.support.faults_job import KeepEditing
from tests.support.faults_oracle import examine, rows_of
from tests.support.faults_processes import Child, Nursery
from tests.support.faults_world import World, stored_students
from tests.support.postgres import drop_database

STUDENTS = 150


async def drop_the_database(world: World) -> None:
    """Drop it under everybody who is connected, and make an empty one."""
    name = world.views_dsn.split("?")[0].rsplit("/", 1)[1]
    await drop_database(world.server, name)
    assert await world.server.database(name) == world.views_dsn


async def drop_the_tables(world: World) -> None:
    connection = await connect(world.views_dsn, SCHEMAS)
    await drop_views(connection)
    await connection.close()


async def rebuild_by_command(world: World) -> None:
    code, said = await ledger_says(world, "projections", "rebuild", "--all")
    assert code == 0, said


async def writing(nursery: Nursery, world: World) -> Child:
    """Fill a ledger, and start a process that edits its students and is being answered."""
    async with world.open() as ledger:
        whose = await stored_students(ledger, world, STUDENTS)
    writer = await nursery.start(world.job(KeepEditing([one.state_id for one in whose])))
    await writer.told("answered", 5)
    return writer


async def test_views_dropped_while_nobody_writes_fill_again_by_themselves(world: World) -> None:
    async with world.open() as ledger:
        await stored_students(ledger, world, 3)
        await drop_the_tables(world)
        while True:
            try:
                await examine(ledger, world.journal)
                break
            except asyncpg.UndefinedTableError:
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("drop", [drop_the_database, drop_the_tables, rebuild_by_command])
async def test_views_dropped_under_a_writer_fill_again_under_its_writes(
    world: World, nursery: Nursery, drop: Callable[[World], Awaitable[None]]
) -> None:
    writer = await writing(nursery, world)
    await drop(world)
    await writer.told("answered", len(world.journal.lines("answered")) + 20)
    writer.signal(SIGTERM)
    assert await writer.ended() == 0, world.said()
    async with world.open() as ledger:
        truth = await examine(ledger, world.journal)
        assert len(truth.streams("student")) == STUDENTS
        assert len(await rows_of(ledger, "select from transcript_students")) == STUDENTS
        assert {answer["outcome"] for given in world.journal.answers().values() for answer in given} == {"stored"}
