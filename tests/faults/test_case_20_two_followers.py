"""Case 20: two followers of one view at once, without the lock or past a holder that stopped: nothing counts twice."""

from dataclasses import replace
from uuid import uuid4

import pytest

from events.student_commands import EditStudent
from services.commands import Stored, Target, execute
from services.ledger import Ledger
from services.wiring import stop
from tests.support.faults_job import Arm, Follow
from tests.support.faults_oracle import examine
from tests.support.faults_points import Fault
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World, stored_students

EDITS = 60


async def edit(ledger: Ledger, whose: Target, number: int) -> int:
    """Edit a student and return the position."""
    change = EditStudent({"local_identification_number": f"N{number:04d}"})
    outcome = await execute(ledger, whose, change, command_id=uuid4())
    assert isinstance(outcome, Stored)
    return outcome.position


async def test_of_two_followers_that_both_go_ahead_each_position_is_folded_by_one(
    world: World, nursery: Nursery
) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        assert ledger.following is not None
        await stop(ledger.following)
        writer = replace(ledger, following=None)
        begin = await ledger.log.end()
        followers = [await nursery.start(world.job(Follow(lock=number))) for number in (1, 2)]
        for follower in followers:
            await follower.told("leads")
        for number in range(EDITS):
            await edit(writer, whose, number)
        await examine(writer, world.journal)
        for follower in followers:
            follower.kill()

    folded: dict[int, list[int]] = {follower.pid: [] for follower in followers}
    for line in world.journal.lines("folded"):
        folded[line.body["pid"]] += line.body["positions"]
    one, other = folded.values()
    assert sorted(one + other) == list(range(begin, begin + EDITS))
    assert one, "one of the two never led"
    assert other, "one of the two never led"


# A follower that comes to lead reads the last record again, so the second advance is that of the first edit.
@pytest.mark.parametrize(("point", "at", "takes_over"), [("advanced", 2, False), ("index rows", 1, True)])
async def test_when_the_holder_of_the_lock_stops_another_goes_ahead_and_the_stopped_one_goes_on_without_harm(
    world: World, nursery: Nursery, point: str, at: int, takes_over: bool
) -> None:
    """Stopped between two batches, and in mid-transaction: PostgreSQL ends that session, and its lock, after 5 s."""
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
    holder = await nursery.start(world.job(Arm(Fault(at, point, "stop")), Follow()))
    await holder.told("leads")
    async with world.open() as ledger:
        assert not ledger.follower.progress.leading
        await edit(ledger, whose, 1)
        await holder.stopped()
        await edit(ledger, whose, 2)
        assert ledger.follower.progress.leading == takes_over
        holder.go_on()
        for number in range(3, 10):
            await edit(ledger, whose, number)
        holder.kill()
        await holder.ended()
        truth = await examine(ledger, world.journal)
        assert truth.streams("student") == {whose.stream: 10}
