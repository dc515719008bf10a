"""A graduation date that the set does not bear, from the file to the views (R-036, R-142)."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from events.student import GraduationDateRemoved
from events.student_commands import EditStudent, Refused
from schemas.louisiana_sts.batch import Batch, read_batch
from schemas.louisiana_sts.records import CREDENTIAL
from services import certifying
from services.commands import Stored, execute
from services.history import RemovedDate, history
from services.intake.plan import plan
from tests.support.sending import Desk, open_desk, sponsor

pytestmark = pytest.mark.postgres

STUDENTS, SEED = 120, 3
UNREADY = sponsor(STUDENTS, unready=0.5, seed=SEED)
WRITTEN = "select count(*) from commits where stream like 'student/%' and verdict = 'stands'"


@pytest.fixture
async def desk(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, views_dsn, registry_dsn) as opened:
        yield opened


def batch() -> Batch:
    found = read_batch(UNREADY.data)
    assert isinstance(found, Batch)
    return found


def dated() -> set[str]:
    """Who is sent with a graduation date."""
    return {one for one in batch().state_ids if "graduation_date" in (batch().record_set(one).student or {})}


async def graduates(desk: Desk) -> set[object]:
    """Who holds a graduation date."""
    rows = await desk.rows("select state_id from transcript_students where graduation_date is not null")
    return {row[0] for row in rows}


LOSING = {answer.state_id: answer.code for answer in UNREADY.answers}


async def test_who_lacks_something_is_stored_without_the_date_and_the_report_says_so(desk: Desk) -> None:
    sent = await desk.send(UNREADY.data)

    assert (sent.stored, sent.held, sent.overwritten) == (STUDENTS, 0, 0)
    assert 0 < len(LOSING) < len(dated())
    assert await graduates(desk) == dated() - LOSING.keys()
    found = await desk.problems(sent)
    assert {(one.line, one.code) for one in found} == {(one.line, one.code) for one in UNREADY.answers}
    assert {one.effect for one in found} == {"remove_graduation_date"}


async def test_the_set_and_the_removal_are_one_commit_and_history_shows_both(desk: Desk) -> None:
    await desk.send(UNREADY.data)
    state_id = next(one for one, code in LOSING.items() if code == "223")

    (entry,) = await history(desk.ledger, (await desk.target(state_id)).stream)

    assert entry.events == ("student-record-submitted", "graduation-date-removed")
    assert entry.version == 2
    student = batch().record_set(state_id).student or {}
    assert entry.graduation_date_removed == RemovedDate(student["graduation_date"], ("2",))


async def test_the_same_file_again_makes_no_commit_and_decertifies_nobody(desk: Desk) -> None:
    await desk.send(UNREADY.data)
    for site in ("017001", "017002"):
        shown = await certifying.show(desk.ledger, site, "2025")
        await certifying.certify(desk.ledger, shown, command_id=uuid4())
    before = await desk.rows("select * from graduates order by ref"), await desk.rows(WRITTEN)

    again = await desk.send(UNREADY.data)

    assert (again.stored, again.unchanged) == (0, STUDENTS)
    assert before == (await desk.rows("select * from graduates order by ref"), await desk.rows(WRITTEN))
    for site in ("017001", "017002"):
        assert (await certifying.show(desk.ledger, site, "2025")).changes_nothing


async def test_the_corrected_file_stores_those_who_lacked_something_and_nobody_else(desk: Desk) -> None:
    await desk.send(UNREADY.data)
    corrected = await desk.send(UNREADY.corrected.data)

    assert (corrected.stored, corrected.unchanged) == (len(LOSING), STUDENTS - len(LOSING))
    assert await desk.problems(corrected) == []
    assert await graduates(desk) == dated()


async def test_overwritten_counts_who_was_edited_meanwhile_and_not_who_lost_a_date(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit of two events leads two versions on without anybody else's doing."""
    await desk.send(UNREADY.corrected.data)
    edited = next(iter(LOSING))

    async def plan_and_edit(*arguments: Any) -> Any:
        manifest = await plan(*arguments)
        target = await desk.target(edited)
        done = await execute(desk.ledger, target, EditStudent({"sex_code": "X"}), command_id=uuid4())
        assert isinstance(done, Refused)
        student = batch().record_set(edited).student or {}
        other = "F" if student["sex_code"] == "M" else "M"
        done = await execute(desk.ledger, target, EditStudent({"sex_code": other}), command_id=uuid4())
        assert isinstance(done, Stored)
        return manifest

    monkeypatch.setattr("services.intake.work.plan", plan_and_edit)
    sent = await desk.send(UNREADY.data)

    assert len(LOSING) > 1
    assert (sent.stored, sent.overwritten) == (len(LOSING), 1)


async def test_credentials_alone_that_cost_the_date_are_told_and_sent_again_change_nothing(desk: Desk) -> None:
    await desk.send(UNREADY.corrected.data)
    state_id = next(one for one, code in LOSING.items() if code == "G6")
    full = read_batch(UNREADY.corrected.data)
    assert isinstance(full, Batch)
    lines = [line.raw for line in full.lines_of(state_id) if line.code == CREDENTIAL]
    span = full.layout[CREDENTIAL]["pass_fail"].span
    failed = b"".join(raw[: span.start] + b"F" + raw[span.stop :] + b"\r\n" for raw in lines)

    sent = await desk.send(failed)
    again = await desk.send(failed)

    (problem,) = [one for one in await desk.problems(sent) if one.effect != "note"]
    assert (problem.code, problem.effect, problem.record, problem.line) == ("G6", "remove_graduation_date", "050", 1)
    assert (sent.stored, sent.overwritten) == (1, 0)
    assert (again.stored, again.unchanged) == (0, 1)
    entries = await history(desk.ledger, (await desk.target(state_id)).stream)
    assert entries[-1].events == ("credentials-replaced", "graduation-date-removed")


async def test_an_edit_says_what_was_cleared_and_says_it_again_when_repeated(desk: Desk) -> None:
    await desk.send(UNREADY.data)
    state_id = next(one for one, code in LOSING.items() if code == "G4")
    target, command = await desk.target(state_id), uuid4()
    day = EditStudent({"graduation_date": "05202026"})

    done = await execute(desk.ledger, target, day, command_id=command)
    repeated = await execute(desk.ledger, target, day, command_id=command)

    assert isinstance(done, Stored)
    assert isinstance(repeated, Stored)
    assert done.removed == repeated.removed == GraduationDateRemoved(("4",), "05202026")
    assert (done.repeated, repeated.repeated) == (False, True)
    assert done.version == 4
    met = await execute(
        desk.ledger,
        target,
        EditStudent({"graduation_date": "05202026", "met_gee_eoc_flag": "Y"}),
        command_id=uuid4(),
    )
    assert isinstance(met, Stored)
    assert met.removed is None
    rows = await desk.rows("select graduation_date from transcript_students where state_id = $1", state_id)
    assert str(rows[0][0]) == "2026-05-20"
