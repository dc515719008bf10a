"""The one place that builds connections: settings in, an open ledger out."""

import asyncio
import getpass
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime
from uuid import uuid4

from events.commit import Genesis
from events.genesis import adopt_genesis
from events.log.contract import Log
from events.registry.contract import Registry, RegistryUnfit
from events.registry.master_key import MasterKey, create_master_key, load_master_key
from events.registry.postgres import PostgresRegistry
from projections import index
from projections.database import Pool, connect, connect_pool
from projections.follower import Follower
from projections.index import Head
from projections.opening import Keyring
from projections.startup import check_log_against_views, check_registry, refuse_another_ledger
from projections.verdicts import Verdicts
from projections.views import SCHEMAS, create_views
from services.blobs import BlobStore
from services.ledger import Ledger
from services.settings import Settings


def now() -> datetime:
    """The one clock."""
    return datetime.now(UTC)


def operator() -> str:
    """Name who acts: the operating system's user. Nothing has authenticated them to the ledger, and it says so."""
    return f"{getpass.getuser()} (operating system user, unauthenticated)"


async def open_log(settings: Settings) -> Log:
    """Open the log that the settings name."""
    if settings.log == "kafka":
        from events.log.kafka import KafkaLog

        return await KafkaLog.open(
            settings.kafka, settings.topic, replication=settings.replication, min_insync=settings.min_insync
        )
    from events.log.sqlite import SqliteLog

    return await SqliteLog.open(settings.home / "ledger.sqlite")


async def databases(settings: Settings, stack: AsyncExitStack) -> tuple[str, str]:
    """Return the DSNs of views and registry, starting our own server for those that are not given."""
    views = settings.views_dsn.get_secret_value() if settings.views_dsn else ""
    registry = settings.registry_dsn.get_secret_value() if settings.registry_dsn else ""
    if not views or not registry:
        from services.embedded import postgres

        server = await stack.enter_async_context(await postgres.start(settings.home))
        views = views or await server.database("views")
        registry = registry or await server.database("registry")
    return views, registry


def master_key(settings: Settings, *, new_ledger: bool, told: Callable[[str], None]) -> MasterKey:
    """Return the master key; for a new ledger without one, make it. A lost key is never silently replaced."""
    if settings.master_key is not None:
        return load_master_key(settings.master_key.get_secret_value())
    if not settings.key_file.exists():
        if not new_ledger:
            raise RegistryUnfit(
                f"the master key {settings.key_file} is missing, and this ledger already holds records that only it "
                "opens; restore it from your backup, or name it by LEDGER_MASTER_KEY_FILE"
            )
        with suppress(RegistryUnfit):  # another process has just made it
            create_master_key(settings.key_file)
            told(f"Made the master key {settings.key_file}. Back it up apart from the data: nothing opens without it.")
    return load_master_key(settings.key_file)


async def open_registry(settings: Settings, dsn: str, genesis: Genesis, key: MasterKey) -> Registry:
    """Open the registry and bind it to the ledger."""
    return await PostgresRegistry.open(dsn, master=key, ledger=genesis.ledger, state_system=settings.state_system)


async def open_views(dsn: str, log: Log, registry: Registry, genesis: Genesis) -> Pool:
    """Create what is missing of the views, and refuse a log or a registry that does not belong to them."""
    head = await head_of_views(dsn)
    refuse_another_ledger(head, genesis)
    await check_log_against_views(log, head)
    await check_registry(registry, head)
    return await connect_pool(dsn, SCHEMAS)


async def refuse_emptied_log(dsn: str, log: Log) -> None:
    """Refuse a log that lost everything the views have folded, before another ledger is begun in it."""
    if await log.end() == 0:
        await check_log_against_views(log, await head_of_views(dsn))


async def head_of_views(dsn: str) -> Head:
    """Create what is missing of the views, and return how far they have come."""
    connection = await connect(dsn, SCHEMAS)
    try:
        await create_views(connection)
        return await index.read_head(connection)
    finally:
        await connection.close()


@asynccontextmanager
async def open_ledger(
    settings: Settings,
    *,
    clock: Callable[[], datetime] = now,
    told: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Ledger]:
    """Open log, registry, blobs and views, and follow the log until the block ends.

    Raises LogUnfit, RegistryUnfit or ViewsUnfitError when something does not belong together, and their Unavailable
    kin when something cannot be reached.
    """
    settings.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with AsyncExitStack() as stack:
        log = await open_log(settings)
        stack.push_async_callback(log.close)
        views_dsn, registry_dsn = await databases(settings, stack)
        await refuse_emptied_log(views_dsn, log)
        genesis = await adopt_genesis(log, ledger=uuid4(), state_system=settings.state_system, time=clock())
        key = master_key(settings, new_ledger=await log.end() <= 1, told=told)
        registry = await open_registry(settings, registry_dsn, genesis, key)
        stack.push_async_callback(registry.close)
        pool = await open_views(views_dsn, log, registry, genesis)
        stack.push_async_callback(pool.close)
        verdicts = Verdicts(pool)
        await verdicts.start()
        stack.push_async_callback(verdicts.close)
        follower = Follower(views_dsn, log, registry)
        following = asyncio.create_task(follower.run(), name="follower")
        stack.push_async_callback(stop, following)
        yield Ledger(
            genesis=genesis,
            log=log,
            registry=registry,
            blobs=BlobStore.at(settings.blobs_url),
            pool=pool,
            keyring=Keyring(registry, log),
            verdicts=verdicts,
            follower=follower,
            actor=operator(),
            clock=clock,
            max_upload_bytes=settings.max_upload_bytes,
            views_dsn=views_dsn,
            following=following,
        )


async def stop(task: "asyncio.Task[None]") -> None:
    """Cancel a task and wait for its end. What it failed with was told where it mattered."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
