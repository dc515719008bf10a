"""The harnesses hold over their seeds and over seeded damage to them; longer runs are in README.md."""

from random import Random

import pytest

from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("target", TARGETS)
def test_every_seed_gets_an_answer(target: str) -> None:
    for seed in seeds(target):
        TARGETS[target](seed)


@pytest.mark.parametrize("target", TARGETS)
def test_damaged_seeds_get_an_answer(target: str) -> None:
    random = Random(target)
    for seed in seeds(target):
        for _ in range(4):
            TARGETS[target](damaged(seed, random))


def damaged(data: bytes, random: Random) -> bytes:
    """Some bytes overwritten, or a piece cut out or repeated."""
    first, last = sorted(random.randrange(len(data)) for _ in range(2))
    match random.randrange(3):
        case 0:
            return data[:first] + data[last:]
        case 1:
            return data[:last] + data[first:]
    changed = bytearray(data)
    for _ in range(random.randrange(1, 9)):
        changed[random.randrange(len(data))] = random.choice((0, 0x0A, 0x0D, 0x22, 0x2C, 0x50, 0x80, 0xFF))
    return bytes(changed)
