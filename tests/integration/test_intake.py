"""Uploads from file to rows: modes, queue, whole sets, and nothing where nothing changed."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from events.student import Absent
from events.upload import Done, UploadClosed, UploadRefused
from services.generate.file import Spec, generate
from services.intake.receive import NotReceived, receive
from services.intake.work import load, work_queue
from services.ledger import Ledger
from tests.support.ledgers import House
from tests.support.uploads import (
    SPONSOR,
    Student,
    closed,
    held,
    present,
    present_ids,
    send,
    students,
    upload,
    write_file,
)


async def events_written(house: House, since: int) -> list[str]:
    """Return the names of the events that lie in the log from a position on."""
    names: list[str] = []
    for record in house.log.store.records[since:]:
        names += [event["name"] for event in json.loads(record.data)["events"]]
    return names


def ids(sent: list[Student]) -> set[str]:
    """Return the state ids of some students."""
    return {each.state_id for each in sent}


# --- Storing -------------------------------------------------------------------------------------------------------


async def test_a_file_goes_from_bytes_to_rows(house: House, tmp_path: Path) -> None:
    sent = [each.with_credential(2) for each in students(5)]
    async with house.open() as ledger:
        assert await upload(ledger, tmp_path, sent) == UploadClosed(5, 0, 0, 0, 0)
        assert await present_ids(ledger) == ids(sent)
        for each in sent:
            state = await present(ledger, each.state_id)
            assert len(state.courses) == each.codes().count("030")
            assert len(state.credentials) == 2
    assert await events_written(house, 1) == [
        "upload-received", "upload-checked", *["student-record-submitted"] * 5, "upload-closed",
    ]  # fmt: skip


async def test_the_verdict_says_what_it_was_given_by(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        first = await send(ledger, tmp_path, [students(1)[0], students(2)[1].faulty()])
        await work_queue(ledger, first)
        async with ledger.pool.acquire() as connection:
            row = await connection.fetchrow("select * from uploads")
            codes = await connection.fetch("select code, findings from upload_codes where not undecided")
    assert row is not None
    assert (row["today"], row["state"], row["sponsor"], row["bssy"]) == ("2026-06-15", "closed", SPONSOR, "2025")
    assert (row["planned_store"], row["planned_held"], row["stored"], row["held"]) == (1, 1, 1, 1)
    assert len(row["rules"]) == len(row["layout"]) == len(row["report"]) == len(row["manifest"]) == 64
    assert row["rows"] == sum(len(each.lines) for each in students(2))
    assert [tuple(code) for code in codes] == [("305", 1)]


async def test_the_day_taken_as_today_is_one_day_although_midnight_passes(house: House, tmp_path: Path) -> None:
    """What is recorded is what the checks took."""
    async with house.open() as ledger:
        received = await send(ledger, tmp_path, students(1))
        house.clock.time = datetime(2026, 6, 15, 23, 59, 58, tzinfo=UTC)  # a second passes each time it is asked
        await work_queue(ledger, received)
        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select today from uploads") == "2026-06-15"
    assert house.clock.time.day == 16


@pytest.mark.parametrize("again", ["the same", "students in another order", "records in another order"])
async def test_the_same_content_again_changes_nothing(house: House, tmp_path: Path, again: str) -> None:
    """So that sending a file twice decertifies nobody."""
    sent = [each.with_credential(2) for each in students(4)]
    sends = {
        "the same": sent,
        "students in another order": sent[::-1],
        "records in another order": [each.reordered() for each in sent],
    }
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        end = await ledger.log.end()
        assert await upload(ledger, tmp_path, sends[again]) == UploadClosed(0, 4, 0, 0, 0)
    assert await events_written(house, end) == ["upload-received", "upload-checked", "upload-closed"]


async def test_only_who_differs_is_stored(house: House, tmp_path: Path) -> None:
    sent = students(4)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        sent[2] = sent[2].changed("030", letter_grade_code="C", quality_points_awarded_count="200")
        assert await upload(ledger, tmp_path, sent) == UploadClosed(1, 3, 0, 0, 0)
        state = await present(ledger, sent[2].state_id)
        assert state.courses[1]["letter_grade_code"] == "C"


async def test_a_students_set_is_replaced_whole(house: House, tmp_path: Path) -> None:
    """R-038; and sent without 050, the stored credentials go (R-041)."""
    (one,) = students(1)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, [one.with_credential(2)])
        assert await upload(ledger, tmp_path, [Student(one.state_id, one.site, one.lines[:2])]) == UploadClosed(
            1, 0, 0, 0, 0
        )
        state = await present(ledger, one.state_id)
    assert (len(state.courses), len(state.credentials)) == (1, 0)


async def test_one_fault_anywhere_and_nothing_of_the_student_is_stored(house: House, tmp_path: Path) -> None:
    """R-035: a new one is not stored, one held before keeps the old set, the others are not touched by it."""
    sent = students(4)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent[:2])
        again = [sent[0].changed("020", sex_code="M").faulty(), sent[1], sent[2].faulty(), sent[3]]
        before = await held(ledger, sent[0].state_id)
        assert await upload(ledger, tmp_path, again) == UploadClosed(1, 1, 2, 0, 0)
        assert await held(ledger, sent[0].state_id) == before
        assert await present_ids(ledger) == ids([sent[0], sent[1], sent[3]])
        assert await ledger.registry.find([sent[2].state_id]) == {}


async def test_a_corrected_file_stores_the_rest(house: House, tmp_path: Path) -> None:
    """R-043."""
    sent = students(3)
    async with house.open() as ledger:
        assert await upload(ledger, tmp_path, [sent[0], sent[1].faulty(), sent[2]]) == UploadClosed(2, 0, 1, 0, 0)
        assert await upload(ledger, tmp_path, sent) == UploadClosed(1, 2, 0, 0, 0)


async def test_students_not_in_the_file_stay(house: House, tmp_path: Path) -> None:
    sent = students(4)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        await upload(ledger, tmp_path, sent[:1])
        assert await present_ids(ledger) == ids(sent)


# --- 050 alone (R-042) ---------------------------------------------------------------------------------------------


async def test_credentials_alone_replace_credentials_alone(house: House, tmp_path: Path) -> None:
    one, other = students(2)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, [one.with_credential(2), other])
        before = await present(ledger, one.state_id)
        assert await upload(ledger, tmp_path, [one.with_credential(1).alone()]) == UploadClosed(1, 0, 0, 0, 0)
        after = await present(ledger, one.state_id)
        assert (after.student, after.courses) == (before.student, before.courses)
        assert [each["ibc_code"] for each in after.credentials.values()] == ["901"]
        assert await present_ids(ledger) == ids([one, other])


async def test_equal_credentials_alone_change_nothing(house: House, tmp_path: Path) -> None:
    (one,) = students(1)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, [one.with_credential(3)])
        end = await ledger.log.end()
        alone = [one.with_credential(3).reordered().alone()]
        assert await upload(ledger, tmp_path, alone) == UploadClosed(0, 1, 0, 0, 0)
    assert len(await events_written(house, end)) == 3


@pytest.mark.parametrize("before", ["never held", "removed", "another year", "another sponsor"])
async def test_credentials_alone_of_one_who_holds_no_set_hold_the_student(
    house: House, tmp_path: Path, before: str
) -> None:
    """507, with what to do."""
    (one,), (other,) = students(1), students(1, seed=9)
    async with house.open() as ledger:
        if before == "removed":
            await upload(ledger, tmp_path, [one])
            await upload(ledger, tmp_path, [other], "delete-all-and-replace")
        elif before == "another year":
            await upload(ledger, tmp_path, students(1, bssy="2024"))
        elif before == "another sponsor":
            await upload(ledger, tmp_path, students(1, sponsor="018"))
        worked = await work_queue(ledger, await send(ledger, tmp_path, [one.with_credential().alone()]))
        assert closed(worked) == UploadClosed(0, 0, 1, 0, 0)
        async with ledger.pool.acquire() as connection:
            codes = await connection.fetch("select findings, undecided from upload_codes where code = '507'")
            assert [tuple(row) for row in codes if not row["undecided"]] == [(1, False)]


# --- Modes (R-040) -------------------------------------------------------------------------------------------------


async def test_validating_only_stores_nothing_and_enrols_nobody(house: House, tmp_path: Path) -> None:
    sent = students(3)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent[:1])
        serial, end = await ledger.registry.last_serial(), await ledger.log.end()
        again = [sent[0].changed("020", sex_code="M"), sent[1], sent[2].faulty()]
        worked = await work_queue(ledger, await send(ledger, tmp_path, again, "validate-only"))
        assert closed(worked) == UploadClosed(0, 0, 1, 0, 0)
        async with ledger.pool.acquire() as connection:
            row = await connection.fetchrow("select * from uploads where mode = 'validate-only'")
        assert row is not None
        assert (row["planned_store"], row["planned_held"], row["planned_remove"]) == (2, 1, 0)
        assert await ledger.registry.last_serial() == serial + 1  # the upload's own
        assert await present_ids(ledger) == ids(sent[:1])
    assert await events_written(house, end) == ["upload-received", "upload-checked", "upload-closed"]


async def test_replacing_all_removes_the_others_of_the_files_sites(house: House, tmp_path: Path) -> None:
    """And nobody of another site, year or sponsor."""
    sent = students(6, sites=3)
    first_site = [each for each in sent if each.site == sent[0].site]
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        await upload(ledger, tmp_path, students(6, sites=3, bssy="2024"))
        await upload(ledger, tmp_path, students(6, sites=3, sponsor="018", seed=4))
        assert await upload(ledger, tmp_path, [sent[0]], "delete-all-and-replace") == UploadClosed(
            0, 1, 0, len(first_site) - 1, 0
        )
        assert await present_ids(ledger) == ids(sent) - (ids(first_site) - {sent[0].state_id})
        assert len(await present_ids(ledger, bssy="2024")) == 6
        assert len(await present_ids(ledger, sponsor="018")) == 6
        for each in first_site[1:]:
            assert isinstance((await held(ledger, each.state_id)).state, Absent)


async def test_replacing_all_again_changes_nothing(house: House, tmp_path: Path) -> None:
    sent = students(4, sites=1)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        assert (await upload(ledger, tmp_path, sent[:2], "delete-all-and-replace")).removed == 2
        assert await upload(ledger, tmp_path, sent[:2], "delete-all-and-replace") == UploadClosed(0, 2, 0, 0, 0)


async def test_a_held_student_keeps_the_old_set_when_all_is_replaced(house: House, tmp_path: Path) -> None:
    sent = students(4, sites=1)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        before = await held(ledger, sent[1].state_id)
        again = [sent[0], sent[1].faulty()]
        assert await upload(ledger, tmp_path, again, "delete-all-and-replace") == UploadClosed(0, 1, 1, 2, 0)
        assert await held(ledger, sent[1].state_id) == before
        assert await present_ids(ledger) == ids(sent[:2])


async def test_the_site_of_a_held_student_is_no_reason_to_empty_it(house: House, tmp_path: Path) -> None:
    """It may be the very thing that is wrong in the record."""
    sent = students(6, sites=2)
    here, there = sent[0], sent[1]
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        astray = sent[2].changed("020", site_code=there.site).faulty()
        await upload(ledger, tmp_path, [here, astray], "delete-all-and-replace")
        assert {each.state_id for each in sent if each.site == there.site} <= await present_ids(ledger)


async def test_credentials_alone_never_remove_anybody(house: House, tmp_path: Path) -> None:
    """They leave 020 and 030 as they are (R-042), also where all is to be replaced."""
    sent = students(4, sites=1)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        alone = [sent[0].with_credential().alone()]
        assert await upload(ledger, tmp_path, alone, "delete-all-and-replace") == UploadClosed(1, 0, 0, 0, 0)
        assert await present_ids(ledger) == ids(sent)


async def test_who_was_removed_and_comes_back_is_stored_and_counts_as_nobody_overwritten(
    house: House, tmp_path: Path
) -> None:
    sent = students(3, sites=1)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, sent)
        await upload(ledger, tmp_path, sent[:1], "delete-all-and-replace")
        end = await ledger.log.end()
        assert await upload(ledger, tmp_path, sent) == UploadClosed(2, 1, 0, 0, 0)
        assert await present_ids(ledger) == ids(sent)
    assert (await events_written(house, end)).count("student-record-submitted") == 2


# --- The queue (R-033) ---------------------------------------------------------------------------------------------


async def test_a_sponsors_uploads_are_worked_in_the_order_received(house: House, tmp_path: Path) -> None:
    """Whoever asks for the last one works those before it first."""
    (one,) = students(1)
    async with house.open() as ledger:
        uploads = [
            await send(
                ledger, tmp_path, [one.changed("020", local_identification_number=f"LC{each}")], name=f"{each}.txt"
            )
            for each in range(4)
        ]
        await work_queue(ledger, uploads[-1])
        assert (await present(ledger, one.state_id)).student["local_identification_number"] == "LC3"
        async with ledger.pool.acquire() as connection:
            rows = await connection.fetch("select upload, state from uploads order by done_at")
        assert [(row["upload"], row["state"]) for row in rows] == [(each, "closed") for each in uploads]


async def test_an_upload_waits_for_no_later_one_and_for_no_other_sponsors(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        other = await send(ledger, tmp_path, students(1, sponsor="018"), name="other.txt")
        first = await send(ledger, tmp_path, students(1), name="first.txt")
        later = await send(ledger, tmp_path, students(2), name="later.txt")
        await work_queue(ledger, first)
        states = [type((await load(ledger, each)).state).__name__ for each in (other, first, later)]
    assert states == ["Waiting", "Done", "Waiting"]


async def test_a_refused_upload_does_not_hold_up_the_queue(house: House, tmp_path: Path) -> None:
    sent = students(2)
    async with house.open() as ledger:
        mixed = [sent[0], *students(1, bssy="2024", seed=5)]
        bad = await send(ledger, tmp_path, mixed, name="bad.txt")
        good = await send(ledger, tmp_path, sent, name="good.txt")
        assert closed(await work_queue(ledger, good)).stored == 2
        await work_queue(ledger, bad)
        state = (await load(ledger, bad)).state
    assert isinstance(state, Done)
    assert isinstance(state.last, UploadRefused)
    assert set(state.last.codes) == {"F03"}


async def test_working_a_finished_upload_does_nothing(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        received = await send(ledger, tmp_path, students(2))
        first = await work_queue(ledger, received)
        end = await ledger.log.end()
        assert await work_queue(ledger, received) == first
        assert await ledger.log.end() == end


async def test_an_upload_that_is_not_known_is_told_as_such(house: House) -> None:
    async with house.open() as ledger:
        with pytest.raises(LookupError, match="there is no upload"):
            await work_queue(ledger, house.genesis.ledger)


# --- What is received ----------------------------------------------------------------------------------------------


async def refusal(ledger: Ledger, path: Path) -> UploadRefused:
    """Upload a file that is no batch file; return how it was refused."""
    received = await receive(ledger, path, "replace")
    assert not isinstance(received, NotReceived)
    state = (await work_queue(ledger, received.upload)).state
    assert isinstance(state, Done)
    assert isinstance(state.last, UploadRefused)
    return state.last


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"", "F02"), (b"%PDF-1.7 something else\n", "F01"), (b"PK\x03\x04 cut off", "F12"), (b"\0" * 500, "F01")],
)
async def test_a_file_that_is_no_batch_file_is_refused_with_a_history(
    house: House, tmp_path: Path, data: bytes, code: str
) -> None:
    path = tmp_path / "some.txt"
    path.write_bytes(data)
    async with house.open() as ledger:
        assert code in (await refusal(ledger, path)).codes


@pytest.mark.parametrize("sponsor", ["0/7", "01.", "é17"])
async def test_a_sponsor_that_is_no_code_refuses_the_file(house: House, tmp_path: Path, sponsor: str) -> None:
    """It would become a part of a stream's name."""
    (one,) = students(1)
    lines = tuple(line[:10] + sponsor.encode("latin-1") + line[13:] for line in one.lines)
    path = write_file(tmp_path / "astray.txt", [Student(one.state_id, one.site, lines)])
    async with house.open() as ledger:
        assert set((await refusal(ledger, path)).codes) == {"F09"}
        assert await ledger.registry.find([one.state_id]) == {}


async def test_a_file_above_the_limit_is_not_taken_in(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        ledger.max_upload_bytes = 100
        received = await receive(ledger, write_file(tmp_path / "large.txt", students(1)), "replace")
        assert isinstance(received, NotReceived)
        assert received.problem.code == "S05"
    assert await house.log.end() == 1


async def test_a_folder_is_no_file_and_a_missing_file_says_so(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        received = await receive(ledger, tmp_path, "replace")
        assert isinstance(received, NotReceived)
        assert received.problem.code == "S06"
        with pytest.raises(FileNotFoundError):
            await receive(ledger, tmp_path / "missing.txt", "replace")


async def test_a_file_name_that_is_no_text_is_taken_as_far_as_it_is(house: House, tmp_path: Path) -> None:
    path = Path(str(tmp_path) + "/na\udcffme.txt")
    write_file(path, students(1))
    async with house.open() as ledger:
        received = await receive(ledger, path, "replace")
        assert not isinstance(received, NotReceived)
        assert closed(await work_queue(ledger, received.upload)).stored == 1
        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select file_name from uploads") == "na?me.txt"


async def test_a_nonpublic_file_is_stored_too(house: House, tmp_path: Path) -> None:
    file = generate(Spec(students=3, layout="nonpublic"))
    path = tmp_path / "nonpublic.txt"
    file.write(path)
    async with house.open() as ledger:
        received = await receive(ledger, path, "replace")
        assert not isinstance(received, NotReceived)
        assert closed(await work_queue(ledger, received.upload)).stored == 3
        assert await present_ids(ledger) == set(file.canaries.state_ids)
