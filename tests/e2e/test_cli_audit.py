"""What an auditor asks: history, replay, diff, fsck."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from services.embedded import postgres
from tests.e2e.cli import Cli, generate


def edited(cli: Cli, state_id: str, local_id: str, *more: str) -> Any:
    """Edit the student's local id and return the answer."""
    return cli.json("edit", "student", state_id, f"local_identification_number={local_id}", *more)


def test_history_says_who_did_what_field_by_field_and_from_which_upload(shared: Cli, own_student: str) -> None:
    upload = shared.json("uploads")["uploads"][-1]
    before = shared.json("student", own_student)["student"]["local_id"]
    edit = edited(shared, own_student, "H1", "--reason", "typed wrongly")

    first, last = shared.json("history", own_student)["entries"]

    assert (first["events"], first["upload"], first["upload_position"]) == (
        ["student-record-submitted"],
        upload["upload"],
        upload["position"],
    )
    assert {change["what"] for change in first["changes"]} == {"added"}
    assert (last["position"], last["version"], last["reason"]) == (edit["position"], 2, "typed wrongly")
    assert "unauthenticated" in last["actor"]
    assert last["changes"] == [
        {
            "what": "edited",
            "record": "020",
            "number": None,
            "field": "local_identification_number",
            "before": before,
            "after": "H1",
        }
    ]


def test_history_for_a_person_names_reason_upload_and_values(shared: Cli, own_student: str) -> None:
    edit = edited(shared, own_student, "H2", "--reason", "typed wrongly")

    said = shared("history", own_student).said

    assert "because: typed wrongly" in said
    assert f"@{edit['position']}" in said
    assert "local_identification_number: 'LC" in said
    assert "-> 'H2'" in said
    assert "received at" in said


def test_a_void_attempt_stays_in_the_log_and_is_shown_on_demand(cli: Cli, tmp_path: Path) -> None:
    """The same record appended twice: the second is void by rule 1."""
    cli("upload", generate(tmp_path / "a.txt", students=1))
    state_id = cli.json("students")["students"][0]["state_id"]
    edit = edited(cli, state_id, "V1")
    with closing(sqlite3.connect(cli.home / "ledger.sqlite")) as log:
        log.execute(
            "insert into records select (select max(position) + 1 from records), data from records where position = ?",
            (edit["position"],),
        )
        log.commit()

    void = cli.json("history", state_id, "--all")["entries"][-1]

    assert (void["position"], void["verdict"], void["changes"]) == (edit["position"] + 1, "duplicate-command", [])
    assert [entry["verdict"] for entry in cli.json("history", state_id)["entries"]] == ["stands", "stands"]
    assert cli.json("replay", state_id)["version"] == 2
    assert cli.json("verdict", edit["command"])["position"] == edit["position"]
    assert cli.json("fsck")["differences"] == 0


def test_replay_shows_the_set_before_and_after_an_edit(shared: Cli, own_student: str) -> None:
    before = shared.json("replay", own_student)
    edit = edited(shared, own_student, "R1")

    assert shared.json("replay", own_student, "--as-of", str(edit["position"] - 1)) == before
    after = shared.json("replay", own_student, "--as-of", f"{edit['ledger']}@{edit['position']}")
    assert after["student"] == before["student"] | {"local_identification_number": "R1"}
    assert (after["courses"], after["version"]) == (before["courses"], before["version"] + 1)


def test_replay_takes_a_time_and_means_the_last_position_not_later(shared: Cli, own_student: str) -> None:
    now = datetime.now(UTC)
    before = shared.json("replay", own_student, "--as-of", now.isoformat())
    edited(shared, own_student, "R2")

    assert shared.json("replay", own_student, "--as-of", now.replace(tzinfo=None).isoformat()) == before
    later = shared.json("replay", own_student, "--as-of", datetime.now(UTC).isoformat())
    assert later["student"]["local_identification_number"] == "R2"


def test_replay_and_the_current_transcript_agree(shared: Cli, own_student: str) -> None:
    replayed, current = shared.json("replay", own_student), shared.json("student", own_student)

    assert replayed["version"] == current["student"]["version"]
    assert replayed["changed_position"] == current["student"]["position"]
    assert [one["course_code"] for one in replayed["courses"].values()] == [
        one["course_code"] for one in current["courses"]
    ]
    tables = [line for line in shared("replay", own_student).out.splitlines() if line.startswith((" ", "no"))]
    assert tables == [line for line in shared("student", own_student).out.splitlines() if line.startswith((" ", "no"))]


def test_replay_of_a_time_before_the_student_shows_that_nothing_was_stored(shared: Cli, own_student: str) -> None:
    ran = shared("replay", own_student, "--as-of", "1", expect=1)

    assert "Nothing of this student was stored yet." in ran.out


def test_every_stored_field_is_shown_by_its_layout_name(shared: Cli, own_student: str) -> None:
    stored = shared.json("replay", own_student)

    said = shared("replay", own_student, "--fields").said

    assert all(f"{name}={value}" in said for name, value in stored["student"].items() if " " not in value)


@pytest.mark.parametrize(
    ("as_of", "said"),
    [
        ("999999", "lies beyond the log's last position"),
        ("2019-01-01", "lies before the ledger began"),
        ("00000000@1", "belongs to ledger 00000000"),
        ("yesterday", "neither a position nor a time"),
    ],
)
def test_a_position_that_the_log_does_not_reach_is_refused(
    shared: Cli, own_student: str, as_of: str, said: str
) -> None:
    assert said in shared("replay", own_student, "--as-of", as_of, expect=2).said


def test_diff_shows_exactly_the_fields_that_changed(shared: Cli, own_student: str) -> None:
    first = edited(shared, own_student, "D1")
    shared("delete", "course", own_student, "2")
    last = edited(shared, own_student, "D2")

    changes = shared.json("diff", own_student, "--from", str(first["position"]), expect=1)["changes"]

    assert [(one["what"], one["record"], one["number"]) for one in changes if one["record"] == "020"] == [
        ("edited", "020", None)
    ]
    assert {(one["what"], one["number"]) for one in changes if one["record"] == "030"} == {("deleted", 2)}
    ends = ("--from", str(last["position"]), "--to", str(last["position"]))
    assert "nothing changed" in shared("diff", own_student, *ends).out


def test_fsck_finds_nothing_on_a_sound_ledger(shared: Cli) -> None:
    found = shared.json("fsck")

    assert (found["differences"], found["row_differences"], found["blob_differences"]) == (0, [], [])
    assert found["rows"] > 1000
    assert found["blobs"] == 3 * len(shared.json("uploads")["uploads"])
    assert "0 differences" in shared("fsck").out


async def test_fsck_finds_a_row_that_was_changed_and_a_rebuild_repairs_it(cli: Cli, tmp_path: Path) -> None:
    cli("upload", generate(tmp_path / "a.txt", students=3))
    async with await postgres.start(cli.home) as server:
        connection = await asyncpg.connect(await server.database("views"))
        await connection.execute(
            "update current_transcripts.transcript_courses set letter_grade = 'A' where number = 1"
        )
        await connection.close()

    ran = cli("fsck", expect=1)

    assert "current_transcripts.transcript_courses" in ran.out
    assert "`ledger projections rebuild --all`" in ran.out
    cli("projections", "rebuild", "current_transcripts")
    assert cli.json("fsck")["differences"] == 0


def test_fsck_finds_damaged_and_missing_files(cli: Cli, tmp_path: Path) -> None:
    cli("upload", generate(tmp_path / "a.txt", students=1))
    blobs = {file.read_bytes()[8:14]: file for file in (cli.home / "blobs").rglob("*") if file.is_file()}
    report, manifest = blobs[b"report"], blobs[b"manife"]
    report.write_bytes(report.read_bytes()[:-1] + b"!")
    manifest.unlink()

    found = cli.json("fsck", expect=1)

    assert found["row_differences"] == []
    assert {(one["kind"], one["fault"], one["digest"]) for one in found["blob_differences"]} == {
        ("report", "damaged", report.name),
        ("manifest", "missing", manifest.name),
    }
    assert "is damaged" in cli("problems", expect=78).err
