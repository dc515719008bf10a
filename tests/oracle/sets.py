"""The codes of a student's records together (R-001, R-039, R-042, R-161)."""

from collections.abc import Callable, Hashable, Iterator, Sequence

from tests.oracle.facts import Facts
from tests.oracle.reading import Finding, Row

DUPLICATE_KEY = (
    "course_beginning_school_session_year",
    "course_code",
    "course_part_number",
    "semester_code",
    "transcript_course_name",
)


def code_200(rows: Sequence[Row]) -> Iterator[Finding]:
    """p. 134: each 030 without a 020."""
    if not of_type("020", rows):
        yield from ((row.number, "200") for row in of_type("030", rows))


def code_300(rows: Sequence[Row]) -> Iterator[Finding]:
    """p. 136: each 020 without a 030."""
    if not of_type("030", rows):
        yield from ((row.number, "300") for row in of_type("020", rows))


def code_211(rows: Sequence[Row]) -> Iterator[Finding]:
    """p. 134: a second 020; whether another student holds the id is not told by a file."""
    yield from ((row.number, "211") for row in of_type("020", rows)[1:])


def code_326(rows: Sequence[Row]) -> Iterator[Finding]:
    """p. 137: the same course, part, semester, year and name a second time (the name: p. 124)."""
    return repeated("326", of_type("030", rows), lambda row: tuple(row[name] for name in DUPLICATE_KEY))


def code_q1(rows: Sequence[Row], facts: Facts) -> Iterator[Finding]:
    """p. 50, condition 1: two half credits of one course, taken once (R-084); the list tells what may be repeated."""
    halves = [
        row
        for row in graded(rows)
        if (row["course_part_number"], row["credit_attempted_count"]) == (b"", b"050") and is_taken_once(row, facts)
    ]
    return repeated("Q1", halves, joined)


def code_q2(rows: Sequence[Row]) -> Iterator[Finding]:
    """p. 50, condition 2: a part 1 without its part 2."""
    return lone("Q2", b"1", b"2", rows)


def code_q3(rows: Sequence[Row]) -> Iterator[Finding]:
    """p. 50, condition 3: a part 2 without its part 1."""
    return lone("Q3", b"2", b"1", rows)


def lone(code: str, part: bytes, other: bytes, rows: Sequence[Row]) -> Iterator[Finding]:
    others = {joined(row) for row in graded(rows) if row["course_part_number"] == other}
    parts = [row for row in graded(rows) if row["course_part_number"] == part]
    return ((row.number, code) for row in parts if joined(row) not in others)


def graded(rows: Sequence[Row]) -> list[Row]:
    """The courses that may have parts: P and E are whole records (R-056)."""
    return [row for row in of_type("030", rows) if row["letter_grade_code"] not in (b"P", b"E")]


def joined(row: Row) -> tuple[bytes, bytes]:
    """What the halves of a course have in common (R-083)."""
    return row["course_code"], row["transcript_course_name"]


def is_taken_once(row: Row, facts: Facts) -> bool:
    year, code = row["course_beginning_school_session_year"], row["course_code"]
    course = facts.row("courses", bssy=year, course_code=code)
    return course is not None and course["repeatable"] == "N"


def code_513(rows: Sequence[Row]) -> Iterator[Finding]:
    """p. 138: a second P or a second F of one credential."""
    told = [row for row in of_type("050", rows) if row["pass_fail"] in (b"P", b"F")]
    return repeated("513", told, lambda row: (row["ibc_code"], row["pass_fail"]))


def of_type(code: str, rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row.code == code]


def repeated(code: str, rows: Sequence[Row], key: Callable[[Row], Hashable]) -> Iterator[Finding]:
    """The rows whose key was met before."""
    met: set[Hashable] = set()
    for row in rows:
        if key(row) in met:
            yield row.number, code
        met.add(key(row))
