"""kill -9 of an OTS worker at each await point, alone and beside another one: no version twice, none lost."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from itertools import count
from random import Random
from uuid import UUID, uuid4

import pytest

from events.streams import official_stream
from services.ledger import Ledger
from tests.support.faults_graduates import (
    Site,
    graduating,
    has_versions,
    nobody_waits,
    nothing_differs,
    was_rejected,
)
from tests.support.faults_job import Arm, Certify, Edit, RunOts, Settle, Step
from tests.support.faults_kills import OF_THE_FOLLOWER, kill_at_each_point, of_an_append
from tests.support.faults_official import run_ots, show_and_certify
from tests.support.faults_oracle import examine
from tests.support.faults_points import Fault
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World

SITES = 32
"""At least as many as processes are killed: each has a site of its own to answer."""

BESIDE = 12
"""How many processes run beside one that goes on."""

ANSWERING = ("queue read", "registry keys", "case loaded")
RENDERING = ("before render", "rendered", "before blob", "blob written, not named", "blob put")
LOCAL_IDS = count()


def certify(site: Site) -> Certify:
    """Certify a site as its graduates stand."""
    return Certify(uuid4(), site.code)


def edit(site: Site) -> Edit:
    """Change the first of a site's graduates."""
    return Edit(uuid4(), site.sent[0], f"F{next(LOCAL_IDS):06d}")


async def each_has_its_versions(ledger: Ledger, sites: list[Site], *, first: int, second: int) -> None:
    """The first graduate of each site has so many versions, the second so many; the third was told of each showing."""
    await nobody_waits(ledger)
    for site in sites:
        await has_versions(ledger, site.sent[0], first)
        await has_versions(ledger, site.sent[1], second)
        await was_rejected(ledger, site.rejected[0], first)


async def sound(ledger: Ledger, world: World) -> None:
    """The log, the views and the files say the same, and what a worker said that it had answered is there."""
    truth = await examine(ledger, world.journal)
    stands = truth.streams("official")
    told = Counter(UUID(line.body["ref"]) for line in world.journal.lines("official"))
    assert told
    assert all(stands[official_stream(ref)] >= times for ref, times in told.items())
    await nothing_differs(ledger)


@pytest.mark.timeout(180)
async def test_a_worker_killed_at_any_point_leaves_each_graduate_with_one_version_then_with_one_more(
    world: World, nursery: Nursery
) -> None:
    async with world.open() as ledger:
        sites = await graduating(ledger, world, SITES, sent=2, rejected=1)
    points = (*RENDERING, *of_an_append(world))
    left, done = iter(sites), list[Site]()

    def first_time() -> tuple[list[Step], list[Step]]:
        """What the last process left is answered in peace."""
        done.append(next(left))
        return [Settle(), RunOts(), certify(done[-1])], [RunOts()]

    await kill_at_each_point(nursery, world, points, first_time, most=2)
    await kill_at_each_point(nursery, world, (*ANSWERING, *OF_THE_FOLLOWER), first_time, most=1)
    assert await nursery.run(world.job(Settle(), RunOts())) == 0, world.said()
    async with world.open() as ledger:
        await each_has_its_versions(ledger, done, first=1, second=1)

    again: Iterator[Site] = iter(done)

    def second_time() -> tuple[list[Step], list[Step]]:
        site = next(again)
        return [Settle(), RunOts(), edit(site), certify(site)], [RunOts()]

    await kill_at_each_point(nursery, world, points, second_time, most=1)
    recertified = done[: len(done) - len(list(again))]
    assert await nursery.run(world.job(Settle(), RunOts())) == 0, world.said()
    async with world.open() as ledger:
        await each_has_its_versions(ledger, recertified, first=2, second=1)
        await each_has_its_versions(ledger, done[len(recertified) :], first=1, second=1)
        await sound(ledger, world)


@pytest.mark.timeout(180)
async def test_a_worker_that_stood_still_while_another_answered_comes_too_late(world: World, nursery: Nursery) -> None:
    """At each of its own points; it goes on as if nothing had happened, and what it then appends is void."""
    points = ("case loaded", *RENDERING, "before append")
    async with world.open() as ledger:
        sites = await graduating(ledger, world, len(points), sent=2, rejected=1)
        for point, site in zip(points, sites, strict=True):
            await show_and_certify(ledger, certify(site), world.journal)
            late = await nursery.start(world.job(Arm(Fault(1, point, "stop")), RunOts()))
            await late.stopped()
            await run_ots(ledger, world.journal, for_ever=False)
            await nobody_waits(ledger)
            late.go_on()
            assert await late.ended() == 0, f"at {point!r}: {world.said()}"
        await each_has_its_versions(ledger, sites, first=1, second=1)
        await sound(ledger, world)
    told = Counter(line.body["ref"] for line in world.journal.lines("official"))
    assert set(told.values()) == {1}, "somebody was told of an answer that another worker had given"


@pytest.fixture
def seed() -> int:
    """What the kills are drawn from; pytest shows it when the test fails."""
    return int(os.environ.get("LEDGER_TEST_SEED", Random().randrange(1 << 32)))


@pytest.mark.timeout(180)
async def test_a_worker_goes_on_while_others_beside_it_are_killed_and_no_version_is_made_twice(
    world: World, nursery: Nursery, seed: int
) -> None:
    random, points = Random(seed), (*ANSWERING, *RENDERING, *of_an_append(world), *OF_THE_FOLLOWER)
    async with world.open() as ledger:
        sites = await graduating(ledger, world, BESIDE, sent=2, rejected=1)
    steady = await nursery.start(world.job(RunOts(for_ever=True)))
    await steady.told("works")
    kills = 0
    for site in sites:
        fault = Fault(random.randint(1, 2), random.choice(points))
        code = await nursery.run(world.job(Settle(), certify(site), Arm(fault), RunOts()))
        assert code in (0, -signal.SIGKILL), world.said()
        kills += code != 0
    assert await nursery.run(world.job(Settle(), RunOts())) == 0, world.said()
    steady.kill()
    assert await steady.ended() == -signal.SIGKILL, world.said()
    assert kills > BESIDE / 4
    async with world.open() as ledger:
        await each_has_its_versions(ledger, sites, first=1, second=1)
        await sound(ledger, world)
