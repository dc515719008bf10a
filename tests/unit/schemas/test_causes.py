"""Cause first: what follows is folded, what repeats is counted, nothing is lost, and no repair promises too much."""

from collections.abc import Sequence
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.layout import Variant
from schemas.louisiana_sts.causes import causes, each_its_own, follows, repairs, whatever_found
from schemas.louisiana_sts.checks import check_file, report
from schemas.louisiana_sts.records import toml
from schemas.louisiana_sts.table import all_codes
from schemas.problems import Cause, Problem
from tests.unit.schemas.builder import TODAY, VARIANTS, line, lines


def caused(data: bytes, variant: Variant | None = None, today: date = TODAY) -> Sequence[Cause]:
    """The causes of a file."""
    batch, found = check_file(data, "test.txt", today=today, variant=variant)
    return report(found, batch.runs if batch else None).causes


def told(found: Sequence[Cause]) -> list[tuple[str, int, dict[str, int]]]:
    """Each cause by its code, times and what follows."""
    return [(one.first.code, one.times, dict(one.follows)) for one in found]


def student(number: int, course: dict[str, str] | None = None, courses: int = 1, **changes: str) -> bytes:
    """One public student with some equal courses (told apart by their code)."""
    owner = {"state_identification_number": f"77000000{number:02d}"}
    rows = [
        line("030", "public", {**owner, "course_code": f"9901{each:02d}", **(course or {})}) for each in range(courses)
    ]
    return lines(line("020", "public", {**owner, **changes}), *rows)


# --- Folding -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_bad_020_makes_no_avalanche_on_its_courses(variant: Variant) -> None:
    """30 courses whose 020 carries a wrong id are one finding: a slip in the id, or an id that is none."""
    right = "7712345678" if variant == "public" else "666123456"
    slip, none = right[:-1] + "9", right[:-1] + "X"
    rows = [line("030", variant, {"course_code": f"9901{each:02d}"}) for each in range(30)]
    code = "U01" if variant == "public" else "V02"

    found = caused(lines(line("020", variant, {"state_identification_number": slip}), *rows), variant)
    assert told(found) == [("300", 1, {"200": 30})]
    assert (found[0].touches, found[0].frees) == (2, 2)

    found = caused(lines(line("020", variant, {"state_identification_number": none}), *rows), variant)
    assert told(found) == [(code, 1, {"200": 30, "300": 1})]


def test_courses_of_somebody_else_do_not_follow_from_the_020_above() -> None:
    """Two students, of whom one lacks courses and the other the 020, are two causes."""
    rows = [line("030", "public", {"course_code": f"9901{each:02d}"}) for each in range(3)]
    found = caused(lines(line("020", "public", {"state_identification_number": "1000000001"}), *rows))

    assert told(found) == [("300", 1, {}), ("200", 3, {})]
    assert found[1].lines == (2, 3, 4)


def test_one_wrong_code_in_a_thousand_lines_is_one_finding() -> None:
    course = {"letter_grade_code": "X"}
    found = caused(b"".join(student(number, course, courses=20) for number in range(50)))

    assert told(found) == [("305", 1000, {})]
    assert found[0].lines == tuple(range(2, 12))
    assert (found[0].touches, found[0].frees) == (50, 50)


def test_a_course_sponsor_that_is_none_hides_what_its_site_says() -> None:
    found = caused(student(1, {"course_sponsor_code": "9 9", "course_site_code": "017001"}))

    assert told(found) == [("319", 1, {"322": 1})]


def test_what_follows_from_what_follows_is_folded_under_the_first_cause() -> None:
    """A passed course with 000 attempted breaks 306, and by it 312 and 310."""
    found = caused(student(1, {"credit_attempted_count": "000"}))

    assert told(found) == [("306", 1, {"310": 1, "312": 1})]


def test_a_value_that_is_wrong_by_itself_is_not_folded() -> None:
    """Earned 000 for a B stays wrong when the credit attempted is repaired."""
    found = caused(student(1, {"credit_attempted_count": "000", "credit_earned_count": "000"}))

    assert sorted(told(found)) == [("306", 1, {}), ("312", 1, {})]


def test_a_broken_line_hides_what_its_fields_would_tell() -> None:
    """L04 alone: its grade and its sex code are not looked into, and its courses are not without a student."""
    broken = line("020", "public", {"sex_code": "X"})[:200].ljust(200) + b"MORE"
    found = caused(lines(broken, line("030", "public")))

    assert told(found) == [("L04", 1, {})]


def test_lines_that_are_broken_alike_are_one_repair() -> None:
    data = student(1, courses=3) + student(2, courses=3)
    short = b"".join(row[:100] + b"\r\n" if row[3:6] == b"030" else row + b"\r\n" for row in data.splitlines())
    found = caused(short)

    assert told(found) == [("L03", 6, {})]
    assert found[0].frees == 2


def test_a_first_record_without_a_sponsor_is_the_one_fault_of_its_file() -> None:
    first = line("020", "public", {"sponsor_code": "1 7"})
    found = caused(lines(first, line("030", "public"), line("050", "public")))

    assert told(found) == [("F09", 1, {"504": 1, "F04": 1})]
    assert (found[0].touches, found[0].frees) == (None, None)


def test_equal_courses_of_two_students_are_two_repairs() -> None:
    course = {"course_code": "990101"}
    found = caused(student(1, course, courses=2) + student(2, course, courses=2))

    assert told(found) == [("326", 1, {}), ("326", 1, {})]


# --- Repairs -------------------------------------------------------------------------------------------------------


def test_what_frees_most_students_comes_first() -> None:
    """Two are freed by the grade alone; a third has it too, but is held by a sex code; a warning frees nobody."""
    wrong = {"letter_grade_code": "X"}
    data = student(1, wrong) + student(2, wrong) + student(3, wrong, sex_code="Q")
    data += student(4, local_identification_number="") + student(5, grade_placement_code="77")
    found = [(one.first.code, one.touches, one.frees) for one in repairs(caused(data))]

    assert found == [("305", 3, 2), ("208", 1, 1), ("207", 1, 0), ("V04", 1, 0)]


def test_notes_are_nothing_to_repair() -> None:
    data = (student(1) + student(2, sex_code="Q")).replace(b"\r\n", b"\n")

    assert [one.first.code for one in caused(data)] == ["N01", "207"]
    assert [one.first.code for one in repairs(caused(data))] == ["207"]


def test_what_is_freed_is_no_longer_held() -> None:
    """The count against the truth: repair one cause in the file, check again, and see who is held no more."""
    wrong = {"letter_grade_code": "X"}
    sent = [student(1, wrong), student(2, wrong, sex_code="Q"), student(3), student(4, wrong, courses=3)]
    before = check_file(b"".join(sent), "test.txt", today=TODAY)[1].held
    mended = [student(1), student(2, sex_code="Q"), student(3), student(4, courses=3)]
    after = check_file(b"".join(mended), "test.txt", today=TODAY)[1].held

    assert repairs(caused(b"".join(sent)))[0].frees == len(before - after) == 2


# --- The whole and the table ---------------------------------------------------------------------------------------

SOME = st.sampled_from(
    ["200", "300", "302", "301", "305", "306", "310", "311", "312", "319", "321", "322", "U01", "V04"]
)
PROBLEM = st.builds(
    lambda code, number, found: Problem(
        code, code, all_codes()[code].effect, "", number, "030", "field", (1, 3), found
    ),
    SOME,
    st.integers(1, 6),
    st.sampled_from([b"000", b"100", b"999", b"X"]),
)


@given(st.lists(PROBLEM, max_size=30), st.booleans())
def test_every_finding_belongs_to_exactly_one_cause(problems: list[Problem], with_runs: bool) -> None:
    runs = {"a": (0, 2), "b": (2, 4), "": (4, 6)} if with_runs else None
    found = causes(problems, runs)

    assert sum(one.times + sum(one.follows.values()) for one in found) == len(problems)
    assert all(one.times >= 1 for one in found)
    if runs:
        assert all((one.frees or 0) <= (one.touches or 0) <= 3 for one in found)


def test_the_order_of_findings_of_one_line_changes_no_cause() -> None:
    found = check_file(student(1, {"credit_attempted_count": "000"}), "x", today=TODAY)[1].problems

    assert told(causes(found)) == told(causes(found[::-1]))


def test_each_row_names_codes_there_are_and_says_why() -> None:
    content = toml("causes.toml")
    for row in content["follows"]:
        assert {row["code"], *row["from"]} <= all_codes().keys()
        assert row["reason"]
    assert each_its_own().keys() | whatever_found() <= all_codes().keys()


def test_nothing_that_holds_a_student_hides_behind_what_does_not() -> None:
    """A cause's own effect is never weaker than that of what follows from it."""
    weight = {"note": 0, "warning": 1, "remove_graduation_date": 2, "reject_student": 3, "reject_file": 4}
    weaker = [
        (code, cause)
        for code, rows in follows().items()
        for row in rows
        for cause in row.causes
        if weight[all_codes()[cause].effect] < weight[all_codes()[code].effect]
    ]

    assert weaker == []


def test_nothing_follows_from_itself_in_a_circle() -> None:
    above = {code: set().union(*(row.causes for row in rows)) for code, rows in follows().items()}
    for start in above:
        seen: set[str] = set()
        ahead = {start}
        while ahead:
            seen |= ahead
            ahead = set().union(*(above.get(code, set()) for code in ahead))
            assert start not in ahead
            ahead -= seen
