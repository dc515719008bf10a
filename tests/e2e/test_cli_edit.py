"""Online edits: stored, refused by a rule, conflicting, repeated."""

from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.cli import Cli

Student = dict[str, Any]


def read(cli: Cli, state_id: str) -> Student:
    student: Student = cli.json("student", state_id)
    return student


def graded_b(student: Student) -> Any:
    """A course of letter B, which may become an A."""
    return next(one for one in student["courses"] if one["letter_grade"] == "B" and one["quality_points"] == 300)


def test_a_good_edit_is_the_next_version_and_visible_at_once(shared: Cli, own_student: str) -> None:
    before = read(shared, own_student)
    number = graded_b(before)["number"]

    edited = shared.json(
        "edit", "course", own_student, str(number), "letter_grade_code=A", "quality_points_awarded_count=400"
    )

    after = read(shared, own_student)
    assert (edited["outcome"], edited["version"]) == ("stored", before["student"]["version"] + 1)
    assert (after["student"]["version"], after["student"]["position"]) == (edited["version"], edited["position"])
    course = next(one for one in after["courses"] if one["number"] == number)
    assert (course["letter_grade"], course["quality_points"]) == ("A", 400)


def test_an_edit_against_a_rule_is_refused_with_code_and_repair(shared: Cli, own_student: str) -> None:
    before = read(shared, own_student)

    ran = shared("edit", "course", own_student, "1", "letter_grade_code=Q", expect=2)

    assert "305 INVALID LETTER GRADE CODE" in ran.err
    assert "Send one of A, B, C, D, F, P, E." in ran.err
    assert read(shared, own_student) == before


def test_an_unknown_field_is_refused_with_the_nearest_names(shared: Cli, own_student: str) -> None:
    ran = shared("edit", "course", own_student, "1", "leter_grade=A", expect=2)

    assert "record 030 has no field 'leter_grade'; the nearest names are letter_grade_code" in ran.err


def test_a_field_that_names_the_set_cannot_be_edited(shared: Cli, own_student: str) -> None:
    ran = shared("edit", "student", own_student, "sponsor_code=018", expect=2)

    assert "S03 A KEY OF THE RECORD SET CANNOT BE EDITED" in ran.err


def test_a_number_that_is_not_held_is_refused_with_those_that_are(shared: Cli, own_student: str) -> None:
    ran = shared("delete", "course", own_student, "99", expect=2)

    assert "S02 NO 030 RECORD WITH NUMBER 99" in ran.err
    assert "Numbers held: 1, 2, 3" in ran.err


def test_a_stated_version_that_has_moved_is_a_conflict(shared: Cli, own_student: str) -> None:
    version = read(shared, own_student)["student"]["version"]
    change = ("edit", "student", own_student, "local_identification_number=X1", "--expect-version", str(version))
    stored = shared.json(*change)

    ran = shared(*change[:3], "local_identification_number=X2", *change[4:], expect=3)

    assert f"version {version} was expected, but {version + 1} stands since" in ran.err
    assert f"@{stored['position']}" in ran.err
    assert read(shared, own_student)["student"]["local_id"] == "X1"


def test_a_repeated_command_id_takes_effect_once(shared: Cli, own_student: str) -> None:
    courses = len(read(shared, own_student)["courses"])
    command = str(uuid4())
    add = ("add", "course", own_student, *course_fields(shared, own_student), "--command-id", command)

    first, second = shared.json(*add), shared.json(*add)

    assert (first["outcome"], second["outcome"]) == ("stored", "repeated")
    assert (first["position"], first["version"], first["command"]) == (
        second["position"],
        second["version"],
        second["command"],
    )
    assert len(read(shared, own_student)["courses"]) == courses + 1
    assert shared.json("verdict", command)["position"] == first["position"]


def course_fields(cli: Cli, state_id: str) -> list[str]:
    """A course that the student does not have yet: the first of theirs under another code."""
    fields = cli.json("replay", state_id)["courses"]["1"]
    return [f"{name}={value}" for name, value in (fields | {"course_code": "999001"}).items()]


def test_an_edit_that_changes_nothing_is_no_commit(shared: Cli, own_student: str) -> None:
    before = read(shared, own_student)
    grade = before["courses"][0]["letter_grade"]

    answer = shared.json("edit", "course", own_student, "1", f"letter_grade_code={grade}")

    assert (answer["outcome"], answer["position"]) == ("unchanged", None)
    assert read(shared, own_student)["student"]["version"] == before["student"]["version"]


def test_a_deleted_course_number_is_not_given_again(shared: Cli, own_student: str) -> None:
    before = read(shared, own_student)
    last = before["courses"][-1]["number"]

    shared("delete", "course", own_student, str(last))
    shared("add", "course", own_student, *course_fields(shared, own_student))

    numbers = [one["number"] for one in read(shared, own_student)["courses"]]
    assert last not in numbers
    assert numbers[-1] == last + 1


def test_a_credential_is_edited_deleted_and_added(shared: Cli, own_student: str) -> None:
    fields = shared.json("replay", own_student)["credentials"]["1"]
    other = "F" if fields["pass_fail"] == "P" else "P"

    shared("edit", "credential", own_student, "1", f"pass_fail={other}")
    assert read(shared, own_student)["credentials"][0]["pass_fail"] == other
    shared("delete", "credential", own_student, "1")
    shared("add", "credential", own_student, *(f"{name}={value}" for name, value in fields.items()))

    rows = read(shared, own_student)["credentials"]
    assert rows[-1]["pass_fail"] == fields["pass_fail"]
    assert 1 not in [row["number"] for row in rows]


def test_a_removed_student_leaves_the_lists_and_keeps_the_history(shared: Cli, own_student: str) -> None:
    command = str(uuid4())
    remove = ("delete", "student", own_student, "--reason", "moved away", "--command-id", command)

    first, again = shared.json(*remove), shared.json(*remove)

    assert (first["outcome"], again["outcome"]) == ("stored", "repeated")
    assert "holds no transcript set now" in shared("student", own_student, expect=1).err
    assert "holds no transcript set now" in shared("edit", "course", own_student, "1", "x=1", expect=1).err
    last = shared.json("history", own_student)["entries"][-1]
    assert (last["events"], last["reason"]) == (["student-removed"], "moved away")
    assert shared.json("replay", own_student, expect=1)["held"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("student", "0000000000"), "no student with this state id"),
        (("student", ""), "no student with this state id"),
        (("history", "0000000000"), "no student with this state id"),
    ],
)
def test_a_student_who_was_never_stored_is_not_found(shared: Cli, arguments: tuple[str, ...], said: str) -> None:
    ran = shared(*arguments, expect=1)

    assert said in ran.err
    assert "0000000000" not in ran.err


def test_a_set_of_another_year_is_not_found_and_those_held_are_named(shared: Cli, own_student: str) -> None:
    ran = shared("student", own_student, "--bssy", "2019", expect=1)

    assert "this student's sets: 2025 at sponsor 017" in ran.err
