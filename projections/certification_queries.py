"""What is asked of the certifications: a site's graduates, and which sites are certified, no longer, or never."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from projections.database import Connection
from projections.transcript_queries import as_struct

Standing = Literal["certified", "needs-recertification", "withdrawn", "never-certified"]
Change = Literal["record-changed", "identity-changed", "not-in-list", "no-graduate-any-more"]


class GraduateRow(msgspec.Struct, frozen=True):
    """A graduate as they stand: the stream's version, and the keyed digests of record and identity."""

    ref: UUID
    sponsor: str
    sector: str
    version: int
    record: str
    identity: str


class Disagreement(msgspec.Struct, frozen=True):
    """A graduate who is not certified as they stand: what happened, and the change since which it is so.

    Of a changed record or a graduate no longer it is the first change that the certifier did not see; of an identity
    and of somebody whom the list lacks it is the newest.
    """

    site: str
    bssy: str
    ref: UUID
    state_id: str
    what: Change
    position: int
    changed_at: datetime


class SiteRow(msgspec.Struct, frozen=True):
    """One public site in one school year. `certified_at` and `position` are those of the newest act, if there is one.

    `graduates` are those of now; `agreeing` are certified as they stand; `disagreeing` are not, or stand in the list
    and are graduates no more. `since` is the earliest change that nobody certified.
    """

    site: str
    bssy: str
    standing: Standing
    graduates: int
    agreeing: int
    disagreeing: int
    certified_at: datetime | None
    position: int | None
    actor: str | None
    since_position: int | None
    since: datetime | None


async def graduates_of(connection: Connection, site: str, bssy: str) -> list[GraduateRow]:
    """Return a site's graduates in a fixed order."""
    rows = await connection.fetch(
        "select g.*, coalesce(i.identity, '') as identity from graduates as g "
        "left join identities as i using (ref) where g.site = $1 and g.bssy = $2 order by g.ref, g.sponsor",
        site,
        bssy,
    )
    return [as_struct(row, GraduateRow) for row in rows]


# A certified graduate who is none any more is looked for at the site's own sponsor, whose list names them.
DISAGREEING = """
with certified as (
    select site, bssy from certified_sites
    where certified and ($1::text is null or bssy = $1) and ($2::text is null or site = $2)
),
now as (
    select g.*, coalesce(i.identity, '') as identity, i.position as identified_position, i.changed_at as identified_at
    from certified join graduates as g using (site, bssy) left join identities as i using (ref)
    where g.sector = 'public'
),
listed as (
    select c.*, substr(c.site, 1, 3) as sponsor from certified join certified_graduates as c using (site, bssy)
),
both_sides as (
    select coalesce(now.site, listed.site) as site, coalesce(now.bssy, listed.bssy) as bssy, ref,
           coalesce(now.sponsor, listed.sponsor) as sponsor, listed.version as certified_version,
           now.position, now.changed_at, now.identified_position, now.identified_at,
           case when listed.ref is null then 'not-in-list'
                when now.ref is null then 'no-graduate-any-more'
                when now.record <> listed.record then 'record-changed'
                when now.identity <> listed.identity then 'identity-changed' end as what
    from now full join listed using (ref, bssy, site)
)
select b.site, b.bssy, b.ref, b.what, coalesce(t.state_id, '') as state_id,
       coalesce(first_unseen.position, case b.what when 'identity-changed' then b.identified_position end, b.position)
           as position,
       coalesce(first_unseen.as_of, case b.what when 'identity-changed' then b.identified_at end, b.changed_at)
           as changed_at
from both_sides as b
left join transcript_students as t on (t.ref, t.bssy, t.sponsor) = (b.ref, b.bssy, b.sponsor)
left join lateral (
    select position, as_of from commits
    where stream = 'student/' || b.sponsor || '/' || b.ref || '/' || b.bssy and verdict = 'stands'
      and version > b.certified_version and b.what in ('record-changed', 'no-graduate-any-more')
    order by version limit 1
) as first_unseen on true
where b.what is not null
order by b.bssy desc, b.site, position, b.ref
"""


async def disagreements(connection: Connection, bssy: str | None, site: str | None = None) -> tuple[Disagreement, ...]:
    """Return who is not certified as they stand, at the sites whose certification counts."""
    rows = await connection.fetch(DISAGREEING, bssy, site)
    return tuple(as_struct(row, Disagreement) for row in rows)


SITES = """
select coalesce(g.site, s.site) as site, coalesce(g.bssy, s.bssy) as bssy, coalesce(g.graduates, 0) as graduates,
       s.certified, s.certified_at, s.position, s.actor
from (
    select site, bssy, count(*) as graduates from graduates where sector = 'public' group by site, bssy
) as g
full join certified_sites as s using (site, bssy)
where $1::text is null or coalesce(g.bssy, s.bssy) = $1
order by coalesce(g.bssy, s.bssy) desc, coalesce(g.site, s.site)
"""


async def list_sites(connection: Connection, bssy: str | None) -> tuple[tuple[SiteRow, ...], tuple[Disagreement, ...]]:
    """Return each public site that has graduates or was ever certified, and who is not certified as they stand.

    At a site whose certification was withdrawn, or that never had one, that is everybody, so nobody is named.
    """
    found = await disagreements(connection, bssy)
    by_site: dict[tuple[str, str], list[Disagreement]] = {}
    for one in found:
        by_site.setdefault((one.site, one.bssy), []).append(one)
    sites = []
    for row in await connection.fetch(SITES, bssy):
        against = by_site.get((row["site"], row["bssy"]), [])
        gone = sum(one.what == "no-graduate-any-more" for one in against)
        earliest = min(against, key=lambda one: one.position, default=None)
        sites.append(
            SiteRow(
                site=row["site"],
                bssy=row["bssy"],
                standing=standing(row["certified"], bool(against)),
                graduates=row["graduates"],
                agreeing=row["graduates"] - len(against) + gone if row["certified"] else 0,
                disagreeing=len(against),
                certified_at=row["certified_at"],
                position=row["position"],
                actor=row["actor"],
                since_position=earliest.position if earliest else None,
                since=earliest.changed_at if earliest else None,
            )
        )
    return tuple(sites), found


def standing(certified: bool | None, disagreeing: bool) -> Standing:
    """Name how a site stands; `certified` is None where it never was."""
    if certified is None:
        return "never-certified"
    if not certified:
        return "withdrawn"
    return "needs-recertification" if disagreeing else "certified"
