"""All views: which there are, and how their tables come to be."""

from collections.abc import Sequence

from projections import index
from projections.certifications import Certifications
from projections.collections import Collections
from projections.current_transcripts import CurrentTranscripts
from projections.database import Connection, refuse_registry_database
from projections.feed_ots import FeedOts
from projections.official_transcripts import OfficialTranscripts
from projections.projection import Projection
from projections.reference_tables import ReferenceTablesView
from projections.uploads import Uploads

PROJECTIONS: tuple[Projection, ...] = (
    CurrentTranscripts(),
    Uploads(),
    Certifications(),
    OfficialTranscripts(),
    Collections(),
    ReferenceTablesView(),
    FeedOts(),
)
SCHEMAS = (index.SCHEMA, *(projection.name for projection in PROJECTIONS))
CREATION_LOCK = 0x1ED6E7  # any number, the same in every process


async def create_views(connection: Connection, projections: Sequence[Projection] = PROJECTIONS) -> None:
    """Create what is missing: the index, and each projection's tables at the position where they are empty.

    A projection that joins later starts at position 0 and catches up. Raises ViewsUnfitError for the registry's
    database. Processes that start at once wait for each other.
    """
    await refuse_registry_database(connection)
    async with connection.transaction():
        await connection.execute("select pg_advisory_xact_lock($1)", CREATION_LOCK)
        # Not by to_regnamespace: it may answer from a cache older than the lock.
        if not await connection.fetchval("select exists (select from pg_namespace where nspname = $1)", index.SCHEMA):
            await create_schema(connection, index.SCHEMA, index.DDL)
        known = {row["name"] for row in await connection.fetch(f"select name from {index.SCHEMA}.projections")}
        for projection in projections:
            if projection.name not in known:
                await create_schema(connection, projection.name, projection.ddl)
                await connection.execute(
                    f"insert into {index.SCHEMA}.projections (name, version, next_position) values ($1, $2, 0)",
                    projection.name,
                    projection.version,
                )


async def create_schema(connection: Connection, schema: str, ddl: str) -> None:
    """Create a schema and the tables in it."""
    path = await connection.fetchval("select current_setting('search_path')")
    await connection.execute(f'create schema "{schema}"')
    await connection.execute(f'set local search_path to "{schema}"')
    await connection.execute(ddl)
    await connection.execute("select set_config('search_path', $1, true)", path)


async def drop_views(connection: Connection, projections: Sequence[Projection] = PROJECTIONS) -> None:
    """Throw every view away. Nothing is lost: the log, the registry and the blobs hold all there is."""
    async with connection.transaction():
        await shut_views(connection)
        for schema in (index.SCHEMA, *(projection.name for projection in projections)):
            await connection.execute(f'drop schema if exists "{schema}" cascade')


async def shut_views(connection: Connection) -> None:
    """Let nobody in until the transaction ends: everybody looks at the head before any other table, or at it alone."""
    if await connection.fetchval("select to_regclass($1) is not null", f"{index.SCHEMA}.head"):
        await connection.execute(f"lock table {index.SCHEMA}.head in access exclusive mode")
