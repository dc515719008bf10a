"""Files in: stored, held, refused, resumed."""

import json
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cli import Cli, generate


def newest(cli: Cli) -> Any:
    """The newest upload as the ledger lists it."""
    return cli.json("uploads", "--limit", "1")["uploads"][0]


def test_clean_students_are_stored_and_faulty_ones_are_held(shared: Cli) -> None:
    upload = shared.json("uploads")["uploads"][-1]

    assert upload["state"] == "closed"
    assert upload["stored"] + upload["held"] == 60
    assert upload["held"] > 0
    assert shared.json("students", "--sponsor", "017")["count"] == 60 - upload["held"]


def test_the_outcome_names_what_was_found(shared: Cli, tmp_path: Path) -> None:
    ran = shared("upload", generate(tmp_path / "a.txt", students=20, faults=0.2, sponsor="021"), expect=1)

    upload = newest(shared)
    stored, held = upload["stored"], upload["held"]
    assert f"{stored} students stored, 0 unchanged, {held} held, 0 removed" in ran.out
    assert f"`ledger problems {upload['upload'][:8]}` shows each line" in ran.out


def test_the_stored_report_is_the_one_that_check_prints(shared: Cli, tmp_path: Path) -> None:
    """The two must be made on the same day."""
    file = generate(tmp_path / "first.txt", faults=0.1)
    oldest = shared.json("uploads")["uploads"][-1]["upload"]

    stored = shared.json("problems", oldest, expect=1)

    assert stored == json.loads(shared("check", file, "--json", expect=1).out)
    assert stored["problems"]


def test_the_report_shows_each_line_with_its_columns_marked(shared: Cli) -> None:
    oldest = shared.json("uploads")["uploads"][-1]["upload"]
    first = shared.json("problems", oldest, expect=1)["problems"][0]

    ran = shared("problems", oldest[:8], expect=1)

    assert f"{first['code']} {first['message']}" in ran.out
    assert first["hint"].split(":")[0] in " ".join(ran.out.replace("│", "").split())
    assert "^" in ran.out


def test_the_outcome_and_the_stored_report_say_what_to_repair_first(shared: Cli, tmp_path: Path) -> None:
    ran = shared("upload", generate(tmp_path / "a.txt", students=60, faults=0.4, sponsor="029"), expect=1)
    upload = newest(shared)["upload"]
    groups = shared.json("problems", upload, expect=1)["groups"]
    most = max(group["students"]["freed"] for group in groups)

    by_repair = shared("problems", upload, "--by", "repair", expect=1).out

    assert "What to repair first" in ran.out
    assert most > 0
    assert next(row for row in by_repair.splitlines() if row.split()[:1] == [str(most)])
    assert sum(len(group["lines"]) for group in groups) > 0


def test_the_error_workbook_of_an_upload_is_the_one_of_its_file(shared: Cli, tmp_path: Path) -> None:
    """Whoever uploads and whoever checks at home get the same sheets."""
    file = generate(tmp_path / "first.txt", faults=0.1)
    oldest = shared.json("uploads")["uploads"][-1]["upload"]
    shared("problems", oldest, "--workbook", tmp_path / "stored.xlsx", expect=1)
    shared("check", file, "--workbook", tmp_path / "checked.xlsx", expect=1)

    for number in (1, 2):
        sheets = [
            zipfile.ZipFile(tmp_path / name).read(f"xl/worksheets/sheet{number}.xml")
            for name in ("stored.xlsx", "checked.xlsx")
        ]
        assert sheets[0] == sheets[1]
    assert (tmp_path / "stored.xlsx").stat().st_mode & 0o777 == 0o600


def test_a_corrected_file_stores_exactly_those_who_were_held(shared: Cli, tmp_path: Path) -> None:
    shared("upload", generate(tmp_path / "first.txt", students=20, faults=0.2, sponsor="022"), expect=1)
    held = newest(shared)["held"]

    outcome = shared.json("upload", generate(tmp_path / "corrected.txt", students=20, sponsor="022"))

    upload = outcome["upload"]
    assert (upload["stored"], upload["unchanged"], upload["held"]) == (held, 20 - held, 0)
    assert outcome["findings"] == []


def test_the_same_file_again_stores_nothing(shared: Cli, tmp_path: Path) -> None:
    file = generate(tmp_path / "a.txt", students=5, sponsor="023")
    shared("upload", file)
    before = shared.json("status")["end"]

    again = shared.json("upload", file)["upload"]

    assert (again["stored"], again["unchanged"]) == (0, 5)
    assert shared.json("status")["end"] == before + 3  # received, checked, closed, and not one student


def test_validate_only_stores_no_student(shared: Cli, tmp_path: Path) -> None:
    ran = shared("upload", "--validate-only", generate(tmp_path / "a.txt", students=5, sponsor="024"))

    assert "5 would be stored, 0 held. Nothing was stored." in ran.out
    assert shared.json("students", "--sponsor", "024", expect=1)["count"] == 0
    assert newest(shared)["mode"] == "validate-only"


def test_delete_all_removes_the_other_students_of_the_files_sites(shared: Cli, tmp_path: Path) -> None:
    shared("upload", generate(tmp_path / "all.txt", students=12, sponsor="025"))
    others = shared.json("students")["count"]

    some = generate(tmp_path / "some.txt", students=8, sponsor="025")
    removed = shared.json("upload", "--delete-all", some)["upload"]

    assert (removed["stored"], removed["unchanged"], removed["removed"]) == (0, 8, 4)
    assert shared.json("students", "--sponsor", "025")["count"] == 8
    assert shared.json("students")["count"] == others - 4


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", "F0"), (b"name,grade\nAda,12\n", "F0"), (b"\x89PNG\r\n\x1a\n" + bytes(300), "F0")],
    ids=["empty", "csv", "picture"],
)
def test_a_file_that_is_not_sts_is_refused_with_a_history(
    shared: Cli, tmp_path: Path, content: bytes, code: str
) -> None:
    file = tmp_path / "wrong.txt"
    file.write_bytes(content)
    before = shared.json("students")["count"]

    ran = shared("upload", file, expect=2)

    assert "The file is refused: no record of it is processed." in ran.out
    upload = newest(shared)
    assert (upload["state"], upload["file_name"]) == ("refused", "wrong.txt")
    report = shared.json("problems", upload["upload"], expect=2)
    assert report["problems"][0]["code"].startswith(code)
    assert shared.json("students")["count"] == before


def test_a_file_above_the_limit_is_not_taken_in(shared: Cli, tmp_path: Path) -> None:
    before = shared.json("status")["end"]

    ran = shared("upload", generate(tmp_path / "big.txt"), expect=2, LEDGER_MAX_UPLOAD_BYTES="1000")

    assert "AT MOST 1,000 ARE TAKEN" in ran.err
    assert shared.json("status")["end"] == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("upload", "no-such-file.txt"), "does not exist"),
        (("upload", "."), "directory"),
        (("upload",), "Missing argument"),
        (("upload", __file__, "--delete-all", "--validate-only"), "give one of them"),
        (("problems", "ffffffff"), "no upload begins with 'ffffffff'"),
    ],
    ids=["missing file", "folder", "no argument", "two modes", "unknown upload"],
)
def test_wrong_arguments_are_refused_in_words(shared: Cli, arguments: tuple[str, ...], said: str) -> None:
    ran = shared(*arguments, expect=1 if arguments[0] == "problems" else 2)

    assert said in ran.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_an_upload_that_was_ended_in_the_middle_resumes(cli: Cli, tmp_path: Path, number: signal.Signals) -> None:
    """Terminated or killed: `uploads resume` stores the rest, each student once, and the server ends with the last."""
    cli("status")
    follow = cli.start("follow", "--from", "0")
    upload = cli.start("upload", generate(tmp_path / "big.txt", students=1500))
    assert follow.stdout is not None
    next(line for line in follow.stdout if "student-record-submitted" in line)

    upload.send_signal(number)
    _, said = upload.communicate(timeout=60)
    follow.send_signal(signal.SIGINT)
    follow.communicate(timeout=60)

    assert (upload.returncode, follow.returncode) == (143 if number == signal.SIGTERM else -number, 130)
    stopped = newest(cli)
    assert stopped["state"] == "checked"
    assert (f"`ledger uploads resume {stopped['upload']}`" in said) is (number == signal.SIGTERM)
    assert "1,500 students stored" in cli("uploads", "resume").out
    assert newest(cli)["state"] == "closed"
    assert cli.json("fsck")["differences"] == 0
    assert "Every upload is done." in cli("uploads", "resume").out
