"""Part numbers that do not join into a course: what report STSQ08 lists (R-084). Warnings, the data are stored.

Q4 looks at one record and is a row of the rule table.
"""

from collections.abc import Iterator, Mapping, Sequence

from schemas.expressions import Lookup, Text
from schemas.layout import RecordLayout
from schemas.lookups import Values, index_of
from schemas.louisiana_sts.batch import Line
from schemas.louisiana_sts.records import COURSE
from schemas.louisiana_sts.table import problem
from schemas.problems import Problem
from schemas.reference import ReferenceTables

HALF = b"050"
FIRST, SECOND, WHOLE = b"1", b"2", b" "
FIELD = "course_part_number"
PARTS = frozenset({FIRST, SECOND})
WHOLE_GRADES = frozenset({b"P", b"E"})


class PartChecks:
    """The courses of one student: halves are joined by course code and transcript course name (R-083).

    P and E are whole records: a part number on one is 327, and no half.
    """

    def __init__(self, course: RecordLayout, tables: ReferenceTables) -> None:
        self.course = course
        self.code, self.name = course["course_code"].span, course["transcript_course_name"].span
        self.part, self.attempted = course[FIELD].span, course["credit_attempted_count"].span
        self.grade = course["letter_grade_code"].span
        self.year = course["course_beginning_school_session_year"].span
        self.repeatable = repeatable_by_key(course, tables)

    def findings(self, lines: Sequence[Line]) -> Iterator[Problem]:
        """Q1, Q2 and Q3. Q1 needs the courses' table: halves of a course that may be repeated need no part number."""
        halves: dict[bytes, int] = {}
        parts: dict[bytes, list[tuple[bytes, Line]]] = {}
        for line in lines:
            raw = line.raw
            if line.code != COURSE or raw[self.grade] in WHOLE_GRADES:
                continue
            part = raw[self.part]
            if part in PARTS:
                parts.setdefault(self.joined(raw), []).append((part, line))
            elif part == WHOLE and raw[self.attempted] == HALF and self.is_taken_once(raw):
                first = halves.setdefault(self.joined(raw), line.number)
                if first != line.number:
                    yield self.at(line, "Q1", hint=f"{problem('Q1').hint} The first is line {first}.")
        for some in parts.values():
            yield from self.lone(some)

    def is_taken_once(self, raw: bytes) -> bool:
        return self.repeatable.get(raw[self.year] + raw[self.code]) == (True, b"N")

    def joined(self, raw: bytes) -> bytes:
        """What the two halves of a course have in common."""
        return raw[self.code] + raw[self.name].rstrip(b" ")

    def lone(self, parts: Sequence[tuple[bytes, Line]]) -> Iterator[Problem]:
        """The parts of one course of which only the one or the other is there."""
        if len({part for part, _ in parts}) == 1:
            for part, line in parts:
                yield self.at(line, "Q2" if part == FIRST else "Q3")

    def at(self, line: Line, code: str, hint: str | None = None) -> Problem:
        field = self.course[FIELD]
        found = line.raw[field.span]
        return problem(
            code, line=line.number, record=COURSE, field=FIELD, columns=field.columns, found=found, hint=hint
        )


def repeatable_by_key(course: RecordLayout, tables: ReferenceTables) -> Mapping[bytes, Values]:
    """Whether a course may be repeated for credit, by year and code as a line has them; empty without the table."""
    if "courses" not in tables:
        return {}
    year, code = course["course_beginning_school_session_year"].span, course["course_code"].span
    row = Lookup("courses", ("bssy", "course_code"), (Text(year.start, year.stop), Text(code.start, code.stop)))
    return index_of(tables["courses"], row, (("repeatable", None),))
