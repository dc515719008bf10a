"""How a projection that stands behind the head comes forward again, and how one is rebuilt beside the live one."""

from collections.abc import Callable
from typing import Any

from projections import index
from projections.advance import apply_or_park, move
from projections.database import Connection
from projections.opening import Keyring
from projections.projection import History, Projection

BATCH = 200

NEXT = "__next"
"""What a schema and a projection's row are called while they are built beside the live ones."""


REBUILD_LOCK = 0x1ED6E9


async def bring_forward(connection: Connection, projection: Projection, keyring: Keyring) -> bool:
    """Make a projection ready at start-up: rebuild the rows of an older version, catch up with the head otherwise."""
    version = await connection.fetchval("select version from projections where name = $1", projection.name)
    if version is not None and version < projection.version:
        return await rebuild(connection, projection, keyring)
    return await catch_up(connection, projection, keyring)


async def catch_up(connection: Connection, projection: Projection, keyring: Keyring) -> bool:
    """Bring a projection that was parked or joined later up to the head; False when it stops at an event again."""
    await connection.execute(
        "update projections set error = null, error_position = null where name = $1", projection.name
    )
    return await forward(connection, projection, projection.name, keyring)


async def rebuild(
    connection: Connection, projection: Projection, keyring: Keyring, told: Callable[[int], Any] = lambda _: None
) -> bool:
    """Build a projection anew from position 0 beside the live one, then switch in one transaction (blue/green).

    The live rows serve until the switch. A rebuild that was cut off begins again. False when the new rows stop at an
    event: the live ones then stay. `told` hears each position reached.
    """
    await connection.execute("select pg_advisory_lock($1)", REBUILD_LOCK)
    try:
        return await build_and_switch(connection, projection, keyring, told)
    finally:
        if not connection.is_closed():
            await connection.execute("select pg_advisory_unlock($1)", REBUILD_LOCK)


async def build_and_switch(
    connection: Connection, projection: Projection, keyring: Keyring, told: Callable[[int], Any]
) -> bool:
    """Rebuild, alone."""
    building = projection.name + NEXT
    async with connection.transaction():
        await connection.execute(f'drop schema if exists "{building}" cascade')
        await connection.execute("delete from projections where name = $1", building)
        await connection.execute(f'create schema "{building}"')
        await connection.execute(f'set local search_path to "{building}"')
        await connection.execute(projection.ddl)
        await connection.execute(
            f"insert into {index.SCHEMA}.projections (name, version, next_position) values ($1, $2, 0)",
            building,
            projection.version,
        )
    try:
        built = await forward(connection, projection, building, keyring, told)
        return built and await switch(connection, projection, building, keyring)
    finally:
        if not connection.is_closed():
            await connection.execute(f'drop schema if exists "{building}" cascade')
            await connection.execute("delete from projections where name = $1", building)


async def forward(
    connection: Connection,
    projection: Projection,
    name: str,
    keyring: Keyring,
    told: Callable[[int], Any] = lambda _: None,
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

    The last batch is folded with the head locked, so that no follower can move it in between.
    """
    start = await connection.fetchval("select next_position from projections where name = $1 for update", name)
    head = await index.read_head(connection)
    commits = await index.standing_from(connection, start, BATCH)
    if len(commits) < BATCH:
        head = await index.read_head(connection, lock=True)
        commits = await index.standing_from(connection, start, BATCH)
    end = commits[-1].position + 1 if len(commits) == BATCH else head.next_position
    if name != projection.name:
        await connection.execute(f'set local search_path to "{name}", {index.SCHEMA}')
    opened = await keyring.open(commits)
    parked = await apply_or_park(connection, projection, opened, History(connection, keyring))
    await move(connection, name, end, parked)
    return None if parked is not None else head.next_position - end


async def switch(connection: Connection, projection: Projection, building: str, keyring: Keyring) -> bool:
    """Put the new rows in the place of the old ones, in one transaction and at one position.

    The head is locked first: what came since the last batch is folded here, and no follower moves in between.
    """
    async with connection.transaction():
        await index.read_head(connection, lock=True)
        behind = 1
        while behind:
            folded = await step(connection, projection, building, keyring)
            if folded is None:
                return False
            behind = folded
        await connection.execute(f'drop schema if exists "{projection.name}" cascade')
        await connection.execute(f'alter schema "{building}" rename to "{projection.name}"')
        await connection.execute("delete from projections where name = $1", projection.name)
        await connection.execute("update projections set name = $2 where name = $1", building, projection.name)
    return True
