"""A student's transcript set: one stream per sponsor, student and school year.

Events are past facts and `evolve` folds them into the set as it stands. What may happen next is decided in
`student_commands.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, assert_never

import msgspec

from events.sealing import keyed_digest
from events.stored import Event, Standing
from schemas.louisiana_sts.graduation import removal_codes
from schemas.louisiana_sts.records import Fields, RecordSet

# --- Events -----------------------------------------------------------------------------------------------------


class StudentRecordSubmitted(Event, frozen=True):
    """A district sent the student's whole set: 020, every 030, every 050. It replaces what was there (R-038)."""

    stored_name = "student-record-submitted"

    student: Fields
    courses: tuple[Fields, ...]
    credentials: tuple[Fields, ...]


class CredentialsReplaced(Event, frozen=True):
    """A file of 050 alone replaced the student's credentials and left 020 and 030 as they were (R-042)."""

    stored_name = "credentials-replaced"

    credentials: tuple[Fields, ...]


class StudentEdited(Event, frozen=True):
    """Fields of the 020 were edited online. A field changed to "" was blanked."""

    stored_name = "student-edited"

    changes: Fields


class CourseAdded(Event, frozen=True):
    """A 030 was added online under the set's next course number."""

    stored_name = "course-added"

    number: int
    fields: Fields


class CourseEdited(Event, frozen=True):
    """Fields of one 030 were edited online."""

    stored_name = "course-edited"

    number: int
    changes: Fields


class CourseDeleted(Event, frozen=True):
    """One 030 was deleted online. Its number is not given again within the set."""

    stored_name = "course-deleted"

    number: int


class CredentialAdded(Event, frozen=True):
    """A 050 was added online under the set's next credential number."""

    stored_name = "credential-added"

    number: int
    fields: Fields


class CredentialEdited(Event, frozen=True):
    """Fields of one 050 were edited online."""

    stored_name = "credential-edited"

    number: int
    changes: Fields


class CredentialDeleted(Event, frozen=True):
    """One 050 was deleted online."""

    stored_name = "credential-deleted"

    number: int


class StudentRemoved(Event, frozen=True):
    """The student's set of this year was taken out. History keeps it; a later submission brings the student back."""

    stored_name = "student-removed"

    by: Literal["delete-all-and-replace", "request"]


class GraduationDateRemoved(Event, frozen=True):
    """The date was cleared because the student does not meet the requirements; the rest stays (R-036, R-142).

    `codes` are the removal codes, lowest first; `date` is what was sent, so that it can be told.
    """

    stored_name = "graduation-date-removed"

    codes: tuple[str, ...]
    date: str


class StudentReassignedIn(Event, frozen=True):
    """The set was copied from another LEA's stream of the same year, as it stood there (R-201)."""

    stored_name = "student-reassigned-in"

    source: str
    source_version: int
    student: Fields
    courses: tuple[Fields, ...]
    credentials: tuple[Fields, ...]


class StudentMoved(Event, frozen=True):
    """The student goes to another site of the same LEA (R-201)."""

    stored_name = "student-moved"

    from_site: str
    to_site: str


class StudentRolledOver(Event, frozen=True):
    """A non-graduate's set begins the next school year with what the last one ended with (R-025)."""

    stored_name = "student-rolled-over"

    source: str
    source_version: int
    student: Fields
    courses: tuple[Fields, ...]
    credentials: tuple[Fields, ...]


WholeSet = StudentRecordSubmitted | StudentReassignedIn | StudentRolledOver
"""The events after which nothing of what stood before counts."""

StudentEvent = (
    StudentRecordSubmitted
    | StudentReassignedIn
    | StudentRolledOver
    | StudentMoved
    | GraduationDateRemoved
    | CredentialsReplaced
    | StudentEdited
    | CourseAdded
    | CourseEdited
    | CourseDeleted
    | CredentialAdded
    | CredentialEdited
    | CredentialDeleted
    | StudentRemoved
)

# --- State ------------------------------------------------------------------------------------------------------

Numbered = Mapping[int, Fields]


@dataclass(frozen=True, slots=True)
class Absent:
    """No set is held: never submitted, or removed."""


@dataclass(frozen=True, slots=True)
class Present:
    """The set as it stands. Courses and credentials keep their numbers until the next whole submission."""

    student: Fields
    courses: Numbered = field(default_factory=dict)
    credentials: Numbered = field(default_factory=dict)
    next_course: int = 1
    next_credential: int = 1


StudentState = Absent | Present
ABSENT = Absent()


def numbered(records: Sequence[Fields]) -> dict[int, Fields]:
    """Number records from 1 in the order in which they came."""
    return dict(enumerate(records, start=1))


def changed(fields: Fields, changes: Fields) -> Fields:
    """Return the fields with the changes made; a field changed to "" goes."""
    return {name: value for name, value in (fields | changes).items() if value}


def evolve(state: StudentState, event: StudentEvent) -> StudentState:
    """Fold one event into the state. Raises ValueError when an event needs a set and none is held."""
    match event:
        case (
            StudentRecordSubmitted(student=student, courses=courses, credentials=credentials)
            | StudentReassignedIn(student=student, courses=courses, credentials=credentials)
            | StudentRolledOver(student=student, courses=courses, credentials=credentials)
        ):
            return Present(student, numbered(courses), numbered(credentials), len(courses) + 1, len(credentials) + 1)
        case StudentRemoved():
            return ABSENT
    if isinstance(state, Absent):
        raise ValueError(f"{event.stored_name} on a student who holds no set")
    return evolve_present(state, event)


def evolve_present(state: Present, event: StudentEvent) -> Present:
    """Fold an event that changes a part of the set that is held."""
    courses, credentials = dict(state.courses), dict(state.credentials)
    match event:
        case CredentialsReplaced(credentials=sent):
            return replace(state, credentials=numbered(sent), next_credential=len(sent) + 1)
        case StudentEdited(changes=changes):
            return replace(state, student=changed(state.student, changes))
        case StudentMoved(to_site=site):
            return replace(state, student=state.student | {"site_code": site})
        case GraduationDateRemoved():
            return replace(state, student=changed(state.student, {"graduation_date": ""}))
        case CourseAdded(number=number, fields=fields):
            return replace(state, courses=courses | {number: fields}, next_course=number + 1)
        case CourseEdited(number=number, changes=changes):
            return replace(state, courses=courses | {number: changed(courses[number], changes)})
        case CourseDeleted(number=number):
            del courses[number]
            return replace(state, courses=courses)
        case CredentialAdded(number=number, fields=fields):
            return replace(state, credentials=credentials | {number: fields}, next_credential=number + 1)
        case CredentialEdited(number=number, changes=changes):
            return replace(state, credentials=credentials | {number: changed(credentials[number], changes)})
        case CredentialDeleted(number=number):
            del credentials[number]
            return replace(state, credentials=credentials)
        case StudentRecordSubmitted() | StudentReassignedIn() | StudentRolledOver() | StudentRemoved():
            raise ValueError(f"{event.stored_name} replaces the whole set")
    assert_never(event)


def fold(state: StudentState, events: Iterable[StudentEvent]) -> StudentState:
    """Return the state after some events."""
    for event in events:
        state = evolve(state, event)
    return state


# --- Graduation dates that do not stay ---------------------------------------------------------------------------


def with_removal(events: tuple[StudentEvent, ...], state: StudentState) -> tuple[StudentEvent, ...]:
    """Return the events, followed by the removal of a graduation date that the set then does not bear (R-036, R-142).

    The rest of the set is stored all the same.
    """
    after = fold(state, events)
    if isinstance(after, Absent):
        return events
    codes = removal_codes(record_set(after), sector_of(after.student))
    return (*events, GraduationDateRemoved(codes, after.student["graduation_date"])) if codes else events


# --- What stands in clear ---------------------------------------------------------------------------------------


class StudentStanding(Standing, frozen=True):
    """What a student event says in clear about the set afterwards; enough for certification and status views.

    `record` is a digest of the whole set under the student's own key: equal sets have equal digests, in whatever order
    their records came, and nobody without the key can guess one.
    """

    present: bool
    sector: str = ""
    site: str = ""
    graduate: bool = False
    record: str = ""


def canonical(records: RecordSet) -> bytes:
    """Return bytes that are equal for equal sets: fields sorted by name, records sorted by content."""
    parts = (
        sorted((records.student or {}).items()),
        sorted(sorted(course.items()) for course in records.courses),
        sorted(sorted(credential.items()) for credential in records.credentials),
    )
    return msgspec.json.encode(parts)


def record_digest(key: bytes, records: RecordSet) -> str:
    """Return the keyed digest of a whole set."""
    return keyed_digest(key, canonical(records), purpose="record")


def record_set(state: Present) -> RecordSet:
    """Return the state as the set a district would have sent."""
    return RecordSet("full", state.student, tuple(state.courses.values()), tuple(state.credentials.values()))


def sector_of(student: Fields) -> str:
    """Tell whose layout a 020 came in: only a nonpublic one carries a whole last name."""
    return "nonpublic" if "last_name" in student else "public"


def standing(state: StudentState, key: bytes) -> StudentStanding:
    """Say in clear how the set stands."""
    if isinstance(state, Absent):
        return StudentStanding(present=False)
    return StudentStanding(
        present=True,
        sector=sector_of(state.student),
        site=state.student.get("site_code", ""),
        graduate="graduation_date" in state.student,
        record=record_digest(key, record_set(state)),
    )
