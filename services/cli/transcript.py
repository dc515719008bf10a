"""A transcript set as a person reads it: the student in three lines, a row a course, a row a credential."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from schemas.louisiana_sts.records import Fields

if TYPE_CHECKING:
    from rich.console import Console

COURSE_NUMBERS = ("no", "attempted", "earned", "points")
Row = tuple[str, ...]


def print_tables(out: "Console", courses: Iterable[Row], credentials: Iterable[Row]) -> None:
    """Print the courses and the credentials of a set, where there are any."""
    from services.cli.output import table

    course_columns = ("no", "year", "term", "code", "course", "grade", "attempted", "earned", "points")
    credential_columns = ("no", "credential", "year", "term", "vendor", "result")
    for columns, rows in ((course_columns, list(courses)), (credential_columns, list(credentials))):
        if rows:
            out.print(table(columns, rows, right=COURSE_NUMBERS))


def name(last: str, first: str) -> str:
    """Last name and first name, or what the public layout holds of them."""
    return ", ".join(part for part in (last, first) if part)


def student_lines(fields: Fields) -> tuple[str, str]:
    """The student's record in two lines."""
    get = fields.get
    whole = name(get("last_name") or get("partial_last_name", ""), get("first_name") or get("partial_first_name", ""))
    entered, graduated = get("grade_9_entry_year"), get("graduation_date")
    return (
        f"{whole}  grade {get('grade_placement_code', '-')}, site {get('site_code', '-')}",
        (f"grade 9 in {entered}" if entered else "grade 9 not entered")
        + f", pathway {get('diploma_pathway', '-')}, consent {get('parental_guardian_consent_flag', '-')}"
        + (f", graduated {graduated[4:]}-{graduated[:2]}-{graduated[2:4]}" if graduated else ""),
    )


def course_rows(courses: Mapping[int, Fields]) -> Iterable[Row]:
    """Courses by number, from their stored fields."""
    for number, fields in courses.items():
        get = fields.get
        yield (
            str(number),
            get("course_beginning_school_session_year", ""),
            term(get("semester_code", ""), get("course_part_number", "")),
            get("course_code", ""),
            get("transcript_course_name", ""),
            get("letter_grade_code", ""),
            implied(get("credit_attempted_count", "")),
            implied(get("credit_earned_count", "")),
            implied(get("quality_points_awarded_count", "")),
        )


def credential_rows(credentials: Mapping[int, Fields]) -> Iterable[Row]:
    """Credentials by number, from their stored fields."""
    names = ("ibc_code", "year_ibc_earned", "semester_ibc_earned", "test_vendor", "pass_fail")
    for number, fields in credentials.items():
        yield (str(number), *(fields.get(name, "") for name in names))


def term(semester: str, part: str) -> str:
    """The semester, and the part where a course has some."""
    return " ".join(each for each in (semester, part) if each)


def implied(text: str) -> str:
    """A count with its two implied decimals (R-057); what is no count, as it is."""
    return f"{int(text) / 100:.2f}" if text.isdecimal() else text
