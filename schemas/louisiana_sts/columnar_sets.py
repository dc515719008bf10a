"""Of which students several lines together may tell something: each kind of finding picks its suspects with numpy.

None who would get a finding is left out; of some who are picked nothing is found. So hashes make suspects, since a
collision only makes one more, and bytes acquit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Protocol

import numpy as np

from schemas.columnar.columns import Flags, Words, digits, equal, number, same, words
from schemas.columnar.keys import Hashes, among, joined, mixed, places, repeated
from schemas.columnar.lines import Bytes, Integers, Lines, chunks
from schemas.expressions import Text
from schemas.layout import Layout, RecordLayout
from schemas.louisiana_sts.graduation import (
    CREDITS_TO_GRADUATE,
    MET_FLAGS,
    NEVER_GRADUATE,
    PATHWAY_CREDITS,
    WITH_EXPERIENCES,
    experiences,
)
from schemas.louisiana_sts.parts import FIRST, HALF, SECOND, WHOLE, WHOLE_GRADES, PartChecks
from schemas.louisiana_sts.persons import Persons, agree
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, STUDENT

MET = tuple(flag.encode("latin-1") for flag in sorted(MET_FLAGS))
NO_DIPLOMA = tuple(pathway.encode("latin-1") for pathway in sorted({*NEVER_GRADUATE, "CD"}))
"""Pathways on which every graduate is looked at."""
EXPERIENCES = tuple(code.encode("latin-1") for code in sorted(experiences()))
NEVER = 1 << 30
"""Credits that nobody earns: such a graduate is looked at whatever the courses."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Lines of one record type: which, their rows, and the places of their students."""

    code: str
    lines: Integers
    rows: Bytes
    students: Integers

    def words(self, span: slice) -> Words:
        return words(self.rows, Text(span.start, span.stop))

    def key(self, spans: Sequence[slice]) -> Words:
        return joined([self.words(span) for span in spans])

    def hashes(self, spans: Sequence[slice]) -> Hashes:
        """Of each line's student and key."""
        return mixed((self.students.astype(np.uint64), *self.key(spans)))

    def at(self, some: Flags) -> "Seen":
        return Seen(self.code, self.lines[some], self.rows[some], self.students[some])

    def has(self, span: slice, *values: bytes) -> Flags:
        """Where the bytes of a span are one of these."""
        field = self.words(span)
        return reduce(or_, (equal(field, value) for value in values))


class Watch(Protocol):
    """What is shown all lines, those of the 020 first, and then names its suspects as places of students."""

    def see(self, seen: Seen) -> None: ...
    def suspects(self) -> Integers: ...


class Repeated:
    """326 and 513: students with two records of one type that have the same key."""

    def __init__(self, code: str, key: Sequence[slice]) -> None:
        self.code = code
        self.key = key
        self.hashes = [np.empty(0, np.uint64)]
        self.students = [np.empty(0, np.int32)]

    def see(self, seen: Seen) -> None:
        if seen.code == self.code:
            self.hashes.append(seen.hashes(self.key))
            self.students.append(seen.students)

    def suspects(self) -> Integers:
        twice = repeated(self.hashes)
        return np.concatenate([them[among(some, twice)] for them, some in zip(self.students, self.hashes, strict=True)])


class RepeatedHalves(Repeated):
    """Q1: students with two halves of one course that have no part number."""

    def __init__(self, parts: PartChecks) -> None:
        super().__init__(COURSE, (parts.code, parts.name))
        self.parts = parts

    def see(self, seen: Seen) -> None:
        if seen.code == COURSE:
            super().see(seen.at(seen.has(self.parts.part, WHOLE) & seen.has(self.parts.attempted, HALF)))


class LoneParts:
    """Q2 and Q3: students with a part of a course whose other part they do not have, byte for byte."""

    def __init__(self, parts: PartChecks, lines: Lines, whose: Integers) -> None:
        self.parts = parts
        self.lines = lines
        self.whose = whose
        self.course = (parts.code, parts.name)
        self.hashes = {part: [np.empty(0, np.uint64)] for part in (FIRST, SECOND)}
        self.places = {part: [np.empty(0, np.int32)] for part in (FIRST, SECOND)}

    def see(self, seen: Seen) -> None:
        if seen.code != COURSE:
            return
        halves = seen.at(seen.has(self.parts.part, FIRST, SECOND) & ~seen.has(self.parts.grade, *WHOLE_GRADES))
        hashes = halves.hashes(self.course)
        for part in (FIRST, SECOND):
            named = halves.has(self.parts.part, part)
            self.hashes[part].append(hashes[named])
            self.places[part].append(halves.lines[named])

    def suspects(self) -> Integers:
        students: Integers = self.whose[np.concatenate((self.lone(FIRST, SECOND), self.lone(SECOND, FIRST)))]
        return students

    def lone(self, part: bytes, other: bytes) -> Integers:
        """The lines of a part beside which the other is not found."""
        lines, others = np.concatenate(self.places[part]), np.concatenate(self.places[other])
        known = np.concatenate(self.hashes[other])
        order = np.argsort(known)
        found = places(np.concatenate(self.hashes[part]), known[order])
        paired, beside = lines[found >= 0], others[order][found[found >= 0]]
        unlike = [some[~self.are_parts(some, them)] for some, them in zip(chunks(paired), chunks(beside), strict=True)]
        return np.concatenate((lines[found < 0], *unlike))

    def are_parts(self, lines: Integers, others: Integers) -> Flags:
        """Where lines are of one student and course with those beside them."""
        one, other = (self.seen(which).key(self.course) for which in (lines, others))
        of_one: Flags = self.whose[lines] == self.whose[others]
        return of_one & same(one, other)

    def seen(self, lines: Integers) -> Seen:
        return Seen(COURSE, lines, self.lines.rows(lines, self.parts.course.length), self.whose[lines])


class Contradicted:
    """U03 to U08: students who are not sent in the ordinary way that agrees with eScholar."""

    def __init__(self, persons: Persons) -> None:
        self.persons = persons
        self.found: list[int] = []

    def see(self, seen: Seen) -> None:
        if seen.code == STUDENT:
            ids = texts(seen.rows, (self.persons.state_id,))
            sent = texts(seen.rows, self.persons.compared)
            for state_id, one, student in zip(ids, sent, seen.students.tolist(), strict=True):
                expected = self.persons.agreeing.get(state_id, one)
                if expected != one and not agree(expected, one):
                    self.found.append(student)

    def suspects(self) -> Integers:
        return np.array(self.found, np.int64)


class Unready:
    """Graduates who may lose the date, or of whom more credits are due: all but those who certainly do not.

    `due` are the credits in hundredths that each student has to have, more than anyone has where something else is
    lacking. They are counted as `credits_earned` does; where two courses of a student share a hash, less is counted.
    """

    def __init__(self, layout: Layout, students: int) -> None:
        self.is_public = layout.variant == "public"
        self.student, self.credential = Spans(layout[STUDENT]), Spans(layout[CREDENTIAL])
        self.course = Spans(layout[COURSE])
        self.due = np.zeros(students, np.int64)
        self.needs_pass, self.with_experiences = np.zeros(students, np.bool_), np.zeros(students, np.bool_)
        self.hashes = [np.empty(0, np.uint64)]
        self.students = [np.empty(0, np.int32)]
        self.earned_in = {part: [np.empty(0, np.int32)] for part in (WHOLE, FIRST, SECOND)}

    def see(self, seen: Seen) -> None:
        match seen.code:
            case "020":
                self.see_students(seen)
            case "030":
                self.see_courses(seen.at(self.due[seen.students] > 0))
            case "050":
                self.needs_pass[seen.students[seen.has(self.credential["pass_fail"], b"P")]] = False

    def see_students(self, seen: Seen) -> None:
        date, pathway = self.student["graduation_date"], self.student["diploma_pathway"]
        graduates = seen.at(~seen.has(date, b" " * (date.stop - date.start)))
        due = np.full(len(graduates.lines), CREDITS_TO_GRADUATE)
        for name, total in PATHWAY_CREDITS.items():
            due[graduates.has(pathway, name.encode("latin-1"))] = max(total, CREDITS_TO_GRADUATE)
        due[graduates.has(pathway, *NO_DIPLOMA)] = NEVER
        if self.is_public:
            due[~graduates.has(self.student["met_gee_eoc_flag"], *MET)] = NEVER
        self.due[graduates.students] = due
        self.needs_pass[graduates.students] = graduates.has(pathway, b"CA")
        self.with_experiences[graduates.students] = graduates.has(pathway, WITH_EXPERIENCES.encode("latin-1"))

    def see_courses(self, seen: Seen) -> None:
        span = self.course["credit_earned_count"]
        width, field = span.stop - span.start, seen.words(span)
        earned = np.nan_to_num(number(field, width, digits(field, width))).astype(np.int64)
        earned[seen.has(self.course["course_code"], *EXPERIENCES) & ~self.with_experiences[seen.students]] = 0
        self.hashes.append(seen.hashes((self.course["course_code"], self.course["transcript_course_name"])))
        self.students.append(seen.students)
        for part, found in self.earned_in.items():
            found.append(np.where(seen.has(self.course["course_part_number"], part), earned, 0))

    def suspects(self) -> Integers:
        return np.flatnonzero((self.due > self.earned()) | self.needs_pass)

    def earned(self) -> Integers:
        """The credits of each graduate: of each course the best whole attempt or the best parts together."""
        hashes, whose = np.concatenate(self.hashes), np.concatenate(self.students)
        order = np.lexsort((hashes, whose))
        hashes, whose = hashes[order], whose[order]
        begins = np.ones(len(order), np.bool_)
        begins[1:] = (hashes[1:] != hashes[:-1]) | (whose[1:] != whose[:-1])
        courses = np.flatnonzero(begins)
        best = {part: best_of(np.concatenate(found)[order], courses) for part, found in self.earned_in.items()}
        total = np.maximum(best[WHOLE], best[FIRST] + best[SECOND])
        return np.bincount(whose[courses], total, len(self.due)).astype(np.int64)


def best_of(attempts: Integers, courses: Integers) -> Integers:
    """The most of each course's attempts; `courses` are the places of their first ones."""
    best: Integers = np.maximum.reduceat(attempts, courses) if len(courses) else attempts
    return best


class Spans:
    """Where a record's fields stand."""

    def __init__(self, record: RecordLayout) -> None:
        self.record = record

    def __getitem__(self, name: str) -> slice:
        return self.record[name].span


def texts(rows: Bytes, spans: Sequence[slice]) -> list[bytes]:
    """The bytes of some spans of each row, one after the other."""
    joint = np.concatenate([rows[:, span] for span in spans], axis=1)
    width, raw = joint.shape[1], joint.tobytes()
    return [raw[at : at + width] for at in range(0, len(raw), width)]
