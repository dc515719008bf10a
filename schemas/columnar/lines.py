"""Lines of a file gathered into an array of equal rows, a chunk at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Integers = NDArray[np.int64]

CHUNK = 1 << 13
"""Lines that are worked on at once: enough to make numpy's calls cheap, few enough for the processor's cache."""

BLOCK = 1 << 22
"""Bytes that are cut into lines at once."""

SPARE = 8
"""Bytes that every row has beyond the record's, so that its last columns can be read eight at a time."""

BLANK = ord(" ")


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of some bytes: where each starts, its length without the line end, and where the last one ends with it.

    `bare` are those that do not end in CR LF.
    """

    data: bytes | mmap
    starts: Integers
    lengths: Integers
    bare: NDArray[np.bool_]
    stop: int

    def rows(self, which: Integers, width: int) -> Bytes:
        """Some lines as rows of `width` + SPARE bytes, read as if blanks followed; what the spare bytes hold is open.

        A longer line is cut.
        """
        rows = gathered(self.data, self.starts[which], width + SPARE)
        lengths = self.lengths[which]
        short = np.flatnonzero(lengths < width)
        if len(short):
            beyond = np.arange(width + SPARE) >= lengths[short, None]
            rows[short] = np.where(beyond, np.uint8(BLANK), rows[short])
        return rows


def lines_of(data: bytes | mmap, starts: Integers, stop: int) -> Lines:
    """The lines that start at `starts`, the last one ending at `stop`; each ends in LF or CR LF, the last may not."""
    whole = np.frombuffer(data, np.uint8)
    ends = np.append(starts[1:], stop) - 1
    ends[-1] += whole[stop - 1] != ord("\n")
    returned = (ends > starts) & (whole[ends - 1] == ord("\r"))
    return Lines(data, starts, ends - returned - starts, ~returned, stop)


def blocks(data: bytes | mmap, start: int, stop: int) -> Iterator[Lines]:
    """The lines between two offsets, some at a time: those whose LF lies in one block, an unended one with the last."""
    whole = np.frombuffer(data, np.uint8)
    for at in range(start, stop, BLOCK):
        until = min(at + BLOCK, stop)
        after = at + 1 + np.flatnonzero(whole[at:until] == ord("\n"))
        if until == stop and not (len(after) and after[-1] == stop):
            after = np.append(after, stop)
        if len(after):
            yield lines_of(data, np.concatenate(([start], after[:-1])), int(after[-1]))
            start = int(after[-1])


def gathered(data: bytes | mmap, starts: Integers, width: int) -> Bytes:
    """`width` bytes from each start on; what lies beyond the data is zero."""
    last = len(data) - width
    late = starts > last
    if not late.any():
        return windows(data, starts, width)
    rows = np.empty((len(starts), width), np.uint8)
    if last >= 0:
        rows[~late] = windows(data, starts[~late], width)
    begin = max(0, last)
    rows[late] = windows(data[begin:] + bytes(width), starts[late] - begin, width)
    return rows


def windows(data: bytes | mmap, starts: Integers, width: int) -> Bytes:
    every = np.ndarray((len(data) - width + 1,), f"V{width}", buffer=data, strides=(1,))
    return every[starts].view(np.uint8).reshape(len(starts), width)


def chunks(which: Integers) -> Iterator[Integers]:
    for at in range(0, len(which), CHUNK):
        yield which[at : at + CHUNK]
