"""Certifying a site: show first, then append exactly what was shown (R-170 to R-174)."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from uuid import UUID

from events.certification import (
    CertificationEvent,
    CertificationState,
    Certified,
    Graduate,
    NotCertified,
    SiteCertified,
    SiteUncertified,
    decide,
    evolve,
)
from events.identity import StudentIdentified
from events.official_reasons import reasons_against
from events.streams import certification_stream, identity_stream, is_code, owner_of, student_stream
from events.student import Present, record_set
from projections import index
from projections.certification_queries import GraduateRow, graduates_of
from projections.collection_queries import find_collection
from projections.opening import OpenCommit
from schemas.louisiana_sts.checks import check_set
from schemas.louisiana_sts.matching import Person, mismatches
from schemas.problems import Problem
from schemas.reference import ReferenceTables
from services.commands import Conflict, Stored, Unchanged, layout_of, loaded, look_up
from services.identities import NOBODY, Identified, by_owner
from services.ledger import Draft, Ledger, Written
from services.reference import tables_in_force


@dataclass(frozen=True, slots=True)
class Candidate:
    """One graduate of the site: what would be certified, and what speaks against it.

    `held_back`: problems for which the graduate is not certified. `will_be_rejected`: reasons for which the OTS would
    reject what is certified, as codes; certifying is allowed all the same. `certified_before`: certified now, as they
    stand.
    """

    graduate: Graduate
    state_id: str
    held_back: tuple[Problem, ...]
    will_be_rejected: tuple[str, ...]
    certified_before: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What a certifier is shown: as of which position, and on which version of the certification's stream."""

    site: str
    bssy: str
    position: int
    version: int
    state: CertificationState
    candidates: tuple[Candidate, ...]
    references: Mapping[str, str] = field(default_factory=dict)
    """The digests of the reference tables that it was judged by."""

    @property
    def graduates(self) -> tuple[Graduate, ...]:
        """The graduates that would be certified."""
        return tuple(candidate.graduate for candidate in self.candidates if not candidate.held_back)

    @property
    def leaving(self) -> tuple[UUID, ...]:
        """Those certified now who would be certified no more: graduates no longer, or held back."""
        now = self.state.graduates if isinstance(self.state, Certified) else ()
        stay = {graduate.ref for graduate in self.graduates}
        return tuple(graduate.ref for graduate in now if graduate.ref not in stay)

    @property
    def changes_nothing(self) -> bool:
        """Whether certifying this would change nothing."""
        return not decide(SiteCertified(self.graduates), self.state)


class NotForCertification(Exception):
    """The site cannot be certified at all, or not in this year. The message says why and what to do."""


# --- Which year -------------------------------------------------------------------------------------------------


def current_bssy(today: date) -> str:
    """Return the school year of a day; a new one begins on September 1 (R-004, R-028)."""
    return str(today.year if today.month >= 9 else today.year - 1)


async def refuse_other_years(ledger: Ledger, site: str, bssy: str) -> None:
    """Raise NotForCertification unless the year is open, granted, or current and never closed (R-174)."""
    if not is_code(site) or not is_code(bssy):
        raise NotForCertification(
            f"{site!r} in {bssy!r} is no site and school year: codes hold letters and digits only."
        )
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "collections")
        collection = await find_collection(connection, bssy, site[:3])
    current = current_bssy(ledger.today())
    if collection.admits(site[:3], ledger.today()) or (bssy == current and collection.opened is None):
        return
    which = "is the current one, but its" if bssy == current else f"is not the current one ({current}), its"
    raise NotForCertification(
        f"school year {bssy} {which} collection is not open, and sponsor {site[:3]} holds no grant for it, so its "
        "certifications stand as they are (R-174). Ask the department to open the collection or to grant access "
        "(R-027), then repeat."
    )


# --- Showing ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a showing judges, read as of one position."""

    position: int
    rows: Sequence[GraduateRow]
    sets: Mapping[str, Sequence[OpenCommit]]
    identities: Mapping[UUID, Identified]
    certification: Sequence[OpenCommit]


async def show(ledger: Ledger, site: str, bssy: str) -> Shown:
    """Look at a site's graduates as they stand now, all as of one position.

    Raises NotForCertification for a nonpublic site and for a year in which nothing may be certified.
    """
    await ledger.caught_up()
    await refuse_other_years(ledger, site, bssy)
    seen = await see(ledger, site, bssy)
    if any(row.sector == "nonpublic" for row in seen.rows):
        raise NotForCertification(
            f"site {site} is nonpublic, and nonpublic sites are not certified (R-173): its graduates go to the OTS as "
            "soon as they have a graduation date. There is nothing to do."
        )
    version, state = fold(seen.certification)
    if not seen.rows and not isinstance(state, Certified):
        raise NotForCertification(
            f"site {site} has no graduate in {bssy}. `ledger certifications --bssy {bssy}` lists the sites that have; "
            "a graduate is a student whose record carries a graduation date."
        )
    before = set(state.graduates) if isinstance(state, Certified) else set()
    tables = await tables_in_force(ledger, int(bssy))
    candidates = []
    for row in seen.rows:
        await asyncio.sleep(0)  # checking a thousand sets must not hold the follower up
        candidates.append(candidate_of(ledger, seen, row, bssy, before, tables))
    told = tuple(one for one in candidates if one is not None)
    return Shown(site, bssy, seen.position, version, state, told, tables.digests)


async def see(ledger: Ledger, site: str, bssy: str) -> Seen:
    """Read a site's graduates, their sets and identities and the certification that counts, in one snapshot."""
    async with (
        ledger.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await ledger.require(connection, "certifications")
        head = await index.read_head(connection)
        rows = await graduates_of(connection, site, bssy)
        kept = await index.stream_commits(
            connection,
            [
                certification_stream(site, bssy),
                *(student_stream(row.sponsor, row.ref, bssy) for row in rows),
                *(identity_stream(row.ref) for row in rows),
            ],
        )
    opened = await ledger.keyring.open(kept)
    sets: dict[str, list[OpenCommit]] = {}
    for commit in opened:
        sets.setdefault(commit.commit.stream, []).append(commit)
    return Seen(
        position=head.next_position - 1,
        rows=rows,
        sets=sets,
        identities=by_owner(commit for commit in opened if commit.category == "identity"),
        certification=sets.get(certification_stream(site, bssy), ()),
    )


def candidate_of(
    ledger: Ledger, seen: Seen, row: GraduateRow, bssy: str, before: set[Graduate], tables: ReferenceTables
) -> Candidate | None:
    """Say what speaks against one graduate, judged on exactly what would be certified; None for one just erased."""
    commits = seen.sets[student_stream(row.sponsor, row.ref, bssy)]
    if any(commit.erased for commit in commits):
        return None
    current = loaded(list(commits))
    assert isinstance(current.state, Present)
    graduate = Graduate(row.ref, row.version, row.record, row.identity)
    state_id = current.state.student.get("state_identification_number", "")
    layout, identity = layout_of(current.layout, state_id), seen.identities.get(row.ref, NOBODY).state
    records = record_set(current.state)
    found = check_set(layout, bssy, row.sponsor, state_id, records, today=ledger.today(), tables=tables)
    found += mismatches(current.state.student, person_of(identity)) if isinstance(identity, StudentIdentified) else ()
    held_back = tuple(problem for problem in found if problem.effect == "reject_student")
    reasons = reasons_against(current.state, identity, sector="public", bssy=bssy)
    return Candidate(graduate, state_id, held_back, reasons, graduate in before)


def person_of(identity: StudentIdentified) -> Person:
    """Return what a public 020 must agree with (U03 to U08)."""
    return Person(identity.first_name, identity.last_name, identity.birth_date, identity.sex, identity.ethnicity)


# --- Certifying -------------------------------------------------------------------------------------------------


def fold(commits: Iterable[OpenCommit]) -> tuple[int, CertificationState]:
    """Fold a certification's stream: its version, and the list that counts."""
    state: CertificationState = NotCertified()
    version = 0
    for commit in commits:
        version = commit.commit.version
        for event in commit.events:
            assert isinstance(event, CertificationEvent)
            state = evolve(state, event)
    return version, state


async def load(ledger: Ledger, site: str, bssy: str) -> tuple[int, CertificationState]:
    """Load a site's certification: the stream's version, and the list that counts."""
    return fold(await ledger.events_of(certification_stream(site, bssy)))


async def certify(ledger: Ledger, shown: Shown, *, command_id: UUID) -> Stored | Unchanged | Conflict:
    """Append exactly what was shown.

    Whoever was edited since is certified as they were shown, so they do not agree with the list and the site needs
    recertification: nothing is certified unseen. Where the site was certified or withdrawn since the showing, that
    stands, and this is a Conflict.
    """
    proposed = SiteCertified(shown.graduates)
    return await append(
        ledger,
        shown.site,
        shown.bssy,
        proposed,
        command_id,
        stated=shown.version,
        references=shown.references,
    )


async def uncertify(ledger: Ledger, site: str, bssy: str, reason: str, *, command_id: UUID) -> Stored | Unchanged:
    """Withdraw a site's certification (R-172). Raises NotForCertification as `show` does for the year."""
    await ledger.caught_up()
    await refuse_other_years(ledger, site, bssy)
    outcome = await append(ledger, site, bssy, SiteUncertified(reason), command_id)
    assert not isinstance(outcome, Conflict)  # no version was stated
    return outcome


async def repeated(ledger: Ledger, site: str, bssy: str, command_id: UUID) -> Stored | None:
    """Return where a command stood already; None where it did not.

    Raises NotForCertification for an id under which something else was done.
    """
    earlier = await look_up(ledger, command_id)
    if earlier is None or not earlier.stands:
        return None
    if earlier.stream != certification_stream(site, bssy):
        raise NotForCertification(
            f"command {command_id} was used for something else at position {earlier.position}. Leave --command-id out, "
            "and a new one is made."
        )
    return Stored(command_id, earlier.position, earlier.version, repeated=True)


async def append(
    ledger: Ledger,
    site: str,
    bssy: str,
    proposed: CertificationEvent,
    command_id: UUID,
    *,
    stated: int | None = None,
    references: Mapping[str, str] = MappingProxyType({}),
) -> Stored | Unchanged | Conflict:
    """Append an event to a certification's stream, with `stated` on that version of it or not at all."""
    await ledger.caught_up()  # whoever is told that nothing changes, or that something did, is told by the log's end
    stream = certification_stream(site, bssy)
    while True:
        commits = await ledger.events_of(stream)
        if earlier := await repeated(ledger, site, bssy, command_id):  # after loading: it may be what was loaded
            return earlier
        version, state = fold(commits)
        if stated is not None and stated != version:
            return Conflict(stated, version, commits[-1].position if commits else -1)
        events = decide(proposed, state)
        if not events:
            return Unchanged(version)
        key = await ledger.registry.issue(owner_of(stream))
        written = [Written(event) for event in events]
        settled = await ledger.append(Draft(stream, version, command_id, written, key, references=references))
        if settled.stands:
            return Stored(command_id, settled.position, settled.version, repeated=settled.repeated)
