"""Current transcripts: each student's set as it stands, with its courses and credentials."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from events.identity import is_erasure
from events.stored import Event, read_clear
from events.streams import StudentStream, owner_of, parse_student_stream
from events.student import (
    ABSENT,
    Present,
    StudentEvent,
    StudentStanding,
    StudentState,
    WholeSet,
    evolve,
)
from projections.database import Connection
from projections.opening import OpenCommit
from projections.projection import History
from schemas.louisiana_sts.records import Fields

DDL = """
create table transcript_students (
    ref uuid, bssy text, sponsor text,
    state_id text not null, local_id text not null, site text not null,
    first_name text not null, last_name text not null, grade text not null, grade_9_entry_year text not null,
    graduation_date date, diploma_pathway text not null, career_option text not null, consent text not null,
    courses integer not null, credentials integer not null,
    record text not null, version integer not null, position bigint not null, changed_at timestamptz not null,
    primary key (ref, bssy, sponsor)
);
create index transcript_students_of_site on transcript_students (bssy, sponsor, site);
create index transcript_students_by_state_id on transcript_students (state_id);

create table transcript_courses (
    ref uuid, bssy text, sponsor text, number integer,
    course_bssy text not null, course_code text not null, part text not null, semester text not null,
    letter_grade text not null, credit_attempted integer, credit_earned integer, grade_point_maximum integer,
    quality_points integer, waiver text not null, course_sponsor text not null, course_site text not null,
    site_name text not null, course_name text not null, course_type text not null,
    primary key (ref, bssy, sponsor, number)
);

create table transcript_credentials (
    ref uuid, bssy text, sponsor text, number integer,
    ibc_code text not null, year_earned text not null, semester_earned text not null, test_vendor text not null,
    pass_fail text not null, earned_sponsor text not null, earned_site text not null,
    primary key (ref, bssy, sponsor, number)
);
"""

Row = tuple[Any, ...]


def hundredths(text: str) -> int | None:
    """Read a count with two implied decimals (R-057): 050 is 50 hundredths."""
    return int(text) if text.isdecimal() else None


def calendar_date(mmddyyyy: str) -> date | None:
    """Read MMDDYYYY; None where there is no date."""
    try:
        return date(int(mmddyyyy[4:]), int(mmddyyyy[:2]), int(mmddyyyy[2:4]))
    except ValueError:
        return None


def student_row(key: Row, state: Present, last: OpenCommit) -> Row:
    """One row a student, in the order of the table's columns."""
    get = state.student.get
    return (
        *key,
        get("state_identification_number", ""),
        get("local_identification_number", ""),
        get("site_code", ""),
        get("first_name") or get("partial_first_name", ""),
        get("last_name") or get("partial_last_name", ""),
        get("grade_placement_code", ""),
        get("grade_9_entry_year", ""),
        calendar_date(get("graduation_date", "")),
        get("diploma_pathway", ""),
        get("career_option_code", ""),
        get("parental_guardian_consent_flag", ""),
        len(state.courses),
        len(state.credentials),
        read_clear(last.commit.events[-1], StudentStanding).record,
        last.commit.version,
        last.position,
        last.as_of,
    )


def course_row(key: Row, number: int, fields: Fields) -> Row:
    """One row a course; credits and quality points in hundredths."""
    get = fields.get
    return (
        *key,
        number,
        get("course_beginning_school_session_year", ""),
        get("course_code", ""),
        get("course_part_number", ""),
        get("semester_code", ""),
        get("letter_grade_code", ""),
        hundredths(get("credit_attempted_count", "")),
        hundredths(get("credit_earned_count", "")),
        hundredths(get("grade_point_maximum_count", "")),
        hundredths(get("quality_points_awarded_count", "")),
        get("core_curriculum_waiver_flag", ""),
        get("course_sponsor_code", ""),
        get("course_site_code", ""),
        get("course_site_name", ""),
        get("transcript_course_name", ""),
        get("course_type_code", ""),
    )


def credential_row(key: Row, number: int, fields: Fields) -> Row:
    """One row a credential."""
    get = fields.get
    return (
        *key,
        number,
        get("ibc_code", ""),
        get("year_ibc_earned", ""),
        get("semester_ibc_earned", ""),
        get("test_vendor", ""),
        get("pass_fail", ""),
        get("ibc_earned_sponsor_code", ""),
        get("ibc_earned_site_code", ""),
    )


class CurrentTranscripts:
    """The projection: whole sets are folded with the same `evolve` that decides, then written as rows."""

    name = "current_transcripts"
    version = 1
    tables: Sequence[str] = ("transcript_students", "transcript_courses", "transcript_credentials")
    ddl = DDL
    categories = frozenset({"student", "identity"})

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], history: History) -> None:
        """Replace the rows of every student whom the batch touches; drop those of the erased."""
        students = [commit for commit in commits if commit.category == "student" and not commit.erased]
        last = {commit.commit.stream: commit for commit in students}
        begun = {commit.commit.stream for commit in students if commit.commit.expected == 0}
        states = await fold_students(students, history)
        await delete_students(connection, [parse_student_stream(stream) for stream in last.keys() - begun])
        await write_students(connection, [(last[stream], state) for stream, state in states.items()])
        await delete_erased(connection, commits)


async def fold_students(commits: Sequence[OpenCommit], history: History) -> dict[str, StudentState]:
    """Return each touched student's state after the batch."""
    events: dict[str, list[Event]] = {}
    for commit in commits:
        events.setdefault(commit.commit.stream, []).extend(commit.events)
    partial = [stream for stream, new in events.items() if not isinstance(new[0], WholeSet)]
    before: Mapping[str, Sequence[Event]] = await history.before(partial, commits[0].position) if partial else {}
    return {stream: fold_states([*before.get(stream, ()), *new]) for stream, new in events.items()}


def fold_states(events: Iterable[Event]) -> StudentState:
    """Fold a stream from its beginning."""
    state: StudentState = ABSENT
    for event in events:
        assert isinstance(event, StudentEvent)
        state = evolve(state, event)
    return state


async def write_students(connection: Connection, states: Sequence[tuple[OpenCommit, StudentState]]) -> None:
    """Write the rows of students whose old rows are gone. Courses are made while PostgreSQL takes those before."""
    present = [(key_of(last), last, state) for last, state in states if isinstance(state, Present)]
    students = [student_row(key, state, last) for key, last, state in present]
    courses = (course_row(key, *item) for key, _, state in present for item in state.courses.items())
    credentials = [credential_row(key, *item) for key, _, state in present for item in state.credentials.items()]
    if students:
        await connection.copy_records_to_table("transcript_students", records=students)
        await connection.copy_records_to_table("transcript_courses", records=courses)
    if credentials:
        await connection.copy_records_to_table("transcript_credentials", records=credentials)


def key_of(commit: OpenCommit) -> Row:
    """The first columns of a student's rows."""
    sponsor, ref, bssy = parse_student_stream(commit.commit.stream)
    return ref, bssy, sponsor


async def delete_students(connection: Connection, streams: Sequence[StudentStream]) -> None:
    """Delete the rows of those students in those years, where there are any.

    "Not distinct" keeps the planner from the index of sites, whose every row has the same year and sponsor.
    """
    if not streams:
        return
    keys = [s.ref for s in streams], [s.bssy for s in streams], [s.sponsor for s in streams]
    for table in CurrentTranscripts.tables:
        deleted = await connection.execute(
            f"delete from {table} as t using unnest($1::uuid[], $2::text[], $3::text[]) as k (ref, bssy, sponsor) "
            "where t.ref = k.ref and (t.bssy, t.sponsor) is not distinct from (k.bssy, k.sponsor)",
            *keys,
        )
        if deleted == "DELETE 0":
            return  # no student of the batch held a set, so there are no courses or credentials either


async def delete_erased(connection: Connection, commits: Sequence[OpenCommit]) -> None:
    """Delete every row of the students whom the batch erases."""
    refs: list[UUID] = [owner_of(commit.commit.stream) for commit in commits if is_erasure(commit.commit)]
    if refs:
        for table in CurrentTranscripts.tables:
            await connection.execute(f"delete from {table} where ref = any($1::uuid[])", refs)
