"""The oracle: the clients' journal against a fresh fold of the log that shares nothing with the views.

I1 each acknowledged command exactly once; I2 versions per stream 1..n without hole; I3 nothing half applied;
I4 rebuilt views equal the live ones; I7 answers never contradict an earlier one for the same command.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from events.commit import Commit
from events.fold import NOTHING_KNOWN, Judged, fold, read_records
from events.log.contract import Log
from events.streams import category
from projections.database import connect
from projections.fsck import Finding, fsck
from projections.views import SCHEMAS
from services.ledger import Ledger
from tests.support.faults_journal import Journal
from tests.support.logs import read_all


@dataclass(frozen=True)
class Truth:
    """What the log says: every record with its verdict, and what stands."""

    judged: tuple[Judged, ...]

    @property
    def standing(self) -> list[tuple[int, Commit]]:
        """The standing commits with their positions, in log order."""
        return [(one.record.position, one.commit) for one in self.judged if one.stands and one.commit is not None]

    def of_command(self, command: UUID) -> list[tuple[int, Commit]]:
        """Where a command stands: once or nowhere."""
        return [(position, commit) for position, commit in self.standing if commit.command == command]

    def attempts(self, command: UUID) -> list[tuple[int, str]]:
        """Every attempt of a command with its verdict."""
        return [
            (one.record.position, one.verdict)
            for one in self.judged
            if one.commit is not None and one.commit.command == command
        ]

    def streams(self, kind: str) -> dict[str, int]:
        """The streams of one kind and their versions."""
        return {commit.stream: commit.version for _, commit in self.standing if category(commit.stream) == kind}


async def truth_of(log: Log) -> Truth:
    """Read and fold the whole log, in memory, from nothing."""
    judged, _ = fold(read_records(await read_all(log)), NOTHING_KNOWN)
    return Truth(tuple(judged))


async def examine(ledger: Ledger, journal: Journal) -> Truth:
    """Check every invariant on a ledger at rest, and return what the log says."""
    await ledger.caught_up()
    truth = await truth_of(ledger.log)
    versions_have_no_hole(truth)
    commands_stand_once(truth)
    answers_are_true(truth, journal.answers())
    await index_is_the_fold(ledger, truth)
    finding = await fsck_of(ledger)
    assert finding.differences == ()
    assert finding.position == truth.judged[-1].record.position + 1
    return truth


def versions_have_no_hole(truth: Truth) -> None:
    """I2, counted again and not taken from the fold."""
    versions: dict[str, int] = {}
    for position, commit in truth.standing:
        assert commit.expected == versions.get(commit.stream, 0), f"hole in {commit.stream} at {position}"
        versions[commit.stream] = commit.expected + len(commit.events)


def commands_stand_once(truth: Truth) -> None:
    """I1 and I3: no command has taken effect twice, and one record is one whole command."""
    twice = [command for command, times in Counter(c.command for _, c in truth.standing).items() if times > 1]
    assert not twice


def answers_are_true(truth: Truth, answers: Mapping[UUID, Iterable[Mapping[str, Any]]]) -> None:
    """I1 and I7: who was told "stored" is stored there and nowhere else; who was told "conflict" is not stored."""
    for command, given in answers.items():
        places = {(answer["position"], answer["version"]) for answer in given if answer.get("outcome") == "stored"}
        stands = {(position, commit.version) for position, commit in truth.of_command(command)}
        if places:
            assert places == stands, f"command {command} was answered {places}, the log says {stands}"
        if any(answer.get("outcome") in {"conflict", "refused"} for answer in given):
            assert not stands, f"command {command} was told that it did not happen, but it stands at {stands}"


async def index_is_the_fold(ledger: Ledger, truth: Truth) -> None:
    """I4 for the index, against a fold in memory that never saw a database."""
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch("select position, verdict, command, version from commits order by position")
    kept = [(row["position"], row["verdict"], row["command"], row["version"]) for row in rows]
    assert kept == [
        (
            one.record.position,
            one.verdict,
            one.commit.command if one.commit else None,
            one.version if one.commit else None,
        )
        for one in truth.judged
    ]


async def fsck_of(ledger: Ledger) -> Finding:
    """Rebuild every view from the log beside the live ones and compare (I4)."""
    connection = await connect(ledger.views_dsn, SCHEMAS)
    try:
        return await fsck(connection, ledger.log, ledger.keyring)
    finally:
        await connection.close()


async def rows_of(ledger: Ledger, query: str, *values: object) -> list[asyncpg.Record]:
    """Ask the live views."""
    async with ledger.pool.acquire() as connection:
        return list(await connection.fetch(query, *values))
