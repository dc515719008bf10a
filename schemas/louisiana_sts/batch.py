"""Bytes to a batch: every line placed with its student, or the file refused (R-030 to R-042).

A batch keeps the file's bytes and the offsets of its lines, not parsed records, so that a file of 100,000 students
needs little more memory than its mapping. Records are cut out when a set is asked for.
"""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from schemas.layout import Layout, Variant, load_layout
from schemas.louisiana_sts.lines import Data, Frame, frame, split_lines
from schemas.louisiana_sts.reader import MARK, Reader, shapes
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, STUDENT, Fields, RecordSet, stored_fields
from schemas.louisiana_sts.sector import Told, tell
from schemas.louisiana_sts.table import problem
from schemas.louisiana_sts.unpack import Unpacked, unpack
from schemas.problems import Problem

__all__ = ["Batch", "Line", "Refused", "Unpacked", "read_batch", "unpack"]

LARGE = 1 << 20
"""Bytes of a file from which on numpy is worth its start: a tenth of a second, as long as reading so much by line."""


@dataclass(frozen=True, slots=True)
class Refused:
    """No record of the file is processed (R-037); the first problem of each kind names the first offending line.

    `rows` are those read until then; `variant` is None where the layout was neither given nor told.
    """

    problems: tuple[Problem, ...]
    rows: int = 0
    variant: Variant | None = None


class Line(NamedTuple):
    """One record as it stands in the file, without its line end. `number` is 1-based."""

    number: int
    code: str
    raw: bytes


@dataclass(frozen=True, eq=False)
class Batch:
    """A file that was not refused.

    `notes` are what was accepted with a word, `faults` what was found on single lines while reading (their students
    are held by `checks.check`); `told` says how the layout was told, None where it was given. `offsets` are the
    lines' first bytes, `runs` the pairs of line indexes (0-based, half-open) of each student.
    """

    data: Data
    layout: Layout
    told: Told | None
    bssy: str
    sponsor: str
    offsets: "array[int]"
    stop: int
    runs: dict[str, "array[int]"]
    faults: tuple[Problem, ...]
    notes: tuple[Problem, ...]

    @property
    def rows(self) -> int:
        return len(self.offsets)

    @property
    def variant(self) -> Variant:
        return "public" if self.layout.variant == "public" else "nonpublic"

    @cached_property
    def state_ids(self) -> Sequence[str]:
        """The students in order of first appearance."""
        return tuple(self.runs)

    def line(self, number: int) -> bytes:
        """The bytes of one line (1-based), without its line end."""
        return self.block(number - 1, number).removesuffix(b"\n").removesuffix(b"\r")

    def block(self, first: int, last: int) -> bytes:
        stop = self.offsets[last] if last < len(self.offsets) else self.stop
        return self.data[self.offsets[first] : stop]

    def lines_of(self, state_id: str) -> Iterator[Line]:
        """A student's lines in file order."""
        runs = self.runs[state_id]
        for first, last in zip(runs[::2], runs[1::2], strict=True):
            for number, raw in enumerate(self.block(first, last).removesuffix(b"\n").split(b"\n"), first + 1):
                yield Line(number, raw[3:6].decode("latin-1"), raw.removesuffix(b"\r"))

    def record_set(self, state_id: str) -> RecordSet:
        """A student's records as they are to be stored, defaults filled in (R-045, R-055)."""
        records: dict[str, list[Fields]] = {STUDENT: [], COURSE: [], CREDENTIAL: []}
        for line in self.lines_of(state_id):
            records[line.code].append(stored_fields(line.code, self.layout[line.code].cut(line.raw)))
        alone = not records[STUDENT] and not records[COURSE]
        return RecordSet(
            kind="credentials" if alone else "full",
            student=records[STUDENT][0] if records[STUDENT] else None,
            courses=tuple(records[COURSE]),
            credentials=tuple(records[CREDENTIAL]),
        )

    def site_of(self, state_id: str) -> str:
        """The site that sends the student: of the 020, or of the 050 where it stands alone; '' if there is neither."""
        sites = {
            line.code: self.layout[line.code].cut(line.raw).get("site_code", "") for line in self.lines_of(state_id)
        }
        return sites.get(STUDENT) or sites.get(CREDENTIAL, "")


def read_batch(data: Data, *, variant: Variant | None = None, columnar: bool | None = None) -> Batch | Refused:
    """Place every line of a file. Without `variant` the layout is told from the records.

    Global faults refuse the file: nothing in it, no record in it, a line whose student cannot be read, a second BSSY
    or sponsor. Line faults are kept with the batch. `columnar` says whether many lines are placed at once, which gives
    the same batch; with None they are where it pays.
    """
    around = frame(data)
    if around is None:
        return Refused((problem("F02"),))
    told = None if variant else tell(split_lines(data, around.start, around.stop))
    reader = read(data, around, told.variant if told else variant or "public", columnar=is_columnar(data, columnar))
    if reader.refusals or not reader.records:
        sure = reader.variant if told is None or told.certain else None
        return Refused(refusals(reader), len(reader.offsets), sure)
    return Batch(
        data=data,
        layout=load_layout(reader.variant),
        told=told,
        bssy=reader.key[:4].decode("latin-1"),
        sponsor=reader.key[4:].decode("latin-1"),
        offsets=reader.offsets,
        stop=around.stop,
        runs=reader.runs,
        faults=tuple(reader.faults),
        notes=tuple(notes(around, reader, told)),
    )


def is_columnar(data: Data, asked: bool | None) -> bool:
    """Whether numpy is used: as is asked, or where its start costs less than it saves."""
    return len(data) >= LARGE if asked is None else asked


def read(data: Data, around: Frame, variant: Variant, *, columnar: bool) -> Reader:
    """The reader after it has read the file. One that does not begin with a record is not worth starting numpy."""
    if columnar and data[around.start : around.start + MARK] in shapes(variant):
        from schemas.louisiana_sts.columnar_reader import read_columns  # noqa: PLC0415 - numpy, for large files only

        if reader := read_columns(data, around, variant):
            return reader
    reader = Reader(data, around, variant)
    reader.read()
    return reader


def refusals(reader: Reader) -> tuple[Problem, ...]:
    """The global faults, or the one that says that there is no record at all."""
    if reader.records:
        return tuple(counted(one, reader.counts[one.code]) for one in reader.refusals.values())
    first = next(iter(reader.refusals.values()))
    return (problem("F01", line=first.line, found=first.found),)


def counted(refusal: Problem, lines: int) -> Problem:
    """The refusal, saying how many more lines it concerns."""
    return refusal if lines == 1 else replace(refusal, hint=f"{refusal.hint} {lines - 1:,} more lines are like this.")


def notes(around: Frame, reader: Reader, told: Told | None) -> Iterator[Problem]:
    """What was accepted, once for each kind, with the first line where it was met."""
    if around.byte_order_mark:
        yield problem("N05", line=1)
    last = len(reader.offsets)
    if not around.last_line_ended:
        yield problem("N02", line=last)
    if around.blank_lines_after:
        yield problem("N03", line=last + 1)
    if around.end_mark_after:
        yield problem("N04", line=last + (1 if around.last_line_ended else 0))
    for code, line in reader.first_seen.items():
        if not (code == "N01" and line == last and not around.last_line_ended):
            yield problem(code, line=line)
    if told and not told.certain:
        yield problem("N08")
