"""Cause first: what only follows from another finding is folded under it, and what one repair mends is one cause.

Which code follows from which is data with its reason beside it (`causes.toml`). Nothing is dropped: the findings stay
as they are, and every one of them belongs to exactly one cause.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from schemas.louisiana_sts.records import STUDENT, toml
from schemas.problems import Cause, Problem

SHOWN_LINES = 10
SLIPS = 2
Pattern = re.Pattern[bytes]
Runs = Mapping[str, Sequence[int]]
"""Per student the half-open pairs of line indexes (0-based), as `Batch.runs` has them."""


@dataclass(frozen=True, slots=True)
class Follows:
    """One row of the table: where a cause stands, and what it and the finding must have found."""

    causes: frozenset[str]
    where: str
    found: Pattern | None
    from_found: Pattern | None
    starts: bool
    alike: bool

    def holds(self, finding: Problem, cause: Problem) -> bool:
        """Whether the finding follows from what stands there."""
        return (
            cause.code in self.causes
            and fits(self.found, finding.found)
            and fits(self.from_found, cause.found)
            and (not self.starts or finding.found.startswith(cause.found))
            and (not self.alike or is_slip(finding.found, cause.found))
        )


def fits(pattern: Pattern | None, found: bytes) -> bool:
    return pattern is None or pattern.fullmatch(found) is not None


def is_slip(one: bytes, other: bytes) -> bool:
    """Whether two values of one length differ in so few characters that one is the other mistyped."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) <= SLIPS


@cache
def follows() -> Mapping[str, tuple[Follows, ...]]:
    """The table by the code that follows."""
    rows: dict[str, tuple[Follows, ...]] = {}
    for row in toml("causes.toml")["follows"]:
        rows[row["code"]] = (*rows.get(row["code"], ()), follows_of(row))
    return rows


def follows_of(row: Mapping[str, Any]) -> Follows:
    if row["where"] not in ("line", "above", "file"):
        raise ValueError(f"{row['code']}: {row['where']!r} is none of line, above, file")
    return Follows(
        causes=frozenset(row["from"]),
        where=row["where"],
        found=pattern(row.get("found")),
        from_found=pattern(row.get("from_found")),
        starts=row.get("starts", False),
        alike=row.get("alike", False),
    )


def pattern(text: str | None) -> Pattern | None:
    return None if text is None else re.compile(text.encode("latin-1"), re.DOTALL)


@cache
def each_its_own() -> Mapping[str, Pattern | None]:
    """The codes that are never one repair for several students, with what they must have found."""
    return {row["code"]: pattern(row.get("found")) for row in toml("causes.toml")["each_its_own"]}


@cache
def whatever_found() -> frozenset[str]:
    """The codes of which the values found tell no two repairs apart."""
    return frozenset(code for row in toml("causes.toml")["whatever_found"] for code in row["codes"])


class Whose:
    """Whose line is which. Without the file's runs nobody is known, and nothing follows from the line above."""

    def __init__(self, runs: Runs | None) -> None:
        spans = sorted((first, owner) for owner, pairs in (runs or {}).items() for first in pairs[::2])
        self.starts = [first for first, _ in spans]
        self.owners = [owner for _, owner in spans]
        self.known = runs is not None

    def student(self, line: int | None) -> str | None:
        """The state id of a line (1-based), None where it is not known. One may be empty: a 020 without an id."""
        at = bisect_right(self.starts, (line or 0) - 1) - 1
        return self.owners[at] if at >= 0 else None

    def above(self, line: int) -> int:
        """The line right above the student's run of lines, 0 where there is none."""
        at = bisect_right(self.starts, line - 1) - 1
        return self.starts[at] if at >= 0 else 0


def roots(problems: Sequence[Problem], whose: Whose) -> list[int]:
    """For each finding the index of the one that it comes from in the end; its own where it is a cause itself."""
    at_line: dict[int, list[int]] = {}
    of_code: dict[str, list[int]] = {}
    for index, one in enumerate(problems):
        of_code.setdefault(one.code, []).append(index)
        if one.line:
            at_line.setdefault(one.line, []).append(index)

    def candidates(row: Follows, finding: Problem) -> Iterator[int]:
        if row.where == "file":
            for code in row.causes:
                yield from of_code.get(code, ())
        elif finding.line:
            yield from at_line.get(finding.line if row.where == "line" else whose.above(finding.line), ())

    def parent(index: int) -> int:
        finding = problems[index]
        for row in follows().get(finding.code, ()):
            for other in candidates(row, finding):
                is_above = row.where != "above" or problems[other].record == STUDENT
                if other != index and is_above and row.holds(finding, problems[other]):
                    return other
        return index

    parents = [parent(index) for index in range(len(problems))]
    return [root_of(index, parents) for index in range(len(problems))]


def root_of(index: int, parents: Sequence[int]) -> int:
    """Go from cause to cause; the table has no circle (a test holds it)."""
    while parents[index] != index:
        index = parents[index]
    return index


Key = tuple[str, str | None, str | None, bytes, str]


def key_of(problem: Problem, whose: Whose) -> Key:
    """What one repair changes: a value in a field, for a code; of some codes also for one student alone."""
    owner = ""
    if problem.code in each_its_own() and fits(each_its_own()[problem.code], problem.found):
        student = whose.student(problem.line)
        owner = f"line {problem.line}" if student is None else f"student {student}"
    found = b"" if problem.code in whatever_found() else problem.found
    return problem.code, problem.record, problem.field, found, owner


def causes(problems: Sequence[Problem], runs: Runs | None = None) -> tuple[Cause, ...]:
    """The causes of a file's findings, in the order in which they first stand.

    `runs` are those of the batch; without them (a file that was refused, or is no longer kept) no student is counted.

    `touches` counts the students who have a finding of the cause, or one that follows from it. `frees` counts those of
    them whom nothing else in this report holds. It is what the report can know, no promise: it takes the repaired value
    to be the right one; a student who is held is not judged as a graduate, and a line that is broken is not looked
    into, so that a repair may bring up findings that were not there before; what is undecided for want of a table is
    not counted, nor is what was found beyond the longest list (N09). A student is who the file says: lines under two
    ids are two students, even where one of the ids is the fault.
    """
    whose = Whose(runs)
    rooted = roots(problems, whose)
    members: dict[Key, list[int]] = {}
    for index in sorted(range(len(problems)), key=lambda each: rooted[each]):
        members.setdefault(key_of(problems[rooted[index]], whose), []).append(index)
    touched, held = students_of(problems, members, whose)
    freed = Counter(next(iter(keys)) for keys in held.values() if len(keys) == 1)
    return tuple(
        Cause(
            first=problems[rooted[indexes[0]]],
            times=sum(rooted[index] == index for index in indexes),
            lines=first_lines(problems[index] for index in indexes if rooted[index] == index),
            follows=dict(sorted(Counter(problems[index].code for index in indexes if rooted[index] != index).items())),
            touches=touched[key] if whose.known else None,
            frees=freed[key] if whose.known else None,
        )
        for key, indexes in members.items()
    )


def students_of(
    problems: Sequence[Problem], members: Mapping[Key, Sequence[int]], whose: Whose
) -> tuple[Counter[Key], dict[str, set[Key]]]:
    """How many students each cause touches, and which causes hold each student who is held."""
    touched: Counter[Key] = Counter()
    held: dict[str, set[Key]] = {}
    for key, indexes in members.items():
        mine: set[str] = set()
        for index in indexes:
            student = whose.student(problems[index].line)
            if student is not None and problems[index].effect != "note":
                mine.add(student)
                if problems[index].effect == "reject_student":
                    held.setdefault(student, set()).add(key)
        touched[key] = len(mine)
    return touched, held


def first_lines(problems: Iterable[Problem]) -> tuple[int, ...]:
    return tuple(sorted({one.line for one in problems if one.line}))[:SHOWN_LINES]


def repairs(found: Iterable[Cause]) -> tuple[Cause, ...]:
    """What to repair first: the causes that are more than a note, those first whose repair alone frees most students.

    See `causes` for what "frees" means. Among equals, what touches more students comes first, then what stands more
    often, then what stands first.
    """
    wrong = (one for one in found if one.first.effect != "note")
    return tuple(
        sorted(wrong, key=lambda one: (-(one.frees or 0), -(one.touches or 0), -one.times, one.first.line or 0))
    )
