"""`ledger upload --plan` and `--expect-plan` as an operator meets them."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.cli.answers import PlanAnswer
from tests.e2e.cli import Cli, generate


def planned(cli: Cli, file: Path, *options: str, expect: int = 0) -> Any:
    """The plan as a program gets it; it must have exactly the documented shape."""
    out = cli("upload", file, "--plan", "--json", *options, expect=expect).out
    answer = json.loads(out)
    assert list(answer) == list(PlanAnswer.__struct_fields__)
    msgspec.json.decode(out, type=PlanAnswer)
    return answer["plan"]


def renumbered(file: Path, into: Path, *, most: int | None = None) -> Path:
    """Write a file again with another local id for its students, at most so many."""
    rows, done = file.read_bytes().split(b"\r\n"), 0
    for number, row in enumerate(rows):
        if row[3:6] == b"020" and (most is None or done < most):
            done += 1
            rows[number] = row[:23] + b"CHANGED  " + row[32:]
    into.write_bytes(b"\r\n".join(rows))
    return into


def end(cli: Cli) -> int:
    """The position that the next record gets."""
    position: int = cli.json("status")["end"]
    return position


def test_a_plan_shows_what_would_change_and_how_to_store_just_that(shared: Cli, tmp_path: Path) -> None:
    first = generate(tmp_path / "first.txt", students=6, sponsor="031")
    second = renumbered(first, tmp_path / "second.txt", most=1)
    shared("upload", first)
    before = end(shared)

    ran = shared("upload", second, "--plan")

    assert "students: 0 added, 1 changed, 5 unchanged, 0 held, 0 removed" in ran.said
    assert "020 local_identification_number:" in ran.said
    assert "'CHANGED'" in ran.said
    assert end(shared) == before
    command = re.search(r"--expect-plan (\S+)`", ran.said)
    assert command is not None
    stored = shared.json("upload", second, "--expect-plan", command[1])["upload"]
    assert (stored["stored"], stored["unchanged"]) == (1, 5)


def test_an_edit_between_plan_and_upload_is_a_conflict_and_nothing_is_received(shared: Cli, tmp_path: Path) -> None:
    file = generate(tmp_path / "a.txt", students=4, sponsor="032")
    shared("upload", file)
    again = renumbered(file, tmp_path / "again.txt")
    plan = planned(shared, again)
    moved = plan["students"][2]["state_id"]
    shared("edit", "student", moved, "local_identification_number=MOVED", "--sponsor", "032")
    before = end(shared)

    name = f"{plan['digest']}@{plan['position']}"
    ran = shared("upload", again, "--expect-plan", name, expect=3)

    assert "S08 THE PLAN DOES NOT HOLD ANY MORE" in ran.said
    assert moved in ran.said
    assert plan["students"][0]["state_id"] not in ran.said
    assert end(shared) == before
    assert planned(shared, again)["digest"] != plan["digest"]


def test_another_file_is_not_the_planned_one(shared: Cli, tmp_path: Path) -> None:
    plan = planned(shared, generate(tmp_path / "a.txt", students=4, sponsor="033"))
    other = generate(tmp_path / "b.txt", students=5, sponsor="033")

    ran = shared("upload", other, "--expect-plan", f"{plan['digest']}@{plan['position']}", expect=3)

    assert "None of its students has moved" in ran.said
    assert shared.json("students", "--sponsor", "033", expect=1)["count"] == 0


def test_a_plan_counts_the_held_and_ends_with_1(shared: Cli, tmp_path: Path) -> None:
    plan = planned(shared, generate(tmp_path / "a.txt", students=30, faults=0.4, sponsor="034"), expect=1)

    assert plan["held"] > 0
    assert plan["added"] + plan["held"] == 30
    assert sum(one["action"] == "held" for one in plan["students"]) == plan["held"]


def test_a_file_that_would_be_refused_has_no_plan(shared: Cli, tmp_path: Path) -> None:
    file = tmp_path / "wrong.txt"
    file.write_bytes(b"name,grade\r\n")
    before = end(shared)

    assert planned(shared, file, expect=2) is None
    assert "F01 NOT AN STS FILE" in shared("upload", file, "--plan", expect=2).said
    assert end(shared) == before


def test_validating_only_shows_the_plan_too(shared: Cli, tmp_path: Path) -> None:
    ran = shared("upload", "--validate-only", generate(tmp_path / "a.txt", students=5, sponsor="035"))

    assert "students: 5 added, 0 changed, 0 unchanged, 0 held, 0 removed" in ran.said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--expect-plan", "abc"), "64 hexadecimal digits"),
        (("--plan", "--expect-plan", "a" * 64), "store nothing"),
        (("--validate-only", "--expect-plan", "a" * 64), "store nothing"),
    ],
    ids=["no digest", "plan of a plan", "validate only"],
)
def test_a_plan_that_cannot_be_meant_is_refused(
    shared: Cli, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    ran = shared("upload", generate(tmp_path / "a.txt", students=1, sponsor="036"), *options, expect=2)

    assert said in ran.said
