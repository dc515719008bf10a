"""Case 19: kill -9 of the projector between applying rows and saving the position, at many random points."""

import asyncio
import os
import signal
from random import Random
from time import monotonic

import pytest

from projections.database import connect
from projections.views import SCHEMAS, drop_views
from tests.support.faults_job import Arm, Follow, Job
from tests.support.faults_oracle import examine
from tests.support.faults_points import Fault
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World, stored_students

STUDENTS = 60
KILLS = 60
SECONDS = 40
POINTS = ("index rows", "projection rows", "projection position", "advanced")


def projector(world: World, random: Random) -> Job:
    """Return a job that folds to the log's end in small batches, and dies at one of the points if it gets there."""
    fault = Fault(random.randint(1, 12), random.choice(POINTS))
    return world.job(Arm(fault), Follow(batch=random.randint(1, 9), for_ever=False))


async def killed_from_outside(nursery: Nursery, world: World, random: Random) -> int:
    """Run a projector that its parent kills, whatever it does at that moment; return how it ended."""
    child = await nursery.start(world.job(Follow(batch=random.randint(1, 9), for_ever=False)))
    await child.told("follows")
    await asyncio.sleep(random.random() * 0.1)
    child.kill()
    return await child.ended()


async def throw_views_away(world: World) -> None:
    connection = await connect(world.views_dsn, SCHEMAS)
    await drop_views(connection)
    await connection.close()


@pytest.fixture
def seed() -> int:
    """What the kills are drawn from; pytest shows it when the test fails."""
    return int(os.environ.get("LEDGER_TEST_SEED", Random().randrange(1 << 32)))


@pytest.mark.timeout(180)
async def test_a_projector_killed_at_random_points_leaves_views_that_equal_the_log(
    world: World, nursery: Nursery, seed: int
) -> None:
    random, kills, passes, deadline = Random(seed), 0, 0, monotonic() + SECONDS
    async with world.open() as ledger:
        await stored_students(ledger, world, STUDENTS)
    await throw_views_away(world)
    while kills < KILLS and monotonic() < deadline:
        if random.random() < 0.3:
            code = await killed_from_outside(nursery, world, random)
        else:
            code = await nursery.run(projector(world, random))
        assert code in (0, -signal.SIGKILL), world.said()
        kills += code != 0
        if code == 0:  # it came to the end: look, and begin again
            passes += 1
            async with world.open() as ledger:
                await examine(ledger, world.journal)
            await throw_views_away(world)
    async with world.open() as ledger:
        truth = await examine(ledger, world.journal)
    assert len(truth.streams("student")) == STUDENTS
    struck = {line.body["point"] for line in world.journal.lines("fault")}
    assert struck == set(POINTS)
    assert kills > 20, f"only {kills} kills and {passes} whole passes in {SECONDS} s"
