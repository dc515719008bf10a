"""The archive of official transcripts: every version, its stored document, and whether it can be made again."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import msgspec

from events.commit import short
from events.official_transcript import OfficialTranscriptRejected, OfficialTranscriptRendered
from events.registry.contract import Key
from events.streams import official_stream
from events.transcript_content import OfficialTranscript, Transcript
from services.blobs import BlobDamaged
from services.ledger import Ledger
from services.ots.document import render, template_digest, typst_version
from services.targets import NoSuchVersion


@dataclass(frozen=True, slots=True)
class Version:
    """One version that was sent: where and when, its event, and the key of its document."""

    position: int
    answered_at: datetime
    event: OfficialTranscriptRendered
    key: Key


@dataclass(frozen=True, slots=True)
class Rejection:
    """One answer that sent nothing."""

    position: int
    answered_at: datetime
    event: OfficialTranscriptRejected


async def answers_of(ledger: Ledger, ref: UUID) -> list[Version | Rejection]:
    """Return every answer about a student, oldest first; none of an erased student."""
    answers: list[Version | Rejection] = []
    for commit in await ledger.events_of(official_stream(ref)):
        if commit.key is None:
            continue
        for event in commit.events:
            if isinstance(event, OfficialTranscriptRendered):
                answers.append(Version(commit.position, commit.as_of, event, commit.key))
            elif isinstance(event, OfficialTranscriptRejected):
                answers.append(Rejection(commit.position, commit.as_of, event))
    return answers


def pick(answers: list[Version | Rejection], number: int | None) -> Version:
    """Return the version that shows this number: 0 is the first, which shows none. Without a number, the newest.

    Raises NoSuchVersion.
    """
    versions = [answer for answer in answers if isinstance(answer, Version)]
    wanted = [each for each in versions if number in {None, each.event.number - 1}]
    if not wanted:
        there = ", ".join(str(each.event.number - 1) for each in versions) or "none yet; `ledger ots` says why"
        raise NoSuchVersion(f"there is no such version of this official transcript. Versions: {there}.")
    return wanted[-1]


async def document_of(ledger: Ledger, version: Version) -> bytes:
    """Return the archived document, proven to be the one that was made. Raises BlobMissing or BlobDamaged.

    Raises NoSuchVersion for one that an outside system made and keeps.
    """
    if not version.event.pdf:
        raise NoSuchVersion(f"this version was made by {version.event.by}, which keeps its document itself.")
    pdf = await ledger.blobs.get(version.event.pdf, version.key)
    if sha256(pdf).hexdigest() != version.event.sha256:
        raise BlobDamaged(f"blob {version.event.pdf} opens, but is not the document that the log names")
    return pdf


def as_shown(ledger: Ledger, event: OfficialTranscriptRendered) -> OfficialTranscript:
    """Return what the document of a version shows, from the event alone."""
    return OfficialTranscript(
        transcript=event.content,
        version=event.number - 1,
        ledger=short(ledger.genesis.ledger),
        position=event.certified_at,
        time=event.time,
        act="submitted" if event.sector == "nonpublic" else "certified",
    )


@dataclass(frozen=True, slots=True)
class Rerendered:
    """Whether today's template gives the archived bytes; if not, what made them and what is here now."""

    same: bool
    made_by: str
    here: str


def rerender(ledger: Ledger, event: OfficialTranscriptRendered) -> Rerendered:
    """Render a version again from the sealed event and compare the bytes' digest. Blocks for some tens of ms."""
    again = render(as_shown(ledger, event))
    return Rerendered(
        same=again.digest == event.sha256,
        made_by=f"template {event.template[:12]}, typst {event.typst}",
        here=f"template {template_digest()[:12]}, typst {typst_version()}",
    )


# --- What changed between versions -------------------------------------------------------------------------------


def changes(before: Transcript, after: Transcript) -> list[tuple[str, str, str]]:
    """Return what differs between two versions, as (what, before, after); a course is named by its own words."""
    old, new = dict(flat(msgspec.to_builtins(before))), dict(flat(msgspec.to_builtins(after)))
    return [
        (what, old.get(what, ""), new.get(what, ""))
        for what in sorted(old.keys() | new.keys())
        if old.get(what) != new.get(what)
    ]


def flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield every leaf with the way to it."""
    if isinstance(value, Mapping):
        for name, each in value.items():
            yield from flat(each, f"{path} {name}".strip())
    elif isinstance(value, list | tuple):
        for place, each in enumerate(value, start=1):
            yield from flat(each, f"{path} {named(each, place)}")
    else:
        yield path, str(value)


def named(value: Any, place: int) -> str:
    """Name an item of a list by what tells it apart; by its place where nothing does."""
    if not isinstance(value, Mapping):
        return str(place)
    words = [str(value[name]) for name in ("bssy", "term", "code", "name", "part", "title") if value.get(name)]
    return " ".join(words) or str(place)
