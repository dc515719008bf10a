"""Reference tables in the ledger: which there are, which are in force in a year, and their content.

A table's canonical content is a sealed blob, since a table may hold persons; its publication is an event on
`reference/<table>`.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from types import MappingProxyType

from events.publication import NOTHING_PUBLISHED, Published, ReferencePublished, evolve
from events.streams import reference_stream
from projections.opening import OpenCommit
from projections.reference_queries import PublicationRow, list_publications, publications_in_force
from schemas.louisiana_sts.reference_csv import from_canonical
from schemas.reference import ReferenceTable, ReferenceTables
from services.blobs import BlobDamaged
from services.ledger import Ledger

MOST_OPENED = 64
"""Tables that a process keeps open."""


def published(commits: Iterable[OpenCommit]) -> tuple[int, Published]:
    """Fold a table's stream: its version, and its publications."""
    version, state = 0, NOTHING_PUBLISHED
    for commit in commits:
        version = commit.commit.version
        for event in commit.events:
            assert isinstance(event, ReferencePublished)
            state = evolve(state, event)
    return version, state


async def publications(ledger: Ledger, name: str | None = None) -> tuple[PublicationRow, ...]:
    """Return every publication, or those of one table. Raises ViewStopped."""
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "reference_tables")
        return await list_publications(connection, name)


async def tables_in_force(
    ledger: Ledger, bssy: int, *, names: Collection[str] | None = None, below: int | None = None
) -> ReferenceTables:
    """Return the tables that are in force in a year, each with the digest that reports and commits name.

    With `names` only these, with `below` as they stood before that position. Raises ViewStopped, and BlobMissing or
    BlobDamaged where a table's content is not what was published.
    """
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "reference_tables")
        rows = await publications_in_force(connection, bssy, below=below)
    wanted = [row for row in rows if names is None or row.name in names]
    return ReferenceTables(MappingProxyType({row.name: await opened(ledger, row) for row in wanted}))


async def opened(ledger: Ledger, row: PublicationRow) -> ReferenceTable:
    """Open a publication's table, once a process. Raises BlobMissing or BlobDamaged."""
    if row.blob not in ledger.tables:
        while len(ledger.tables) >= MOST_OPENED:
            ledger.tables.pop(next(iter(ledger.tables)))
        ledger.tables[row.blob] = await unsealed(ledger, row)
    return ledger.tables[row.blob]


async def unsealed(ledger: Ledger, row: PublicationRow) -> ReferenceTable:
    """Open a publication's blob, and compare its content with what the event says of it."""
    commits = await ledger.events_of(reference_stream(row.name))
    commit = next(one for one in commits if one.position == row.position)
    event = next(one for one in commit.events if isinstance(one, ReferencePublished))
    assert commit.key is not None
    data = await ledger.blobs.get(event.blob, commit.key)
    table = from_canonical(row.name, data, effective=event.effective)
    if table.digest != event.content:
        raise BlobDamaged(
            f"The table {row.name} of position {row.position} is not what was published there: its content has another "
            "digest. Restore the blobs that were kept together with this log."
        )
    return replace(table, digest=event.digest)
