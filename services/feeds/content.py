"""The body of each message of `feeds.ots`, from its row and from what the log keeps sealed."""

from typing import Any, cast

from events.commit import short
from events.identity import Erased, Unknown
from events.streams import student_stream
from events.student import Present
from events.transcript_content import Transcript, content_digest
from events.transcript_of_set import content_of
from projections.feed_queries import FeedRow
from schemas.layout import Variant
from schemas.louisiana_sts.labels import labels
from services.commands import loaded
from services.feeds.messages import (
    Message,
    TranscriptCertified,
    TranscriptErased,
    TranscriptRejected,
    TranscriptSent,
)
from services.feeds.transcript import FeedTranscript
from services.identities import identity_of
from services.ledger import Ledger
from services.ots.naming import Namings


async def message_of(ledger: Ledger, row: FeedRow, namings: Namings) -> Message:
    """Return what a row tells; what was certified of somebody who was erased meanwhile tells that."""
    match row.kind:
        case "certified":
            return await certified(ledger, row, namings)
        case "sent":
            return TranscriptSent(**shared(row), sponsor=row.sponsor, site=row.site, number=row.number, by=row.by)
        case "rejected":
            return TranscriptRejected(**shared(row), sponsor=row.sponsor, site=row.site, reasons=row.reasons, by=row.by)
    return TranscriptErased(ref=row.ref)


def shared(row: FeedRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in ("ref", "bssy", "certified_at", "record", "identity")}


async def certified(ledger: Ledger, row: FeedRow, namings: Namings) -> TranscriptCertified | TranscriptErased:
    """Return the whole content that was certified, whatever has been changed since."""
    content = await content_at(ledger, row, namings)
    if content is None:
        return TranscriptErased(ref=row.ref)
    return TranscriptCertified(
        **shared(row),
        sponsor=row.sponsor,
        site=row.site,
        sector=cast("Variant", row.sector),
        ledger=short(ledger.genesis.ledger),
        time=row.time.replace(microsecond=0),
        version=row.versions,
        content_digest=content_digest(content),
        transcript=FeedTranscript.model_validate(content),
    )


async def content_at(ledger: Ledger, row: FeedRow, namings: Namings) -> Transcript | None:
    """Return the content of the certified version; None where its owner was erased."""
    commits = await ledger.events_of(student_stream(row.sponsor, row.ref, row.bssy))
    commits = [each for each in commits if each.commit.version <= row.version]
    if any(each.erased for each in commits):
        return None
    identity = (await identity_of(ledger, row.ref, row.identity)).state if row.identity else Unknown()
    state = loaded(commits).state
    if isinstance(identity, Erased):
        return None
    assert isinstance(state, Present)
    sector, names = cast("Variant", row.sector), (await namings.at(row.bssy, row.certified_at)).names
    return content_of(state, identity, sector=sector, ref=row.ref, labels=labels(), names=names)
