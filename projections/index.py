"""The index: what stands. The fold's whole state, kept in PostgreSQL and nowhere else."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from events.commit import Commit, Genesis, decode
from events.fold import Judged, Known, Read
from events.identity import is_erasure
from events.streams import owner_of
from projections.database import Connection

SCHEMA = "ledger_index"
CHANNEL = "ledger_position"

DDL = """
create table head (
    one boolean primary key default true check (one),
    next_position bigint not null,
    last_position bigint,
    last_digest bytea,
    as_of timestamptz,
    last_key bigint not null,
    genesis bytea
);
insert into head (next_position, last_key) values (0, 0);

create table commits (
    position bigint primary key,
    verdict text not null,
    stream text,
    version integer,
    command uuid,
    as_of timestamptz,
    data bytea not null
) with (toast_tuple_target = 8160);
alter table commits alter column data set storage external;
create unique index commits_stood on commits (command) where verdict = 'stands' and command is not null;
create index commits_void on commits (command) where verdict <> 'stands';
create index commits_of_stream on commits (stream, version) where verdict = 'stands';

create table erasures (ref uuid primary key, position bigint not null);

create table projections (
    name text primary key,
    version integer not null,
    next_position bigint not null,
    error_position bigint,
    error text
);
"""

COLUMNS = ("position", "verdict", "stream", "version", "command", "as_of", "data")


@dataclass(frozen=True, slots=True)
class Head:
    """How far the index has come. `last_digest` is the SHA-256 of the record at `last_position`."""

    next_position: int
    last_position: int | None
    last_digest: bytes | None
    as_of: datetime | None
    last_key: int
    genesis: Genesis | None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a command: it stood at a position, or its newest attempt there was void.

    `repeated`: the attempt that was asked for is not the one that stands.
    """

    command: UUID
    position: int
    verdict: str
    stream: str
    version: int
    repeated: bool = False

    @property
    def stands(self) -> bool:
        """Whether the command took effect."""
        return self.verdict == "stands"


async def read_head(connection: Connection, *, lock: bool = False) -> Head:
    """Read how far the index has come; with `lock`, keep others from moving it until the transaction ends."""
    row = await connection.fetchrow("select * from head" + (" for update" if lock else ""))
    assert row is not None
    entry = decode(row["genesis"]) if row["genesis"] else None
    genesis = entry if isinstance(entry, Genesis) else None
    return Head(row["next_position"], row["last_position"], row["last_digest"], row["as_of"], row["last_key"], genesis)


async def look_up(connection: Connection, batch: Sequence[Read], genesis: Genesis | None) -> Known:
    """Look up what the fold must know before a batch: its streams' versions, and which commands have stood."""
    commits = [read.commit for read in batch if read.commit is not None]
    streams = {commit.stream for commit in commits}
    commands = {commit.command for commit in commits}
    return Known(genesis, await versions(connection, streams), await stood(connection, commands))


async def versions(connection: Connection, streams: Iterable[str]) -> dict[str, int]:
    """Return the versions of those streams that exist."""
    rows = await connection.fetch(
        "select name, (select max(version) from commits where stream = name and verdict = 'stands') as version "
        "from unnest($1::text[]) as name",
        list(streams),
    )
    return {row["name"]: row["version"] for row in rows if row["version"] is not None}


async def stood(connection: Connection, commands: Iterable[UUID]) -> set[UUID]:
    """Return those of the commands that have stood."""
    rows = await connection.fetch(
        "select command from commits where command = any($1::uuid[]) and verdict = 'stands'", list(commands)
    )
    return {row["command"] for row in rows}


async def write(connection: Connection, judged: Sequence[Judged], head: Head) -> Head:
    """Keep a batch's records with their verdicts, and move the head behind them."""
    rows: list[tuple[Any, ...]] = []
    as_of, last_key, genesis = head.as_of, head.last_key, head.genesis
    for item in judged:
        entry = item.entry
        if entry is not None and item.stands:
            as_of = entry.time if as_of is None else max(as_of, entry.time)
        if isinstance(entry, Commit):
            last_key = max(last_key, entry.key) if item.stands else last_key
            rows.append(
                (item.record.position, item.verdict, entry.stream, item.version, entry.command, as_of, item.record.data)
            )
        else:
            genesis = entry if item.stands else genesis
            rows.append((item.record.position, item.verdict, None, None, None, as_of, item.record.data))
    await connection.copy_records_to_table("commits", records=rows, columns=COLUMNS)
    await write_erasures(connection, judged)
    last = judged[-1].record
    moved = Head(last.position + 1, last.position, sha256(last.data).digest(), as_of, last_key, genesis)
    await connection.execute(
        "update head set next_position = $1, last_position = $2, last_digest = $3, as_of = $4, last_key = $5, "
        "genesis = $6",
        moved.next_position,
        moved.last_position,
        moved.last_digest,
        moved.as_of,
        moved.last_key,
        None if genesis is None else msgspec.json.encode(genesis),
    )
    return moved


async def write_erasures(connection: Connection, judged: Sequence[Judged]) -> None:
    """Remember whom a batch erases, each at the first position that does."""
    refs: dict[UUID, int] = {}
    for item in judged:
        if item.stands and item.commit is not None and is_erasure(item.commit):
            refs.setdefault(owner_of(item.commit.stream), item.record.position)
    if refs:
        await connection.execute(
            "insert into erasures select * from unnest($1::uuid[], $2::bigint[]) on conflict do nothing",
            list(refs),
            list(refs.values()),
        )


async def erased_among(connection: Connection, refs: Iterable[UUID]) -> set[UUID]:
    """Return those of the refs that were erased."""
    rows = await connection.fetch("select ref from erasures where ref = any($1::uuid[])", list(refs))
    return {row["ref"] for row in rows}


async def erased_since(connection: Connection, position: int) -> list[tuple[int, UUID]]:
    """Return who was erased at a position or later, in log order."""
    rows = await connection.fetch("select position, ref from erasures where position >= $1 order by position", position)
    return [(row["position"], row["ref"]) for row in rows]


async def verdicts(connection: Connection, commands: Iterable[UUID]) -> dict[UUID, Settled]:
    """Return what became of each command that the index has seen: where it stood, else its newest void attempt."""
    rows = await connection.fetch(
        "select distinct on (command) command, position, verdict, stream, version from ("
        " select * from commits where command = any($1::uuid[]) and verdict = 'stands'"
        " union all select * from commits where command = any($1::uuid[]) and verdict <> 'stands') as attempts "
        "order by command, verdict = 'stands' desc, position desc",
        list(commands),
    )
    return {row["command"]: Settled(**dict(row)) for row in rows}


@dataclass(frozen=True, slots=True)
class Kept:
    """A standing commit as the index keeps it."""

    position: int
    as_of: datetime
    commit: Commit


def kept(row: asyncpg.Record) -> Kept:
    """Read a row of standing commits back."""
    commit = decode(row["data"])
    assert isinstance(commit, Commit)
    return Kept(row["position"], row["as_of"], commit)


async def standing_from(connection: Connection, start: int, limit: int) -> list[Kept]:
    """Return the standing commits from a position on, in log order."""
    rows = await connection.fetch(
        "select position, as_of, data from commits where position >= $1 and verdict = 'stands' "
        "and stream is not null order by position limit $2",
        start,
        limit,
    )
    return [kept(row) for row in rows]


async def stream_commits(connection: Connection, streams: Iterable[str], below: int | None = None) -> list[Kept]:
    """Return the standing commits of some streams in log order, those below a position where one is given."""
    rows = await connection.fetch(
        "select position, as_of, data from commits where stream = any($1::text[]) and verdict = 'stands' "
        "and ($2::bigint is null or position < $2) order by position",
        list(streams),
        below,
    )
    return [kept(row) for row in rows]


async def position_at(connection: Connection, time: datetime) -> int:
    """Return the end of the log as of a time: behind the last commit whose running maximum of times is not later."""
    found = await connection.fetchval("select max(position) + 1 from commits where as_of <= $1", time)
    return found or 0
