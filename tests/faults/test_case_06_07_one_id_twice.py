"""Cases 6 and 7: one command id sent twice, by one or by two: one sending stands, and all are told which."""

import asyncio
from dataclasses import replace
from signal import SIGUSR1
from uuid import uuid4

from events.student_commands import EditStudent
from services.commands import Stored, execute
from services.ledger import Ledger
from tests.support.faults_job import Edit, Race
from tests.support.faults_logs import HeldLog
from tests.support.faults_oracle import examine, rows_of
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World, stored_students

PROCESSES = 4


def local_id(text: str) -> EditStudent:
    return EditStudent({"local_identification_number": text})


async def local_id_held(ledger: Ledger) -> str:
    [row] = await rows_of(ledger, "select local_id from transcript_students")
    return str(row["local_id"])


async def test_a_second_body_under_the_same_id_is_told_that_the_first_stands(world: World) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        command = uuid4()
        first = await execute(ledger, whose, local_id("FIRST"), command_id=command)
        second = await execute(ledger, whose, local_id("SECOND"), command_id=command)
        assert isinstance(first, Stored)
        assert second == replace(first, repeated=True)
        assert await local_id_held(ledger) == "FIRST"
        truth = await examine(ledger, world.journal)
        assert truth.attempts(command) == [(first.position, "stands")]


async def test_of_two_bodies_sent_at_once_one_stands_and_the_other_is_void_and_told_so(world: World) -> None:
    async with world.open() as one, world.open() as other:
        [whose] = await stored_students(one, world, 1)
        command, held = uuid4(), HeldLog(one.log)
        sendings = [
            asyncio.create_task(execute(replace(ledger, log=held), whose, local_id(text), command_id=command, stated=1))
            for ledger, text in ((one, "ONE"), (other, "OTHER"))
        ]
        await held.arrived(2)
        held.let_go()
        answers = await asyncio.gather(*sendings)

        truth = await examine(one, world.journal)
        [(position, commit)] = truth.of_command(command)
        assert sorted(verdict for _, verdict in truth.attempts(command)) == ["duplicate-command", "stands"]
        assert [(each.position, each.version) for each in answers if isinstance(each, Stored)] == [
            (position, commit.version)
        ] * 2
        texts = zip(("ONE", "OTHER"), answers, strict=True)
        assert [text for text, each in texts if each == Stored(command, position, 2)] == [await local_id_held(one)]


async def test_one_command_sent_by_many_processes_at_once_stands_once_and_all_get_the_same_answer(
    world: World, nursery: Nursery
) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        edit = Edit(uuid4(), whose.state_id, "SAME")
        racers = await asyncio.gather(*(nursery.start(world.job(Race([edit]))) for _ in range(PROCESSES)))
        await asyncio.gather(*(racer.told("ready") for racer in racers))
        for racer in racers:
            racer.signal(SIGUSR1)
        assert await asyncio.gather(*(racer.ended() for racer in racers)) == [0] * PROCESSES, world.said()

        truth = await examine(ledger, world.journal)
        [(position, _)] = truth.of_command(edit.command)
        answers = world.journal.answers()[edit.command]
        assert {(each["outcome"], each["position"], each["version"]) for each in answers} == {("stored", position, 2)}
        assert [each["repeated"] for each in answers].count(False) == 1
