"""fsck: fold the log again and compare every row with the live ones. "0 differences", or the list.

Everything happens in one repeatable-read transaction that is rolled back: the live rows are seen as they were at one
position, the scratch rows are our own writes, nothing is stopped and nothing is left behind.
"""

from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from events.log.contract import Log
from projections import index
from projections.advance import advance
from projections.database import Connection
from projections.opening import Keyring
from projections.projection import Projection
from projections.views import PROJECTIONS

INDEX_TABLES = ("head", "commits", "projections")
BATCH = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """A table whose rows are not what the log says: rows only in the live views, rows only in the fold."""

    table: str
    only_live: int
    only_folded: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What fsck found: the position it compared at, how many rows agree, and where they differ."""

    position: int
    rows: int
    differences: tuple[Difference, ...]


async def fsck(
    connection: Connection,
    log: Log,
    keyring: Keyring,
    *,
    projections: Sequence[Projection] = PROJECTIONS,
    told: Callable[[int, int], Any] = lambda _done, _of: None,
) -> Finding:
    """Fold the log up to the views' position into scratch tables and compare. `told` hears (position, end)."""
    scratch = f"fsck_{uuid4().hex[:8]}"
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        await connection.execute("set local idle_in_transaction_session_timeout = 0")
        position = (await index.read_head(connection)).next_position
        await create_scratch(connection, scratch, projections)
        await fold_into_scratch(connection, log, keyring, position, projections, told)
        return await compare(connection, scratch, position, projections)
    finally:
        await transaction.rollback()


async def create_scratch(connection: Connection, scratch: str, projections: Sequence[Projection]) -> None:
    """Create every table once more in a schema of our own, which comes first on the search path."""
    await connection.execute(f'create schema "{scratch}"')
    await connection.execute(f'set local search_path to "{scratch}"')
    await connection.execute(index.DDL)
    for projection in projections:
        await connection.execute(projection.ddl)
        await connection.execute(
            "insert into projections (name, version, next_position) values ($1, $2, 0)",
            projection.name,
            projection.version,
        )


async def fold_into_scratch(
    connection: Connection,
    log: Log,
    keyring: Keyring,
    end: int,
    projections: Sequence[Projection],
    told: Callable[[int, int], Any],
) -> None:
    """Fold the log from its beginning to `end` with the follower's own code."""
    position = 0
    async with aclosing(log.read(0, limit=BATCH)) as reading:
        async for records in reading:
            wanted = [record for record in records if record.position < end]
            if not wanted:
                return
            position = await advance(connection, position, wanted, projections, keyring)
            told(position, end)


async def compare(connection: Connection, scratch: str, position: int, projections: Sequence[Projection]) -> Finding:
    """Compare each live table with its scratch twin, row for row."""
    tables = [(index.SCHEMA, table) for table in INDEX_TABLES]
    tables += [(projection.name, table) for projection in projections for table in projection.tables]
    rows, differences = 0, []
    for schema, table in tables:
        live, folded = f'"{schema}"."{table}"', f'"{scratch}"."{table}"'
        only_live = await only_in(connection, live, folded)
        only_folded = await only_in(connection, folded, live)
        rows += await connection.fetchval(f"select count(*) from {live}")
        if only_live or only_folded:
            differences.append(Difference(f"{schema}.{table}", only_live, only_folded))
    return Finding(position, rows, tuple(differences))


async def only_in(connection: Connection, one: str, other: str) -> int:
    """Count the rows of one table that the other lacks, as a multiset."""
    count: int = await connection.fetchval(f"select count(*) from (table {one} except all table {other}) as lacking")
    return count
