"""Rule 1: which commits stand. The log's total order arbitrates; this is the only arbiter.

In log order, a commit *stands* if it is well formed, its ledger id is ours, its command id has not stood before, and
its expected version equals its stream's version; the stream's version then grows by its number of events. Otherwise it
is *void*, and stays in the log for the auditor. The rule looks at structure alone: never at a clock, a setting, a
database or a grading rule. It is part of the file format.
"""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from events.commit import Commit, Entry, Genesis, decode
from events.log.contract import Record

Verdict = Literal["stands", "malformed", "other-ledger", "second-genesis", "duplicate-command", "stale-version"]


@dataclass(frozen=True, slots=True)
class Read:
    """A record and what its bytes say; `entry` is None where they say nothing we know."""

    record: Record
    entry: Entry | None

    @property
    def commit(self) -> Commit | None:
        """The commit, or None for a genesis or a malformed record."""
        return self.entry if isinstance(self.entry, Commit) else None


@dataclass(frozen=True, slots=True)
class Judged:
    """A record with its verdict. `version` is its stream's version afterwards (0 where it has no stream)."""

    record: Record
    entry: Entry | None
    verdict: Verdict
    version: int

    @property
    def stands(self) -> bool:
        """Whether the record counts."""
        return self.verdict == "stands"

    @property
    def commit(self) -> Commit | None:
        """The commit, or None for a genesis or a malformed record."""
        return self.entry if isinstance(self.entry, Commit) else None


@dataclass(frozen=True, slots=True)
class Known:
    """What the fold knows before a batch: the genesis, and of the batch's streams and commands what stood before."""

    genesis: Genesis | None
    versions: Mapping[str, int]
    stood: AbstractSet[UUID]


NOTHING_KNOWN = Known(genesis=None, versions={}, stood=frozenset())


def read_records(records: Iterable[Record]) -> list[Read]:
    """Decode a batch's bytes, so that its streams and command ids can be looked up."""
    return [Read(record, decode(record.data)) for record in records]


def fold(batch: Sequence[Read], known: Known) -> tuple[list[Judged], Known]:
    """Judge a batch in log order. `known` must cover every stream and command id of the batch."""
    genesis, versions, stood = known.genesis, dict(known.versions), set(known.stood)
    judged = []
    for read in batch:
        verdict = judge(read.entry, genesis, versions, stood)
        version = versions.get(read.entry.stream, 0) if isinstance(read.entry, Commit) else 0
        if verdict == "stands":
            if isinstance(read.entry, Genesis):
                genesis = read.entry
            elif read.entry is not None:
                version = versions[read.entry.stream] = read.entry.version
                stood.add(read.entry.command)
        judged.append(Judged(read.record, read.entry, verdict, version))
    return judged, Known(genesis, versions, stood)


def judge(
    entry: Entry | None, genesis: Genesis | None, versions: Mapping[str, int], stood: AbstractSet[UUID]
) -> Verdict:
    """Give one entry's verdict against what stood before it."""
    if entry is None:
        return "malformed"
    if isinstance(entry, Genesis):
        return "stands" if genesis is None else "second-genesis"
    if genesis is None or entry.ledger != genesis.ledger:
        return "other-ledger"
    if entry.command in stood:
        return "duplicate-command"
    if entry.expected != versions.get(entry.stream, 0):
        return "stale-version"
    return "stands"
