"""The status of each graduate's official transcript: Q queued, S sent, R rejected (R-183).

Q is not an event. It follows from certification and from the answers: a graduate in the newest list (nonpublic, whose
sites are not certified, R-173: a record with a graduation date) whose digests are not those of the last version, unless
what was certified last was rejected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from projections.database import Connection

WANTED = """
select c.ref, c.bssy, substr(c.site, 1, 3) as sponsor, c.site, 'public' as sector, c.version, c.record, c.identity,
       s.position as certified_at, s.certified_at as since
from certified_graduates as c join certified_sites as s using (site, bssy) where s.certified
union all
select g.ref, g.bssy, g.sponsor, g.site, g.sector, g.version, g.record, coalesce(i.identity, ''),
       greatest(g.position, coalesce(i.position, 0)), greatest(g.changed_at, coalesce(i.changed_at, g.changed_at))
from graduates as g left join identities as i using (ref) where g.sector = 'nonpublic'
"""

STATUS = f"""
with wanted as ({WANTED}),
last_version as (
    select distinct on (ref) ref, bssy, record, identity, number, answered_at, position
    from official_answers where status = 'S' order by ref, position desc
),
last_answer as (
    select distinct on (ref, bssy) * from official_answers order by ref, bssy, position desc
)
select w.*,
       case when v.bssy = w.bssy and v.record = w.record and v.identity = w.identity then 'S'
            when a.status = 'R' and a.certified_at >= w.certified_at then 'R'
            else 'Q' end as status,
       coalesce(v.number, 0) as number,
       case when a.status = 'R' and a.certified_at >= w.certified_at then a.reasons else array[]::text[] end as reasons,
       a.answered_at
from wanted as w left join last_version as v using (ref) left join last_answer as a on a.ref = w.ref and a.bssy = w.bssy
"""


@dataclass(frozen=True, slots=True)
class Status:
    """One graduate's status. `since` is when they were certified, so a Q's age counts from it.

    `number` is the newest version there is, 0 for none; `reasons` are those of an R.
    """

    ref: UUID
    bssy: str
    sponsor: str
    site: str
    sector: str
    version: int
    record: str
    identity: str
    certified_at: int
    since: datetime
    status: str
    number: int
    reasons: tuple[str, ...]
    answered_at: datetime | None


async def statuses(
    connection: Connection,
    *,
    status: str | None = None,
    site: str | None = None,
    ref: UUID | None = None,
    limit: int | None = None,
) -> list[Status]:
    """Return the statuses that are asked for, those that wait longest first."""
    rows = await connection.fetch(
        f"select * from ({STATUS}) as statuses where ($1::text is null or status = $1) "
        "and ($2::text is null or site = $2) and ($3::uuid is null or ref = $3) "
        "order by certified_at, site, ref limit $4",
        status,
        site,
        ref,
        limit,
    )
    return [Status(**{**dict(row), "reasons": tuple(row["reasons"])}) for row in rows]


async def queue(connection: Connection, limit: int) -> Sequence[Status]:
    """Return who waits for a transcript, the oldest first."""
    return await statuses(connection, status="Q", limit=limit)
