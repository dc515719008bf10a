"""Who did what to a student's set: each commit on its stream, field by field before and after."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from events.official_transcript import Answer
from events.sealing import event_context, unseal
from events.stored import read_clear
from events.streams import StudentStream, official_stream, owner_of, parse_student_stream
from events.student import (
    ABSENT,
    GraduationDateRemoved,
    Numbered,
    Present,
    StudentEvent,
    StudentReassignedIn,
    StudentRolledOver,
    StudentState,
    evolve,
)
from projections.index_queries import Attempt, attempts, source_positions
from projections.opening import OpenCommit
from projections.upload_queries import upload_positions
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, STUDENT, Fields
from services.ledger import Ledger

IDENTITY = {
    COURSE: (
        "course_beginning_school_session_year",
        "course_code",
        "course_part_number",
        "semester_code",
        "course_site_code",
    ),
    CREDENTIAL: ("ibc_code", "year_ibc_earned", "semester_ibc_earned"),
}
"""What makes two records of one kind the same course or credential, in sets that were numbered anew."""


class Change(msgspec.Struct, frozen=True):
    """One field, before and after; "" is blank. `number` is the course's or credential's, null for the student."""

    what: Literal["edited", "added", "deleted"]
    record: str
    number: int | None
    field: str
    before: str
    after: str


class CopiedFrom(msgspec.Struct, frozen=True):
    """The set that was copied: whose, in which year, at which version and position of its own history."""

    sponsor: str
    bssy: str
    version: int
    position: int | None


class RemovedDate(msgspec.Struct, frozen=True):
    """A graduation date that was cleared, as it was sent (MMDDYYYY), and the removal codes (R-142)."""

    date: str
    codes: tuple[str, ...]


class OtsReply(msgspec.Struct, frozen=True):
    """What the OTS answered to a certification: S with the version's mark (0 shows none), or R with its reasons."""

    status: str
    version: int | None
    reasons: tuple[str, ...]
    certified_at: int


class Entry(msgspec.Struct, frozen=True):
    """One commit on the student's stream, or an answer of the OTS. A void one changed nothing and shows who tried.

    `version` is the stream's once it stood (0 for a void one); `upload` is the upload it came from, if it did, and
    `upload_position` where that was received; `copied_from` is the set that was reassigned or rolled over.
    """

    position: int
    time: datetime
    actor: str
    verdict: str
    version: int
    events: tuple[str, ...]
    command: UUID
    reason: str
    upload: UUID | None
    upload_position: int | None
    changes: tuple[Change, ...]
    copied_from: CopiedFrom | None = None
    graduation_date_removed: RemovedDate | None = None
    official: OtsReply | None = None


async def history(ledger: Ledger, stream: str, *, voids: bool = False) -> tuple[Entry, ...]:
    """Return a student's history in log order, with `voids` also the attempts that changed nothing.

    What the OTS answered about the student in that year stands between the commits on the student's own stream.
    """
    commits = await ledger.events_of(stream)
    answered = await ledger.events_of(official_stream(owner_of(stream)))
    async with ledger.pool.acquire() as connection:
        causes = await upload_positions(connection, [c.commit.cause for c in commits if c.commit.cause])
        tried = await attempts(connection, stream) if voids else []
        positions = await source_positions(connection, [key for one in commits if (key := source_of(one))])
    entries = [
        *standing_entries(commits, causes, positions),
        *(void_entry(one) for one in tried if one.verdict != "stands"),
        *official_entries(answered, parse_student_stream(stream)),
    ]
    return tuple(sorted(entries, key=lambda entry: entry.position))


SourceKey = tuple[str, int]


def source_of(opened: OpenCommit) -> SourceKey | None:
    """Return the stream and version that a commit copied, None where it copied none."""
    events = () if opened.erased else opened.events
    copies = (one for one in events if isinstance(one, StudentReassignedIn | StudentRolledOver))
    return next(((one.source, one.source_version) for one in copies), None)


def copied_from(source: SourceKey | None, positions: Mapping[SourceKey, int]) -> CopiedFrom | None:
    """Say what was copied."""
    if source is None:
        return None
    stream = parse_student_stream(source[0])
    return CopiedFrom(stream.sponsor, stream.bssy, source[1], positions.get(source))


def removed_date(opened: OpenCommit) -> RemovedDate | None:
    """Say which graduation date a commit cleared."""
    events = () if opened.erased else opened.events
    removals = (one for one in events if isinstance(one, GraduationDateRemoved))
    return next((RemovedDate(one.date, one.codes) for one in removals), None)


def standing_entries(
    commits: Sequence[OpenCommit], causes: Mapping[UUID, int], positions: Mapping[SourceKey, int]
) -> list[Entry]:
    """Fold a stream and say of each commit what it changed; nothing of an erased one's can be said."""
    entries, state = [], ABSENT_STATE
    for opened in commits:
        after = state if opened.erased else fold(state, opened)
        cause = opened.commit.cause
        entries.append(
            msgspec.structs.replace(
                plain_entry(opened),
                reason=reason_of(opened),
                upload=cause if cause in causes else None,
                upload_position=causes.get(cause) if cause else None,
                changes=changes(state, after),
                copied_from=copied_from(source_of(opened), positions),
                graduation_date_removed=removed_date(opened),
            )
        )
        state = after
    return entries


def official_entries(commits: Sequence[OpenCommit], of: StudentStream) -> list[Entry]:
    """Say what the OTS answered about one set; the clear part is enough, so an erased student's answers stay told."""
    entries = []
    for opened in commits:
        answer = read_clear(opened.commit.events[-1], Answer)
        if (answer.bssy, answer.sponsor) == (of.bssy, of.sponsor):
            version = answer.number - 1 if answer.number else None
            said = OtsReply("S" if answer.number else "R", version, answer.reasons, answer.certified_at)
            entries.append(msgspec.structs.replace(plain_entry(opened), official=said))
    return entries


def plain_entry(opened: OpenCommit) -> Entry:
    """A commit that changed nothing of the set."""
    return Entry(
        position=opened.position,
        time=opened.commit.time,
        actor=opened.commit.actor,
        verdict="stands",
        version=opened.commit.version,
        events=tuple(event.name for event in opened.commit.events),
        command=opened.commit.command,
        reason="",
        upload=None,
        upload_position=None,
        changes=(),
    )


def void_entry(attempt: Attempt) -> Entry:
    """Say who tried something that did not take effect."""
    commit = attempt.commit
    return Entry(
        position=attempt.position,
        time=commit.time,
        actor=commit.actor,
        verdict=attempt.verdict,
        version=0,
        events=tuple(event.name for event in commit.events),
        command=commit.command,
        reason="",
        upload=None,
        upload_position=None,
        changes=(),
    )


ABSENT_STATE: StudentState = ABSENT


def fold(state: StudentState, opened: OpenCommit) -> StudentState:
    """Fold a student commit's events."""
    for event in opened.events:
        assert isinstance(event, StudentEvent)
        state = evolve(state, event)
    return state


def reason_of(opened: OpenCommit) -> str:
    """Open the sealed reason of a commit (Ledger.sealed_reason seals it); "" where none was given."""
    commit = opened.commit
    if not commit.sealed_reason or opened.key is None:
        return commit.reason
    context = event_context(commit.ledger, commit.stream, 0) + commit.command.bytes
    return unseal(opened.key.material, commit.sealed_reason, context=context).decode()


# --- Before and after -------------------------------------------------------------------------------------------


def changes(before: StudentState, after: StudentState) -> tuple[Change, ...]:
    """Compare two states of a set field by field; records that only got another number are equal."""
    one, other = present(before), present(after)
    return (
        *field_changes(STUDENT, None, one.student, other.student),
        *record_changes(COURSE, one.courses, other.courses),
        *record_changes(CREDENTIAL, one.credentials, other.credentials),
    )


def present(state: StudentState) -> Present:
    """Take no set as an empty one."""
    return state if isinstance(state, Present) else Present({})


def record_changes(record: str, before: Numbered, after: Numbered) -> list[Change]:
    """Compare the courses or the credentials of two sets."""
    found: list[Change] = []
    for old, new in paired(before, after, IDENTITY[record]):
        number = new if new is not None else old
        was, becomes = before[old] if old is not None else {}, after[new] if new is not None else {}
        found += field_changes(record, number, was, becomes)
    return found


def field_changes(record: str, number: int | None, before: Fields, after: Fields) -> list[Change]:
    """Compare two records field by field, in the order of the layout."""
    what: Literal["edited", "added", "deleted"] = "edited" if before and after else "added" if after else "deleted"
    names = [*before, *(name for name in after if name not in before)]
    return [
        Change(what, record, number, name, before.get(name, ""), after.get(name, ""))
        for name in names
        if before.get(name, "") != after.get(name, "")
    ]


Pair = tuple[int | None, int | None]


def paired(before: Numbered, after: Numbered, identity: Sequence[str]) -> list[Pair]:
    """Pair the records of two sets: first equal ones, then those of one identity, then those of one number."""
    left, right = dict(before), dict(after)
    pairs: list[Pair] = []
    for key in (
        lambda number, fields: (number, sorted(fields.items())),
        lambda _, fields: sorted(fields.items()),
        lambda _, fields: [fields.get(name) for name in identity],
        lambda number, _: number,
    ):
        for new, fields in list(right.items()):
            old = next((number for number, held in left.items() if key(number, held) == key(new, fields)), None)
            if old is not None:
                pairs.append((old, new))
                del left[old], right[new]
    pairs += [(old, None) for old in left] + [(None, new) for new in right]
    return sorted(pairs, key=lambda pair: pair[1] if pair[1] is not None else pair[0] or 0)
