"""Taking a student over from another LEA, and beginning a new school year: a whole set copied into another stream.

The source is left as it stands, and the event names it, so that both histories stay readable (R-201, R-025).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from events.student import (
    ABSENT,
    Present,
    StudentReassignedIn,
    StudentRolledOver,
    StudentState,
    fold,
    record_set,
    with_removal,
)
from events.student_commands import Checks, Decision, Refused, equal, fresh_problems
from schemas.louisiana_sts.records import Fields, RecordSet
from schemas.problems import Problem


@dataclass(frozen=True, slots=True)
class Source:
    """The set that is copied: its stream, the version it was read at, and how it stood there."""

    stream: str
    version: int
    state: Present


@dataclass(frozen=True, slots=True)
class ReassignIn:
    """Copy a student's set from another LEA to a site of the receiving sponsor, in the same school year."""

    source: Source
    to_sponsor: str
    to_site: str


@dataclass(frozen=True, slots=True)
class RollOver:
    """Begin the next school year with what the last one ended with.

    Public consent is given for one year and begins each year as N; nonpublic consent is implied until a parent opts
    out, and is kept (R-191).
    """

    source: Source
    to_bssy: str
    keeps_consent: bool


def already_held(sponsor: str) -> Problem:
    """Say that the receiving sponsor holds another set of the student."""
    return Problem(
        code="S07",
        message=f"SPONSOR {sponsor} ALREADY HOLDS ANOTHER SET OF THIS STUDENT IN THIS YEAR",
        effect="reject_student",
        record="020",
        field="sponsor_code",
        hint="Nothing is overwritten. Edit that set, or remove it (`ledger delete student`) and reassign again.",
    )


def reassign(command: ReassignIn, state: StudentState, *, before: Sequence[Problem], checks: Checks) -> Decision:
    """Decide on the receiving stream.

    `before` are the problems of the source as it stands, `checks` those of a set at the receiving sponsor: the copy
    may bring in no problem that rejects a student. The same copy again changes nothing.
    """
    source = command.source
    records = copied(source.state, {"sponsor_code": command.to_sponsor, "site_code": command.to_site})
    assert records.student is not None
    event = StudentReassignedIn(source.stream, source.version, records.student, records.courses, records.credentials)
    events = with_removal((event,), ABSENT)
    if isinstance(state, Present):
        after = fold(ABSENT, events)
        return (
            () if isinstance(after, Present) and equal(state, after) else Refused((already_held(command.to_sponsor),))
        )
    fresh = fresh_problems(before, checks(records))
    return Refused(fresh) if fresh else events


def roll_over(command: RollOver, state: StudentState) -> tuple[StudentRolledOver, ...]:
    """Decide on the new year's stream: graduates stay where they are (R-024), and a set that is held is left alone."""
    source = command.source
    if isinstance(state, Present) or "graduation_date" in source.state.student:
        return ()
    consent = {} if command.keeps_consent else {"parental_guardian_consent_flag": "N"}
    records = copied(source.state, {"beginning_school_session_year": command.to_bssy, **consent})
    assert records.student is not None
    return (StudentRolledOver(source.stream, source.version, records.student, records.courses, records.credentials),)


def copied(state: Present, changes: Fields) -> RecordSet:
    """Return a set with these fields of its 020 changed."""
    records = record_set(state)
    return RecordSet("full", {**(records.student or {}), **changes}, records.courses, records.credentials)
