"""How a projection that stands behind the head comes forward again, and how one is rebuilt beside the live one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from projections import index
from projections.advance import apply_or_park, move, park
from projections.database import Connection
from projections.opening import Keyring, owners
from projections.projection import History, Projection

BATCH = 200

NEXT = "__next"
"""What a schema and a projection's row are called while they are built beside the live ones."""

REBUILD_LOCK = 0x1ED6E9
SWITCH_PATIENCE = "1s"
"""How long a switch waits for those who read the old tables; the follower waits behind it."""

Told = Callable[[int], Any]


async def bring_forward(connection: Connection, projection: Projection, keyring: Keyring) -> bool:
    """Make a projection ready: rebuild the rows of an older version, catch up with the head otherwise.

    Rows of a newer version are for the code of that version, and are left alone.
    """
    version = await version_of(connection, projection)
    if version == projection.version:
        return await catch_up(connection, projection, keyring)
    if version is None or version > projection.version:
        return False
    async with one_rebuild_at_a_time(connection):
        if await version_of(connection, projection) == projection.version:
            return True  # another process has just rebuilt it
        return await build_and_switch(connection, projection, keyring, lambda _: None)


async def version_of(connection: Connection, projection: Projection) -> int | None:
    """Return the version of the projection's rows."""
    version: int | None = await connection.fetchval("select version from projections where name = $1", projection.name)
    return version


async def left_behind(connection: Connection) -> set[tuple[str, int]]:
    """Return name and version of the projections that stand behind the head and did not stop at an event."""
    rows = await connection.fetch(
        "select name, version from head, projections where projections.next_position < head.next_position "
        "and error is null"
    )
    return {(row["name"], row["version"]) for row in rows}


async def reached(connection: Connection, projections: Sequence[Projection]) -> int:
    """Return the position that the index and these projections have all reached; those that stopped do not count."""
    position: int = await connection.fetchval(
        "select least(next_position, (select min(next_position) from projections "
        "where error is null and (name, version) in (select * from unnest($1::text[], $2::integer[])))) from head",
        [projection.name for projection in projections],
        [projection.version for projection in projections],
    )
    return position


async def catch_up(connection: Connection, projection: Projection, keyring: Keyring) -> bool:
    """Bring a projection that was parked or joined later up to the head; False when it stops at an event again."""
    await connection.execute(
        "update projections set error = null, error_position = null where name = $1 and error is not null",
        projection.name,
    )
    return await forward(connection, projection, projection.name, keyring)


async def rebuild(
    connection: Connection, projection: Projection, keyring: Keyring, told: Told = lambda _: None
) -> bool:
    """Build a projection anew from position 0 beside the live one, then switch in one transaction (blue/green).

    The live rows serve until the switch. A rebuild that was cut off begins again; of two at once the second waits.
    False when the new rows stop at an event: the live ones then stay, and the list of projections says why.
    `told` hears how many positions are left.
    """
    async with one_rebuild_at_a_time(connection):
        return await build_and_switch(connection, projection, keyring, told)


@asynccontextmanager
async def one_rebuild_at_a_time(connection: Connection) -> AsyncIterator[None]:
    """Wait until nobody else rebuilds."""
    await connection.execute("select pg_advisory_lock($1)", REBUILD_LOCK)
    try:
        yield
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", REBUILD_LOCK)


async def build_and_switch(connection: Connection, projection: Projection, keyring: Keyring, told: Told) -> bool:
    """Rebuild, alone."""
    building = projection.name + NEXT
    await begin_building(connection, projection, building)
    try:
        while await forward(connection, projection, building, keyring, told):
            try:
                return await switch(connection, projection, building, keyring)
            except asyncpg.LockNotAvailableError:
                await asyncio.sleep(0.1)  # somebody reads the old tables for long; the follower goes on meanwhile
        return False
    finally:
        if not connection.is_closed():
            await drop_building(connection, building)


async def begin_building(connection: Connection, projection: Projection, building: str) -> None:
    """Create the new tables, in the place of those that a rebuild left behind when it was cut off."""
    async with connection.transaction():
        await drop_building(connection, building)
        await connection.execute("delete from projections where name = $1", building)
        await connection.execute(f'create schema "{building}"')
        await connection.execute(f'set local search_path to "{building}"')
        await connection.execute(projection.ddl)
        await connection.execute(
            f"insert into {index.SCHEMA}.projections (name, version, next_position) values ($1, $2, 0)",
            building,
            projection.version,
        )


async def drop_building(connection: Connection, building: str) -> None:
    """Drop the new tables, where there are any. What stopped them stays to be read until the next rebuild."""
    await connection.execute(f'drop schema if exists "{building}" cascade')
    await connection.execute("delete from projections where name = $1 and error is null", building)


async def forward(
    connection: Connection, projection: Projection, name: str, keyring: Keyring, told: Told = lambda _: None
) -> bool:
    """Fold what the index says stands, batch by batch, until the projection stands where the head stands."""
    while True:
        async with connection.transaction():
            behind = await step(connection, projection, name, keyring)
        if behind is None:
            return False
        told(behind)
        if behind == 0:
            return True


async def step(connection: Connection, projection: Projection, name: str, keyring: Keyring) -> int | None:
    """Fold one batch; return how many positions are still to go, None when it stopped at an event.

    The last batch is folded with the head locked, so that no follower can move it in between. The head is locked
    before the projection's own row, as followers do: in the other order they would wait for each other.
    """
    head = await index.read_head(connection)
    is_last = await is_nearly_there(connection, name)
    if is_last:
        head = await index.read_head(connection, lock=True)
    start = await connection.fetchval("select next_position from projections where name = $1 for update", name)
    commits = await index.standing_from(connection, start, BATCH)
    end = commits[-1].position + 1 if commits else start
    if is_last and len(commits) < BATCH:
        end = head.next_position
    if name != projection.name:
        await connection.execute(f'set local search_path to "{name}", {index.SCHEMA}')
    opened = await keyring.open(commits, await index.erased_among(connection, owners(commits)))
    parked = await apply_or_park(connection, projection, opened, History(connection, keyring))
    if parked is not None:
        await park(connection, name, parked)
        return None
    await move(connection, [name], end)
    return max(0, head.next_position - end)


async def is_nearly_there(connection: Connection, name: str) -> bool:
    """Tell whether less than a batch is still to be folded, as far as can be seen without a lock."""
    left = await connection.fetchval(
        "select count(*) from (select from commits where verdict = 'stands' and stream is not null and position >= "
        "(select next_position from projections where name = $1) order by position limit $2) as coming",
        name,
        BATCH,
    )
    return bool(left < BATCH)


async def switch(connection: Connection, projection: Projection, building: str, keyring: Keyring) -> bool:
    """Put the new rows in the place of the old ones, in one transaction and at one position.

    The head is locked first: what came since the last batch is folded here, and no follower moves in between. Raises
    asyncpg.LockNotAvailableError, having changed nothing, when somebody reads the old rows for too long.
    """
    async with connection.transaction():
        await index.read_head(connection, lock=True)
        behind = 1
        while behind:
            folded = await step(connection, projection, building, keyring)
            if folded is None:
                return False
            behind = folded
        await connection.execute(f"set local lock_timeout = '{SWITCH_PATIENCE}'")
        await connection.execute(f'drop schema if exists "{projection.name}" cascade')
        await connection.execute(f'alter schema "{building}" rename to "{projection.name}"')
        await connection.execute("delete from projections where name = $1", projection.name)
        await connection.execute("update projections set name = $2 where name = $1", building, projection.name)
    return True
