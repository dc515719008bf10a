"""The 020 of a public student against eScholar (U03, U04, U06, U07, U08), where the identities are given as a table.

Whether eScholar holds the student at all is a row of the rule table (U02).
"""

from collections.abc import Iterator
from dataclasses import replace

from schemas.layout import RecordLayout
from schemas.louisiana_sts.batch import Line
from schemas.louisiana_sts.matching import Person, mismatches
from schemas.louisiana_sts.records import RACE_FLAGS
from schemas.problems import Problem
from schemas.reference import ReferenceTable, Row

LATIN = "latin-1"
UNKNOWN = b"\0"


class Persons:
    """The persons of an identities table by state id, told to one layout's 020.

    `agreeing` has for each the bytes of `compared` that agree for certain, so that few lines are looked into.
    """

    def __init__(self, table: ReferenceTable, student: RecordLayout) -> None:
        self.student = student
        self.state_id = student["state_identification_number"].span
        self.compared = tuple(student[name].span for name in ("partial_first_name", "partial_last_name"))
        self.compared += (student["day_of_birth"].span, flags(student), student["sex_code"].span)
        self.persons = {row["state_identification_number"].encode(LATIN, "replace"): row for row in table.rows}
        self.agreeing = {state_id: agreeing(person_in(row)) for state_id, row in self.persons.items()}

    def mismatches(self, line: Line) -> Iterator[Problem]:
        """What eScholar contradicts of a 020, at its place; nothing where it does not hold the student."""
        state_id = line.raw[self.state_id]
        row = self.persons.get(state_id)
        if row is None or agree(self.agreeing[state_id], b"".join([line.raw[span] for span in self.compared])):
            return
        for found in mismatches(self.student.cut(line.raw), person_in(row)):
            yield self.placed(found, line)

    def placed(self, found: Problem, line: Line) -> Problem:
        span, name = self.student[found.field or ""].span, found.field
        if found.code == "U07":
            span, name = flags(self.student), f"{RACE_FLAGS[0]}..{RACE_FLAGS[-1]}"
        columns = (span.start + 1, span.stop)
        return replace(found, line=line.number, field=name, columns=columns, found=line.raw[span])


def flags(student: RecordLayout) -> slice:
    """Where the six flags of race and ethnicity stand; they are neighbours."""
    return slice(student[RACE_FLAGS[0]].span.start, student[RACE_FLAGS[-1]].span.stop)


def person_in(row: Row) -> Person:
    """A row of the identities as what is compared."""
    return Person(
        first_name=row["first_name"],
        last_name=row["last_name"],
        birth_date=row["birth_date"],
        sex=row["sex_code"],
        ethnicity="".join(row[flag] for flag in RACE_FLAGS),
    )


def agreeing(person: Person) -> bytes:
    """The ordinary way to send a person, UNKNOWN where eScholar does not say; what else agrees `mismatches` tells."""
    first, last = person.first_name[:1].upper(), person.last_name[:3].upper()
    parts = ((first, 1), (last, 3), (person.birth_date[8:], 2), (person.ethnicity, len(RACE_FLAGS)), (person.sex, 1))
    return b"".join(encoded(part).ljust(width) if part else UNKNOWN * width for part, width in parts)


def encoded(part: str) -> bytes:
    return part.encode(LATIN, "replace").replace(UNKNOWN, b"?")


def agree(expected: bytes, sent: bytes) -> bool:
    """Whether a person is certainly sent as eScholar has them."""
    if expected == sent or len(expected) != len(sent):
        return expected == sent
    return all(one in (UNKNOWN[0], other) for one, other in zip(expected, sent, strict=True))
