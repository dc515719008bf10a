"""Fields of many lines at once: as integers of their bytes, as numbers and days, and what their bytes are.

A field of up to eight bytes is one little-endian integer a line, a wider one several. So two texts are compared,
digits told and numbers read with a few operations on whole integers, whatever the bytes are.
"""

from collections.abc import Iterator
from functools import reduce
from operator import and_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from schemas.columnar.lines import BLANK, Bytes
from schemas.expressions import Text
from schemas.rules import LETTERS, NAME_MARKS

Flags = NDArray[np.bool_]
Word = NDArray[np.unsignedinteger[Any]]
Words = tuple[Word, ...]
Numbers = NDArray[np.float64]

WORD = 8
WIDEST_NUMBER = 15
"""Digits that a float holds exactly."""
MISSING = np.nan

MONTH_LENGTHS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
DAYS_BEFORE = np.concatenate(([0], MONTH_LENGTHS.cumsum()[:-1]))


def pieces(width: int) -> Iterator[tuple[int, int]]:
    """Cut a width into words: where each begins, and how many bytes of it belong to the field."""
    for at in range(0, width, WORD):
        yield at, min(WORD, width - at)


def size_of(count: int) -> int:
    """The size of the smallest integer that holds so many bytes."""
    return next(size for size in (1, 2, 4, WORD) if size >= count)


def words(rows: Bytes, text: Text) -> Words:
    """The bytes of a field as integers; rows have SPARE bytes beyond the last field."""
    return tuple(word(rows, text.start + at, count) for at, count in pieces(text.width))


def word(rows: Bytes, at: int, count: int) -> Word:
    size = size_of(count)
    column: Word = rows[:, at : at + size].view(f"<u{size}")[:, 0]
    return column.copy() if count == size else column & column.dtype.type(repeated(0xFF, count))


def packed(raw: bytes) -> tuple[int, ...]:
    """The integers that `words` gives for a field that holds these bytes."""
    return tuple(int.from_bytes(raw[at : at + count], "little") for at, count in pieces(len(raw)))


def repeated(byte: int, count: int) -> int:
    return int.from_bytes(bytes([byte]) * count, "little")


def equal(field: Words, raw: bytes) -> Flags:
    """Where a field holds exactly these bytes."""
    return reduce(and_, (word == constant for word, constant in zip(field, packed(raw), strict=True)))


def same(field: Words, other: Words) -> Flags:
    """Where two fields of one width hold the same bytes."""
    return reduce(and_, (one == another for one, another in zip(field, other, strict=True)))


def blank(field: Words, width: int) -> Flags:
    return equal(field, b" " * width)


def digits(field: Words, width: int) -> Flags:
    """Where each byte of a field is a digit: less '0', at most 9, so that adding 0x76 sets no highest bit."""
    return reduce(and_, (no_high_bit(word, count) for word, (_, count) in zip(field, pieces(width), strict=True)))


def no_high_bit(word: Word, count: int) -> Flags:
    whole, size = word.dtype.type, word.dtype.itemsize
    less = word ^ whole(repeated(ord("0"), count))
    flags: Flags = ((less + whole(repeated(0x76, size))) | less) & whole(repeated(0x80, size)) == 0
    return flags


def number(field: Words, width: int, valid: Flags) -> Numbers:
    """The integer that a field's digits say, missing where they are not valid ones. Raises ValueError if too wide."""
    if width > WIDEST_NUMBER:
        raise ValueError(f"a number of {width} digits is too wide to be compared exactly")
    first, *others = (read(word, count) for word, (_, count) in zip(field, pieces(width), strict=True))
    total = reduce(lambda before, word: before * 10.0 ** (width - WORD) + word, others, first)
    return np.where(valid, total, MISSING)


def read(word: Word, count: int) -> Numbers:
    """The number that the digits of a word say: neighbours are joined to pairs, pairs to fours, fours to eights."""
    whole, size = word.dtype.type, word.dtype.itemsize
    value: Word = (word & whole(repeated(0x0F, count))) << whole(8 * (size - count))
    for joined in (joined for joined in (2, 4, 8) if joined <= size):
        half = 4 * joined
        keep = int.from_bytes((b"\xff" * (joined // 2) + bytes(joined // 2)) * (size // joined), "little")
        value = (value * whole(10 ** (joined // 2)) + (value >> whole(half))) & whole(keep)
    return value.astype(np.float64)


def day(date: Numbers) -> Numbers:
    """The ordinal of a date written MMDDYYYY, missing where there is no such day."""
    whole = np.where(np.isnan(date), 0, date).astype(np.int64)
    month, of_month, year = whole // 1_000_000, whole // 10_000 % 100, whole % 10_000
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    named = np.where((month >= 1) & (month <= 12), month, 0)
    last = MONTH_LENGTHS[named] + (leap & (named == 2))
    before = year - 1
    ordinal = before * 365 + before // 4 - before // 100 + before // 400
    ordinal = ordinal + DAYS_BEFORE[named] + (leap & (named > 2)) + of_month
    return np.where((of_month >= 1) & (of_month <= last) & (year >= 1), ordinal, MISSING)


def full(field: Words) -> Flags:
    """Where no byte of a field is a blank."""
    return reduce(and_, map(no_blank, field))


def no_blank(word: Word) -> Flags:
    """A blank is a zero once blanks are taken away, and only a zero borrows where one is subtracted from each byte."""
    whole, size = word.dtype.type, word.dtype.itemsize
    rest = word ^ whole(repeated(BLANK, size))
    flags: Flags = (rest - whole(repeated(1, size))) & ~rest & whole(repeated(0x80, size)) == 0
    return flags


def only(rows: Bytes, text: Text, allowed: bytes) -> Flags:
    """Where each byte of a field is one of these."""
    return each(among(allowed)[part(rows, text)])


def letters(rows: Bytes, text: Text) -> Flags:
    """Where a field holds letters only, trailing blanks aside, and one at least."""
    field = part(rows, text)
    trailing = np.logical_and.accumulate(field[:, ::-1] == BLANK, axis=1)[:, ::-1]
    return each(among(LETTERS)[field] | trailing) & ~trailing[:, 0]


def name(rows: Bytes, text: Text) -> Flags:
    field = part(rows, text)
    letter: Flags = among(LETTERS)[field]
    begun: Flags = field[:, 0] != BLANK
    return each(letter | among(NAME_MARKS)[field]) & begun & ~each(~letter)


def each(flags: Flags) -> Flags:
    """Where all flags of a row are set."""
    found: Flags = np.logical_and.reduce(flags, axis=1)
    return found


def part(rows: Bytes, text: Text) -> Bytes:
    return rows[:, text.start : text.stop]


def among(allowed: bytes) -> Flags:
    """For each of the 256 bytes whether it is one of these."""
    return np.isin(np.arange(256), list(allowed))
