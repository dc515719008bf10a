"""The messages of `feeds.ots` and `feeds.ots.results`: what is in a body, and the CloudEvents header beside it.

Source: CloudEvents 1.0.2, Kafka protocol binding, binary content mode (`ce_` headers); the sequence extension.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

from projections.feed_queries import FeedRow
from services.feeds.transcript import FeedTranscript

TYPE_PREFIX = "ledger.transcript."
SEQUENCE = "ce_sequence"
SOURCE = "ce_source"
OUR_WORKER = "ledger"


def not_ours(name: str) -> str:
    """Refuse our own worker's name."""
    if name == OUR_WORKER:
        raise ValueError("this is the ledger's own worker")
    return name


Ref = Annotated[UUID, Field(description="Stands for the student; random, and the key of every message about them.")]
Digest = Annotated[str, Field(description="Keyed digest: equal for equal content of this student, useless otherwise.")]
Position = Annotated[int, Field(description="Position in the ledger of what certified the graduate.")]
Code = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$", max_length=60), AfterValidator(not_ours)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class Certification(BaseModel):
    """Which certification of which student is spoken of."""

    model_config = ConfigDict(frozen=True)

    ref: Ref
    bssy: str = Field(description="Beginning school session year.")
    certified_at: Position
    record: Digest
    identity: Digest


class TranscriptCertified(Certification):
    """A graduate was certified (nonpublic: submitted): all that is needed to render the official transcript."""

    sponsor: str
    site: str
    sector: Literal["public", "nonpublic"]
    ledger: str = Field(description="Short id of the ledger, printed before its positions.")
    time: datetime = Field(description="When the transcript became official.")
    version: int = Field(ge=0, description="How many versions were sent before: 0 prints no mark, 1 prints [1].")
    content_digest: str = Field(description="SHA-256 of the canonical content, as printed on our own document.")
    transcript: FeedTranscript


class TranscriptSent(Certification):
    """A version of the official transcript was made."""

    sponsor: str
    site: str
    number: int = Field(ge=1, description="Which of the student's versions, counted from 1.")
    by: str = Field(description="Who made it: `ledger`, or the name of an outside system.")


class TranscriptRejected(Certification):
    """No version was made, and why."""

    sponsor: str
    site: str
    reasons: tuple[str, ...] = Field(description="Codes of reasons.")
    by: str


class TranscriptErased(BaseModel):
    """The student was erased. Whoever holds anything of this ref destroys it; earlier messages read the same now."""

    model_config = ConfigDict(frozen=True)

    ref: Ref


Message = TranscriptCertified | TranscriptSent | TranscriptRejected | TranscriptErased
TYPES: Mapping[type[BaseModel], str] = {
    TranscriptCertified: TYPE_PREFIX + "certified",
    TranscriptSent: TYPE_PREFIX + "sent",
    TranscriptRejected: TYPE_PREFIX + "rejected",
    TranscriptErased: TYPE_PREFIX + "erased",
}


class RenderedOutside(Certification):
    """An outside system made the next version from what it was sent."""

    answer: Literal["rendered"]
    by: Name
    sha256: Sha256 = Field(description="SHA-256 of its document.")


class RejectedOutside(Certification):
    """An outside system makes no version, and why, as codes that name no person."""

    answer: Literal["rejected"]
    by: Name
    reasons: tuple[Code, ...] = Field(min_length=1, max_length=20)


Result = Annotated[RenderedOutside | RejectedOutside, Field(discriminator="answer")]
RESULT: TypeAdapter[RenderedOutside | RejectedOutside] = TypeAdapter(Result)


def source_of(ledger: UUID) -> str:
    """Name a ledger as the source of events."""
    return f"urn:uuid:{ledger}"


def headers_of(ledger: UUID, row: FeedRow, message: Message) -> dict[str, str]:
    """Return the CloudEvents header of a message. `sequence` counts from 1 without a hole."""
    return {
        "ce_specversion": "1.0",
        "ce_id": str(row.event_id),
        SOURCE: source_of(ledger),
        "ce_type": TYPES[type(message)],
        "ce_subject": str(row.ref),
        "ce_time": row.time.astimezone(UTC).isoformat(),
        SEQUENCE: str(row.sequence),
        "content-type": "application/json",
    }
