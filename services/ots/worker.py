"""The OTS worker: takes who waits, judges at that moment, renders or rejects, and appends the answer.

Any number of workers may run. The answer carries the version of the student's official stream that it saw; of two
answers one stands. The document lies sealed in the blob store before the answer is appended, so a version that the log
names is always there; a crash in between leaves a blob that nobody names.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid5

from events.certification import Certified
from events.commit import short
from events.identity import Erased, IdentityState
from events.official_reasons import reasons_against
from events.official_transcript import (
    Official,
    OfficialEvent,
    OfficialTranscriptRejected,
    OfficialTranscriptRendered,
    decide,
    evolve,
)
from events.registry.contract import Key
from events.streams import certification_stream, official_stream, student_stream
from events.student import Present
from events.transcript_content import OfficialTranscript, Transcript, content_digest
from events.transcript_of_set import content_of
from projections import index
from projections.ots_status import Status, queue
from schemas.layout import Variant
from schemas.louisiana_sts.labels import labels
from services.certifying import load as load_certification
from services.commands import Loaded, loaded
from services.identities import identity_of
from services.ledger import Draft, Ledger, Written
from services.ots.document import CannotRender, Rendered, render
from services.ots.naming import Naming, Namings

AT_ONCE = 4
PAGE = 200
IDLE_SECONDS = 0.5
OUR_WORKER = "ledger"

Told = Callable[["Answered"], Any]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one who waited: the answer that was appended, None where another worker was first."""

    status: Status
    event: OfficialEvent | None


@dataclass(frozen=True, slots=True)
class Case:
    """All that an answer is judged on, as it stands at this moment."""

    status: Status
    key: Key
    set_certified: Loaded
    identity: IdentityState
    still_certified: bool
    official: Official
    version: int
    naming: Naming


@dataclass(frozen=True, slots=True)
class SiteLists:
    """Who is certified now, by site. A list may name a thousand graduates: it is read again only once it changed."""

    ledger: Ledger
    kept: dict[str, tuple[int, frozenset[tuple[UUID, str, str]]]] = field(default_factory=dict)

    async def name(self, status: Status) -> bool:
        """Whether the list that names the graduate with these digests still counts."""
        stream = certification_stream(status.site, status.bssy)
        async with self.ledger.pool.acquire() as connection:
            version = (await index.versions(connection, [stream])).get(stream, 0)
        if stream not in self.kept or self.kept[stream][0] != version:
            version, state = await load_certification(self.ledger, status.site, status.bssy)
            graduates = state.graduates if isinstance(state, Certified) else ()
            self.kept[stream] = version, frozenset((one.ref, one.record, one.identity) for one in graduates)
        return (status.ref, status.record, status.identity) in self.kept[stream][1]


async def work_off(ledger: Ledger, *, told: Told = lambda _: None) -> int:
    """Answer everybody who waits now, and return how many were answered."""
    answered = 0
    while waiting := await waiting_now(ledger):
        done = await answer_all(ledger, waiting, told)
        answered += done
        if not done:
            break  # other workers are answering them
    return answered


async def run(ledger: Ledger, *, told: Told = lambda _: None) -> None:
    """Answer whoever comes to wait, until cancelled."""
    while True:
        if not await work_off(ledger, told=told):
            await asyncio.sleep(IDLE_SECONDS)


async def waiting_now(ledger: Ledger) -> Sequence[Status]:
    """Return who waits, the oldest first. Raises ViewStopped when the views cannot tell."""
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "certifications")
        await ledger.require(connection, "official_transcripts")
        return await queue(connection, PAGE)


async def answer_all(ledger: Ledger, waiting: Sequence[Status], told: Told) -> int:
    """Answer some, a few at once: one is rendered while others are being appended."""
    room, lists, namings = asyncio.Semaphore(AT_ONCE), SiteLists(ledger), Namings(ledger)

    async def one(status: Status) -> int:
        async with room:
            answered = await answer(ledger, status, lists, namings)
        told(answered)
        return answered.event is not None

    return sum(await asyncio.gather(*(one(status) for status in waiting)))


async def answer(ledger: Ledger, status: Status, lists: SiteLists, namings: Namings) -> Answered:
    """Judge one graduate and append the answer."""
    case = await load_case(ledger, status, lists, namings)
    if case is None:
        return Answered(status, None)
    reasons = judge(case)
    try:
        event: OfficialEvent = rejected(status, reasons) if reasons else await rendered(ledger, case)
    except CannotRender:
        event = rejected(status, ("not-printable",))
    return Answered(status, await append(ledger, case, event))


async def load_case(ledger: Ledger, status: Status, lists: SiteLists, namings: Namings) -> Case | None:
    """Load what was certified of a graduate; None for somebody who was erased meanwhile."""
    stream = student_stream(status.sponsor, status.ref, status.bssy)
    commits = [c for c in await ledger.events_of(stream) if c.commit.version <= status.version]
    if not commits or commits[-1].key is None:
        return None
    identified = await identity_of(ledger, status.ref, status.identity or None)
    version, official = await load_official(ledger, status.ref)
    certified = status.sector == "nonpublic" or await lists.name(status)
    naming = await namings.at(status.bssy, status.certified_at)
    return Case(status, commits[-1].key, loaded(commits), identified.state, certified, official, version, naming)


async def load_official(ledger: Ledger, ref: UUID) -> tuple[int, Official]:
    """Load a student's official transcripts: the stream's version, and what was made so far."""
    state, version = Official(), 0
    for commit in await ledger.events_of(official_stream(ref)):
        version = commit.commit.version
        for event in commit.events:
            assert isinstance(event, OfficialEvent)
            state = evolve(state, event)
    return version, state


def judge(case: Case) -> tuple[str, ...]:
    """Return the reasons against a transcript, as codes; none when it may be made (R-180)."""
    status = case.status
    withdrawn = () if case.still_certified else ("site-not-certified",)
    against = reasons_against(case.set_certified.state, case.identity, sector=status.sector, bssy=status.bssy)
    return (*withdrawn, *against)


def rejected(status: Status, reasons: tuple[str, ...]) -> OfficialTranscriptRejected:
    """Return the answer R."""
    return OfficialTranscriptRejected(
        bssy=status.bssy,
        sponsor=status.sponsor,
        site=status.site,
        record=status.record,
        identity=status.identity,
        certified_at=status.certified_at,
        reasons=reasons,
        by=OUR_WORKER,
    )


async def rendered(ledger: Ledger, case: Case) -> OfficialTranscriptRendered:
    """Render the next version, store the document, and return the answer S that names it."""
    status, number = case.status, case.official.versions + 1
    content = content_for(case)
    document = await asyncio.to_thread(render, face_of(ledger, case, content, number))
    blob = await ledger.blobs.put(case.key, document.pdf, kind="official-transcript")
    return rendered_event(status, content, document, number=number, pdf=blob.digest)


def content_for(case: Case) -> Transcript:
    """Return what the document says of the certified set."""
    state = case.set_certified.state
    assert isinstance(state, Present)
    assert not isinstance(case.identity, Erased)
    sector = cast("Variant", case.status.sector)
    names = case.naming.names
    return content_of(state, case.identity, sector=sector, ref=case.status.ref, labels=labels(), names=names)


def face_of(ledger: Ledger, case: Case, content: Transcript, number: int) -> OfficialTranscript:
    """Return the version as its document shows it: dated and placed by the commit that made it official."""
    status = case.status
    return OfficialTranscript(
        transcript=content,
        version=number - 1,
        ledger=short(ledger.genesis.ledger),
        position=status.certified_at,
        time=made_official(status),
        act="submitted" if status.sector == "nonpublic" else "certified",
    )


def made_official(status: Status) -> datetime:
    """Return when the transcript became official, to the second: a document knows no finer time."""
    return status.since.replace(microsecond=0)


def rendered_event(
    status: Status, content: Transcript, document: Rendered, *, number: int, pdf: str
) -> OfficialTranscriptRendered:
    """Return the answer S."""
    return OfficialTranscriptRendered(
        bssy=status.bssy,
        sponsor=status.sponsor,
        site=status.site,
        sector=status.sector,
        number=number,
        record=status.record,
        identity=status.identity,
        certified_at=status.certified_at,
        time=made_official(status),
        pdf=pdf,
        template=document.template_digest,
        typst=document.typst_version,
        by=OUR_WORKER,
        content=content,
        content_digest=content_digest(content),
        sha256=document.digest,
    )


async def append(ledger: Ledger, case: Case, event: OfficialEvent) -> OfficialEvent | None:
    """Append an answer on the version that was seen; None when another answer was first or it changes nothing."""
    events = decide(event, case.official)
    if not events:
        return None
    draft = Draft(
        stream=official_stream(case.status.ref),
        expected=case.version,
        command=command_of(case.status),
        events=[Written(each) for each in events],
        key=case.key,
        references=case.naming.references if isinstance(event, OfficialTranscriptRendered) else {},
    )
    settled = await ledger.append(draft)
    return event if settled.stands and not settled.repeated else None  # repeated: another's answer stands


def command_of(status: Status) -> UUID:
    """Derive the id of answering one certification of one student: two workers ask for the same thing."""
    return uuid5(status.ref, f"official/{status.bssy}/{status.certified_at}/{status.record}/{status.identity}")
