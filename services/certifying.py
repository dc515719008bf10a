"""Certifying a site: show first, then append exactly what was shown (R-170 to R-174)."""

from dataclasses import dataclass
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
from events.identity import IdentityEvent, IdentityStanding, IdentityState, Unknown
from events.identity import evolve as evolve_identity
from events.official_reasons import reasons_against
from events.stored import read_clear
from events.streams import certification_stream, identity_stream, owner_of, student_stream
from events.student import Present, record_set
from schemas.louisiana_sts.checks import check_set
from schemas.problems import Problem
from services.commands import Stored, Unchanged, layout_of, loaded, look_up
from services.ledger import Draft, Ledger, Written


@dataclass(frozen=True, slots=True)
class Candidate:
    """One graduate of the site: what would be certified, and what speaks against it.

    `held_back`: problems for which the graduate is not certified. `will_be_rejected`: reasons for which the OTS would
    reject what is certified, as codes; certifying is allowed all the same.
    """

    graduate: Graduate
    state_id: str
    held_back: tuple[Problem, ...]
    will_be_rejected: tuple[str, ...]
    certified_before: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """What a certifier is shown, and on which version of the certification's stream."""

    site: str
    bssy: str
    version: int
    state: CertificationState
    candidates: tuple[Candidate, ...]

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


class NotForCertification(Exception):
    """The site cannot be certified at all. The message says why and what to do."""


async def show(ledger: Ledger, site: str, bssy: str) -> Shown:
    """Look at a site's graduates as they stand now."""
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "certifications")
        rows = await connection.fetch(
            "select g.*, coalesce(i.identity, '') as identity from graduates as g left join identities as i using (ref) "
            "where g.site = $1 and g.bssy = $2 order by g.ref",
            site,
            bssy,
        )
    if any(row["sector"] == "nonpublic" for row in rows):
        raise NotForCertification(
            f"site {site} is nonpublic, and nonpublic sites are not certified (R-173): its graduates go to the OTS as "
            "soon as they have a graduation date. There is nothing to do."
        )
    version, state = await load(ledger, site, bssy)
    before = set(state.graduates) if isinstance(state, Certified) else set()
    candidates = []
    for row in rows:
        graduate = Graduate(row["ref"], row["version"], row["record"], row["identity"])
        candidates.append(await candidate_of(ledger, row["sponsor"], bssy, graduate, graduate in before))
    return Shown(site, bssy, version, state, tuple(candidates))


async def candidate_of(ledger: Ledger, sponsor: str, bssy: str, graduate: Graduate, before: bool) -> Candidate:
    """Say what speaks against one graduate, judged on exactly the version that would be certified."""
    stream = student_stream(sponsor, graduate.ref, bssy)
    current = loaded([c for c in await ledger.events_of(stream) if c.commit.version <= graduate.version])
    assert isinstance(current.state, Present)
    state_id = current.state.student.get("state_identification_number", "")
    layout = layout_of(current.layout, state_id)
    found = check_set(layout, bssy, sponsor, state_id, record_set(current.state), today=ledger.today())
    held_back = tuple(problem for problem in found if problem.effect == "reject_student" and problem.code != "350")
    identity = (await identity_of(ledger, graduate.ref)).state
    reasons = reasons_against(current.state, identity, sector="public", bssy=bssy)
    return Candidate(graduate, state_id, held_back, reasons, before)


async def load(ledger: Ledger, site: str, bssy: str) -> tuple[int, CertificationState]:
    """Load a site's certification: the stream's version, and the list that counts."""
    state: CertificationState = NotCertified()
    version = 0
    for commit in await ledger.events_of(certification_stream(site, bssy)):
        version = commit.commit.version
        for event in commit.events:
            assert isinstance(event, CertificationEvent)
            state = evolve(state, event)
    return version, state


async def certify(ledger: Ledger, shown: Shown, *, command_id: UUID) -> Stored | Unchanged:
    """Append exactly what was shown.

    Whoever was edited since is certified as they were shown, so they do not agree with the list and the site needs
    recertification: nothing is certified unseen.
    """
    return await append(ledger, shown, SiteCertified(shown.graduates), command_id)


async def uncertify(ledger: Ledger, site: str, bssy: str, reason: str, *, command_id: UUID) -> Stored | Unchanged:
    """Withdraw a site's certification (R-172)."""
    version, state = await load(ledger, site, bssy)
    return await append(ledger, Shown(site, bssy, version, state, ()), SiteUncertified(reason), command_id)


async def append(ledger: Ledger, shown: Shown, proposed: CertificationEvent, command_id: UUID) -> Stored | Unchanged:
    """Append an event to the certification's stream, on the version that was shown or a newer one."""
    if (earlier := await look_up(ledger, command_id)) and earlier.stands:
        return Stored(command_id, earlier.position, earlier.version, repeated=True)
    stream = certification_stream(shown.site, shown.bssy)
    version, state = shown.version, shown.state
    while True:
        events = decide(proposed, state)
        if not events:
            return Unchanged(version)
        key = await ledger.registry.issue(owner_of(stream))
        draft = Draft(stream, version, command_id, [Written(event) for event in events], key)
        settled = await ledger.append(draft)
        if settled.stands:
            return Stored(command_id, settled.position, settled.version, repeated=False)
        version, state = await load(ledger, shown.site, shown.bssy)


@dataclass(frozen=True, slots=True)
class Identified:
    """Who a ref is, and the version of the identity's stream."""

    version: int
    state: IdentityState


async def identity_of(ledger: Ledger, ref: UUID, digest: str | None = None) -> Identified:
    """Load who a ref is; with `digest`, as of the last moment at which the identity had that keyed digest."""
    state: IdentityState = Unknown()
    found = Identified(0, state)
    for commit in await ledger.events_of(identity_stream(ref)):
        if commit.erased:
            continue
        for event in commit.events:
            assert isinstance(event, IdentityEvent)
            state = evolve_identity(state, event)
        if digest is None or read_clear(commit.commit.events[-1], IdentityStanding).identity == digest:
            found = Identified(commit.commit.version, state)
    return found
