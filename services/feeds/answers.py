"""What an outside system answered becomes the same command as our own worker's (services/ots/worker.py)."""

from typing import Literal

from events.official_transcript import OfficialEvent, OfficialTranscriptRejected, OfficialTranscriptRendered
from events.transcript_content import content_digest
from projections.feed_queries import was_certified
from projections.ots_status import Status, statuses
from services.feeds.messages import RejectedOutside, RenderedOutside
from services.ledger import Ledger
from services.ots.naming import Namings
from services.ots.worker import Case, SiteLists, append, content_for, load_case, made_official

Outcome = Literal["taken", "late", "unknown"]
"""Taken: it is the answer. Late: another answer or a newer certification was first. Unknown: nobody asked for it."""


async def take(ledger: Ledger, result: RenderedOutside | RejectedOutside) -> Outcome:
    """Append an answer, if its graduate still waits for just this one. Raises ViewStopped or OutcomeUnknown."""
    if not await was_told(ledger, result):
        await ledger.caught_up()
        if not await was_told(ledger, result):
            return "unknown"
    status = await waiting_for(ledger, result)
    case = await load_case(ledger, status, SiteLists(ledger), Namings(ledger)) if status else None
    if case is None or not case.still_certified:
        return "late"
    return "taken" if await append(ledger, case, event_of(result, case)) else "late"


async def was_told(ledger: Ledger, result: RenderedOutside | RejectedOutside) -> bool:
    """Whether the feed told of what is answered."""
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "feed_ots")
        return await was_certified(
            connection,
            result.ref,
            bssy=result.bssy,
            certified_at=result.certified_at,
            record=result.record,
            identity=result.identity,
        )


async def waiting_for(ledger: Ledger, result: RenderedOutside | RejectedOutside) -> Status | None:
    """Return the graduate as they wait with the answered digests; None where they do not wait, or with others."""
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "certifications")
        await ledger.require(connection, "official_transcripts")
        found = await statuses(connection, status="Q", ref=result.ref)
    answered = (result.bssy, result.certified_at, result.record, result.identity)
    return next((one for one in found if (one.bssy, one.certified_at, one.record, one.identity) == answered), None)


def event_of(result: RenderedOutside | RejectedOutside, case: Case) -> OfficialEvent:
    """Return the event; a document that was made outside lies outside, so the ledger knows its digest alone."""
    status = case.status
    if isinstance(result, RejectedOutside):
        return OfficialTranscriptRejected(
            bssy=status.bssy,
            sponsor=status.sponsor,
            site=status.site,
            record=status.record,
            identity=status.identity,
            certified_at=status.certified_at,
            reasons=result.reasons,
            by=result.by,
        )
    content = content_for(case)
    return OfficialTranscriptRendered(
        bssy=status.bssy,
        sponsor=status.sponsor,
        site=status.site,
        sector=status.sector,
        number=case.official.versions + 1,
        record=status.record,
        identity=status.identity,
        certified_at=status.certified_at,
        time=made_official(status),
        pdf="",
        template="",
        typst="",
        by=result.by,
        content=content,
        content_digest=content_digest(content),
        sha256=result.sha256,
    )
