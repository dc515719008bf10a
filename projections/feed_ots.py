"""What `feeds.ots` tells, in order: one row a message, numbered from 1 without a hole.

It folds the clear parts alone. Numbers and event ids follow from the log, so every publisher gives a message the same
ones, whenever it sends it. An erasure renumbers nothing: the person's rows stay as tombstones.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from events.certification import SiteCertified
from events.commit import StoredEvent
from events.identity import IdentityStanding, is_erasure
from events.official_transcript import Answer
from events.stored import read_clear
from events.streams import StudentStream, owner_of, parse_student_stream
from events.student import StudentStanding
from projections.database import Connection
from projections.opening import OpenCommit
from projections.projection import History

COLUMNS = (
    *("sequence", "position", "event_id", "time", "kind", "ref", "bssy", "sponsor", "site", "sector"),
    *("version", "record", "identity", "certified_at", "number", "reasons", "by"),
)

DDL = """
create table feed_ots (
    sequence bigint primary key,
    position bigint not null, event_id uuid not null, time timestamptz not null,
    kind text not null check (kind in ('certified', 'sent', 'rejected', 'erased')),
    ref uuid not null, bssy text not null, sponsor text not null, site text not null, sector text not null,
    version integer not null, record text not null, identity text not null, certified_at bigint not null,
    number integer not null, reasons text[] not null, by text not null
);
create index feed_ots_of_ref on feed_ots (ref, bssy);

create table feed_nonpublic (
    ref uuid, bssy text, sponsor text,
    site text not null, version integer not null, record text not null,
    told_record text not null, told_identity text not null,
    primary key (ref, bssy, sponsor)
);

create table feed_identities (ref uuid primary key, identity text not null);
"""


class FeedOts:
    """The projection.

    A public graduate is certified by each list that names them. A nonpublic one, whose school is not certified
    (R-173), counts as certified by each change of record or identity that leaves a graduation date.
    """

    name = "feed_ots"
    version = 1
    tables: Sequence[str] = ("feed_ots", "feed_nonpublic", "feed_identities")
    ddl = DDL
    categories = frozenset({"student", "identity", "certification", "official"})

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], _history: History) -> None:
        """Fold a batch, commit by commit."""
        feed = Feed(connection, await connection.fetchval("select coalesce(max(sequence), 0) from feed_ots"))
        for commit in commits:
            match commit.category:
                case "certification":
                    for stored in commit.commit.events:
                        feed.add(commit, certified_by(stored, commit))
                case "official":
                    feed.add(commit, [answered_by(stored, commit) for stored in commit.commit.events])
                case "student":
                    await fold_student(connection, feed, commit)
                case "identity":
                    await fold_identity(connection, feed, commit)
        await feed.write()


class Feed:
    """The rows that a batch adds."""

    def __init__(self, connection: Connection, last: int) -> None:
        self._connection = connection
        self._last = last
        self._rows: list[tuple[Any, ...]] = []

    def add(self, commit: OpenCommit, entries: "Iterable[Entry]") -> None:
        """Number entries of one commit and keep them for `write`."""
        for entry in entries:
            self._last += 1
            self._rows.append(row(self._last, commit, entry))

    async def write(self) -> None:
        """Write the rows."""
        rows, self._rows = self._rows, []
        if rows:
            await self._connection.copy_records_to_table("feed_ots", records=rows, columns=COLUMNS)


@dataclass(frozen=True, slots=True)
class Entry:
    """What one message says, before it has a number."""

    kind: str
    ref: UUID
    bssy: str = ""
    sponsor: str = ""
    site: str = ""
    sector: str = ""
    version: int = 0
    record: str = ""
    identity: str = ""
    certified_at: int = -1
    number: int = 0
    reasons: tuple[str, ...] = ()
    by: str = ""


def row(sequence: int, commit: OpenCommit, entry: Entry) -> tuple[object, ...]:
    """Return an entry as a row, in the order of COLUMNS."""
    told = [getattr(entry, name) for name in COLUMNS[4:]]
    told[COLUMNS[4:].index("reasons")] = list(entry.reasons)
    return (sequence, commit.position, event_id(commit.commit.ledger, sequence), commit.as_of, *told)


def event_id(ledger: UUID, sequence: int) -> UUID:
    """Derive a message's id: the same for every publisher, at every time."""
    return uuid5(ledger, f"feeds.ots/{sequence}")


def certified_by(stored: StoredEvent, commit: OpenCommit) -> list[Entry]:
    """Return the graduates of a list, in its order; nothing for a withdrawal."""
    if stored.name != SiteCertified.stored_name:
        return []
    _, site, bssy = commit.commit.stream.split("/")
    return [
        Entry(
            "certified",
            graduate.ref,
            bssy=bssy,
            sponsor=site[:3],
            site=site,
            sector="public",
            version=graduate.version,
            record=graduate.record,
            identity=graduate.identity,
            certified_at=commit.position,
        )
        for graduate in read_clear(stored, SiteCertified).graduates
    ]


def answered_by(stored: StoredEvent, commit: OpenCommit) -> Entry:
    """Return an answer: sent or rejected."""
    answer = read_clear(stored, Answer)
    return Entry(
        "sent" if answer.number else "rejected",
        owner_of(commit.commit.stream),
        bssy=answer.bssy,
        sponsor=answer.sponsor,
        site=answer.site,
        record=answer.record,
        identity=answer.identity,
        certified_at=answer.certified_at,
        number=answer.number,
        reasons=answer.reasons,
        by=answer.by,
    )


# --- Nonpublic graduates ----------------------------------------------------------------------------------------


async def fold_student(connection: Connection, feed: Feed, commit: OpenCommit) -> None:
    """Keep how a nonpublic graduate stands, and tell of a change once the identity is known."""
    stands = read_clear(commit.commit.events[-1], StudentStanding)
    if stands.present and stands.sector == "public":
        return
    key = parse_student_stream(commit.commit.stream)
    if not (stands.present and stands.graduate):
        await connection.execute(
            "delete from feed_nonpublic where (ref, bssy, sponsor) = ($1, $2, $3)", key.ref, key.bssy, key.sponsor
        )
        return
    await connection.execute(
        "insert into feed_nonpublic values ($1, $2, $3, $4, $5, $6, '', '') on conflict (ref, bssy, sponsor) "
        "do update set site = excluded.site, version = excluded.version, record = excluded.record",
        *(key.ref, key.bssy, key.sponsor, stands.site, commit.commit.version, stands.record),
    )
    await tell_nonpublic(connection, feed, commit, key.ref)


async def fold_identity(connection: Connection, feed: Feed, commit: OpenCommit) -> None:
    """Keep the identity's digest; an erased person's rows become tombstones, and one row says so."""
    ref = owner_of(commit.commit.stream)
    if is_erasure(commit.commit):
        await feed.write()
        await erase(connection, feed, commit, ref)
        return
    await connection.execute(
        "insert into feed_identities values ($1, $2) on conflict (ref) do update set identity = excluded.identity",
        ref,
        read_clear(commit.commit.events[-1], IdentityStanding).identity,
    )
    await tell_nonpublic(connection, feed, commit, ref)


async def tell_nonpublic(connection: Connection, feed: Feed, commit: OpenCommit, ref: UUID) -> None:
    """Tell of a nonpublic graduate whose record or identity is not what was told last."""
    changed = await connection.fetch(
        "update feed_nonpublic as n set told_record = n.record, told_identity = i.identity "
        "from feed_identities as i where i.ref = n.ref and n.ref = $1 and i.identity <> '' "
        "and (n.told_record, n.told_identity) is distinct from (n.record, i.identity) "
        "returning n.*",
        ref,
    )
    feed.add(
        commit,
        (
            Entry(
                "certified",
                ref,
                bssy=each["bssy"],
                sponsor=each["sponsor"],
                site=each["site"],
                sector="nonpublic",
                version=each["version"],
                record=each["record"],
                identity=each["told_identity"],
                certified_at=commit.position,
            )
            for each in sorted(changed, key=lambda each: StudentStream(each["sponsor"], ref, each["bssy"]))
        ),
    )


async def erase(connection: Connection, feed: Feed, commit: OpenCommit, ref: UUID) -> None:
    """Blank whatever was told of a person; numbers, event ids and the ref stay."""
    for table in ("feed_nonpublic", "feed_identities"):
        await connection.execute(f"delete from {table} where ref = $1", ref)
    done = await connection.execute(
        "update feed_ots set kind = 'erased', bssy = '', sponsor = '', site = '', sector = '', version = 0, "
        "record = '', identity = '', certified_at = -1, number = 0, reasons = '{}', by = '' where ref = $1",
        ref,
    )
    if done != "UPDATE 0":
        feed.add(commit, [Entry("erased", ref)])
