"""Certifications: which sites are certified, and which graduates agree with the list that counts.

It folds the clear parts alone, so that a rebuild after an erasure gives the same rows.
"""

from collections.abc import Sequence
from uuid import UUID

from events.certification import SiteCertified, SiteUncertified
from events.identity import IdentityStanding, is_erasure
from events.stored import read_clear
from events.streams import StudentStream, owner_of, parse_student_stream
from events.student import StudentStanding
from projections.database import Connection
from projections.opening import OpenCommit
from projections.projection import History

DDL = """
create table graduates (
    ref uuid, bssy text, sponsor text,
    site text not null, sector text not null, record text not null,
    version integer not null, position bigint not null, changed_at timestamptz not null,
    primary key (ref, bssy, sponsor)
);
create index graduates_of_site on graduates (bssy, site);

create table identities (
    ref uuid primary key, identity text not null, position bigint not null, changed_at timestamptz not null
);

create table certified_sites (
    site text, bssy text, certified boolean not null,
    position bigint not null, certified_at timestamptz not null, actor text not null,
    primary key (site, bssy)
);

create table certified_graduates (
    site text, bssy text, ref uuid,
    version integer not null, record text not null, identity text not null,
    primary key (site, bssy, ref)
);
"""


class Certifications:
    """The projection."""

    name = "certifications"
    version = 1
    tables: Sequence[str] = ("graduates", "identities", "certified_sites", "certified_graduates")
    ddl = DDL
    categories = frozenset({"student", "identity", "certification"})

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], _history: History) -> None:
        """Fold a batch: how students and identities stand after it, then each certification in turn.

        What comes after an erasure, by somebody who had not heard of it, counts as little as what came before.
        """
        students = [commit for commit in commits if commit.category == "student" and not commit.erased]
        await fold_students(connection, students)
        for commit in commits:
            if commit.category == "identity":
                await fold_identity(connection, commit)
            elif commit.category == "certification":
                await fold_certification(connection, commit)


async def fold_students(connection: Connection, commits: Sequence[OpenCommit]) -> None:
    """Keep how each graduate of the batch stands; drop whoever is none any more."""
    last = {commit.commit.stream: commit for commit in commits}
    begun = {commit.commit.stream for commit in commits if commit.commit.expected == 0}
    await delete_graduates(connection, [parse_student_stream(stream) for stream in last.keys() - begun])
    rows = []
    for stream, commit in last.items():
        stands = read_clear(commit.commit.events[-1], StudentStanding)
        if stands.present and stands.graduate:
            key = parse_student_stream(stream)
            at = (commit.commit.version, commit.position, commit.as_of)
            rows.append((key.ref, key.bssy, key.sponsor, stands.site, stands.sector, stands.record, *at))
    if rows:
        await connection.copy_records_to_table("graduates", records=rows)


async def delete_graduates(connection: Connection, students: Sequence[StudentStream]) -> None:
    """Delete the rows of those students in those years.

    "Not distinct" keeps the planner from the index of sites, where all rows of a year lie together.
    """
    if students:
        await connection.execute(
            "delete from graduates as g using unnest($1::uuid[], $2::text[], $3::text[]) as k (ref, bssy, sponsor) "
            "where g.ref = k.ref and (g.bssy, g.sponsor) is not distinct from (k.bssy, k.sponsor)",
            [student.ref for student in students],
            [student.bssy for student in students],
            [student.sponsor for student in students],
        )


async def fold_identity(connection: Connection, commit: OpenCommit) -> None:
    """Keep the identity's digest; an erased person is no graduate and has no identity."""
    ref = owner_of(commit.commit.stream)
    if is_erasure(commit.commit):
        await forget(connection, ref)
        return
    await connection.execute(
        "insert into identities values ($1, $2, $3, $4) on conflict (ref) do update "
        "set identity = excluded.identity, position = excluded.position, changed_at = excluded.changed_at",
        ref,
        read_clear(commit.commit.events[-1], IdentityStanding).identity,
        commit.position,
        commit.as_of,
    )


async def forget(connection: Connection, ref: UUID) -> None:
    """Drop every row of a person."""
    for table in ("graduates", "identities", "certified_graduates"):
        await connection.execute(f"delete from {table} where ref = $1", ref)


async def fold_certification(connection: Connection, commit: OpenCommit) -> None:
    """The newest list counts; a withdrawn one does not, but its date is kept."""
    _, site, bssy = commit.commit.stream.split("/")
    for stored in commit.commit.events:
        await connection.execute("delete from certified_graduates where site = $1 and bssy = $2", site, bssy)
        certified = stored.name == SiteCertified.stored_name
        assert certified or stored.name == SiteUncertified.stored_name
        await connection.execute(
            "insert into certified_sites values ($1, $2, $3, $4, $5, $6) on conflict (site, bssy) do update "
            "set certified = excluded.certified, position = excluded.position, "
            "certified_at = excluded.certified_at, actor = excluded.actor",
            site,
            bssy,
            certified,
            commit.position,
            commit.as_of,
            commit.commit.actor,
        )
        if certified:
            graduates = read_clear(stored, SiteCertified).graduates
            rows = [(site, bssy, g.ref, g.version, g.record, g.identity) for g in graduates]
            await connection.copy_records_to_table("certified_graduates", records=rows)
