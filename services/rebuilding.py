"""Throw every view away and fold the log anew. Nothing is lost: log, registry and blobs hold all there is."""

from collections.abc import Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any

from events.commit import Genesis, short
from events.genesis import find_genesis
from events.log.contract import LogUnfit
from projections import catch_up, index
from projections.advance import advance
from projections.database import Connection, ViewsUnfitError, connect, refuse_registry_database
from projections.follower import BATCH
from projections.index_queries import ProjectionRow, list_projections
from projections.opening import Keyring
from projections.projection import Projection
from projections.views import PROJECTIONS, SCHEMAS, create_views, drop_views, shut_views
from services import wiring
from services.ledger import Ledger
from services.settings import Settings

Told = Callable[[str, int, int], Any]


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild of everything came to: the next position, and where each view stands."""

    genesis: Genesis
    next_position: int
    projections: tuple[ProjectionRow, ...]


async def rebuild_all(settings: Settings, *, told: Told = lambda _step, _done, _of: None) -> Rebuilt:
    """Drop the views and fold the log from its beginning.

    This is how a ledger goes on after its log was restored shorter than the views had it, so it does not compare the
    two first. Other processes see the views empty, and then filling. Raises ViewsUnfitError for another ledger's.
    """
    async with AsyncExitStack() as stack:
        log = await wiring.open_log(settings)
        stack.push_async_callback(log.close)
        genesis = await find_genesis(log)
        if genesis is None:
            raise LogUnfit("this log holds no ledger yet, so there is nothing to rebuild. Upload a file first.")
        views_dsn, registry_dsn = await wiring.databases(settings, stack)
        key = wiring.master_key(settings, new_ledger=False, told=lambda _: None)
        registry = await wiring.open_registry(settings, registry_dsn, genesis, key)
        stack.push_async_callback(registry.close)
        connection = await connect(views_dsn, SCHEMAS)
        stack.push_async_callback(connection.close)
        await empty_views(connection, genesis)
        end, keyring = await log.end(), Keyring(registry, log)
        position = 0
        async with aclosing(log.read(0, limit=BATCH)) as batches:
            async for records in batches:
                position = await advance(connection, position, records, PROJECTIONS, keyring)
                told("folding the log", position, end)
        return Rebuilt(genesis, position, await list_projections(connection))


async def empty_views(connection: Connection, genesis: Genesis) -> None:
    """Drop and create every view in one transaction, so that nobody ever misses a table."""
    await refuse_registry_database(connection)
    async with connection.transaction():
        await shut_views(connection)
        if await connection.fetchval("select to_regclass($1) is not null", f"{index.SCHEMA}.head"):
            head = await index.read_head(connection)
            if head.genesis is not None and head.genesis.ledger != genesis.ledger:
                raise ViewsUnfitError(
                    f"these views belong to ledger {short(head.genesis.ledger)}, the log to {short(genesis.ledger)}; "
                    "nothing was dropped. Name the views of this ledger (LEDGER_VIEWS_DSN)."
                )
        await drop_views(connection)
        await create_views(connection)


class UnknownView(Exception):
    """No view has this name."""


async def rebuild_view(ledger: Ledger, name: str, *, told: Told = lambda _step, _done, _of: None) -> bool:
    """Build one view anew beside the live one, and switch; False when it stopped at an event."""
    projection = named(name)
    total = await ledger.caught_up()
    connection = await connect(ledger.views_dsn, SCHEMAS)
    try:
        return await catch_up.rebuild(
            connection,
            projection,
            ledger.keyring,
            lambda left: told("folding what stands", max(0, total - left), total),
        )
    finally:
        await connection.close()


async def retry_view(ledger: Ledger, name: str) -> bool:
    """Let a stopped view try again; False when it stopped again."""
    projection = named(name)
    await ledger.caught_up()
    connection = await connect(ledger.views_dsn, SCHEMAS)
    try:
        return await catch_up.catch_up(connection, projection, ledger.keyring)
    finally:
        await connection.close()


def named(name: str) -> Projection:
    """Return the view of a name. Raises UnknownView."""
    found = next((projection for projection in PROJECTIONS if projection.name == name), None)
    if found is None:
        names = ", ".join(projection.name for projection in PROJECTIONS)
        raise UnknownView(f"there is no view {name!r}. There are: {names}.")
    return found
