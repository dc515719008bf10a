"""The commit's bytes: what is written, and what is read from bytes that anybody may have written."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.commit import MAX_NESTING, Commit, Entry, Genesis, StoredEvent, decode, encode, short
from events.log.contract import MAX_RECORD_BYTES
from events.streams import MAX_STREAM_CHARS

T = TypeVar("T")

LEDGER = UUID("0f0e0d0c-0b0a-4908-8706-050403020100")
COMMAND = UUID("10000000-0000-4000-8000-000000000001")
TIME = datetime(2026, 3, 14, 15, 9, 26, 535897, tzinfo=UTC)
GENESIS = Genesis(ledger=LEDGER, state_system="louisiana-sts", rule=1, time=TIME)
COMMIT = Commit(
    ledger=LEDGER,
    stream="student/017/20000000-0000-4000-8000-000000000002/2025",
    expected=3,
    command=COMMAND,
    events=(StoredEvent("student-edited", 1, msgspec.Raw(b'{"present":true}'), b"sealed"), StoredEvent("other", 2)),
    actor="an operator",
    time=TIME,
    key=7,
    reason="why",
    sealed_reason=b"sealed why",
    cause=UUID("30000000-0000-4000-8000-000000000003"),
    rules="r" * 64,
    layout="l" * 64,
    references={"courses": "c" * 64},
)


def written(entry: Entry, **changes: Any) -> bytes:
    """Return an entry's bytes with members changed; a value of `...` takes the member away."""
    members = json.loads(encode(entry)) | changes
    kept = {name: value for name, value in members.items() if value is not ...}
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False).encode()


def event_with(clear: bytes) -> bytes:
    """Return a commit's bytes with these bytes as the clear part of its first event."""
    return encode(COMMIT).replace(b'{"present":true}', clear)


def below(frames: int, question: Callable[[], T]) -> T:
    """Ask a question from deeper in the call stack."""
    return question() if frames == 0 else below(frames - 1, question)


@pytest.mark.parametrize("entry", [COMMIT, GENESIS], ids=["commit", "genesis"])
def test_an_entry_reads_back_as_it_was_written(entry: Entry) -> None:
    assert decode(encode(entry)) == entry


def test_a_commit_without_extras_is_written_without_them() -> None:
    plain = Commit(LEDGER, "upload/x", 0, COMMAND, (StoredEvent("a", 1),), "me", TIME)
    assert set(json.loads(encode(plain))) == {
        "kind", "ledger", "stream", "expected", "command", "events", "actor", "time",
    }  # fmt: skip
    assert json.loads(encode(plain))["events"] == [{"name": "a", "version": 1}]


def test_a_commit_brings_its_stream_forward_by_its_events() -> None:
    assert COMMIT.version == 5


def test_members_unknown_to_this_code_are_ignored() -> None:
    """A later writer may add some."""
    assert decode(written(COMMIT, witness={"a": [1, None, "x"]})) == COMMIT
    assert decode(written(GENESIS, ends="another ledger")) == GENESIS


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"\0",
        b"null",
        b"[]",
        b"{}",
        b'"commit"',
        b"\xef\xbb\xbf" + encode(COMMIT),
        encode(COMMIT)[:-1],
        encode(COMMIT) + b"{}",
        encode(COMMIT).decode().encode("utf-16"),
        b"\xff" + encode(COMMIT),
        written(COMMIT, kind="promise"),
        written(COMMIT, kind=...),
        written(COMMIT, kind=1),
    ],
)
def test_bytes_that_are_no_entry_say_nothing(data: bytes) -> None:
    assert decode(data) is None


@pytest.mark.parametrize("member", ["ledger", "stream", "expected", "command", "events", "actor", "time"])
@pytest.mark.parametrize("wrong", [..., None, [], {}, True, -1, 1.5, "", "x"], ids=repr)
def test_a_commit_with_a_missing_or_wrong_member_is_malformed(member: str, wrong: Any) -> None:
    if member == "actor" and isinstance(wrong, str):
        return
    assert decode(written(COMMIT, **{member: wrong})) is None


@pytest.mark.parametrize("member", ["ledger", "state_system", "rule", "time"])
@pytest.mark.parametrize("wrong", [..., None, [], {}, True, -1.5], ids=repr)
def test_a_genesis_with_a_missing_or_wrong_member_is_malformed(member: str, wrong: Any) -> None:
    assert decode(written(GENESIS, **{member: wrong})) is None


@pytest.mark.parametrize(
    "event",
    [
        {"name": "a"},
        {"version": 1},
        {"name": "", "version": 1},
        {"name": "a", "version": 0},
        {"name": "a", "version": "1"},
        {"name": "a", "version": 1, "sealed": "no base64!"},
        {"name": "a", "version": 1, "sealed": 1},
        {"name": 1, "version": 1},
        "a",
        None,
    ],
)
def test_a_commit_with_a_wrong_event_is_malformed(event: Any) -> None:
    assert decode(written(COMMIT, events=[event])) is None


@pytest.mark.parametrize("member", ["expected", "key"])
def test_counts_stay_within_what_every_store_can_hold(member: str) -> None:
    assert decode(written(COMMIT, **{member: 2**63 - 1})) is not None
    for beyond in (2**63, 2**64, 10**400):
        assert decode(written(COMMIT, **{member: beyond})) is None
    assert decode(written(COMMIT, **{member: 1.0})) is None


@pytest.mark.parametrize("wrong", ["NaN", "Infinity", "-Infinity", "01", "+1", "0x1", "1_0", ".5"])
def test_json_knows_no_such_number(wrong: str) -> None:
    assert decode(encode(COMMIT).replace(b'"expected":3', b'"expected":' + wrong.encode())) is None
    assert decode(event_with(b'{"a":' + wrong.encode() + b"}")) is None


@pytest.mark.parametrize(
    "time",
    [
        "2026-03-14T15:09:26",
        "2026-03-14",
        "2026-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "+10000-01-01T00:00:00Z",
        1773500966,
        "now",
    ],
)
@pytest.mark.parametrize("entry", [COMMIT, GENESIS], ids=["commit", "genesis"])
def test_a_time_that_is_no_instant_is_malformed(entry: Entry, time: Any) -> None:
    """Among them instants that Python reads, and that no database could then be told."""
    assert decode(written(entry, time=time)) is None


def test_every_instant_that_is_read_can_be_told_in_utc() -> None:
    for time in ("0002-01-01T00:00:00+23:59", "9998-12-31T23:59:59-23:59"):
        entry = decode(written(COMMIT, time=time))
        assert entry is not None
        assert entry.time.astimezone(UTC).tzinfo is UTC


def test_an_instant_may_be_told_in_any_zone() -> None:
    entry = decode(written(COMMIT, time="2026-03-14T10:09:26.535897-05:00"))
    assert entry is not None
    assert entry.time == TIME
    assert entry.time.tzinfo == timezone(timedelta(hours=-5))


@pytest.mark.parametrize(
    "clear",
    [b'{"a":"\\ud800"}', b'{"a":"\xff"}', b'{"a"}', b'{"a":1,}', b"{'a':1}", b'{"a":"\n"}', b'{"a":tru}', b""],
)
def test_a_clear_part_that_is_no_json_is_malformed(clear: bytes) -> None:
    """Although it is not looked into: whoever reads it later must be able to."""
    assert decode(event_with(clear)) is None


def test_text_in_a_member_that_is_skipped_must_be_utf_8_too() -> None:
    data = written(COMMIT, note="x")
    assert decode(data.replace(b'"x"', b'"\xc3\xa9"')) == COMMIT
    assert decode(data.replace(b'"x"', b'"\xc3"')) is None


@pytest.mark.parametrize("frames", [0, 300, 700])
def test_how_deep_a_record_may_nest_does_not_depend_on_who_asks(frames: int) -> None:
    """A parser gives up when the call stack is full; a verdict must be the same wherever it is given."""

    def nested(levels: int) -> bytes:
        return event_with(b"[" * levels + b"]" * levels)

    outer = 3  # the commit, its events, the event
    assert below(frames, lambda: decode(nested(MAX_NESTING - outer))) is not None
    assert below(frames, lambda: decode(nested(MAX_NESTING - outer + 1))) is None
    assert below(frames, lambda: decode(nested(200_000))) is None


def test_brackets_in_text_are_no_nesting() -> None:
    reason = '["{' * 100 + "\\" + '"[' * 100
    entry = decode(written(COMMIT, reason=reason))
    assert isinstance(entry, Commit)
    assert entry.reason == reason


def test_many_events_beside_one_another_are_no_nesting() -> None:
    many = msgspec.structs.replace(COMMIT, events=COMMIT.events * 100)
    assert decode(encode(many)) == many


@pytest.mark.parametrize("data", [b'"\\' * 400_000, b'"' + b'\\"' * 400_000 + b"[" * 100, b'""' * 400_000 + b"[" * 65])
@pytest.mark.timeout(5)
def test_hostile_quotes_are_read_in_one_pass(data: bytes) -> None:
    assert decode(data) is None


def test_a_record_above_the_limit_is_malformed_whoever_let_it_in() -> None:
    room = MAX_RECORD_BYTES - len(written(COMMIT, reason=""))
    assert decode(written(COMMIT, reason="x" * room)) is not None
    assert decode(written(COMMIT, reason="x" * (room + 1))) is None


@pytest.mark.parametrize(
    "stream",
    [
        "upload",
        "/upload",
        "upload/",
        "upload//x",
        "Upload/x",
        "upload/x y",
        "upload/x\n",
        "upload/x\0",
        "upload/é",
        "upload/x?",
        "upload/../x",
        "upload/" + "x" * MAX_STREAM_CHARS,
    ],
)
def test_a_commit_on_an_ill_named_stream_is_malformed(stream: str) -> None:
    assert decode(written(COMMIT, stream=stream)) is None


@given(st.binary(max_size=300))
def test_no_bytes_make_reading_fail(data: bytes) -> None:
    assert decode(data) is None


@given(place=st.integers(0, len(encode(COMMIT)) - 1), byte=st.integers(0, 255))
def test_one_changed_byte_never_makes_reading_fail(place: int, byte: int) -> None:
    data = bytearray(encode(COMMIT))
    data[place] = byte
    entry = decode(bytes(data))
    assert entry is None or encode(entry)


def test_a_ledger_is_known_by_eight_digits() -> None:
    assert short(LEDGER) == "0f0e0d0c"
