"""What may happen next to a student's transcript set: commands, and one pure decision.

The day and the facts of tables arrive with `checks`; nothing here reads a clock or a table.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from events.student import (
    Absent,
    CourseAdded,
    CourseDeleted,
    CourseEdited,
    CredentialAdded,
    CredentialDeleted,
    CredentialEdited,
    CredentialsReplaced,
    Present,
    StudentEdited,
    StudentEvent,
    StudentMoved,
    StudentRecordSubmitted,
    StudentRemoved,
    StudentState,
    canonical,
    changed,
    evolve,
    fold,
    record_set,
    with_removal,
)
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, SET_KEYS, STUDENT, Fields, RecordSet, stored_fields
from schemas.problems import Problem


@dataclass(frozen=True, slots=True)
class SubmitSet:
    """Store a set that was checked: whole, or 050 alone."""

    records: RecordSet


@dataclass(frozen=True, slots=True)
class EditStudent:
    """Change fields of the 020; "" blanks a field."""

    changes: Fields


@dataclass(frozen=True, slots=True)
class AddCourse:
    """Add a 030."""

    fields: Fields


@dataclass(frozen=True, slots=True)
class EditCourse:
    """Change fields of one 030."""

    number: int
    changes: Fields


@dataclass(frozen=True, slots=True)
class DeleteCourse:
    """Delete one 030."""

    number: int


@dataclass(frozen=True, slots=True)
class AddCredential:
    """Add a 050."""

    fields: Fields


@dataclass(frozen=True, slots=True)
class EditCredential:
    """Change fields of one 050."""

    number: int
    changes: Fields


@dataclass(frozen=True, slots=True)
class DeleteCredential:
    """Delete one 050."""

    number: int


@dataclass(frozen=True, slots=True)
class MoveStudent:
    """Move the student to another site of the same LEA (R-201)."""

    to_site: str


@dataclass(frozen=True, slots=True)
class RemoveStudent:
    """Take the student's set of this year out."""

    by: Literal["delete-all-and-replace", "request"]


Edit = (
    EditStudent
    | AddCourse
    | EditCourse
    | DeleteCourse
    | AddCredential
    | EditCredential
    | DeleteCredential
    | MoveStudent
)
StudentCommand = SubmitSet | RemoveStudent | Edit


@dataclass(frozen=True, slots=True)
class Refused:
    """A command that may not happen: what is wrong, as problems with their places and repairs."""

    problems: tuple[Problem, ...]


Decision = tuple[StudentEvent, ...] | Refused
Checks = Callable[[RecordSet], Sequence[Problem]]

NO_SET = Problem(
    code="S01",
    message="THE STUDENT HOLDS NO TRANSCRIPT SET IN THIS YEAR",
    effect="reject_student",
    hint="Upload the student's 020 and 030 records first, or name the school year in which the student is held.",
)


def no_such_number(record: str, number: int, held: Mapping[int, Fields]) -> Problem:
    """Say that a course or credential number is not held, and which are."""
    numbers = ", ".join(map(str, held)) or "none"
    return Problem(
        code="S02",
        message=f"NO {record} RECORD WITH NUMBER {number}",
        effect="reject_student",
        record=record,
        hint=f"Numbers held: {numbers}. `ledger student` lists them.",
    )


def key_field(record: str, name: str) -> Problem:
    """Say that a field which names the set cannot be edited (R-012)."""
    return Problem(
        code="S03",
        message="A KEY OF THE RECORD SET CANNOT BE EDITED",
        effect="reject_student",
        record=record,
        field=name,
        hint="Submit the student under the right key and remove the wrong set; both histories stay readable.",
    )


def unknown_field(record: str, name: str) -> Problem:
    """Say that a record has no such field."""
    return Problem(
        code="S07",
        message=f"NO FIELD {name} IN RECORD {record}",
        effect="reject_student",
        record=record,
        field=name,
        hint="Name a field of the record's layout; `ledger student --json` shows those that are filled.",
    )


def decide(command: StudentCommand, state: StudentState, checks: Checks) -> Decision:
    """Decide a command: no event when nothing would change, Refused when it may not happen.

    `checks` gives the problems of a whole set; a problem that stood before an edit does not refuse the edit.
    """
    match command:
        case SubmitSet(records=records):
            return submit(records, state)
        case RemoveStudent(by=by):
            return () if isinstance(state, Absent) else (StudentRemoved(by),)
    return Refused((NO_SET,)) if isinstance(state, Absent) else edit(command, state, checks)


def submit(records: RecordSet, state: StudentState) -> Decision:
    """Replace what is held (R-038, R-042). An equal set changes nothing, so that resending decertifies nobody."""
    if records.kind == "credentials" and isinstance(state, Absent):
        return Refused((NO_SET,))
    events = with_removal((submission(records),), state)
    after = fold(state, events)
    same = isinstance(state, Present) and isinstance(after, Present) and equal(state, after)
    return () if same else events


def submission(records: RecordSet) -> StudentRecordSubmitted | CredentialsReplaced:
    """Return the event that stores a set."""
    if records.kind == "credentials":
        return CredentialsReplaced(records.credentials)
    return StudentRecordSubmitted(records.student or {}, records.courses, records.credentials)


def equal(one: Present, other: Present) -> bool:
    """Whether two sets hold the same records, in whatever order and under whatever numbers."""
    return canonical(record_set(one)) == canonical(record_set(other))


def edit(command: Edit, state: Present, checks: Checks) -> Decision:
    """Decide an online edit: the record must exist, and the edit must bring in no problem that rejects a student."""
    wrong = target_problems(command, state)
    if wrong:
        return Refused(wrong)
    event = edit_event(command, state)
    after = evolve(state, event)
    if after == state:
        return ()
    fresh = fresh_problems(checks(record_set(state)), checks(record_set(after)) if isinstance(after, Present) else ())
    return Refused(fresh) if fresh else with_removal((event,), state)


def fresh_problems(before: Sequence[Problem], after: Sequence[Problem]) -> tuple[Problem, ...]:
    """Return the problems that reject a student and that did not stand before, or not as often."""
    stood = Counter(identity_of(problem) for problem in before)
    fresh = []
    for problem in after:
        if problem.effect in {"reject_student", "reject_file"}:
            stood[identity_of(problem)] -= 1
            if stood[identity_of(problem)] < 0:
                fresh.append(problem)
    return tuple(fresh)


def identity_of(problem: Problem) -> tuple[str, str | None, str | None, bytes]:
    """What makes two findings the same finding, wherever their lines now stand."""
    return problem.code, problem.record, problem.field, problem.found


def target_problems(command: Edit, state: Present) -> tuple[Problem, ...]:
    """Return what is wrong with the record or field that an edit aims at."""
    match command:
        case EditCourse(number=number) | DeleteCourse(number=number) if number not in state.courses:
            return (no_such_number(COURSE, number, state.courses),)
        case EditCredential(number=number) | DeleteCredential(number=number) if number not in state.credentials:
            return (no_such_number(CREDENTIAL, number, state.credentials),)
    return key_problems(*fields_of(command))


def fields_of(command: StudentCommand) -> tuple[str, Fields]:
    """Return the fields that an edit names, and the record type they belong to."""
    match command:
        case EditStudent(changes=fields):
            return STUDENT, fields
        case AddCourse(fields=fields) | EditCourse(changes=fields):
            return COURSE, fields
        case AddCredential(fields=fields) | EditCredential(changes=fields):
            return CREDENTIAL, fields
    return STUDENT, {}


def key_problems(record: str, fields: Fields) -> tuple[Problem, ...]:
    """Return a problem for each field that the stream names already, or that no set keeps."""
    return tuple(key_field(record, name) for name in sorted(fields.keys() & SET_KEYS))


def edit_event(command: Edit, state: Present) -> StudentEvent:
    """Return the event that an edit would become."""
    match command:
        case EditStudent(changes=changes):
            return StudentEdited(as_stored(STUDENT, changes))
        case AddCourse(fields=fields):
            return CourseAdded(state.next_course, stored_fields(COURSE, changed({}, as_stored(COURSE, fields))))
        case EditCourse(number=number, changes=changes):
            return CourseEdited(number, as_stored(COURSE, changes))
        case DeleteCourse(number=number):
            return CourseDeleted(number)
        case AddCredential(fields=fields):
            added = stored_fields(CREDENTIAL, changed({}, as_stored(CREDENTIAL, fields)))
            return CredentialAdded(state.next_credential, added)
        case EditCredential(number=number, changes=changes):
            return CredentialEdited(number, as_stored(CREDENTIAL, changes))
        case DeleteCredential(number=number):
            return CredentialDeleted(number)
        case MoveStudent(to_site=site):
            return StudentMoved(state.student.get("site_code", ""), site)
    assert_never(command)


def as_stored(record: str, changes: Fields) -> Fields:
    """Return changes as a file's would be stored: no trailing blanks, and defaults for what is blank (R-045, R-055)."""
    defaults = stored_fields(record, {})
    trimmed = {name: value.rstrip(" ") for name, value in changes.items()}
    return {name: value or defaults.get(name, "") for name, value in trimmed.items()}
