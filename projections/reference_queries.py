"""What is asked of the reference tables: every publication, and which are in force in a year."""

from datetime import datetime

import msgspec

from projections.database import Connection
from projections.transcript_queries import as_struct


class PublicationRow(msgspec.Struct, frozen=True):
    """One publication of a table: in force from the BSSY `effective` on, until the next one's.

    `digest` is what reports and commits name; `demonstration` says that rows of it are invented.
    """

    name: str
    effective: int
    position: int
    digest: str
    rows: int
    demonstration: bool
    blob: str
    published_at: datetime
    actor: str


async def list_publications(connection: Connection, name: str | None = None) -> tuple[PublicationRow, ...]:
    """Return every publication, or those of one table: by table, the one that is in force last first."""
    rows = await connection.fetch(
        "select * from reference_tables where $1::text is null or name = $1 "
        "order by name, effective desc, position desc",
        name,
    )
    return tuple(as_struct(row, PublicationRow) for row in rows)


async def publications_in_force(
    connection: Connection, bssy: int, *, below: int | None = None
) -> tuple[PublicationRow, ...]:
    """Return for each table the publication that is in force in a year; of two for one BSSY the later.

    With `below` as it stood before that position.
    """
    rows = await connection.fetch(
        "select distinct on (name) * from reference_tables "
        "where effective <= $1 and ($2::bigint is null or position < $2) "
        "order by name, effective desc, position desc",
        bssy,
        below,
    )
    return tuple(as_struct(row, PublicationRow) for row in rows)
