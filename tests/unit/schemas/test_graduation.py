"""What a graduate must have: credits after repeat/delete (R-090), and the removal codes (R-036, R-142)."""

from collections.abc import Mapping
from datetime import date

import pytest

from schemas.layout import Variant, load_layout
from schemas.louisiana_sts.checks import check_set
from schemas.louisiana_sts.graduates import REPORTED
from schemas.louisiana_sts.graduation import (
    CREDITS_TO_GRADUATE,
    academic_year,
    credits_earned,
    credits_required,
    experiences,
    graduation_day,
    removal_codes,
)
from schemas.louisiana_sts.records import Fields, RecordSet, toml
from schemas.problems import Problem
from tests.unit.schemas import builder
from tests.unit.schemas.builder import TODAY, VARIANTS, findings, line, lines

GRADUATE: Fields = {"graduation_date": "05152026", "met_gee_eoc_flag": "Y", "diploma_pathway": "TU"}


def course(code: str = "990101", earned: str = "100", part: str = "", name: str = "") -> Fields:
    """A course as it is stored: blank fields are left out."""
    fields = {"course_code": code, "credit_earned_count": earned}
    fields |= {"course_part_number": part} if part else {}
    return fields | ({"transcript_course_name": name} if name else {})


def courses(credits_: int) -> list[Fields]:
    """Courses of so many hundredths of credit together."""
    whole = [course(f"99{number:04d}") for number in range(credits_ // 100)]
    return [*whole, course("980000", f"{credits_ % 100:03d}")] if credits_ % 100 else whole


def graduate(hundredths: int = 2400, credentials: tuple[Fields, ...] = (), **changes: str) -> RecordSet:
    """A graduate's set; a field changed to "" is not there."""
    student = {name: value for name, value in {**GRADUATE, **changes}.items() if value}
    return RecordSet("full", student, tuple(courses(hundredths)), credentials)


# --- Credits -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("taken", "hundredths"),
    [
        ([], 0),
        ([course()], 100),
        ([course("990101"), course("990102")], 200),
        ([course(), course()], 100),
        ([course(earned="000"), course()], 100),
        ([course(), course(earned="000")], 100),
        ([course(earned="050"), course(earned="050")], 50),
        ([course(earned="050", part="1"), course(earned="050", part="2")], 100),
        ([course(earned="050", part="1")], 50),
        ([course(earned="050", part="1"), course(earned="050", part="1")], 50),
        ([course(earned="050", part="1"), course(earned="000", part="1"), course(earned="050", part="2")], 100),
        ([course(earned="050", part="1"), course(earned="050", part="2"), course()], 100),
        ([course(earned="050"), course(earned="050", part="2")], 50),
        ([course(name="Finnish I"), course(name="Finnish II")], 200),
        ([course(name="Finnish I"), course(name="Finnish I")], 100),
        ([course(earned="200")], 200),
        ([course(earned="025"), course("990102", "050")], 75),
        ([{"course_code": "990101"}], 0),
        ([course(earned="1.0")], 0),
        ([course(earned="\xb2")], 0),
    ],
)
def test_of_repeats_the_best_counts_once_and_parts_add_up(taken: list[Fields], hundredths: int) -> None:
    assert credits_earned(taken, "TU") == hundredths
    assert credits_earned(reversed(taken), "TU") == hundredths


@pytest.mark.parametrize(("pathway", "hundredths"), [("TU", 100), ("CA", 100), ("ND", 100), ("L1", 200)])
def test_an_experience_without_credit_counts_on_l1_alone(pathway: str, hundredths: int) -> None:
    assert credits_earned([course("500051"), course("990101")], pathway) == hundredths


def test_every_experience_begins_as_many_lines_at_once_take_it() -> None:
    assert all(code.startswith("500") for code in experiences())


@pytest.mark.parametrize(("pathway", "due"), [("TU", 2400), ("CA", 2300), ("L1", 2300), ("C4", 2300), ("", 2300)])
def test_what_a_pathway_takes(pathway: str, due: int) -> None:
    assert credits_required(pathway) == due


# --- Removal codes -----------------------------------------------------------------------------------------------

PASSED: tuple[Fields, ...] = ({"ibc_code": "901", "pass_fail": "P"},)
FAILED: tuple[Fields, ...] = ({"ibc_code": "901", "pass_fail": "F"},)


@pytest.mark.parametrize(
    ("records", "public", "nonpublic"),
    [
        (graduate(), "", ""),
        (graduate(2300), "", ""),
        (graduate(2299), "2", "2"),
        (graduate(2250), "2", "2"),
        (graduate(0), "2", "2"),
        (graduate(diploma_pathway="ND"), "3", "3"),
        (graduate(diploma_pathway="NG"), "3", "3"),
        *((graduate(met_gee_eoc_flag=flag), "", "") for flag in "YAGE"),
        *((graduate(met_gee_eoc_flag=flag), "4", "") for flag in ("", "N", "P", "y")),
        (graduate(diploma_pathway="CD"), "5", "5"),
        (graduate(diploma_pathway="CD", career_option_code="R01"), "5", "5"),
        (graduate(diploma_pathway="CD", career_option_code="CDV"), "", ""),
        (graduate(diploma_pathway="CA"), "6", "6"),
        (graduate(diploma_pathway="CA", credentials=FAILED), "6", "6"),
        (graduate(diploma_pathway="CA", credentials=FAILED + PASSED), "", ""),
        (graduate(diploma_pathway="L1"), "", ""),
        (graduate(1000, diploma_pathway="CA", met_gee_eoc_flag=""), "246", "26"),
        (graduate(1000, diploma_pathway="CD", met_gee_eoc_flag="N"), "245", "25"),
        (graduate(1000, diploma_pathway="NG", met_gee_eoc_flag="N"), "234", "23"),
        (graduate(0, diploma_pathway="CA", met_gee_eoc_flag="", graduation_date=""), "", ""),
        (RecordSet("credentials", None, (), FAILED), "", ""),
    ],
)
def test_all_codes_that_apply_lowest_first(records: RecordSet, public: str, nonpublic: str) -> None:
    assert "".join(removal_codes(records, "public")) == public
    assert "".join(removal_codes(records, "nonpublic")) == nonpublic


def test_every_removal_code_of_the_guide_is_reported() -> None:
    assert [row["code"] for row in toml("error_codes.toml")["graduation_date_removal"]] == list(REPORTED)
    assert CREDITS_TO_GRADUATE == 2300


# --- Dates -------------------------------------------------------------------------------------------------------


def test_the_academic_year_runs_from_september_1_to_august_31() -> None:
    assert academic_year("2025") == (date(2025, 9, 1), date(2026, 8, 31))


@pytest.mark.parametrize(
    ("text", "day"), [("05152026", date(2026, 5, 15)), ("02302026", None), ("", None), ("5152026", None), ("x", None)]
)
def test_a_graduation_day_is_a_day_or_none(text: str, day: date | None) -> None:
    assert graduation_day({"graduation_date": text}) == day
    assert graduation_day({}) is None


# --- The report --------------------------------------------------------------------------------------------------


def file_of(hundredths: int, *more: bytes, sector: Variant = "public", but: Mapping[str, str] | None = None) -> bytes:
    """A graduate's file: 020 with changes, courses of so much credit, and more lines."""
    rows = [course_line(one, sector) for one in courses(hundredths)]
    return lines(line("020", sector, {**GRADUATE, **(but or {})}), *rows, *more)


def course_line(one: Fields, sector: Variant) -> bytes:
    """The line of a course."""
    return line("030", sector, {**one, "credit_attempted_count": one["credit_earned_count"]})


def only(data: bytes) -> Problem:
    """The one problem, in a file whose student is clean."""
    found = findings(data)
    (problem,) = found.problems
    assert found.held == frozenset()
    return problem


def test_a_graduate_who_has_all_is_clean() -> None:
    assert findings(file_of(2400)).problems == ()
    assert findings(file_of(2400, sector="nonpublic", but={"met_gee_eoc_flag": ""})).problems == ()


def test_too_few_credits_clear_the_date_and_hold_nobody() -> None:
    problem = only(file_of(2250))

    assert (problem.code, problem.effect) == ("223", "remove_graduation_date")
    assert (problem.line, problem.record, problem.field) == (1, "020", "graduation_date")
    assert (problem.columns, problem.found) == ((107, 114), b"05152026")
    assert problem.hint.endswith("Counted are 22.50.")


@pytest.mark.parametrize(("hundredths", "codes"), [(2250, ["223"]), (2300, ["G1"]), (2350, ["G1"]), (2400, [])])
def test_between_23_and_24_a_tu_student_keeps_the_date_with_a_warning(hundredths: int, codes: list[str]) -> None:
    found = findings(file_of(hundredths))

    assert [problem.code for problem in found.problems] == codes
    assert {problem.effect for problem in found.problems if problem.code == "G1"} <= {"warning"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"met_gee_eoc_flag": ""}, "G4"),
        ({"diploma_pathway": "CA", "career_option_code": "R01"}, "G6"),
        ({"diploma_pathway": "CD", "grade_9_entry_year": "2013"}, "G5"),
    ],
)
def test_each_code_is_told_with_its_repair(changes: Mapping[str, str], code: str) -> None:
    problem = only(file_of(2400, but=changes))

    assert (problem.code, problem.effect) == (code, "remove_graduation_date")
    assert len(problem.hint) > 20


def test_every_code_that_applies_is_told() -> None:
    lacking = {"diploma_pathway": "CA", "career_option_code": "R01", "met_gee_eoc_flag": ""}

    assert [problem.code for problem in findings(file_of(1000, but=lacking)).problems] == ["223", "G4", "G6"]


def test_a_passed_credential_in_the_file_keeps_the_date() -> None:
    changes = {"diploma_pathway": "CA", "career_option_code": "R01"}

    assert findings(file_of(2300, line("050", "public"), but=changes)).problems == ()
    assert only(file_of(2300, line("050", "public", {"pass_fail": "F"}), but=changes)).code == "G6"


def test_a_held_student_is_not_judged() -> None:
    """Nothing of them is stored, so nothing is cleared; and a faulty credit would count wrong."""
    found = findings(file_of(1000, but={"sex_code": "X"}))

    assert [problem.code for problem in found.problems] == ["207"]
    assert len(found.held) == 1


def test_who_has_no_date_is_not_judged() -> None:
    assert findings(file_of(1000, but={"graduation_date": ""})).problems == ()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_set_that_is_edited_online_is_judged_the_same(variant: Variant) -> None:
    student = {**builder.STUDENT, **builder.SECTOR[variant], "graduation_date": "05152026"}
    taken = tuple({**builder.COURSE, "course_code": f"9901{number:02d}"} for number in range(10))
    records = RecordSet("full", student, taken, ())
    found = check_set(load_layout(variant), "2025", "017", builder.STATE_IDS[variant], records, today=TODAY)

    assert [problem.code for problem in found] == (["223", "G4"] if variant == "public" else ["223"])
    assert {problem.line for problem in found} == {1}
