"""Uploads among others: edits meanwhile, two intakes at once, and those who come back from a long pause."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import pytest

from events.commit import Commit
from events.fold import NOTHING_KNOWN, fold, read_records
from events.identity import StudentErased
from events.student_commands import EditCourse, EditStudent, RemoveStudent, StudentCommand, SubmitSet
from events.upload import UploadClosed
from services.commands import Outcome, Stored, execute
from services.intake import work as work_module
from services.intake.work import work, work_queue
from services.ledger import Ledger
from tests.support.ledgers import House, Watched
from tests.support.uploads import (
    Student,
    closed,
    held,
    present,
    present_ids,
    send,
    students,
    target_of,
    upload,
)

Step = Callable[[], Awaitable[object]]


def once_before(name: str, step: Step, *, number: int = 1) -> Callable[[Commit], Awaitable[None]]:
    """Take a step before the n-th commit with this event is appended, and before no other."""
    seen = 0

    async def before(commit: Commit) -> None:
        nonlocal seen
        if commit.events[0].name == name:
            seen += 1
            if seen == number:
                await step()

    return before


async def edit(ledger: Ledger, student: Student, command: StudentCommand) -> Outcome:
    """Edit a student online."""
    return await execute(ledger, await target_of(ledger, student.state_id), command, command_id=uuid4())


def stood(house: House) -> Counter[str]:
    """Count what stands in the log by its event's name."""
    judged, _ = fold(read_records(house.log.store.records), NOTHING_KNOWN)
    return Counter(event.name for item in judged if item.stands and item.commit for event in item.commit.events)


@pytest.fixture(autouse=True)
def _one_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what comes before what is known."""
    monkeypatch.setattr(work_module, "IN_FLIGHT", 1)


# --- Edited between plan and commit --------------------------------------------------------------------------------


async def test_a_student_edited_meanwhile_is_decided_again_and_counted(house: House, tmp_path: Path) -> None:
    sent = students(3)
    async with house.open() as other:
        await upload(other, tmp_path, sent)
        again = [each.changed("020", local_identification_number="LC1") for each in sent]
        step = once_before(
            "student-record-submitted",
            lambda: edit(other, sent[0], EditStudent({"local_identification_number": "LC9"})),
        )
        async with house.open(log=Watched(house.log.store, step)) as ledger:
            assert await upload(ledger, tmp_path, again) == UploadClosed(3, 0, 0, 0, 1)
            state = await present(ledger, sent[0].state_id)
    assert state.student["local_identification_number"] == "LC1"


async def test_a_student_edited_to_what_the_file_says_is_left_alone(house: House, tmp_path: Path) -> None:
    (one,) = students(1)
    async with house.open() as other:
        await upload(other, tmp_path, [one])
        says_so = EditStudent({"local_identification_number": "LC9"})
        step = once_before("student-record-submitted", lambda: edit(other, one, says_so))
        async with house.open(log=Watched(house.log.store, step)) as ledger:
            again = [one.changed("020", local_identification_number="LC9")]
            assert await upload(ledger, tmp_path, again) == UploadClosed(0, 1, 0, 0, 0)
            assert (await held(ledger, one.state_id)).version == 2


async def test_a_student_removed_meanwhile_is_stored_again(house: House, tmp_path: Path) -> None:
    sent = students(1)
    async with house.open() as other:
        await upload(other, tmp_path, sent)
        step = once_before("student-record-submitted", lambda: edit(other, sent[0], RemoveStudent("request")))
        async with house.open(log=Watched(house.log.store, step)) as ledger:
            again = [sent[0].changed("020", local_identification_number="LC9")]
            assert await upload(ledger, tmp_path, again) == UploadClosed(1, 0, 0, 0, 1)
            assert await present_ids(ledger) == {sent[0].state_id}


async def test_credentials_of_a_student_removed_meanwhile_are_not_stored(house: House, tmp_path: Path) -> None:
    sent = students(1)
    async with house.open() as other:
        await upload(other, tmp_path, sent)
        step = once_before("credentials-replaced", lambda: edit(other, sent[0], RemoveStudent("request")))
        async with house.open(log=Watched(house.log.store, step)) as ledger:
            done = await upload(ledger, tmp_path, [sent[0].with_credential().alone()])
            assert done == UploadClosed(0, 1, 0, 0, 0)
            assert await present_ids(ledger) == set()


async def test_courses_edited_meanwhile_stay_when_credentials_alone_are_sent(house: House, tmp_path: Path) -> None:
    sent = students(1)
    async with house.open() as other:
        await upload(other, tmp_path, sent)
        step = once_before(
            "credentials-replaced", lambda: edit(other, sent[0], EditCourse(1, {"course_site_name": "Elsewhere"}))
        )
        async with house.open(log=Watched(house.log.store, step)) as ledger:
            assert await upload(ledger, tmp_path, [sent[0].with_credential().alone()]) == UploadClosed(1, 0, 0, 0, 1)
            state = await present(ledger, sent[0].state_id)
    assert state.courses[1]["course_site_name"] == "Elsewhere"
    assert len(state.credentials) == 1


async def test_who_is_edited_or_added_while_all_is_replaced(house: House, tmp_path: Path) -> None:
    """The edited one goes all the same and is counted; the one added after the plan stays."""
    sent, added = students(3, sites=1), students(4, sites=1)[3]
    async with house.open() as other:
        await upload(other, tmp_path, sent)

        async def meanwhile() -> None:
            await edit(other, sent[1], EditStudent({"local_identification_number": "LC9"}))
            await edit(other, sent[2], EditStudent({"local_identification_number": "LC9"}))
            await add(other, added)

        async with house.open(log=Watched(house.log.store, once_before("student-removed", meanwhile))) as ledger:
            done = await upload(ledger, tmp_path, sent[:1], "delete-all-and-replace")
            assert done == UploadClosed(0, 1, 0, 2, 2)
            assert await present_ids(ledger) == {sent[0].state_id, added.state_id}


async def add(ledger: Ledger, student: Student) -> None:
    """Store one student beside every queue."""
    await ledger.registry.enrol([student.state_id])
    outcome = await edit(ledger, student, SubmitSet(student.record_set()))
    assert isinstance(outcome, Stored)


# --- Two intakes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_flight", [1, 4, 100])
async def test_two_intakes_on_one_upload_store_each_student_once(
    house: House, tmp_path: Path, in_flight: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work_module, "IN_FLIGHT", in_flight)
    sent = students(30)
    async with house.open() as one, house.open() as other:
        await upload(one, tmp_path, sent[:5])
        received = await send(one, tmp_path, [each.changed("020", local_identification_number="LC9") for each in sent])
        before = stood(house)
        await other.caught_up()
        first, second = await asyncio.gather(work_queue(one, received), work_queue(other, received))
        assert closed(first) == closed(second) == UploadClosed(30, 0, 0, 0, 0)
    assert stood(house) - before == Counter({"upload-checked": 1, "student-record-submitted": 30, "upload-closed": 1})


async def test_two_processes_work_one_sponsors_queue_in_its_order(house: House, tmp_path: Path) -> None:
    sent = students(6)
    async with house.open() as one, house.open() as other:
        uploads = [
            await send(one, tmp_path, [each.changed("020", local_identification_number=f"LC{n}") for each in sent])
            for n in range(4)
        ]
        await other.caught_up()
        await asyncio.gather(
            *(work_queue(ledger, each) for ledger, each in zip([one, other] * 2, uploads, strict=True))
        )
        for each in sent:
            assert (await present(one, each.state_id)).student["local_identification_number"] == "LC3"
            assert (await held(one, each.state_id)).version == 4
    assert stood(house)["upload-closed"] == 4


# --- Back from a long pause ----------------------------------------------------------------------------------------


class Pause:
    """Stops whoever comes first, until told to go on."""

    def __init__(self) -> None:
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> None:
        self.reached.set()
        await self.go_on.wait()


@pytest.mark.parametrize("event", ["upload-checked", "student-record-submitted", "upload-closed"])
async def test_who_was_paused_while_others_did_the_work_changes_nothing(
    house: House, tmp_path: Path, event: str
) -> None:
    """Case 3: and while a later upload of the sponsor brought newer sets."""
    sent, pause = students(3), Pause()
    async with house.open() as other:
        first = await send(other, tmp_path, [each.changed("020", local_identification_number="LC1") for each in sent])
        async with house.open(log=Watched(house.log.store, once_before(event, pause))) as paused:
            await paused.caught_up()
            zombie = asyncio.create_task(work(paused, first))
            await pause.reached.wait()
            newer = [each.changed("020", local_identification_number="LC2") for each in sent]
            later = await send(other, tmp_path, newer)
            assert closed(await work_queue(other, later)) == UploadClosed(3, 0, 0, 0, 0)
            before, end = stood(house), await other.log.end()
            pause.go_on.set()
            assert closed(await zombie) == UploadClosed(3, 0, 0, 0, 0)
            assert stood(house) == before
            assert await other.log.end() > end
            for each in sent:
                assert (await present(other, each.state_id)).student["local_identification_number"] == "LC2"


async def test_who_was_paused_never_decides_again_for_a_closed_upload(house: House, tmp_path: Path) -> None:
    """The one student without a commit under this upload's id: an edit had made their set what the file says.

    A paused intake finds its own commit stale, loads the student, and sees a set that a later upload brought.
    """
    (one,), pause = students(1), Pause()

    def named(local_id: str) -> Student:
        return one.changed("020", local_identification_number=local_id)

    async with house.open() as other:
        await upload(other, tmp_path, [one])
        first = await send(other, tmp_path, [named("LC1")])
        step = once_before("student-record-submitted", pause)
        async with house.open(log=Watched(house.log.store, step)) as paused:
            await paused.caught_up()
            zombie = asyncio.create_task(work(paused, first))
            await pause.reached.wait()
            await edit(other, one, EditStudent({"local_identification_number": "LC1"}))
            assert closed(await work_queue(other, first)) == UploadClosed(0, 1, 0, 0, 0)
            assert await upload(other, tmp_path, [named("LC2")]) == UploadClosed(1, 0, 0, 0, 0)
            pause.go_on.set()
            assert closed(await zombie) == UploadClosed(0, 1, 0, 0, 0)
            assert (await present(other, one.state_id)).student["local_identification_number"] == "LC2"


# --- Erased meanwhile ----------------------------------------------------------------------------------------------


async def test_a_student_erased_meanwhile_is_left_out_and_the_upload_ends(house: House, tmp_path: Path) -> None:
    sent = students(4, sites=1)
    async with house.open() as other:
        await upload(other, tmp_path, sent)
        key = (await house.registry.find([sent[3].state_id]))[sent[3].state_id]

        async def erase() -> None:
            await house.pen.identity(sent[3].state_id, StudentErased("docket 2026-17"))
            await other.caught_up()

        again = [each.changed("020", local_identification_number="LC9") for each in sent]
        async with house.open(log=Watched(house.log.store, once_before("student-record-submitted", erase))) as ledger:
            done = await upload(ledger, tmp_path, again)
            assert (done.stored, done.unchanged) == (3, 1)
            assert await present_ids(ledger) == {each.state_id for each in sent[:3]}
    assert await house.registry.keys([key.serial]) == {}


async def test_removing_an_erased_student_makes_no_key_anew(house: House, tmp_path: Path) -> None:
    """A key for the ref of somebody erased would let new data be read under it."""
    sent = students(3, sites=1)
    async with house.open() as other:
        await upload(other, tmp_path, sent)
        refs = {(await target_of(other, each.state_id)).stream: each.state_id for each in sent[1:]}
        erased = ""

        async def erase_the_other_one(commit: Commit) -> None:
            nonlocal erased
            if commit.events[0].name == "student-removed" and not erased:
                erased = next(state_id for stream, state_id in refs.items() if stream != commit.stream)
                await house.pen.identity(erased, StudentErased("docket 2026-17"))
                await other.caught_up()

        async with house.open(log=Watched(house.log.store, erase_the_other_one)) as ledger:
            keys = len(house.registry._keys)
            done = await upload(ledger, tmp_path, sent[:1], "delete-all-and-replace")
            assert (done.removed, done.unchanged) == (1, 2)
            assert await present_ids(ledger) == {sent[0].state_id}
    assert await house.registry.find([erased]) == {}
    assert len(house.registry._keys) == keys  # one more for the upload, one less for the erased
