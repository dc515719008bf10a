"""The catalogue, and the golden bytes of every event version that was ever stored."""

from typing import get_args

import msgspec
import pytest

from events.catalogue import CATALOGUE, EVENTS
from events.certification import CertificationEvent
from events.collection import CollectionEvent
from events.commit import Commit, StoredEvent, decode, encode
from events.identity import IdentityEvent, IdentityStanding
from events.official_transcript import OfficialEvent
from events.publication import ReferencePublished
from events.sealing import event_context, unseal
from events.stored import Event, Standing, UnknownEventError, read_clear, restore
from events.student import StudentEvent, StudentStanding
from events.upload import UploadEvent
from tests.support.golden_events import (
    EXAMPLES,
    FOLDER,
    GENESIS,
    KEY,
    current_names,
    digests,
    files_of,
    manifest,
)

STORED = sorted(path.name.removesuffix(".commit.json") for path in FOLDER.glob("*.commit.json"))
STORED_EVENTS = [name for name in STORED if not name.startswith("genesis")]


def golden(name: str, part: str) -> bytes:
    """Read a golden file."""
    return (FOLDER / f"{name}.{part}.json").read_bytes()


def golden_commit(name: str) -> Commit:
    """Read a golden commit."""
    commit = decode(golden(name, "commit"))
    assert isinstance(commit, Commit)
    return commit


def test_every_event_there_is_is_in_the_catalogue_once() -> None:
    unions = (StudentEvent, UploadEvent, IdentityEvent, CertificationEvent, OfficialEvent, CollectionEvent)
    declared = {event for union in unions for event in get_args(union)}
    declared.add(ReferencePublished)
    assert set(EVENTS) == declared
    assert len(EVENTS) == len(CATALOGUE.events) == len(declared)


def test_every_older_version_has_its_upcaster_and_no_other_has() -> None:
    steps = {(event.stored_name, step) for event in EVENTS for step in range(1, event.stored_version)}
    assert set(CATALOGUE.upcasters) == steps


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.stored_name)
def test_what_an_event_says_in_clear_is_among_its_fields(event: type[Event]) -> None:
    assert event.clear_fields <= set(event.__struct_fields__)


BESIDE_A_STANDING = [
    *((event, StudentStanding) for event in get_args(StudentEvent)),
    *((event, IdentityStanding) for event in get_args(IdentityEvent)),
]


@pytest.mark.parametrize(("event", "standing"), BESIDE_A_STANDING)
def test_no_event_has_a_field_that_its_standing_has(event: type[Event], standing: type[Standing]) -> None:
    """They lie side by side in the clear part, and an upcaster is given both."""
    assert not set(event.__struct_fields__) & set(standing.__struct_fields__)


def test_an_event_unknown_to_the_catalogue_is_never_skipped() -> None:
    with pytest.raises(UnknownEventError):
        CATALOGUE.event_type(StoredEvent("unheard-of", 1))


# --- Golden bytes --------------------------------------------------------------------------------------------------


def test_everything_that_todays_code_writes_has_golden_files() -> None:
    """`python -m tests.support.golden_events` adds those of a new event or version."""
    assert set(current_names()) <= set(STORED)


def test_golden_files_are_only_ever_added() -> None:
    assert digests() == manifest()


@pytest.mark.parametrize("name", STORED_EVENTS)
def test_stored_bytes_read_back_for_ever(name: str) -> None:
    """Older versions too: they read as the example of their name, brought forward."""
    commit, example = golden_commit(name), EXAMPLES[name]
    context = event_context(commit.ledger, commit.stream, commit.version)
    assert commit.stream == example.stream
    assert restore(commit.events[0], KEY, context, CATALOGUE) == example.event
    if example.standing is not None:
        assert read_clear(commit.events[0], type(example.standing)) == example.standing


@pytest.mark.parametrize("name", STORED_EVENTS)
def test_a_golden_commit_holds_the_golden_parts(name: str) -> None:
    commit = golden_commit(name)
    (event,) = commit.events
    context = event_context(commit.ledger, commit.stream, commit.version)
    assert f"{event.name}-v{event.version}" == name
    assert bytes(event.clear) == golden(name, "clear")
    assert (unseal(KEY, event.sealed, context=context) if event.sealed else b"") == golden(name, "plain")


def test_the_golden_genesis_reads_back() -> None:
    assert decode(golden("genesis-v1", "commit")) == GENESIS


@pytest.mark.parametrize("name", current_names())
def test_todays_code_writes_the_golden_bytes(name: str) -> None:
    """All but the sealed part of the commit, which the release of zstd has a say in."""
    today = files_of(name)
    for file in today.keys() - {f"{name}.commit.json"}:
        assert today[file] == (FOLDER / file).read_bytes()
    assert unsealed(today[f"{name}.commit.json"]) == unsealed(golden(name, "commit"))


def unsealed(data: bytes) -> bytes:
    """Write a commit again without its sealed parts."""
    entry = decode(data)
    if not isinstance(entry, Commit):
        return data
    return encode(
        msgspec.structs.replace(entry, events=tuple(msgspec.structs.replace(e, sealed=b"") for e in entry.events))
    )


@pytest.mark.parametrize("name", STORED)
def test_what_is_stored_is_never_written_again_but_if_it_were_the_bytes_would_be_the_same(name: str) -> None:
    entry = decode(golden(name, "commit"))
    assert entry is not None
    assert encode(entry) == golden(name, "commit")
