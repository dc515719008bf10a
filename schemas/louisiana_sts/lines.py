"""A file's bytes as lines: where the records start and stop, and what stands around them (R-030, R-030a)."""

from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

Data = bytes | mmap

BLOCK = 1 << 20
LONGEST_LINE = 1 << 16
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
END_MARK = b"\x1a"
PADDING = b" \r\n" + END_MARK


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes `start` to `stop` hold the records: up to the last line end, or to the last byte of an unended record."""

    start: int
    stop: int
    byte_order_mark: bool
    last_line_ended: bool
    blank_lines_after: bool
    end_mark_after: bool


def frame(data: Data) -> Frame | None:
    """What surrounds the records, or None if there is nothing but padding."""
    marked = data[:3] == BYTE_ORDER_MARK
    start = len(BYTE_ORDER_MARK) if marked else 0
    last = last_significant(data, start)
    if last < 0:
        return None
    stop = end_of_record(data, last)
    after = data[stop : stop + BLOCK]
    ended = after.startswith((b"\n", b"\r\n"))
    if ended:
        stop += after.index(b"\n") + 1
        after = after[after.index(b"\n") + 1 :]
    blank_lines = bool(after.removeprefix(b"\r").strip(END_MARK))
    return Frame(start, stop, marked, ended, blank_lines, END_MARK in after)


def last_significant(data: Data, start: int) -> int:
    """Index of the last byte that is neither blank, line end nor end mark; -1 if there is none."""
    stop = len(data)
    while stop > start:
        begin = max(start, stop - BLOCK)
        kept = data[begin:stop].rstrip(PADDING)
        if kept:
            return begin + len(kept) - 1
        stop = begin
    return -1


def end_of_record(data: Data, last: int) -> int:
    """End of a last record without line end: its own trailing blanks belong to it, what follows does not."""
    tail = data[last + 1 : last + 1 + BLOCK]
    return last + 1 + len(tail) - len(tail.lstrip(b" "))


def split_lines(data: Data, start: int, stop: int) -> Iterator[bytes]:
    """The lines between two offsets, each without its LF. Ends early after a line beyond LONGEST_LINE."""
    rest = b""
    for at in range(start, stop, BLOCK):
        *whole, rest = (rest + data[at : min(at + BLOCK, stop)]).split(b"\n")
        yield from whole
        if len(rest) > LONGEST_LINE:
            break
    if rest:
        yield rest
