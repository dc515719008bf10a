"""One pass over a file's lines: each placed with its student, each unusual one judged (R-030a, R-037)."""

import re
from array import array
from collections import Counter
from dataclasses import dataclass

from schemas.layout import Variant, load_layout
from schemas.louisiana_sts.lines import LONGEST_LINE, Data, Frame, split_lines
from schemas.louisiana_sts.records import CREDENTIAL, STUDENT, SYSTEM, readings, state_id_in
from schemas.louisiana_sts.table import all_codes, problem
from schemas.problems import Problem

# System indicator and transaction code are columns 1-6, BSSY and sponsor 7-10 and 11-13 on every record type.
MARK = 6
BSSY, SPONSOR, KEY = slice(6, 10), slice(10, 13), slice(6, 13)
YEARS = range(2000, 2100)
# Bytes of a line that a problem shows, and refusing lines after which more would tell nothing new.
SHOWN = 256
ENOUGH = 1000
# Beyond these a file is not one that any sponsor could send, and would only cost memory.
MOST_FAULTS = 100_000
MOST_STUDENTS = 1_000_000
HOPELESS = frozenset({"F18", "F19"})
ANOTHER_RECORD = re.compile(rb"STS0[235]0\d{4}", re.IGNORECASE)
NOBODY = ("", b"")


@dataclass(frozen=True, slots=True)
class Shape:
    """What an ordinary line of one record type looks like: its lengths in bytes, and where its state id stands."""

    code: str
    shortest: int
    full: int
    longest: int
    state_id: slice


def shapes(variant: Variant) -> dict[bytes, Shape]:
    """The shapes by the first six bytes of a line."""
    limits = readings()["line"][variant]
    return {
        f"{SYSTEM}{code}".encode(): Shape(code, **limits[code], state_id=record["state_identification_number"].span)
        for code, record in load_layout(variant).records.items()
    }


class Reader:
    """What an ordinary line needs is in `read`; every exception to it in `judge` and what it calls.

    `refusals` are global faults, the first of each kind; `faults` hold the student of their line; `first_seen` has
    the first line of each kind of note. `runs` has per state id the half-open pairs of line indexes (0-based).
    """

    def __init__(self, data: Data, around: Frame, variant: Variant) -> None:
        self.data = data
        self.around = around
        self.variant: Variant = variant
        self.shapes = shapes(variant)
        self.key = b""
        self.records = 0
        self.offsets: array[int] = array("Q")
        self.runs: dict[str, array[int]] = {}
        self.refusals: dict[str, Problem] = {}
        self.counts: Counter[str] = Counter()
        self.faults: list[Problem] = []
        self.first_seen: dict[str, int] = {}

    def read(self) -> None:
        """Read to the end, or until so many lines refuse the file that more would tell nothing new."""
        any_nul = self.data.find(b"\0") >= 0
        at, number, first, current = self.around.start, 0, 0, NOBODY
        for raw in split_lines(self.data, self.around.start, self.around.stop):
            self.offsets.append(at)
            at += len(raw) + 1
            number += 1
            line = raw.removesuffix(b"\r")
            if len(line) == len(raw):
                self.first_seen.setdefault("N01", number)
            shape = self.shapes.get(line[:MARK])
            if shape and shape.full <= len(line) <= shape.longest and line[KEY] == self.key and not any_nul:
                student = line[shape.state_id]
                if student == current[1]:
                    continue
                placed = (shape.code, student) if student.strip() else self.judge(number, line)
            else:
                placed = self.judge(number, line)
            if placed[1] != current[1]:
                self.close_run(current, first, number - 1)
                current, first = placed, number - 1
                if len(self.runs) > MOST_STUDENTS:
                    self.refuse("F19", number, line, None)
            if self.refusals and self.is_hopeless():
                break
        self.close_run(current, first, number)

    def is_hopeless(self) -> bool:
        return self.counts.total() >= ENOUGH or not HOPELESS.isdisjoint(self.refusals)

    def close_run(self, placed: tuple[str, bytes], first: int, last: int) -> None:
        code, student = placed
        if code:
            self.runs.setdefault(state_id_in(code, self.variant, student), array("Q")).extend((first, last))

    def judge(self, number: int, line: bytes) -> tuple[str, bytes]:
        """The record type and state id of an unusual line, its faults kept; NOBODY if its student cannot be read."""
        shape = self.shapes.get(line[:MARK].upper())
        if shape is None or len(line) > LONGEST_LINE:
            self.refuse(no_record(line), number, line, (1, min(6, len(line))) if line.strip() else None)
            return NOBODY
        self.records += 1
        student = line[shape.state_id]
        if is_unreadable(shape, student):
            self.refuse("F07", number, line, (shape.state_id.start + 1, shape.state_id.stop), shape.code)
            return NOBODY
        if len(line) > shape.longest and (another := ANOTHER_RECORD.search(line, 6)):
            self.refuse("F17", number, line, (another.start() + 1, another.start() + 6), shape.code)
            return NOBODY
        self.judge_key(shape, number, line)
        self.judge_bytes(shape, number, line)
        self.judge_length(shape, number, line)
        return shape.code, student

    def judge_key(self, shape: Shape, number: int, line: bytes) -> None:
        """BSSY and sponsor: the first record states the file's, every other one repeats them."""
        if not self.key:
            self.key = line[KEY]
            self.judge_first_key(shape, number, line)
        bssy, sponsor = line[BSSY], line[SPONSOR]
        is_credential = shape.code == CREDENTIAL
        if bssy != self.key[:4]:
            first = self.key[:4].decode("latin-1")
            self.refuse("503" if is_credential else "F03", number, line, (7, 10), shape.code, f"The first has {first}.")
        if sponsor != self.key[4:]:
            first = self.key[4:].decode("latin-1")
            self.refuse(
                "504" if is_credential else "F04", number, line, (11, 13), shape.code, f"The first has {first}."
            )

    def judge_first_key(self, shape: Shape, number: int, line: bytes) -> None:
        if not (line[BSSY].isdigit() and int(line[BSSY]) in YEARS):
            self.refuse("F08", number, line, (7, 10), shape.code)
        if b" " in line[SPONSOR]:
            self.refuse("F09", number, line, (11, 13), shape.code)

    def judge_bytes(self, shape: Shape, number: int, line: bytes) -> None:
        if not line.startswith(SYSTEM.encode()):
            self.hold("L02", number, line, (1, 3), shape.code)
        nul = line.find(b"\0")
        if nul >= 0:
            self.hold("L01", number, line, (nul + 1, nul + 1), shape.code)

    def judge_length(self, shape: Shape, number: int, line: bytes) -> None:
        length, columns = len(line), (1, len(line))
        if shape.code == CREDENTIAL:
            if length != shape.full:
                self.hold("500", number, line, columns, shape.code)
        elif length > shape.longest:
            if line[shape.longest :].strip(b" "):
                self.hold("L04", number, line, (shape.longest + 1, length), shape.code)
            else:
                self.first_seen.setdefault("N07", number)
        elif length < shape.shortest or (length < shape.full and self.is_broken_off(number, line)):
            self.hold("L03", number, line, columns, shape.code)
        elif length < shape.full:
            self.first_seen.setdefault("N06", number)

    def is_broken_off(self, number: int, line: bytes) -> bool:
        """A short last line without a line end was cut in transfer, not trimmed."""
        return not self.around.last_line_ended and self.offsets[number - 1] + len(line) >= self.around.stop

    def refuse(
        self,
        code: str,
        number: int,
        line: bytes,
        columns: tuple[int, int] | None,
        record: str | None = None,
        more: str = "",
    ) -> None:
        """Keep the first line of each kind, and count the others."""
        self.counts[code] += 1
        if code not in self.refusals:
            hint = f"{all_codes()[code].hint} {more}".rstrip()
            self.refusals[code] = problem(
                code, line=number, record=record, columns=columns, found=shown(line, columns), hint=hint
            )

    def hold(self, code: str, number: int, line: bytes, columns: tuple[int, int], record: str) -> None:
        self.faults.append(problem(code, line=number, record=record, columns=columns, found=shown(line, columns)))
        if len(self.faults) >= MOST_FAULTS:
            self.refuse("F18", number, line, None)


def is_unreadable(shape: Shape, student: bytes) -> bool:
    """A 020 without an id stores nothing and is left to U01 or V02; any other record without one would be lost."""
    cut = len(student) < shape.state_id.stop - shape.state_id.start
    return cut or b"\0" in student or (not student.strip() and shape.code != STUDENT)


def no_record(line: bytes) -> str:
    """Why a line is no record."""
    if len(line) > LONGEST_LINE:
        return "F10"
    return "F06" if line.strip() else "F05"


def shown(line: bytes, columns: tuple[int, int] | None) -> bytes:
    first, last = columns or (1, SHOWN)
    return line[first - 1 : last][:SHOWN]
