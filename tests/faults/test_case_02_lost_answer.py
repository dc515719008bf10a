"""Case 2: the log has the record, its answer is lost on the way back; the repeat under the same id finds it."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from events.student_commands import EditStudent
from events.upload import Done, UploadClosed
from services.commands import Stored, execute
from services.intake.receive import Received, receive
from services.intake.work import work
from services.ledger import OutcomeUnknown
from tests.support.faults_edges import Edge
from tests.support.faults_logs import ImpatientLog
from tests.support.faults_oracle import examine, rows_of
from tests.support.faults_world import World, stored_students

PATIENCE = 0.5
CHANGE = EditStudent({"local_identification_number": "ONCE"})


async def test_an_edit_whose_answer_was_lost_stands_once_and_its_repeat_says_where(
    edged_world: World, edge: Edge
) -> None:
    async with edged_world.open() as ledger:
        [whose] = await stored_students(ledger, edged_world, 1)
        impatient, command = replace(ledger, log=ImpatientLog(ledger.log, PATIENCE)), uuid4()
        await edge.lose_answers()
        with pytest.raises(OutcomeUnknown, match=f"repeat it with `--command-id {command}`") as unknown:
            await execute(impatient, whose, CHANGE, command_id=command)
        assert unknown.value.command == command
        await edge.heal()
        repeated = await execute(ledger, whose, CHANGE, command_id=command)
        truth = await examine(ledger, edged_world.journal)
        [(position, commit)] = truth.of_command(command)
        assert repeated == Stored(command, position, commit.version, repeated=True)
        assert truth.attempts(command) == [(position, "stands")]


async def test_an_upload_whose_answers_were_lost_goes_on_from_what_stands(edged_world: World, edge: Edge) -> None:
    file = edged_world.file(5)
    async with edged_world.open() as ledger:
        received = await receive(ledger, Path(file.path), "replace")
        assert isinstance(received, Received)
        impatient = replace(ledger, log=ImpatientLog(ledger.log, PATIENCE))
        await edge.lose_answers()
        with pytest.raises(OutcomeUnknown):
            await work(impatient, received.upload)
        await edge.heal()
        done = (await work(ledger, received.upload)).state
        assert isinstance(done, Done)
        assert done.last == UploadClosed(stored=5, unchanged=0, held=0, removed=0, overwritten=0)
        truth = await examine(ledger, edged_world.journal)
        assert set(truth.streams("student").values()) == {1}
        assert len(await rows_of(ledger, "select from transcript_students")) == 5
