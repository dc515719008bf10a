"""Events in their stored form: what lies in clear, what is sealed, and how old versions are brought forward."""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import pytest

from events.commit import StoredEvent
from events.sealing import SealBroken, seal, unseal
from events.stored import (
    Catalogue,
    Event,
    Standing,
    UnknownEventError,
    Upcaster,
    clear_part,
    plaintext,
    read_clear,
    restore,
    store,
)

KEY, OTHER_KEY, CONTEXT = bytes(32), bytes([1] * 32), b"ledger, stream, version"


class Told(Event, frozen=True):
    """An event that says nothing in clear."""

    stored_name: ClassVar[str] = "told"
    secret: str
    number: int = 0


class Shown(Event, frozen=True):
    """An event that says everything in clear."""

    stored_name: ClassVar[str] = "shown"
    clear_fields: ClassVar[frozenset[str]] = frozenset({"codes"})
    codes: dict[str, int]


class Mixed(Event, frozen=True):
    """An event of both kinds, at its third version."""

    stored_name: ClassVar[str] = "mixed"
    stored_version: ClassVar[int] = 3
    clear_fields: ClassVar[frozenset[str]] = frozenset({"size", "unit"})
    size: int
    unit: str
    names: tuple[str, ...]


class Here(Standing, frozen=True):
    """What stands afterwards."""

    present: bool
    site: str = ""


def names_were_one_text(content: dict[str, Any]) -> dict[str, Any]:
    """v1 -> v2."""
    rest = {key: value for key, value in content.items() if key != "name"}
    return rest | {"names": [content["name"]]}


def sizes_had_no_unit(content: dict[str, Any]) -> dict[str, Any]:
    """v2 -> v3."""
    return content | {"unit": "bytes"}


UPCASTERS: Mapping[tuple[str, int], Upcaster] = {("mixed", 1): names_were_one_text, ("mixed", 2): sizes_had_no_unit}
CATALOGUE = Catalogue({event.stored_name: event for event in (Told, Shown, Mixed)}, UPCASTERS)

TOLD, SHOWN, MIXED = Told("a name", 7), Shown({"305": 2}), Mixed(600, "bytes", ("a name", "é"))


def stored_as(version: int, clear: object, sealed: object) -> StoredEvent:
    """A mixed event as an earlier version of the code wrote it."""
    body = seal(KEY, msgspec.json.encode(sealed), context=CONTEXT)
    return StoredEvent("mixed", version, msgspec.Raw(msgspec.json.encode(clear)), body)


@pytest.mark.parametrize("standing", [None, Here(present=True, site="017001")])
@pytest.mark.parametrize("event", [TOLD, SHOWN, MIXED], ids=["sealed whole", "clear whole", "mixed"])
def test_an_event_reads_back_as_it_was_stored(event: Event, standing: Standing | None) -> None:
    stored = store(event, standing, KEY, CONTEXT)
    assert (stored.name, stored.version) == (event.stored_name, event.stored_version)
    assert restore(stored, KEY, CONTEXT, CATALOGUE) == event


def test_only_clear_fields_lie_in_clear() -> None:
    stored = store(MIXED, None, KEY, CONTEXT)
    assert bytes(stored.clear) == b'{"size":600,"unit":"bytes"}'
    assert unseal(KEY, stored.sealed, context=CONTEXT) == '{"names":["a name","é"]}'.encode()
    assert b"a name" not in stored.sealed
    assert bytes(store(TOLD, None, KEY, CONTEXT).clear) == b"{}"


def test_an_event_that_is_clear_whole_has_no_sealed_part_and_needs_no_key() -> None:
    stored = store(SHOWN, None, b"", CONTEXT)
    assert stored.sealed == b""
    assert restore(stored, b"", CONTEXT, CATALOGUE) == SHOWN


def test_what_stands_afterwards_lies_in_clear_and_needs_no_key() -> None:
    stored = store(TOLD, Here(present=True, site="017001"), KEY, CONTEXT)
    assert bytes(stored.clear) == b'{"present":true,"site":"017001"}'
    assert read_clear(stored, Here) == Here(present=True, site="017001")


def test_the_stored_parts_are_the_plaintext_and_the_clear_part() -> None:
    """Golden files hold these two."""
    assert plaintext(TOLD) == b'{"secret":"a name","number":7}'
    assert plaintext(SHOWN) == b""
    assert bytes(clear_part(MIXED, Here(present=False))) == b'{"size":600,"unit":"bytes","present":false,"site":""}'


def test_no_two_stored_events_have_the_same_sealed_bytes() -> None:
    assert store(TOLD, None, KEY, CONTEXT).sealed != store(TOLD, None, KEY, CONTEXT).sealed


@pytest.mark.parametrize(
    ("key", "context"), [(OTHER_KEY, CONTEXT), (KEY, b"another place")], ids=["another key", "another place"]
)
@pytest.mark.parametrize("event", [TOLD, MIXED])
def test_a_sealed_part_opens_with_its_key_in_its_place_only(event: Event, key: bytes, context: bytes) -> None:
    with pytest.raises(SealBroken):
        restore(store(event, None, KEY, CONTEXT), key, context, CATALOGUE)


@pytest.mark.parametrize(("name", "version"), [("unheard-of", 1), ("told", 2), ("mixed", 4)])
def test_an_event_newer_than_this_code_is_never_skipped(name: str, version: int) -> None:
    with pytest.raises(UnknownEventError, match=rf"'{name}' v{version}.*install the version that wrote it"):
        restore(StoredEvent(name, version), KEY, CONTEXT, CATALOGUE)


@pytest.mark.parametrize(
    "stored",
    [
        stored_as(1, {"size": 600}, {"name": "a name"}),
        stored_as(2, {"size": 600}, {"names": ["a name"]}),
        stored_as(3, {"size": 600, "unit": "bytes"}, {"names": ["a name"]}),
    ],
    ids=["v1", "v2", "v3"],
)
def test_every_earlier_version_is_brought_forward_step_by_step(stored: StoredEvent) -> None:
    assert restore(stored, KEY, CONTEXT, CATALOGUE) == Mixed(600, "bytes", ("a name",))


def test_a_version_without_its_step_is_a_fault_of_the_code_and_says_so() -> None:
    with pytest.raises(KeyError):
        restore(stored_as(1, {"size": 600}, {"name": "x"}), KEY, CONTEXT, Catalogue(CATALOGUE.events, {}))


@pytest.mark.parametrize(
    ("clear", "sealed"),
    [({"size": "600", "unit": "bytes"}, {"names": []}), ({"unit": "bytes"}, {"names": []}), ({"size": 1}, {})],
)
def test_content_of_the_wrong_shape_is_refused(clear: object, sealed: object) -> None:
    with pytest.raises(msgspec.ValidationError):
        restore(stored_as(3, clear, sealed), KEY, CONTEXT, CATALOGUE)


def test_fields_that_a_later_writer_added_are_ignored() -> None:
    stored = stored_as(3, {"size": 1, "unit": "bytes", "colour": "red"}, {"names": [], "weight": 3})
    assert restore(stored, KEY, CONTEXT, CATALOGUE) == Mixed(1, "bytes", ())
