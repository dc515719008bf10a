"""What clears a graduation date, or warns of it: 223 and the removal codes 2 to 6 (pp. 42, 53; R-142, R-151 to R-155).

A removal is told only of a student who is stored: whoever is held keeps nothing, the date included (R-035, R-036).
"""

from collections.abc import Iterable, Iterator, Sequence

from tests.oracle.reading import File, Finding, Row
from tests.oracle.sets import of_type
from tests.oracle.values import number, real_date

NEVER = (b"ND", b"NG")
EXPERIENCE_ONLY = frozenset(
    str(code).encode()
    for code in (
        *(500051, 500056, 500057, 500058, 500052, 500059, 500060, 500061, 500053, 500062, 500054, 500065, 500055),
        *(500104, *range(500300, 500308)),
    )
)
"""Experiences without credit, for L1 alone (pp. 46-47)."""


def findings(student: Row, rows: Sequence[Row], file: File) -> Iterator[Finding]:
    """The removals and warnings of one graduate."""
    if real_date(student["graduation_date"]) is None:
        return
    pathway = student["diploma_pathway"]
    earned = credits_earned(rows, pathway)
    removals = {
        "223": earned < 2300,
        "G3": pathway in NEVER,
        "G4": file.variant == "public" and student["met_gee_eoc_flag"] not in (b"Y", b"A", b"G", b"E"),
        "G5": pathway == b"CD" and student["career_option_code"] != b"CDV",
        "G6": pathway == b"CA" and not any(row["pass_fail"] == b"P" for row in of_type("050", rows)),
    }
    yield from ((student.number, code) for code, applies in removals.items() if applies)
    if not any(removals.values()) and pathway == b"TU" and earned < 2400:
        yield student.number, "G1"  # a date that is cleared needs no warning that it stays


def credits_earned(rows: Sequence[Row], pathway: bytes) -> int:
    """Hundredths of a Carnegie unit, of repeated courses the best once (R-090, R-142).

    Which codes need a name is not in the guide, so a name makes a course of its own with every code (R-092, R-093).
    """
    courses: dict[tuple[bytes, bytes], list[Row]] = {}
    for row in of_type("030", rows):
        if pathway == b"L1" or row["course_code"] not in EXPERIENCE_ONLY:
            courses.setdefault((row["course_code"], row["transcript_course_name"]), []).append(row)
    return sum(credit_of(takes) for takes in courses.values())


def credit_of(takes: Sequence[Row]) -> int:
    """The best of the whole takes, against the best of each part together (R-090)."""
    whole, one, two = (best(row for row in takes if row["course_part_number"] == part) for part in (b"", b"1", b"2"))
    return max(whole, one + two)


def best(takes: Iterable[Row]) -> int:
    return max((number(row["credit_earned_count"], 3) or 0 for row in takes), default=0)
