"""What is asked of the collections: whether a sponsor may write in a school year, and all periods and grants."""

from datetime import date, datetime

import msgspec

from events.collection import Collection
from projections.database import Connection
from projections.transcript_queries import as_struct


class PeriodRow(msgspec.Struct, frozen=True):
    """One school year's collection, with its newest opening or closing."""

    bssy: str
    opened: bool
    position: int
    changed_at: datetime


class GrantRow(msgspec.Struct, frozen=True):
    """One sponsor's access to a school year, up to and with a day."""

    bssy: str
    sponsor: str
    until: date
    position: int
    granted_at: datetime
    actor: str


async def list_periods(connection: Connection) -> tuple[PeriodRow, ...]:
    """Return every year that was ever opened or closed, the newest first."""
    rows = await connection.fetch("select * from collections order by bssy desc")
    return tuple(as_struct(row, PeriodRow) for row in rows)


async def list_grants(connection: Connection) -> tuple[GrantRow, ...]:
    """Return every grant, the newest year first; those whose day has passed too."""
    rows = await connection.fetch("select * from prior_year_grants order by bssy desc, sponsor")
    return tuple(as_struct(row, GrantRow) for row in rows)


async def periods_in_force(connection: Connection) -> bool:
    """Whether any collection was ever opened or closed; before that, every year is writable."""
    found: bool = await connection.fetchval("select exists (select from collections)")
    return found


async def find_collection(connection: Connection, bssy: str, sponsor: str) -> Collection:
    """Return one year's collection as far as it concerns a sponsor."""
    row = await connection.fetchrow(
        "select (select opened from collections where bssy = $1) as opened, "
        "(select until from prior_year_grants where bssy = $1 and sponsor = $2) as until",
        bssy,
        sponsor,
    )
    assert row is not None
    return Collection(row["opened"], {sponsor: row["until"]} if row["until"] else {})
