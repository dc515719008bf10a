"""A student's official transcripts: each attempt to render one, sent or rejected (R-180 to R-183). One stream a ref.

Versions are kept for ever (R-182). Which graduates wait in the queue is not an event: it follows from certification and
from what is written here.
"""

from dataclasses import dataclass
from datetime import datetime

from events.stored import Event, Standing
from events.transcript_content import Transcript


class OfficialTranscriptRendered(Event, frozen=True):
    """Status S: a version was made. `number` counts the student's versions from 1; the first shows no number (R-181).

    `record` and `identity` are the keyed digests of what was certified, `certified_at` and `time` the position and the
    time of the certifying commit. `pdf` is the digest of the sealed document in the blob store, which is the archive.
    The content, its digest and the plain document's SHA-256 are sealed.
    """

    stored_name = "official-transcript-rendered"
    clear_fields = frozenset(
        {
            "bssy",
            "sponsor",
            "site",
            "sector",
            "number",
            "record",
            "identity",
            "certified_at",
            "time",
            "pdf",
            "template",
            "typst",
            "by",
        }
    )

    bssy: str
    sponsor: str
    site: str
    sector: str
    number: int
    record: str
    identity: str
    certified_at: int
    time: datetime
    pdf: str
    template: str
    typst: str
    by: str
    content: Transcript
    content_digest: str
    sha256: str


class OfficialTranscriptRejected(Event, frozen=True):
    """Status R: no version was made, and why, as codes of reasons with a repair each."""

    stored_name = "official-transcript-rejected"
    clear_fields = frozenset({"bssy", "sponsor", "site", "record", "identity", "certified_at", "reasons", "by"})

    bssy: str
    sponsor: str
    site: str
    record: str
    identity: str
    certified_at: int
    reasons: tuple[str, ...]
    by: str


OfficialEvent = OfficialTranscriptRendered | OfficialTranscriptRejected


class Answer(Standing, frozen=True):
    """What an answer says in clear, whichever it is: enough for the status view. `number` is 0 for a rejection."""

    bssy: str
    sponsor: str
    site: str
    record: str
    identity: str
    certified_at: int
    by: str
    number: int = 0
    pdf: str = ""
    template: str = ""
    typst: str = ""
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Official:
    """What was made so far: the number of versions, and the last answer."""

    versions: int = 0
    last: OfficialEvent | None = None


def evolve(state: Official, event: OfficialEvent) -> Official:
    """Fold one event."""
    return Official(state.versions + isinstance(event, OfficialTranscriptRendered), event)


def decide(proposed: OfficialEvent, state: Official) -> tuple[OfficialEvent, ...]:
    """One certification of one student is answered once; a late or double answer changes nothing.

    A rendered version must be the next one, and differ from the last rendered one in record or identity.
    """
    last = state.last
    if last is not None and answered(last, proposed):
        return ()
    if isinstance(proposed, OfficialTranscriptRendered) and proposed.number != state.versions + 1:
        return ()
    return (proposed,)


def answered(last: OfficialEvent, proposed: OfficialEvent) -> bool:
    """Whether the last answer already answers what is proposed."""
    if isinstance(last, OfficialTranscriptRendered) and (last.bssy, last.record, last.identity) == (
        proposed.bssy,
        proposed.record,
        proposed.identity,
    ):
        return True
    return last.certified_at >= proposed.certified_at
