"""Rule 1: which commits stand, told case by case and then against a simple model of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from events.commit import Commit, Genesis, StoredEvent, encode
from events.fold import NOTHING_KNOWN, Judged, Known, fold, read_records
from events.log.contract import Record

OURS, THEIRS = UUID(int=1), UUID(int=2)
TIME = datetime(2026, 1, 1, tzinfo=UTC)
GENESIS = Genesis(ledger=OURS, state_system="louisiana-sts", rule=1, time=TIME)


def commit(
    command: int, expected: int = 0, *, stream: str = "upload/a", events: int = 1, ledger: UUID = OURS
) -> Commit:
    """Make a commit whose content does not matter."""
    stored = tuple(StoredEvent("something-happened", 1) for _ in range(events))
    return Commit(ledger, stream, expected, UUID(int=command), stored, "somebody", TIME)


def log_of(*entries: Commit | Genesis | bytes) -> list[Record]:
    """Put entries into a log; bytes stand as they are."""
    return [
        Record(position, entry if isinstance(entry, bytes) else encode(entry)) for position, entry in enumerate(entries)
    ]


def judged(*entries: Commit | Genesis | bytes) -> list[Judged]:
    """Fold a whole log."""
    return fold(read_records(log_of(*entries)), NOTHING_KNOWN)[0]


def verdicts(*entries: Commit | Genesis | bytes) -> list[str]:
    """Fold a whole log and return the verdicts."""
    return [item.verdict for item in judged(*entries)]


def test_a_commit_stands_on_its_streams_version() -> None:
    assert verdicts(GENESIS, commit(1), commit(2, 1), commit(3, 2)) == ["stands"] * 4


def test_the_version_grows_by_the_number_of_events() -> None:
    items = judged(GENESIS, commit(1, events=3), commit(2, 3, events=2), commit(3, 4))
    assert [(item.verdict, item.version) for item in items[1:]] == [
        ("stands", 3),
        ("stands", 5),
        ("stale-version", 5),
    ]


@pytest.mark.parametrize("expected", [0, 2, 2**40])
def test_another_version_than_the_streams_is_stale(expected: int) -> None:
    assert verdicts(GENESIS, commit(1), commit(2, expected))[-1] == "stale-version"


def test_each_stream_has_its_own_version() -> None:
    assert verdicts(GENESIS, commit(1), commit(2, stream="upload/b"), commit(3, 1, stream="upload/b")) == ["stands"] * 4


def test_a_command_that_has_stood_never_stands_again_on_whatever_stream() -> None:
    again = [commit(1), commit(1, 1), commit(1, 0, stream="upload/b"), commit(1, 7)]
    assert verdicts(GENESIS, commit(1), *again)[2:] == ["duplicate-command"] * 4


def test_a_command_is_seen_only_when_it_stands() -> None:
    """So a service may decide again on newer state under the same id."""
    assert verdicts(GENESIS, commit(1), commit(2, 0), commit(2, 1), commit(2, 2)) == [
        "stands",
        "stands",
        "stale-version",
        "stands",
        "duplicate-command",
    ]


def test_another_ledgers_commit_is_void_and_leaves_no_trace() -> None:
    assert verdicts(GENESIS, commit(1, ledger=THEIRS), commit(1), commit(2, ledger=THEIRS, expected=1)) == [
        "stands",
        "other-ledger",
        "stands",
        "other-ledger",
    ]


def test_the_first_genesis_wins_and_later_ones_are_void() -> None:
    other = msgspec.structs.replace(GENESIS, ledger=THEIRS)
    assert verdicts(GENESIS, other, GENESIS, commit(1), commit(2, ledger=THEIRS)) == [
        "stands",
        "second-genesis",
        "second-genesis",
        "stands",
        "other-ledger",
    ]


def test_before_the_genesis_nothing_stands() -> None:
    assert verdicts(commit(1), b"noise", GENESIS, commit(1)) == ["other-ledger", "malformed", "stands", "stands"]


@pytest.mark.parametrize("noise", [b"", b"{}", b"\xff\xfe", b'{"kind":"commit"}', b"null"])
def test_what_says_nothing_is_malformed_and_changes_nothing(noise: bytes) -> None:
    assert verdicts(GENESIS, noise, commit(1), noise, commit(2, 1)) == [
        "stands", "malformed", "stands", "malformed", "stands",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("entry", "verdict"),
    [
        (commit(1, 9, ledger=THEIRS), "other-ledger"),
        (commit(1, 9), "duplicate-command"),
        (commit(9, 9), "stale-version"),
    ],
    ids=["another ledger before a duplicate", "a duplicate before a stale version", "a stale version last"],
)
def test_where_several_reasons_hold_the_first_is_told(entry: Commit, verdict: str) -> None:
    """The order is part of the file format: an auditor's fold must give the same word."""
    assert verdicts(GENESIS, commit(1), entry)[-1] == verdict


def test_a_void_commit_tells_the_version_that_stood_in_its_way() -> None:
    assert judged(GENESIS, commit(1, events=4), commit(2, 0))[-1].version == 4


def test_neither_genesis_nor_noise_has_a_version() -> None:
    assert [item.version for item in judged(GENESIS, b"", GENESIS)] == [0, 0, 0]


def test_what_a_batch_was_told_is_not_changed_by_it() -> None:
    known = Known(GENESIS, {"upload/a": 1}, frozenset({UUID(int=1)}))
    fold(read_records(log_of(commit(2, 1), commit(3, 2))), known)
    assert known == Known(GENESIS, {"upload/a": 1}, frozenset({UUID(int=1)}))


# --- Against a model -----------------------------------------------------------------------------------------------

STREAMS = ["upload/a", "student/017/x/2025", "identity/y"]


@dataclass
class Writer:
    """A writer with a view of its own, which may be old: a zombie when others went on meanwhile."""

    versions: dict[str, int] = field(default_factory=dict)


@dataclass
class Model:
    """Rule 1 once more, in the plainest words: two dictionaries and a set."""

    ledger: UUID | None = None
    versions: dict[str, int] = field(default_factory=dict)
    stood: set[UUID] = field(default_factory=set)

    def take(self, entry: Commit | Genesis | bytes) -> str:
        if isinstance(entry, bytes):
            return "malformed"
        if isinstance(entry, Genesis):
            if self.ledger is not None:
                return "second-genesis"
            self.ledger = entry.ledger
            return "stands"
        if entry.ledger != self.ledger:
            return "other-ledger"
        if entry.command in self.stood:
            return "duplicate-command"
        if self.versions.get(entry.stream, 0) != entry.expected:
            return "stale-version"
        self.versions[entry.stream] = entry.expected + len(entry.events)
        self.stood.add(entry.command)
        return "stands"


class Log(RuleBasedStateMachine):
    """Writers, zombies, repeats and foreign producers write into one log."""

    def __init__(self) -> None:
        super().__init__()
        self.entries: list[Commit | Genesis | bytes] = []
        self.expected: list[str] = []
        self.model = Model()
        self.writers = [Writer() for _ in range(3)]
        self.sent: list[Commit] = []
        self.commands = 0

    def append(self, entry: Commit | Genesis | bytes) -> None:
        self.entries.append(entry)
        self.expected.append(self.model.take(entry))
        if isinstance(entry, Commit):
            self.sent.append(entry)

    @initialize(foreign=st.lists(st.sampled_from([b"", b"noise", b"{}"]), max_size=2), late=st.booleans())
    def begin(self, foreign: Sequence[bytes], late: bool) -> None:
        for data in foreign:
            self.append(data)
        if not late:
            self.append(GENESIS)

    @rule(writer=st.integers(0, 2), stream=st.sampled_from(STREAMS), events=st.integers(1, 3))
    def write(self, writer: int, stream: str, events: int) -> None:
        """Write on what this writer last saw."""
        self.commands += 1
        self.append(commit(self.commands, self.writers[writer].versions.get(stream, 0), stream=stream, events=events))

    @rule(writer=st.integers(0, 2))
    def look(self, writer: int) -> None:
        """A writer learns what stands now."""
        self.writers[writer].versions = dict(self.model.versions)

    @rule(data=st.data(), expected=st.none() | st.integers(0, 4), stream=st.none() | st.sampled_from(STREAMS))
    def repeat(self, data: st.DataObject, expected: int | None, stream: str | None) -> None:
        """Some command comes once more: as it was, decided again on another version, or as another one altogether."""
        if self.sent:
            old = data.draw(st.sampled_from(self.sent))
            version = old.expected if expected is None else expected
            self.append(msgspec.structs.replace(old, expected=version, stream=stream or old.stream))

    @rule(ledger=st.sampled_from([OURS, THEIRS]))
    def start(self, ledger: UUID) -> None:
        """A starter found the log empty, and was slow."""
        self.append(msgspec.structs.replace(GENESIS, ledger=ledger))

    @rule(stream=st.sampled_from(STREAMS), data=st.sampled_from([b"", b"noise", b'{"kind":"commit"}']))
    def intrude(self, stream: str, data: bytes) -> None:
        """A foreign producer, and a writer of another ledger."""
        self.commands += 1
        self.append(data)
        self.append(commit(self.commands, ledger=THEIRS, stream=stream))

    @invariant()
    def is_the_models(self) -> None:
        assert verdicts(*self.entries) == self.expected

    @invariant()
    def versions_have_no_hole(self) -> None:
        reached: dict[str, int] = {}
        for item in judged(*self.entries):
            if item.stands and item.commit is not None:
                assert item.commit.expected == reached.get(item.commit.stream, 0)
                assert item.version == item.commit.version
                reached[item.commit.stream] = item.version

    @invariant()
    def no_command_stands_twice(self) -> None:
        stood = [item.commit.command for item in judged(*self.entries) if item.stands and item.commit is not None]
        assert len(stood) == len(set(stood))

    @rule(data=st.data())
    def cut(self, data: st.DataObject) -> None:
        """However the log is cut into batches, and although nothing but rows is kept between them."""
        cuts = sorted(data.draw(st.sets(st.integers(0, len(self.entries)))))
        assert folded_in_batches(log_of(*self.entries), cuts) == judged(*self.entries)


def folded_in_batches(records: Sequence[Record], cuts: Sequence[int]) -> list[Judged]:
    """Fold batch by batch, knowing of each what a look-up of its streams and commands in the rows so far tells."""
    rows: list[Judged] = []
    genesis: Genesis | None = None
    for first, last in zip([0, *cuts], [*cuts, len(records)], strict=True):
        batch = read_records(records[first:last])
        asked = [read.commit for read in batch if read.commit is not None]
        stood = [(row.commit, row.version) for row in rows if row.stands and row.commit is not None]
        known = Known(
            genesis=genesis,
            versions={
                one.stream: version for one, version in stood if one.stream in {commit.stream for commit in asked}
            },
            stood={one.command for one, _ in stood} & {commit.command for commit in asked},
        )
        items, after = fold(batch, known)
        genesis = after.genesis
        rows += items
    return rows


TestLog = Log.TestCase
TestLog.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
