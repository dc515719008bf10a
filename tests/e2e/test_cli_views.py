"""Where the log and its views stand: projections, verdict, follow, status."""

import json
from pathlib import Path
from uuid import uuid4

import msgspec

from events.commit import Commit, StoredEvent, decode, encode
from events.log.sqlite import SqliteLog
from projections.views import PROJECTIONS
from services.cli.answers import LogLine
from tests.e2e.cli import Cli, generate

NAMES = ", ".join(view.name for view in PROJECTIONS)


def test_every_view_stands_where_the_log_ends(shared: Cli) -> None:
    end = shared.json("status")["end"]

    rows = shared.json("projections")["projections"]

    assert {row["name"] for row in rows} == {view.name for view in PROJECTIONS}
    assert {(row["next_position"], row["error"]) for row in rows} == {(end, None)}


def test_dropping_every_view_loses_nothing(shared: Cli) -> None:
    reading = [("students", "--limit", "1000"), ("uploads",), ("projections",)]
    before = [shared.json(*command) for command in reading]

    ran = shared("projections", "rebuild", "--all")

    assert "Every view was dropped and built anew" in ran.out
    assert [shared.json(*command) for command in reading] == before
    assert shared.json("fsck")["differences"] == 0


def test_one_view_is_rebuilt_beside_the_live_one(shared: Cli) -> None:
    before = shared.json("uploads")

    assert "uploads was built anew." in shared("projections", "rebuild", "uploads").out

    assert shared.json("uploads") == before


def test_rebuild_wants_one_view_or_all(shared: Cli) -> None:
    assert f"There are: {NAMES}" in shared("projections", "rebuild", "grades", expect=2).err
    assert f"There are: {NAMES}" in shared("projections", "retry", "grades", expect=2).err
    assert "name one view, or give --all" in shared("projections", "rebuild", expect=2).err
    assert "name one view, or give --all" in shared("projections", "rebuild", "uploads", "--all", expect=2).err


async def test_a_view_that_stops_at_an_event_stops_alone_and_says_so(cli: Cli, tmp_path: Path) -> None:
    """An event of a later version of the program, as an operator meets it after a downgrade."""
    cli("upload", generate(tmp_path / "a.txt", students=2))
    state_id = cli.json("students")["students"][0]["state_id"]
    position = await append_unknown_event(cli.home / "ledger.sqlite")

    shown = cli("projections", expect=1)
    refused = cli("student", state_id, expect=69)

    assert f"stopped at {position}" in shown.out
    assert "'student-honoured' v1, which this version of the ledger cannot read" in shown.said
    assert f"the view 'current_transcripts' stopped at position {position}" in refused.err
    assert cli.json("uploads")["uploads"][0]["stored"] == 2
    assert "stopped at" in cli("projections", "retry", "current_transcripts", expect=1).out
    cli("projections", "rebuild", "current_transcripts", expect=1)


async def append_unknown_event(path: Path) -> int:
    """Append a commit on a student's stream that only a later program can read; return its position."""
    log = await SqliteLog.open(path)
    entries = [decode(record.data) async for batch in log.read() for record in batch]
    last = next(e for e in reversed(entries) if isinstance(e, Commit) and e.stream.startswith("student/"))
    event = StoredEvent(name="student-honoured", version=1)
    commit = msgspec.structs.replace(last, expected=last.version, command=uuid4(), events=(event,))
    position = await log.append(encode(commit))
    await log.close()
    return position


def test_a_verdict_tells_stood_from_not_seen(shared: Cli, own_student: str) -> None:
    edit = shared.json("edit", "student", own_student, "local_identification_number=W1")
    nobody = str(uuid4())

    stood = shared.json("verdict", edit["command"])

    assert (stood["verdict"], stood["position"], stood["version"]) == ("stands", edit["position"], edit["version"])
    assert "It stands at" in shared("verdict", edit["command"]).out
    assert shared.json("verdict", nobody, expect=75)["verdict"] == "not-seen"
    assert "Not seen, may still arrive." in shared("verdict", nobody, expect=75).out
    assert "Invalid value" in shared("verdict", "no-uuid", expect=2).err


async def test_a_void_command_says_why(cli: Cli, tmp_path: Path) -> None:
    """A stale attempt of another writer: in the log, and void."""
    cli("upload", generate(tmp_path / "a.txt", students=1))
    log = await SqliteLog.open(cli.home / "ledger.sqlite")
    entries = [decode(record.data) async for batch in log.read() for record in batch]
    last = next(e for e in reversed(entries) if isinstance(e, Commit) and e.stream.startswith("student/"))
    command = uuid4()
    position = await log.append(encode(msgspec.structs.replace(last, command=command)))
    await log.close()

    ran = cli("verdict", str(command), expect=1)

    assert f"@{position}: stale-version" in ran.out


def test_follow_shows_the_log_without_anything_personal(shared: Cli) -> None:
    lines = shared("follow", "--until-end").out.splitlines()
    rows = shared.json("students", "--limit", "1000")["students"]

    assert len(lines) == shared.json("status")["end"]
    assert "genesis" in lines[0]
    assert "upload-received" in lines[1]
    assert not any(row["state_id"] in line for row in rows for line in lines)


def test_follow_prints_one_object_a_line(shared: Cli) -> None:
    end = shared.json("status")["end"]

    out = shared("follow", "--from", "1", "--until-end", "--json").out

    lines = [json.loads(line) for line in out.splitlines()]
    assert [line["position"] for line in lines] == list(range(1, end))
    assert all(list(line) == list(LogLine.__struct_fields__) for line in lines)
    assert {line["verdict"] for line in lines} == {"stands"}


def test_status_says_where_everything_lies(shared: Cli) -> None:
    status = shared.json("status")

    assert status["ledger_id"].replace("-", "").startswith(status["ledger"])
    assert (status["log"], status["blobs"]) == (str(shared.home / "ledger.sqlite"), str(shared.home / "blobs"))
    assert status["end"] == status["position"] + 1
    assert status["ledger"] in shared("status").out
