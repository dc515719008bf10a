"""Looking at rows, and projections that misbehave."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from events.log.contract import Log, Record
from projections import index
from projections.current_transcripts import CurrentTranscripts
from projections.database import Connection
from projections.fsck import INDEX_TABLES
from projections.opening import OpenCommit
from projections.projection import History, Projection
from projections.views import PROJECTIONS

OTHERS = tuple(one for one in PROJECTIONS if one.name != CurrentTranscripts.name)
"""Every projection but the current transcripts."""

Rows = dict[str, list[tuple[Any, ...]]]


async def dump(connection: Connection, *, only: str | None = None) -> Rows:
    """Return every row of every table, or of one projection's, in an order that does not matter."""
    tables = [(index.SCHEMA, table) for table in INDEX_TABLES]
    tables += [(projection.name, table) for projection in PROJECTIONS for table in projection.tables]
    return {
        f"{schema}.{table}": sorted(
            (tuple(row) for row in await connection.fetch(f'select * from "{schema}"."{table}"')), key=repr
        )
        for schema, table in tables
        if only in {None, schema}
    }


async def head_of(connection: Connection) -> int:
    """Return the position that the views will read next."""
    return (await index.read_head(connection)).next_position


async def records_of(log: Log, start: int = 0) -> list[Record]:
    """Return everything that lies in the log."""
    return [record async for batch in log.read(start) for record in batch]


async def error_of(connection: Connection, name: str) -> tuple[int, str] | None:
    """Return where a projection stopped and why, None where it follows."""
    row = await connection.fetchrow("select error_position, error from projections where name = $1", name)
    assert row is not None
    return None if row["error"] is None else (row["error_position"], row["error"])


class Broken(CurrentTranscripts):
    """Current transcripts, but `raises` is called with each commit first."""

    def __init__(self, raises: Callable[[OpenCommit], None]) -> None:
        self.raises = raises

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], history: History) -> None:
        for commit in commits:
            self.raises(commit)
        await super().apply(connection, commits, history)


class Gated(CurrentTranscripts):
    """Current transcripts, but each batch first waits at `gate`."""

    def __init__(self, gate: Callable[[Connection], Awaitable[None]]) -> None:
        self.gate = gate

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], history: History) -> None:
        await self.gate(connection)
        await super().apply(connection, commits, history)


def with_transcripts(projection: Projection) -> tuple[Projection, ...]:
    """Return all projections with this one for the current transcripts."""
    return (projection, *OTHERS)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until something outside this process's control has happened."""
    async with asyncio.timeout(seconds):
        while True:
            if await condition():
                return
            await asyncio.sleep(0.01)
