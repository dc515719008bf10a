"""The checks of a large batch: numpy says which lines break which rules, and whose lines have to be looked at together.

What the rule table says of a line is decided here, by its second compilation. What takes several lines is not: numpy
only picks the students of whom it might say something, never too few, and `SetChecks` decides on their bytes. So a
file that was made to share hashes costs time, and is judged like any other.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from schemas.columnar.columns import Flags
from schemas.columnar.lines import Bytes, Integers, chunks, lines_of
from schemas.columnar.rules import Chunk, Compiled, compile_columns
from schemas.louisiana_sts.batch import Batch, Line
from schemas.louisiana_sts.columnar_sets import (
    Contradicted,
    LoneParts,
    Repeated,
    RepeatedHalves,
    Seen,
    Unready,
    Watch,
)
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, STUDENT
from schemas.louisiana_sts.sets import SetChecks, finding
from schemas.problems import Problem

RECORDS = (STUDENT, COURSE, CREDENTIAL)
DIGIT_OF_CODE = 4
"""Where the codes of the records differ."""

Looked = tuple[str, list[Problem], list[Line]]
"""A student, what was found, and the lines where more may be found; none where there is certainly no more."""
Progress = Callable[[int, int], None]
"""Is told how many students are done, and their whole number."""


class Hits(NamedTuple):
    """Lines that break rules, by student and line; `rules` has a bit for each rule of the line's record type."""

    lines: Integers
    students: Integers
    rules: Bytes


class Sweep:
    """One pass over a batch's lines, record type by record type.

    `whose` has the place of each line's student. `suspects` are the students who have to be looked at as a whole:
    those with faulty lines, with two 020, with courses but no 020 or the other way round, and whom a Watch names.
    """

    def __init__(self, batch: Batch, checks: SetChecks) -> None:
        starts = np.frombuffer(batch.offsets, np.int64)
        self.batch = batch
        self.checks = checks
        self.lines = lines_of(batch.data, starts, batch.stop)
        self.whose = students_of_lines(batch)
        self.codes = np.frombuffer(batch.data, np.uint8)[starts + DIGIT_OF_CODE]
        self.faulty = np.zeros(batch.rows, np.bool_)
        self.faulty[[(fault.line or 1) - 1 for fault in batch.faults]] = True
        self.compiled = compiled(checks)
        self.watches = self.watching()

    def watching(self) -> list[Watch]:
        parts, persons = self.checks.parts, self.checks.persons
        watches: list[Watch] = [Repeated(code, self.checks.same[code]) for code in (COURSE, CREDENTIAL)]
        watches.append(LoneParts(parts, self.lines, self.whose))
        watches.append(Unready(self.checks.layout, len(self.batch.runs)))
        if parts.repeatable:
            watches.append(RepeatedHalves(parts))
        if persons:
            watches.append(Contradicted(persons))
        return watches

    def run(self, progress: Progress) -> tuple[Hits, Flags]:
        """Look at every line: which break rules, and which students are suspects."""
        hits = [hit for code in RECORDS for hit in self.look(code, progress)]
        suspects = self.unpaired()
        suspects[self.whose[self.faulty]] = True
        for watch in self.watches:
            suspects[watch.suspects()] = True
        return in_order(hits), suspects

    def look(self, code: str, progress: Progress) -> Iterator[Hits]:
        """The broken rules of one record type, chunk by chunk; the watches see every line, faulty ones too."""
        width = self.checks.layout[code].length
        for lines in chunks(np.flatnonzero(self.codes == ord(code[1])).astype(np.int32)):
            if code == COURSE:  # nearly all lines are courses
                progress(int(self.whose[lines[0]]), len(self.batch.runs))
            rows = self.lines.rows(lines, width)
            seen = Seen(code, lines, rows, self.whose[lines])
            for watch in self.watches:
                watch.see(seen)
            broken = self.compiled[code].broken(Chunk(rows)) & ~self.faulty[lines]
            some = np.flatnonzero(np.logical_or.reduce(broken, axis=0))
            if len(some):
                yield Hits(lines[some], seen.students[some], np.packbits(broken[:, some], axis=0).T)

    def unpaired(self) -> Flags:
        """Students with courses but no 020, with a 020 but no courses, or with two 020."""
        students, courses = (self.records_of(code) for code in (STUDENT, COURSE))
        unpaired: Flags = (students > 1) | ((students > 0) != (courses > 0))
        return unpaired

    def records_of(self, code: str) -> Integers:
        return np.bincount(self.whose[self.codes == ord(code[1])], minlength=len(self.batch.runs))


@lru_cache(maxsize=1)
def compiled(checks: SetChecks) -> dict[str, Compiled]:
    """The rules of each record type over many lines. One checks' are kept: tables of persons may be in them."""
    return {
        code: compile_columns(rules, checks.constants, checks.tables) for code, (rules, _) in checks.compiled.items()
    }


def look(
    batch: Batch,
    checks: SetChecks,
    faults: Mapping[int, Sequence[Problem]],
    progress: Progress,
) -> Iterator[Looked]:
    """The students of whom something was found or may be, in the batch's order."""
    hits, suspects = Sweep(batch, checks).run(progress)
    looked = suspects.copy()
    looked[hits.students] = True
    places = np.flatnonzero(looked)
    begins, ends = (np.searchsorted(hits.students, places, side) for side in ("left", "right"))
    for place, begin, end in zip(places.tolist(), begins.tolist(), ends.tolist(), strict=True):
        state_id = batch.state_ids[place]
        known = {int(hits.lines[at]) + 1: broken_rules(hits.rules[at]) for at in range(begin, end)}
        if suspects[place]:
            lines = list(batch.lines_of(state_id))
            yield state_id, checks.student(lines, faults, known), lines
        else:
            yield state_id, [one for number, rules in known.items() for one in told(batch, checks, number, rules)], []


def broken_rules(bits: Bytes) -> list[int]:
    rules: list[int] = np.flatnonzero(np.unpackbits(bits)).tolist()
    return rules


def told(batch: Batch, checks: SetChecks, number: int, broken: Sequence[int]) -> Iterator[Problem]:
    """The findings on one line that breaks rules."""
    raw = batch.line(number)
    line = Line(number, raw[3:6].decode("latin-1"), raw)
    rules, _ = checks.compiled[line.code]
    return (finding(rules[index], line) for index in broken)


def in_order(hits: Sequence[Hits]) -> Hits:
    """All hits by student and line; rules of fewer bits are filled up."""
    widest = max((hit.rules.shape[1] for hit in hits), default=1)
    lines = np.concatenate([np.empty(0, np.int64), *(hit.lines for hit in hits)])
    students = np.concatenate([np.empty(0, np.int64), *(hit.students for hit in hits)])
    filled = (np.pad(hit.rules, ((0, 0), (0, widest - hit.rules.shape[1]))) for hit in hits)
    rules = np.concatenate([np.empty((0, widest), np.uint8), *filled])
    order = np.lexsort((lines, students))
    return Hits(lines[order], students[order], rules[order])


def students_of_lines(batch: Batch) -> Integers:
    """The place of each line's student among the batch's students."""
    counts = np.fromiter((len(runs) // 2 for runs in batch.runs.values()), np.int64, len(batch.runs))
    runs = np.frombuffer(b"".join(batch.runs.values()), np.int64).reshape(-1, 2)
    order = np.argsort(runs[:, 0])
    students = np.repeat(np.arange(len(counts), dtype=np.int32), counts)[order]
    return np.repeat(students, (runs[:, 1] - runs[:, 0])[order])
