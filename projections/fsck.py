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
from projections.catch_up import NEXT
from projections.database import Connection
from projections.opening import Keyring
from projections.projection import Projection
from projections.views import PROJECTIONS

INDEX_TABLES = ("head", "commits", "erasures", "projections")
BATCH = 500


class ViewsReplacedError(Exception):
    """A view was rebuilt while it was being compared; nothing is known of it. Run fsck again."""


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
    """Fold the log up to the views' position into scratch tables and compare. `told` hears (position, end).

    Raises ViewsReplacedError when a rebuild was switched in meanwhile: its rows are younger than what fsck sees.
    """
    scratch = f"fsck_{uuid4().hex[:8]}"
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        await connection.execute("set local idle_in_transaction_session_timeout = 0")
        position = (await index.read_head(connection)).next_position
        seen = await identities(connection, projections)
        await create_scratch(connection, scratch, projections)
        await fold_into_scratch(connection, log, keyring, position, projections, told)
        finding = await compare(connection, scratch, position, projections)
        if await identities(connection, projections) != seen:
            raise ViewsReplacedError("a view was rebuilt while it was compared; run `ledger fsck` again")
        return finding
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


async def identities(connection: Connection, projections: Sequence[Projection]) -> list[int | None]:
    """Return which tables stand under the live names; a rebuild puts others there."""
    names = [live(*table) for table in tables_of(projections)]
    return [await connection.fetchval("select to_regclass($1)::oid", name) for name in names]


def tables_of(projections: Sequence[Projection]) -> list[tuple[str, str]]:
    """Return schema and name of every table that is compared."""
    tables = [(index.SCHEMA, table) for table in INDEX_TABLES]
    return tables + [(projection.name, table) for projection in projections for table in projection.tables]


def live(schema: str, table: str) -> str:
    """Return the full name of a live table."""
    return f'"{schema}"."{table}"'


async def compare(connection: Connection, scratch: str, position: int, projections: Sequence[Projection]) -> Finding:
    """Compare each live table with its scratch twin, row for row."""
    rows, differences = 0, []
    for schema, table in tables_of(projections):
        # What is being built beside the live rows stands in the same list, and is nobody's view yet.
        only = f" where right(name, {len(NEXT)}) <> '{NEXT}'" if table == "projections" else ""
        held, folded = f"(select * from {live(schema, table)}{only})", f'(select * from "{scratch}"."{table}")'
        only_live = await only_in(connection, held, folded)
        only_folded = await only_in(connection, folded, held)
        rows += await connection.fetchval(f"select count(*) from {held} as held")
        if only_live or only_folded:
            differences.append(Difference(f"{schema}.{table}", only_live, only_folded))
    return Finding(position, rows, tuple(differences))


async def only_in(connection: Connection, one: str, other: str) -> int:
    """Count the rows of one table that the other lacks, as a multiset."""
    count: int = await connection.fetchval(f"select count(*) from ({one} except all {other}) as lacking")
    return count
