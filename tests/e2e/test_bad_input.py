"""Hostile and broken files through the command line: what is said, how it ends, and that nothing is half-stored.

One ledger takes all of them, one after the other, as it would in a year.
"""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from services.cli.check import check
from services.generate import Spec
from services.generate import generate as make
from tests.e2e.cli import Cli, generate
from tests.e2e.conftest import fresh_home, running_server

GOOD = make(Spec(4, seed=5, sponsor="031")).data
LINES = GOOD.split(b"\r\n")[:-1]
COURSE = next(number for number, line in enumerate(LINES) if line[3:6] == b"030")
STUDENTS, OTHERS = 4, 10


@dataclass(frozen=True)
class Bad:
    """A file of which no record is processed: its bytes, and the code and the words that say so."""

    name: str
    data: bytes
    code: str
    said: str


@dataclass(frozen=True)
class Held:
    """A file of which one student is held and the others are stored."""

    name: str
    data: bytes
    code: str


def changed(number: int, change: Callable[[bytes], bytes]) -> bytes:
    """The good file with one line (0-based) changed."""
    return joined([*LINES[:number], change(LINES[number]), *LINES[number + 1 :]])


def joined(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\r\n" for line in lines)


def zipped(members: dict[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def locked(packed: bytes) -> bytes:
    """The zip with its one member marked as encrypted, in both of its headers."""
    whole = bytearray(packed)
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1
    return bytes(whole)


ONE = zipped({"a.txt": GOOD})
REFUSED = (
    Bad("empty", b"", "F02", "EMPTY FILE"),
    Bad("csv", b"name,grade\r\nNobody,12\r\n", "F01", "NOT AN STS FILE"),
    Bad("picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4, "F01", "NOT AN STS FILE"),
    Bad("header", b"STS export of today\r\n" + GOOD, "F06", "UNKNOWN RECORD"),
    Bad("blank line", changed(COURSE, lambda _: b""), "F05", "BLANK LINE INSIDE THE FILE"),
    Bad("two years", changed(COURSE, lambda line: line[:6] + b"2024" + line[10:]), "F03", "MORE THAN ONE SCHOOL"),
    Bad("two sponsors", changed(COURSE, lambda line: line[:10] + b"032" + line[13:]), "F04", "MORE THAN ONE SPONSOR"),
    Bad("cut in the id", changed(COURSE, lambda line: line[:18]), "F07", "STUDENT CANNOT BE READ"),
    Bad("NUL in the id", changed(COURSE, lambda line: line[:15] + b"\0" + line[16:]), "F07", "STUDENT CANNOT BE READ"),
    Bad("old Mac line ends", GOOD.replace(b"\r\n", b"\r"), "F17", "TWO RECORDS ON ONE LINE"),
    Bad("line without end", changed(COURSE, lambda line: line + b"x" * 70_000), "F10", "LINE WITHOUT END"),
    Bad("two in a zip", zipped({"a.txt": GOOD, "b.txt": GOOD}), "F13", "EXACTLY ONE FILE, BUT 2"),
    Bad("zip in a zip", zipped({"a.zip": ONE}), "F15", "ZIP INSIDE A ZIP"),
    Bad("locked zip", locked(ONE), "F14", "ZIP IS ENCRYPTED"),
    Bad("half a zip", ONE[: len(ONE) // 2], "F12", "ZIP CANNOT BE READ"),
    Bad("bomb", zipped({"a.txt": b" " * (64 << 20)}), "F16", "UNPACKS TO MORE THAN IS ALLOWED"),
)
HELD = (
    Held("cut record", changed(COURSE, lambda line: line[:100]), "L03"),
    Held("cut end", GOOD[: len(GOOD) - 20], "500" if LINES[-1][3:6] == b"050" else "L03"),
    Held("NUL in a field", changed(COURSE, lambda line: line[:110] + b"\0" + line[111:]), "L01"),
    Held("lower case", changed(COURSE, lambda line: b"sts" + line[3:]), "L02"),
    Held("moved columns", changed(COURSE, lambda line: line[:60] + b"  " + line[60:-1] + b"9"), "L04"),
    Held("two of one student", joined([LINES[0], *LINES]), "211"),
)


@pytest.fixture(scope="module")
def ledger() -> Iterator[Cli]:
    """One ledger, its server kept running, that holds another sponsor's students already."""
    with fresh_home() as home, running_server(home):
        cli = Cli(home)
        cli("upload", generate(home.parent / "first.txt", students=OTHERS))
        yield cli


def checked(file: Path, status: int) -> Any:
    """What `ledger check` answers, in this process: it needs no ledger."""
    app = typer.Typer()
    app.command()(check)
    result = CliRunner().invoke(app, [str(file), "--json"])
    assert result.exit_code == status, result.output
    return json.loads(result.stdout)


def written(folder: Path, name: str, data: bytes) -> Path:
    path = folder / f"{name.replace(' ', '-')}.txt"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("bad", REFUSED, ids=lambda bad: bad.name)
def test_a_refused_file_is_told_and_stores_nothing(ledger: Cli, tmp_path: Path, bad: Bad) -> None:
    file = written(tmp_path, bad.name, bad.data)

    told = checked(file, 2)
    answer = ledger.json("upload", file, expect=2)

    first = told["problems"][0]
    assert (told["refused"], told["students"], first["code"]) == (True, {"clean": 0, "held": 0}, bad.code)
    assert bad.said in first["message"]
    assert first["hint"]
    upload = answer["upload"]
    assert (upload["state"], upload["file_name"]) == ("refused", file.name)
    assert [upload[count] for count in ("stored", "unchanged", "removed")] == [None, None, None]
    assert {one["code"] for one in answer["findings"]} == {problem["code"] for problem in told["problems"]}


@pytest.mark.parametrize("held", HELD, ids=lambda held: held.name)
def test_a_broken_record_holds_its_student_alone(ledger: Cli, tmp_path: Path, held: Held) -> None:
    """Validated only, so that every case meets the same ledger."""
    file = written(tmp_path, held.name, held.data)

    told = checked(file, 1)
    ran = ledger("upload", "--validate-only", file, expect=1)

    assert held.code in [problem["code"] for problem in told["problems"]]
    assert told["students"] == {"clean": STUDENTS - 1, "held": 1}
    assert f"{STUDENTS - 1} would be stored, 1 held. Nothing was stored." in ran.said


def test_a_person_reads_why_and_where_to_look(ledger: Cli, tmp_path: Path) -> None:
    mixed = next(bad for bad in REFUSED if bad.code == "F03")
    ran = ledger("upload", written(tmp_path, "mixed", mixed.data), expect=2)
    shown = ledger("problems", ran.said.split()[1].rstrip(","), expect=2)

    assert "The file is refused: no record of it is processed." in ran.said
    assert "F03 1 MORE THAN ONE SCHOOL SESSION YEAR (BSSY)" in ran.said
    assert "Send one file a year. The first has 2025." in shown.said


def test_a_file_above_the_limit_is_refused_before_it_is_read(ledger: Cli, tmp_path: Path) -> None:
    """Two GiB that take no room on the disk: neither command reads them, and the ledger never hears of them."""
    file = tmp_path / "huge.txt"
    with file.open("wb") as huge:
        huge.truncate(2 << 30)
    end = ledger.json("status")["end"]

    assert checked(file, 2)["problems"][0]["code"] == "F11"
    assert "ARE TAKEN" in ledger("upload", file, expect=2).err
    assert ledger.json("status")["end"] == end


def test_after_all_of_it_a_good_file_is_stored_and_nothing_differs(ledger: Cli, tmp_path: Path) -> None:
    """The held student follows with the corrected file, and every refusal stands in the history."""
    ledger("upload", written(tmp_path, "held", HELD[0].data), expect=1)
    stored = ledger.json("students")["count"]
    good = ledger.json("upload", written(tmp_path, "good", zipped({"good.txt": GOOD})))["upload"]

    assert stored == OTHERS + STUDENTS - 1
    assert (good["stored"], good["unchanged"], good["held"]) == (1, STUDENTS - 1, 0)
    assert ledger.json("students")["count"] == OTHERS + STUDENTS
    uploads = ledger.json("uploads", "--limit", "100")["uploads"]
    assert {one["state"] for one in uploads} <= {"closed", "refused"}
    assert all(one["stored"] is None for one in uploads if one["state"] == "refused")
    assert ledger.json("fsck")["differences"] == 0
