"""What an auditor can ask: a set as it stood, from the log itself, and whether rows and files are what the log says."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from events.commit import Genesis
from events.fold import NOTHING_KNOWN, Judged, Read, fold, read_records
from events.log.contract import Log
from events.student import ABSENT, StudentState
from projections import fsck
from projections.database import Connection, connect
from projections.index import Kept
from projections.opening import OpenCommit
from projections.upload_queries import BlobUse, blobs_used
from projections.views import SCHEMAS
from services import history
from services.ledger import Ledger

Told = Callable[[str, int, int], Any]


def silent(_step: str, _done: int, _of: int) -> None:
    """Tell nobody."""


# --- As it stood ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stood:
    """A set as it stood once the log's records up to `as_of` were folded; `position` is that of its last commit."""

    as_of: int
    state: StudentState
    version: int
    position: int | None
    time: datetime | None


async def replay(ledger: Ledger, stream: str, as_of: int, *, told: Told = silent) -> Stood:
    """Fold a student's stream from the log's own records up to and with position `as_of`; no view is asked."""
    judged = await judge_stream(ledger.log, stream, as_of, told=told)
    kept = [Kept(one.record.position, one.commit.time, one.commit) for one in judged if one.commit and one.stands]
    return stood(await ledger.keyring.open(kept), as_of)


def stood(commits: list[OpenCommit], as_of: int) -> Stood:
    """Fold a stream's standing commits; an erased one's cannot be read and leave the set as it was."""
    state: StudentState = ABSENT
    for opened in commits:
        state = state if opened.erased else history.fold(state, opened)
    if not commits:
        return Stood(as_of, state, 0, None, None)
    last = commits[-1]
    return Stood(as_of, state, last.commit.version, last.position, last.commit.time)


async def judge_stream(log: Log, stream: str, as_of: int, *, told: Told = silent) -> list[Judged]:
    """Judge a stream's commits by rule 1 from the log alone, in memory that does not grow with the log.

    What stands on a stream depends on that stream's own commits, and on the other streams only where one of its
    command ids was used there too. So it is enough to fold these: one pass to find them, one to see that they are all.
    """
    streams, commands = {stream}, set[UUID]()
    while True:
        found = [read async for read in reads_of(log, streams, commands, as_of, told)]
        commits = [read.commit for read in found if read.commit is not None]
        wider = {stream, *(commit.stream for commit in commits)}, {commit.command for commit in commits}
        if wider == (streams, commands):
            judged, _ = fold(found, NOTHING_KNOWN)
            return [one for one in judged if one.commit is not None and one.commit.stream == stream]
        streams, commands = wider


async def reads_of(log: Log, streams: set[str], commands: set[UUID], as_of: int, told: Told) -> AsyncIterator[Read]:
    """Yield every genesis, and the commits on some streams or under some command ids, up to and with a position."""
    async with aclosing(log.read(0)) as batches:
        async for batch in batches:
            for read in read_records(record for record in batch if record.position <= as_of):
                commit = read.commit
                if isinstance(read.entry, Genesis) or (
                    commit is not None and (commit.stream in streams or commit.command in commands)
                ):
                    yield read
            if batch[-1].position >= as_of:
                return
            told("reading the log", batch[-1].position, as_of)


# --- fsck -------------------------------------------------------------------------------------------------------


class RowDifference(msgspec.Struct, frozen=True):
    """A table whose rows are not what the log says: rows only in the live views, rows only in the fold."""

    table: str
    only_live: int
    only_folded: int


class BlobDifference(msgspec.Struct, frozen=True):
    """A file that the log names and that is missing, or whose bytes are not those of its digest."""

    digest: str
    kind: str
    owner: UUID
    fault: str


class Audit(msgspec.Struct, frozen=True):
    """What was found: up to which position, how many rows and blobs were compared, and what differs."""

    position: int
    rows: int
    blobs: int
    row_differences: tuple[RowDifference, ...]
    blob_differences: tuple[BlobDifference, ...]

    @property
    def differences(self) -> int:
        """How many rows and blobs differ."""
        rows = sum(one.only_live + one.only_folded for one in self.row_differences)
        return rows + len(self.blob_differences)


async def audit(ledger: Ledger, *, told: Told = silent) -> Audit:
    """Fold the log anew and compare every row of every view, then every blob that the log names."""
    await ledger.caught_up()
    connection = await connect(ledger.views_dsn, SCHEMAS)
    try:
        found = await fsck.fsck(
            connection, ledger.log, ledger.keyring, told=lambda done, of: told("folding the log", done, of)
        )
        blobs, faults = await check_blobs(ledger, connection, told)
    finally:
        await connection.close()
    return Audit(
        position=found.position - 1,
        rows=found.rows,
        blobs=blobs,
        row_differences=tuple(RowDifference(d.table, d.only_live, d.only_folded) for d in found.differences),
        blob_differences=tuple(faults),
    )


async def check_blobs(ledger: Ledger, connection: Connection, told: Told) -> tuple[int, list[BlobDifference]]:
    """Read every blob that the log names, and compare its bytes with its digest."""
    used = await blobs_used(connection)
    faults = []
    for done, use in enumerate(used, start=1):
        if not await ledger.blobs.verify(use.digest):
            faults.append(await fault_of(ledger, use))
        told("reading the files", done, len(used))
    return len(used), faults


async def fault_of(ledger: Ledger, use: BlobUse) -> BlobDifference:
    """Say what is wrong with a blob."""
    fault = "damaged" if await ledger.blobs.exists(use.digest) else "missing"
    return BlobDifference(use.digest, use.kind, use.owner, fault)
