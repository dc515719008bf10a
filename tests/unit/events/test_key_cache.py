"""The cache of opened keys stays small and never brings an erased key back."""

from uuid import uuid4

from events.registry.contract import Key
from events.registry.key_cache import KeyCache


def key(serial: int) -> Key:
    return Key(serial, uuid4(), bytes(32))


def test_the_least_recently_used_keys_make_room() -> None:
    cache = KeyCache(3)
    one, two, three, four = map(key, range(1, 5))
    cache.put([one, two, three], 0)
    cache.get([1])
    cache.put([four], 0)

    assert cache.get([1, 2, 3, 4]) == {1: one, 3: three, 4: four}
    assert len(cache) == 3


def test_more_keys_than_it_holds_leave_the_last_ones() -> None:
    cache = KeyCache(2)
    cache.put(map(key, range(1, 100)), 0)

    assert cache.get(range(100)).keys() == {98, 99}


def test_a_forgotten_key_is_gone() -> None:
    cache = KeyCache(3)
    one, two = key(1), key(2)
    cache.put([one, two], 0)
    cache.forget(one.owner)

    assert cache.get([1, 2]) == {2: two}


def test_keys_that_were_read_before_an_erasure_are_not_put_in_after_it() -> None:
    cache = KeyCache(3)
    before = cache.erasures
    erased = key(1)
    cache.forget(erased.owner)
    cache.put([erased], before)

    assert len(cache) == 0
