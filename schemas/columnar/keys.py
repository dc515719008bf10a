"""Keys of many lines found in a table of keys, and keys that may be equal: hashes suggest, bytes decide."""

from collections.abc import Sequence
from functools import reduce
from operator import and_

import numpy as np
from numpy.typing import NDArray

from schemas.columnar.columns import Flags, Words, words
from schemas.columnar.lines import SPARE, Bytes, Integers
from schemas.expressions import Text

Hashes = NDArray[np.uint64]

MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
SHIFT = np.uint64(29)
EMPTY = -1
ROOM = 4
"""Slots for each key, so that most keys are found in the first slot that is looked at."""


def mixed(key: Words) -> Hashes:
    """A number for each key, the same for equal ones. Unequal ones can be made that share it: it proves nothing."""
    found = np.full(len(key[0]), MULTIPLIER)
    for word in key:
        found = (found ^ word.astype(np.uint64)) * MULTIPLIER
        found ^= found >> SHIFT
    return found * MULTIPLIER


def joined(fields: Sequence[Words]) -> Words:
    return tuple(word for field in fields for word in field)


def rows_of(values: Sequence[bytes]) -> Bytes:
    """Texts of one width, one at least, as rows with SPARE bytes beyond them."""
    return np.frombuffer(b"".join(value + bytes(SPARE) for value in values), np.uint8).reshape(len(values), -1)


def words_of(values: Sequence[bytes]) -> Words:
    """Texts of one width as the words that a field of that width has."""
    return words(rows_of(values), Text(0, len(values[0])))


class KeyTable:
    """The places of distinct keys, one at least: open addressing with linear probing."""

    def __init__(self, keys: Words) -> None:
        self.keys = tuple(word.astype(np.uint64) for word in keys)
        bits = max(4, (ROOM * len(keys[0])).bit_length())
        self.mask = (1 << bits) - 1
        self.shift = np.uint64(64 - bits)
        self.slots = np.full(1 << bits, EMPTY, np.int64)
        self.fill()

    def fill(self) -> None:
        places = np.arange(len(self.keys[0]))
        slots = self.first_slots(self.keys)
        while len(places):
            free = np.flatnonzero(self.slots[slots] == EMPTY)
            self.slots[slots[free]] = places[free]
            left = self.slots[slots] != places
            places, slots = places[left], (slots[left] + 1) & self.mask

    def first_slots(self, keys: Words) -> Integers:
        return (mixed(keys) >> self.shift).astype(np.int64)

    def find(self, keys: Words) -> Integers:
        """The place of each key, -1 for one that is not in the table. Each is compared byte for byte."""
        slots = self.first_slots(keys)
        found = self.slots[slots]
        unlike = np.flatnonzero((found != EMPTY) & ~self.holds(found, keys))
        while len(unlike):
            slots[unlike] = (slots[unlike] + 1) & self.mask
            found[unlike] = self.slots[slots[unlike]]
            some = tuple(word[unlike] for word in keys)
            unlike = unlike[(found[unlike] != EMPTY) & ~self.holds(found[unlike], some)]
        return found

    def holds(self, places: Integers, keys: Words) -> Flags:
        return reduce(and_, (known[places] == word for known, word in zip(self.keys, keys, strict=True)))


def repeated(hashes: Sequence[Hashes]) -> Hashes:
    """The hashes that are there more than once, ascending."""
    ordered = np.concatenate(hashes)
    ordered.sort()
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def among(hashes: Hashes, known: Hashes) -> Flags:
    """Which of the hashes are known; `known` is ascending."""
    return places(hashes, known) >= 0


def places(hashes: Hashes, known: Hashes) -> Integers:
    """Where each hash stands first among the known, which are ascending; -1 where it does not."""
    if not len(known):
        return np.full(len(hashes), EMPTY)
    found = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
    return np.where(known[found] == hashes, found, EMPTY)
