"""Plan before commit: what an upload would do is told without an event, and done exactly so or not at all."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from events.commit import Commit
from events.streams import identity_stream
from events.student import Present
from events.student_commands import EditStudent, RemoveStudent, StudentCommand
from events.upload import Done, Mode, UploadClosed, UploadRefused
from schemas.layout import load_layout
from schemas.problems import Problem
from services.commands import Stored, execute
from services.generate import Spec, generate
from services.identities import identity_of
from services.intake import work as work_module
from services.intake.preview import Plan, RecordCounts, StudentPlan, plan_is_broken, preview
from services.intake.receive import Received, receive
from services.intake.work import Upload, load, work_queue
from services.ledger import Ledger
from services.reports import read_report
from tests.support.ledgers import House, Watched
from tests.support.uploads import PUBLIC, Student, closed, held, present_ids, students, target_of, upload, write_file


async def plan_of(ledger: Ledger, folder: Path, sent: list[Student], mode: Mode = "replace") -> Plan:
    """Plan a file of some students."""
    found = await preview(ledger, write_file(folder / "plan.txt", sent), mode, variant=PUBLIC)
    assert not isinstance(found, Problem)
    assert found.plan is not None
    return found.plan


async def send_planned(ledger: Ledger, folder: Path, sent: list[Student], plan: str, mode: Mode = "replace") -> Upload:
    """Upload a file that must be just the plan, without the look before it is received."""
    file = write_file(folder / "sent.txt", sent)
    received = await receive(ledger, file, mode, variant=PUBLIC, expected_plan=plan)
    assert isinstance(received, Received)
    return await work_queue(ledger, received.upload)


async def refusal_of(ledger: Ledger, worked: Upload) -> Problem:
    """Return why an upload was refused."""
    assert isinstance(worked.state, Done)
    assert isinstance(worked.state.last, UploadRefused)
    stored = await read_report(ledger, worked.id, with_lines=False)
    assert stored is not None
    return stored.report.problems[0]


async def edited(ledger: Ledger, one: Student, command: StudentCommand) -> None:
    """Edit a student online."""
    target = await target_of(ledger, one.state_id)
    assert isinstance(await execute(ledger, target, command, command_id=uuid4()), Stored)


NEW_ID = EditStudent({"local_identification_number": "LC9"})


# --- What it says --------------------------------------------------------------------------------------------------


async def test_a_plan_says_student_by_student_what_would_change(house: House, tmp_path: Path) -> None:
    one, two, three, four, five = students(5)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, [one.with_credential(2), two, five])
        again = [
            one.with_credential(1).changed("030", letter_grade_code="A", quality_points_awarded_count="400"),
            two,
            three.with_credential(1),
            four.faulty(),
        ]
        plan = await plan_of(ledger, tmp_path, again)

    assert (plan.added, plan.changed, plan.unchanged, plan.held, plan.removed) == (1, 1, 1, 1, 0)
    by_id = {each.state_id: each for each in plan.students}
    assert [each.action for each in plan.students] == ["changed", "unchanged", "added", "held"]
    changed = by_id[one.state_id]
    assert changed.version == 1
    assert (changed.courses, changed.credentials) == (RecordCounts(changed=1), RecordCounts(dropped=1))
    assert {(each.record, each.field, each.after) for each in changed.changes if each.what == "edited"} >= {
        ("030", "letter_grade_code", "A")
    }
    courses = three.codes().count("030")
    assert by_id[three.state_id] == StudentPlan(three.state_id, "added", 0, RecordCounts(courses), RecordCounts(1))
    assert plan.courses == RecordCounts(added=courses, changed=1)
    assert plan.credentials == RecordCounts(added=1, dropped=1)


async def test_replacing_all_says_who_would_be_removed(house: House, tmp_path: Path) -> None:
    sent = students(6)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        plan = await plan_of(ledger, tmp_path, sent[:2], "delete-all-and-replace")
        removed = [each for each in plan.students if each.action == "removed"]
        done = await upload(ledger, tmp_path, sent[:2], "delete-all-and-replace")

    assert {each.state_id for each in removed} <= {each.state_id for each in sent[2:]}
    assert plan.removed == len(removed) == done.removed
    assert all(each.courses.dropped > 0 for each in removed)


async def test_a_plan_writes_nothing(house: House, tmp_path: Path) -> None:
    """No event, no blob, no key, nobody enrolled."""
    sent = students(3)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent[:1])
        before = await ledger.log.end(), await ledger.registry.last_serial()
        await plan_of(ledger, tmp_path, [sent[0].changed("020", sex_code="M"), *sent[1:]])
        assert (await ledger.log.end(), await ledger.registry.last_serial()) == before


async def test_a_refused_file_has_no_plan(house: House, tmp_path: Path) -> None:
    path = tmp_path / "wrong.txt"
    path.write_bytes(b"name,grade\r\n")
    async with house.open() as ledger:
        found = await preview(ledger, path, "replace")

    assert not isinstance(found, Problem)
    assert (found.plan, found.findings.refused) == (None, True)


# --- The digest ----------------------------------------------------------------------------------------------------


async def test_the_same_plan_has_the_same_digest(house: House, tmp_path: Path) -> None:
    """In whatever order students and records stand, and whether or not somebody else moved meanwhile."""
    sent, other = students(4), students(1, sponsor="018")
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent[:2])
        one = await plan_of(ledger, tmp_path, sent)
        await upload(ledger, tmp_path, other)
        two = await plan_of(ledger, tmp_path, [each.reordered() for each in sent[::-1]])

    assert one.digest == two.digest
    assert one.position < two.position


@pytest.mark.parametrize("what", ["another content", "another student", "one is held", "another mode", "a version"])
async def test_another_plan_has_another_digest(house: House, tmp_path: Path, what: str) -> None:
    sent = students(3)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent[:2])
        plan = await plan_of(ledger, tmp_path, sent)
        again, mode = list(sent), "replace"
        if what == "another content":
            again[2] = sent[2].changed("020", sex_code="M" if b"F" in sent[2].lines[0] else "F")
            again[2] = again[2].changed("020", local_identification_number="LC7")
        elif what == "another student":
            again = sent[:2]
        elif what == "one is held":
            again[2] = sent[2].faulty()
        elif what == "another mode":
            mode = "delete-all-and-replace"
        else:
            await edited(ledger, sent[0], NEW_ID)
            await edited(ledger, sent[0], EditStudent({"local_identification_number": "LC0000001"}))
        other = await plan_of(ledger, tmp_path, again, "replace" if mode == "replace" else "delete-all-and-replace")

    assert other.digest != plan.digest


# --- The upload of a plan ------------------------------------------------------------------------------------------


async def test_an_upload_does_what_its_plan_says(house: House, tmp_path: Path) -> None:
    sent = students(5)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent[:3])
        again = [sent[0].changed("020", local_identification_number="LC7"), *sent[1:4], sent[4].faulty()]
        plan = await plan_of(ledger, tmp_path, again)
        worked = await send_planned(ledger, tmp_path, again, plan.name)

        assert closed(worked) == UploadClosed(plan.added + plan.changed, plan.unchanged, plan.held, plan.removed, 0)
        after = await plan_of(ledger, tmp_path, again)
    assert (after.added, after.changed, after.unchanged) == (0, 0, 4)


async def test_an_edit_between_plan_and_upload_refuses_it_and_nothing_is_stored(house: House, tmp_path: Path) -> None:
    """Before the file is received, and again when it has its turn; both name who moved, and nobody else."""
    sent = students(4)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent[:3])
        again = [each.changed("020", local_identification_number="LC7") for each in sent]
        plan = await plan_of(ledger, tmp_path, again)
        await edited(ledger, sent[1], NEW_ID)
        before = [(await held(ledger, each.state_id)).version for each in sent[:3]]

        end = await ledger.log.end()
        broken = await plan_is_broken(ledger, tmp_path / "plan.txt", "replace", plan.name, variant=PUBLIC)
        assert broken is not None
        assert await ledger.log.end() == end
        worked = await send_planned(ledger, tmp_path, again, plan.name)
        refused = await refusal_of(ledger, worked)

        assert await ledger.log.end() == end + 2  # received and refused, and no student
        assert [(await held(ledger, each.state_id)).version for each in sent[:3]] == before
        assert await present_ids(ledger) == {each.state_id for each in sent[:3]}
    for problem in (broken, refused):
        assert problem.code == "S08"
        assert sent[1].state_id in problem.hint
        assert not any(each.state_id in problem.hint for each in (sent[0], sent[2], sent[3]))


async def test_one_who_came_since_the_plan_has_moved(house: House, tmp_path: Path) -> None:
    """New in the plan, stored by another upload meanwhile."""
    sent = students(2)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent[:1])
        plan = await plan_of(ledger, tmp_path, sent)
        await upload(ledger, tmp_path, [sent[1].changed("020", local_identification_number="LC9")])
        refused = await refusal_of(ledger, await send_planned(ledger, tmp_path, sent, plan.name))

    assert sent[1].state_id in refused.hint
    assert sent[0].state_id not in refused.hint


async def test_another_file_than_the_planned_is_refused_as_such(house: House, tmp_path: Path) -> None:
    sent = students(3)
    async with house.open() as ledger:
        plan = await plan_of(ledger, tmp_path, sent)
        refused = await refusal_of(ledger, await send_planned(ledger, tmp_path, sent[:2], plan.name))

    assert "None of its students has moved" in refused.hint


async def test_who_moved_is_not_known_without_the_position(house: House, tmp_path: Path) -> None:
    sent = students(2)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        again = [each.changed("020", local_identification_number="LC7") for each in sent]
        plan = await plan_of(ledger, tmp_path, again)
        await edited(ledger, sent[0], NEW_ID)
        refused = await refusal_of(ledger, await send_planned(ledger, tmp_path, again, plan.digest))

    assert "cannot be told" in refused.hint


async def test_a_student_edited_while_the_plan_is_carried_out_stays_as_edited(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a plan they would be decided again and overwritten."""
    monkeypatch.setattr(work_module, "IN_FLIGHT", 1)
    sent = students(3)
    async with house.open() as other:
        await upload(other, tmp_path, sent)
        again = [each.changed("020", local_identification_number="LC7") for each in sent]
        plan = await plan_of(other, tmp_path, again)
        step = before_the_first("student-record-submitted", lambda: edited(other, sent[2], NEW_ID))
        async with house.open(log=Watched(house.log.store, step)) as ledger:
            worked = await send_planned(ledger, tmp_path, again, plan.name)
            assert closed(worked) == UploadClosed(2, 1, 0, 0, 0)
            state = (await held(ledger, sent[2].state_id)).state
    assert isinstance(state, Present)
    assert state.student["local_identification_number"] == "LC9"


async def test_a_nonpublic_student_who_stays_as_edited_keeps_the_name_that_stands(house: House, tmp_path: Path) -> None:
    """The identity is written before the set; when the set is not stored, it follows the set that is."""
    file = generate(Spec(1, sites=1, seed=6, layout="nonpublic", sponsor="506"))
    first, second = tmp_path / "first.txt", tmp_path / "second.txt"
    file.write(first)
    last = load_layout("nonpublic")["020"]["last_name"]
    renamed = bytearray(first.read_bytes())
    renamed[last.span] = b"Otherwise".ljust(last.length)
    second.write_bytes(renamed)
    async with house.open() as other:
        received = await receive(other, first, "replace")
        assert isinstance(received, Received)
        await work_queue(other, received.upload)
        found = await preview(other, second, "replace")
        assert not isinstance(found, Problem)
        assert found.plan is not None
        (state_id,) = [each.state_id for each in found.plan.students]
        target = await target_of(other, state_id, sponsor="506")
        before = (await identity_of(other, target.key.owner)).state

        async def step() -> None:
            assert isinstance(await execute(other, target, NEW_ID, command_id=uuid4()), Stored)

        async with house.open(log=Watched(house.log.store, before_the_first("student-record-submitted", step))) as one:
            sent = await receive(one, second, "replace", expected_plan=found.plan.name)
            assert isinstance(sent, Received)
            assert closed(await work_queue(one, sent.upload)) == UploadClosed(0, 1, 0, 0, 0)
            assert (await identity_of(one, target.key.owner)).state == before
            assert len(await one.events_of(identity_stream(target.key.owner))) == 3


async def test_whoever_takes_the_upload_up_after_a_crash_keeps_to_the_plan(house: House, tmp_path: Path) -> None:
    """The plan lies with the upload in the log, not with the process that was told of it."""
    sent = students(2)
    async with house.open() as first:
        await upload(first, tmp_path, sent)
        again = [each.changed("020", local_identification_number="LC7") for each in sent]
        plan = await plan_of(first, tmp_path, again)
        file = write_file(tmp_path / "sent.txt", again)
        received = await receive(first, file, "replace", variant=PUBLIC, expected_plan=plan.name)
        assert isinstance(received, Received)
        await edited(first, sent[0], RemoveStudent("request"))
    async with house.open() as second:
        worked = await work_queue(second, received.upload)
        assert (await refusal_of(second, worked)).code == "S08"
        assert isinstance((await load(second, received.upload)).state, Done)


def before_the_first(name: str, step: Callable[[], Awaitable[object]]) -> Callable[[Commit], Awaitable[None]]:
    """Take a step before the first commit with this event is appended."""
    taken = False

    async def before(commit: Commit) -> None:
        nonlocal taken
        if commit.events[0].name == name and not taken:
            taken = True
            await step()

    return before
