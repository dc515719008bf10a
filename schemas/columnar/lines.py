"""Lines of a file gathered into an array of equal rows, a chunk at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Integers = NDArray[np.signedinteger[Any]]

CHUNK = 1 << 13
"""Lines that are worked on at once: enough to make numpy's calls cheap, few enough for the processor's cache."""

BLOCK = 1 << 20
"""Bytes that are cut into lines at once."""

SPARE = 8
"""Bytes that every row has beyond the record's, so that its last columns can be read eight at a time."""

BLANK = ord(" ")


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of some bytes: where each starts, and where a line after the last one would. They end in LF or CR LF."""

    data: bytes | mmap
    starts: Integers
    after: int

    def lengths(self, which: Integers) -> Integers:
        """Lengths without line ends."""
        begins, ends = self.starts[which], self.ends(which)
        returned = (ends > begins) & (np.frombuffer(self.data, np.uint8)[ends - 1] == ord("\r"))
        lengths: Integers = ends - begins - returned
        return lengths

    def ends(self, which: Integers) -> Integers:
        """Where each line's LF stands, or would stand."""
        following: Integers = self.starts[np.minimum(which + 1, len(self.starts) - 1)] - 1
        following[which == len(self.starts) - 1] = self.after - 1
        return following

    def rows(self, which: Integers, width: int) -> Bytes:
        """Some lines as rows of `width` + SPARE bytes, read as if blanks followed; what the spare bytes hold is open.

        A longer line is cut.
        """
        rows = gathered(self.data, self.starts[which], width + SPARE)
        lengths = self.lengths(which)
        short = np.flatnonzero(lengths < width)
        if len(short):
            beyond = np.arange(width + SPARE) >= lengths[short, None]
            rows[short] = np.where(beyond, np.uint8(BLANK), rows[short])
        return rows


def lines_of(data: bytes | mmap, starts: Integers, stop: int) -> Lines:
    """The lines that start at `starts`, the last one ending at `stop`, with or without LF."""
    return Lines(data, starts, stop if data[stop - 1] == ord("\n") else stop + 1)


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
