"""What is kept of the error that stopped a projection: its kind and place, and nothing that it quotes."""

import json

import msgspec
import pytest

from events.sealing import SealBroken, unseal
from events.stored import UnknownEventError
from events.student import ABSENT, CourseDeleted, evolve
from projections.advance import describe

NAME = "Vorimquendazylthaaaab"


def caught(error: type[Exception], question: object) -> Exception:
    """Return what a question raises."""
    assert callable(question)
    with pytest.raises(error) as info:
        question()
    return info.value


def test_a_foreign_error_is_told_by_its_kind_and_by_our_own_line() -> None:
    error = caught(ValueError, lambda: evolve(ABSENT, CourseDeleted(1)))
    assert describe(error).startswith("ValueError at student.py:")
    assert "holds no set" not in describe(error)


def test_of_an_error_that_quotes_data_nothing_is_kept() -> None:
    error = caught(json.JSONDecodeError, lambda: json.loads(f'{{"name": "{NAME}"'))
    invalid = caught(msgspec.ValidationError, lambda: msgspec.convert({"a": NAME}, dict[str, int]))
    kinds = [describe(one).split(" at ")[0] for one in (error, invalid, KeyError(NAME))]
    assert kinds == ["JSONDecodeError", "ValidationError", "KeyError"]
    assert NAME not in describe(error) + describe(invalid) + describe(KeyError(NAME))


def test_our_own_words_are_kept_whole_since_they_hold_no_data() -> None:
    assert describe(UnknownEventError("install a later version")) == "UnknownEventError: install a later version"
    broken = caught(SealBroken, lambda: unseal(bytes(32), b"short", context=b""))
    assert describe(broken).startswith("SealBroken: sealed data of 5 bytes")
