"""What an auditor asks of the index: a stream's attempts, the verdicts on some positions, where each view stands."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from events.commit import Commit, decode
from projections.database import Connection
from projections.index import SCHEMA
from projections.transcript_queries import as_struct


class ProjectionRow(msgspec.Struct, frozen=True):
    """Where one view stands: the next position it will read, and the event it stopped at, if it did."""

    name: str
    version: int
    next_position: int
    error_position: int | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A commit on a stream with its verdict, standing or void."""

    position: int
    as_of: datetime
    verdict: str
    commit: Commit


async def list_projections(connection: Connection) -> tuple[ProjectionRow, ...]:
    """Return where each view stands."""
    rows = await connection.fetch(f"select * from {SCHEMA}.projections order by name")
    return tuple(as_struct(row, ProjectionRow) for row in rows)


async def attempts(connection: Connection, stream: str) -> list[Attempt]:
    """Return every commit that was tried on a stream, in log order, with its verdict."""
    rows = await connection.fetch(
        "select position, as_of, verdict, data from commits where stream = $1 order by position", stream
    )
    entries = ((row, decode(row["data"])) for row in rows)
    return [
        Attempt(row["position"], row["as_of"], row["verdict"], entry)
        for row, entry in entries
        if isinstance(entry, Commit)
    ]


async def streams_of(connection: Connection, ref: UUID) -> list[str]:
    """Return the streams on which a student ever had a set. Reads the whole index of streams."""
    rows = await connection.fetch(
        "select distinct stream from commits where verdict = 'stands' and stream like 'student/%' "
        "and split_part(stream, '/', 3) = $1",
        str(ref),
    )
    return [row["stream"] for row in rows]


async def expected_versions(connection: Connection, positions: list[int]) -> dict[int, int]:
    """Return which version of its stream each commit at some positions was decided on."""
    rows = await connection.fetch("select position, data from commits where position = any($1::bigint[])", positions)
    entries = ((row["position"], decode(row["data"])) for row in rows)
    return {position: entry.expected for position, entry in entries if isinstance(entry, Commit)}


async def source_positions(connection: Connection, sources: list[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Return at which position each stream came to a version."""
    rows = await connection.fetch(
        "select stream, version, position from commits join unnest($1::text[], $2::integer[]) as s (stream, version) "
        "using (stream, version) where verdict = 'stands'",
        [stream for stream, _ in sources],
        [version for _, version in sources],
    )
    return {(row["stream"], row["version"]): row["position"] for row in rows}


async def verdicts_at(connection: Connection, positions: list[int]) -> dict[int, str]:
    """Return the verdicts on the records at some positions."""
    rows = await connection.fetch("select position, verdict from commits where position = any($1::bigint[])", positions)
    return {row["position"]: row["verdict"] for row in rows}


async def sponsors_streams_since(connection: Connection, sponsor: str, bssy: str, position: int) -> list[str]:
    """Return the students' streams of a sponsor and year that have grown behind a position, in no certain order."""
    rows = await connection.fetch(
        "select distinct stream from commits where position > $1 and verdict = 'stands' "
        "and split_part(stream, '/', 1) = 'student' and split_part(stream, '/', 2) = $2 "
        "and split_part(stream, '/', 4) = $3",
        position,
        sponsor,
        bssy,
    )
    return [row["stream"] for row in rows]
