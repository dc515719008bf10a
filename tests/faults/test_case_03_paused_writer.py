"""Case 3: a writer stopped before it sends, and another that commits meanwhile: the first is void, decides again."""

from uuid import uuid4

from events.student_commands import EditStudent
from services.commands import Stored, Target, execute
from services.ledger import Ledger
from tests.support.faults_job import Arm, Edit
from tests.support.faults_oracle import examine, rows_of
from tests.support.faults_points import Fault
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World, stored_students

STORED = {"sqlite": "stored, not told", "kafka": "sent, no answer"}


async def commit_another(ledger: Ledger, whose: Target) -> Stored:
    change = EditStudent({"local_identification_number": "SECOND"})
    outcome = await execute(ledger, whose, change, command_id=uuid4())
    assert isinstance(outcome, Stored)
    return outcome


async def test_where_no_version_was_stated_the_stale_commit_is_void_and_the_command_decided_again(
    world: World, nursery: Nursery
) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        edit = Edit(uuid4(), whose.state_id, "FIRST")
        paused = await nursery.start(world.job(Arm(Fault(1, "before append", "stop")), edit))
        await paused.stopped()
        second = await commit_another(ledger, whose)
        assert second.version == 2
        paused.go_on()
        assert await paused.ended() == 0, world.said()

        truth = await examine(ledger, world.journal)
        assert [verdict for _, verdict in truth.attempts(edit.command)] == ["stale-version", "stands"]
        [(position, commit)] = truth.of_command(edit.command)
        [answer] = world.journal.answers()[edit.command]
        assert answer == {"outcome": "stored", "position": position, "version": 3, "repeated": False}
        assert commit.expected == 2
        [row] = await rows_of(ledger, "select local_id from transcript_students")
        assert row["local_id"] == "FIRST"


async def test_where_a_version_was_stated_the_stale_commit_is_a_conflict_that_names_the_winner(
    world: World, nursery: Nursery
) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        edit = Edit(uuid4(), whose.state_id, "FIRST", stated=1)
        paused = await nursery.start(world.job(Arm(Fault(1, "before append", "stop")), edit))
        await paused.stopped()
        second = await commit_another(ledger, whose)
        paused.go_on()
        assert await paused.ended() == 0, world.said()

        truth = await examine(ledger, world.journal)
        assert [verdict for _, verdict in truth.attempts(edit.command)] == ["stale-version"]
        [answer] = world.journal.answers()[edit.command]
        assert answer == {"outcome": "conflict", "stated": 1, "found": 2, "position": second.position}


async def test_a_writer_stopped_with_its_record_in_the_log_hears_the_truth_when_it_goes_on(
    kind: str, world: World, nursery: Nursery
) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        edit = Edit(uuid4(), whose.state_id, "FIRST", stated=1)
        start = await ledger.log.end()
        paused = await nursery.start(world.job(Arm(Fault(1, STORED[kind], "stop")), edit))
        await paused.stopped()
        async for _ in ledger.log.follow(start):
            break
        second = await commit_another(ledger, whose)
        assert second.version == 3
        paused.go_on()
        assert await paused.ended() == 0, world.said()

        truth = await examine(ledger, world.journal)
        [(position, _)] = truth.of_command(edit.command)
        [answer] = world.journal.answers()[edit.command]
        assert answer == {"outcome": "stored", "position": position, "version": 2, "repeated": False}
