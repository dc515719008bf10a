"""Case 5: fifty clients in five processes race for one stream; exactly one wins each version."""

import asyncio
from signal import SIGUSR1
from uuid import uuid4

from tests.support.faults_job import Edit, Race
from tests.support.faults_oracle import examine, rows_of
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World, stored_students

PROCESSES, CLIENTS = 5, 10


async def race(nursery: Nursery, world: World, state_id: str, stated: int | None) -> list[Edit]:
    """Let all clients go at once, and wait until all have their answers."""
    edits = [Edit(uuid4(), state_id, f"C{number:04d}", stated) for number in range(PROCESSES * CLIENTS)]
    jobs = [world.job(Race(edits[first::PROCESSES])) for first in range(PROCESSES)]
    racers = await asyncio.gather(*(nursery.start(job) for job in jobs))
    await asyncio.gather(*(racer.told("ready") for racer in racers))
    for racer in racers:
        racer.signal(SIGUSR1)
    assert await asyncio.gather(*(racer.ended() for racer in racers)) == [0] * PROCESSES, world.said()
    return edits


async def test_of_fifty_who_state_a_version_one_wins_and_all_others_learn_the_winning_position(
    world: World, nursery: Nursery
) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        edits = await race(nursery, world, whose.state_id, stated=1)
        truth = await examine(ledger, world.journal)
        answers = [answer for edit in edits for answer in world.journal.answers()[edit.command]]
        won = [answer for answer in answers if answer["outcome"] == "stored"]
        assert [answer["version"] for answer in won] == [2]
        lost = {"outcome": "conflict", "stated": 1, "found": 2, "position": won[0]["position"]}
        assert [answer for answer in answers if answer not in won] == [lost] * (PROCESSES * CLIENTS - 1)
        assert truth.streams("student") == {whose.stream: 2}


async def test_of_fifty_who_state_no_version_all_stand_in_turn(world: World, nursery: Nursery) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        edits = await race(nursery, world, whose.state_id, stated=None)
        truth = await examine(ledger, world.journal)
        answers = [answer for edit in edits for answer in world.journal.answers()[edit.command]]
        assert {answer["outcome"] for answer in answers} == {"stored"}
        assert sorted(answer["version"] for answer in answers) == list(range(2, 2 + PROCESSES * CLIENTS))
        assert any(one.verdict == "stale-version" for one in truth.judged), "there was no race"
        last = max(answers, key=lambda answer: answer["version"])
        [row] = await rows_of(ledger, "select version, position from transcript_students")
        assert (row["version"], row["position"]) == (last["version"], last["position"])
