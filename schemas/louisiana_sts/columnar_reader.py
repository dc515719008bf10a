"""A large file's lines placed a block at a time, only the unusual ones one by one.

It places lines as `Reader.read` does, or gives up: at the first line that refuses the file, so that the other reader
says why.
"""

import numpy as np
from numpy.typing import NDArray

from schemas.columnar.columns import WORD, Flags, equal, words
from schemas.columnar.lines import BLANK, SPARE, Bytes, Integers, Lines, blocks, gathered
from schemas.expressions import Text
from schemas.layout import Variant
from schemas.louisiana_sts.lines import LONGEST_LINE, Data, Frame
from schemas.louisiana_sts.reader import KEY, MARK, MOST_STUDENTS, NOBODY, Reader

HEAD = 32
"""The first columns, which hold all keys of a line."""
ID = 16
"""Bytes kept of a state id, the last ones NUL, which no state id holds."""
Ids = NDArray[np.uint64]
CODE = slice(3, MARK)


def read_columns(data: Data, around: Frame, variant: Variant) -> Reader | None:
    """The reader after it has read the whole file, None for a file that is refused."""
    reader = ColumnarReader(data, around, variant)
    return reader if reader.is_read() else None


class ColumnarReader(Reader):
    """A reader that takes many lines at once.

    `current` is the student of the last run, which began on line index `first`; `last_id` are the id's bytes. `noted`
    is what usual lines add to `first_seen`.
    """

    def __init__(self, data: Data, around: Frame, variant: Variant) -> None:
        super().__init__(data, around, variant)
        self.current, self.first = NOBODY, 0
        self.last_id: Ids = np.zeros((1, ID // WORD), np.uint64)
        self.noted: dict[str, int] = {}
        self.any_nul = data.find(b"\0") >= 0
        self.shortest = min(shape.state_id.stop for shape in self.shapes.values())

    def is_read(self) -> bool:
        """Read to the end; False as soon as it is clear that the file is refused."""
        for lines in blocks(self.data, self.around.start, self.around.stop):
            lengths = lines.lengths(np.arange(len(lines.starts)))
            if lengths.min() < self.shortest or lengths.max() >= LONGEST_LINE or not self.is_placed(lines, lengths):
                return False
        self.close_run(self.current, self.first, len(self.offsets))
        for code, line in self.noted.items():
            self.first_seen[code] = min(line, self.first_seen.get(code, line))
        self.first_seen = dict(sorted(self.first_seen.items(), key=lambda seen: (seen[1], seen[0])))
        return len(self.runs) <= MOST_STUDENTS

    def is_placed(self, lines: Lines, lengths: Integers) -> bool:
        """Place the lines of a block; False where one of them refuses the file."""
        before = len(self.offsets)
        self.offsets.frombytes(lines.starts.astype(np.uint64).tobytes())
        heads = gathered(self.data, lines.starts, HEAD + SPARE)
        ids = np.zeros((len(heads), ID // WORD), np.uint64)
        self.note("N01", lines.starts + lengths == lines.ends(np.arange(len(lengths))), before)
        usual = self.usual(~self.apart(lines, before), lengths, heads, ids, before)
        for row in np.flatnonzero(~usual).tolist():
            start, length = int(lines.starts[row]), int(lengths[row])
            _, student = self.judge(before + row + 1, self.data[start : start + length])
            if self.refusals:
                return False
            ids[row] = np.frombuffer(student.ljust(ID, b"\0"), np.uint64)
        return self.are_runs_closed(heads, ids, before)

    def usual(self, among: Flags, lengths: Integers, heads: Bytes, ids: Ids, before: int) -> Flags:
        """Which of these lines are as most are, so that nothing is to be said of them; `ids` gets their state ids."""
        key = self.key or heads[0, KEY].tobytes()
        same_key, begins = equal(words(heads, Text(KEY.start, KEY.stop)), key), words(heads, Text(0, MARK))
        usual = np.zeros(len(heads), np.bool_)
        for mark, shape in self.shapes.items():
            span = shape.state_id
            fits = among & same_key & equal(begins, mark) & (heads[:, span.start] > BLANK)
            fits &= (lengths >= shape.shortest) & (lengths <= shape.longest)
            for column, word in zip(ids.T, words(heads, Text(span.start, span.stop)), strict=True):
                np.copyto(column, word, where=fits)
            self.note("N06", fits & (lengths < shape.full), before)
            usual |= fits
        return usual

    def note(self, code: str, lines: Flags, before: int) -> None:
        """Keep the first of these lines, if it comes before those that are noted."""
        if lines.any():
            line = before + int(lines.argmax()) + 1
            self.noted[code] = min(line, self.noted.get(code, line))

    def apart(self, lines: Lines, before: int) -> Flags:
        """Lines that are looked at one by one: the first, one that is not ended, and those that hold a NUL."""
        apart = np.zeros(len(lines.starts), np.bool_)
        apart[0] = before == 0
        apart[-1] |= lines.after > self.around.stop
        if self.any_nul:
            start = int(lines.starts[0])
            nul = start + np.flatnonzero(np.frombuffer(self.data, np.uint8)[start : lines.after] == 0)
            apart[np.searchsorted(lines.starts, nul, side="right") - 1] = True
        return apart

    def are_runs_closed(self, heads: Bytes, ids: Ids, before: int) -> bool:
        """Begin a run on each line whose state id is not that of the line before; False for too many students."""
        unlike = ids != np.concatenate((self.last_id, ids[:-1]))
        rows = np.flatnonzero(unlike[:, 0] | unlike[:, 1])
        codes = heads[rows, CODE].tobytes().decode("latin-1")
        students = ids[rows].tobytes()
        for number, row in enumerate(rows.tolist()):
            self.close_run(self.current, self.first, before + row)
            student = students[number * ID : number * ID + ID].rstrip(b"\0")
            self.current, self.first = (codes[3 * number : 3 * number + 3], student), before + row
        self.last_id = ids[-1:].copy()
        return len(self.runs) <= MOST_STUDENTS
