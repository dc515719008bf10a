"""Case 4: a send is given up and arrives later; what is said before, in between and afterwards agrees."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from events.student_commands import EditStudent
from projections.database import connect
from projections.follower import Follower
from projections.index import Settled
from projections.views import SCHEMAS, create_views, drop_views
from services import commands
from services.commands import Stored, Target, execute, look_up
from services.ledger import Ledger, OutcomeUnknown
from services.wiring import stop
from tests.support.faults_edges import Edge
from tests.support.faults_job import Edit
from tests.support.faults_logs import HeldLog, ImpatientLog
from tests.support.faults_oracle import examine
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World, stored_students

PATIENCE = 0.3
CHANGE = EditStudent({"local_identification_number": "LATE"})


async def send_in_vain(ledger: Ledger, edge: Edge, whose: Target) -> UUID:
    """Send an edit that is held on its way for longer than its client waits."""
    command = uuid4()
    await edge.hold()
    with pytest.raises(OutcomeUnknown):
        await execute(replace(ledger, log=ImpatientLog(ledger.log, PATIENCE)), whose, CHANGE, command_id=command)
    return command


async def arrival(ledger: Ledger, edge: Edge) -> int:
    """Let what was held arrive; return its position once the views have passed it."""
    start = await ledger.log.end()
    await edge.heal()
    async for [record, *_] in ledger.log.follow(start):
        await ledger.caught_up()
        return record.position
    raise AssertionError("a followed log does not end")


async def test_a_late_command_is_not_seen_at_first_and_found_where_it_stands_afterwards(
    edged_world: World, edge: Edge
) -> None:
    async with edged_world.open() as ledger:
        [whose] = await stored_students(ledger, edged_world, 1)
        command = await send_in_vain(ledger, edge, whose)
        assert await look_up(ledger, command) is None
        position = await arrival(ledger, edge)
        found = await look_up(ledger, command)
        assert found == Settled(command, position, "stands", whose.stream, 2)
        repeated = await execute(ledger, whose, CHANGE, command_id=command)
        assert repeated == Stored(command, position, 2, repeated=True)
        truth = await examine(ledger, edged_world.journal)
        assert truth.attempts(command) == [(position, "stands")]


async def test_a_command_that_arrives_after_its_student_was_edited_by_another_is_found_void(
    edged_world: World, edge: Edge, nursery: Nursery
) -> None:
    """The other writer has a way of its own to the log, which nobody holds up."""
    async with edged_world.open() as ledger:
        [whose] = await stored_students(ledger, edged_world, 1)
        command = await send_in_vain(ledger, edge, whose)
        other = Edit(uuid4(), whose.state_id, "OTHER")
        assert await nursery.run(edged_world.job(other)) == 0, edged_world.said()
        position = await arrival(ledger, edge)
        found = await look_up(ledger, command)
        assert found == Settled(command, position, "stale-version", whose.stream, 2)
        again = await execute(ledger, whose, CHANGE, command_id=command)
        assert isinstance(again, Stored)
        assert again.version == 3
        truth = await examine(ledger, edged_world.journal)
        assert truth.attempts(command) == [(position, "stale-version"), (again.position, "stands")]


async def test_a_cancelled_call_is_an_unknown_outcome_that_a_repeat_settles(edged_world: World, edge: Edge) -> None:
    async with edged_world.open() as ledger:
        [whose] = await stored_students(ledger, edged_world, 1)
        command = uuid4()
        await edge.hold()
        calling = asyncio.create_task(execute(ledger, whose, CHANGE, command_id=command))
        await edge.holds()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        position = await arrival(ledger, edge)
        repeated = await execute(ledger, whose, CHANGE, command_id=command)
        assert repeated == Stored(command, position, 2, repeated=True)
        await examine(ledger, edged_world.journal)


async def test_an_answer_is_not_a_conflict_with_ones_own_commit_that_landed_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        command, held = uuid4(), HeldLog(ledger.log)
        late = asyncio.create_task(execute(replace(ledger, log=held), whose, CHANGE, command_id=command, stated=1))
        await held.arrived()

        async def landing_right_after(asked: Ledger, wanted: UUID) -> Settled | None:
            seen = await look_up(asked, wanted)
            held.let_go()
            await late
            return seen

        monkeypatch.setattr(commands, "look_up", landing_right_after)
        repeated = await execute(ledger, whose, CHANGE, command_id=command, stated=1)
        landed = late.result()
        assert isinstance(landed, Stored)
        assert repeated == replace(landed, repeated=True)
        await examine(ledger, world.journal)


async def test_a_conflict_is_never_concluded_from_views_that_lie_behind_the_log(world: World) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        assert ledger.following is not None
        await stop(ledger.following)
        connection = await connect(ledger.views_dsn, SCHEMAS)
        await drop_views(connection)
        await create_views(connection)
        await connection.close()
        lagging = replace(ledger, following=None)
        answering = asyncio.create_task(execute(lagging, whose, CHANGE, command_id=uuid4(), stated=1))
        following = asyncio.create_task(Follower(ledger.views_dsn, ledger.log, ledger.registry).run())
        assert isinstance(await answering, Stored)
        await examine(lagging, world.journal)
        await stop(following)
