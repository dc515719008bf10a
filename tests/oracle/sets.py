"""The codes of a student's records together (R-001, R-039, R-042, R-161)."""

from collections.abc import Callable, Hashable, Iterator, Sequence

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
