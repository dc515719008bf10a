"""Who lacks what an agency needs to match a person: only that it is missing is told, never a value (R-192)."""

from uuid import UUID

import msgspec

from projections.database import Connection
from projections.transcript_queries import as_struct


class Held(msgspec.Struct, frozen=True):
    """A student of the current transcripts. A nonpublic student's state id may be a social security number."""

    ref: UUID
    state_id: str
    local_id: str
    bssy: str
    sponsor: str
    site: str


class Lacking(msgspec.Struct, frozen=True):
    """A student who lacks something; `state_id` is empty for a nonpublic one, whose local id names them."""

    state_id: str
    local_id: str
    bssy: str
    site: str
    ssn: bool
    name: bool
    birth_date: bool


async def students_held(connection: Connection, *, site: str | None, bssy: str | None) -> list[Held]:
    """Return whose sets are held, by year, site and id."""
    rows = await connection.fetch(
        "select ref, state_id, local_id, bssy, sponsor, site from transcript_students "
        "where ($1::text is null or site = $1) and ($2::text is null or bssy = $2) "
        "order by bssy desc, site, state_id, sponsor",
        site,
        bssy,
    )
    return [as_struct(row, Held) for row in rows]
