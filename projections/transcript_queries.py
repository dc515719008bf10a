"""What is asked of the current transcripts: lists of students, and one student's set."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TypeVar
from uuid import UUID

import asyncpg
import msgspec

from projections.database import Connection

S = TypeVar("S", bound=msgspec.Struct)


class StudentRow(msgspec.Struct, frozen=True):
    """One student in one school year. `version` is the stream's, `position` that of its last commit."""

    state_id: str
    bssy: str
    sponsor: str
    site: str
    grade: str
    last_name: str
    first_name: str
    local_id: str
    grade_9_entry_year: str
    graduation_date: date | None
    diploma_pathway: str
    career_option: str
    consent: str
    courses: int
    credentials: int
    version: int
    position: int
    changed_at: datetime


class CourseRow(msgspec.Struct, frozen=True):
    """One course (030). Credits and quality points are hundredths."""

    number: int
    course_bssy: str
    course_code: str
    course_name: str
    part: str
    semester: str
    letter_grade: str
    credit_attempted: int | None
    credit_earned: int | None
    grade_point_maximum: int | None
    quality_points: int | None
    waiver: str
    course_sponsor: str
    course_site: str
    site_name: str
    course_type: str


class CredentialRow(msgspec.Struct, frozen=True):
    """One industry-based credential (050)."""

    number: int
    ibc_code: str
    year_earned: str
    semester_earned: str
    test_vendor: str
    pass_fail: str
    earned_sponsor: str
    earned_site: str


class SetKey(msgspec.Struct, frozen=True):
    """Which set of a student: the year and the sponsor."""

    bssy: str
    sponsor: str


WANTED = (
    "($1::text is null or site = $1) and ($2::text is null or grade = $2) "
    "and ($3::text is null or bssy = $3) and ($4::text is null or sponsor = $4)"
)


async def count_students(
    connection: Connection, *, site: str | None, grade: str | None, bssy: str | None, sponsor: str | None
) -> int:
    """Count the sets that fit."""
    found: int = await connection.fetchval(
        f"select count(*) from transcript_students where {WANTED}", site, grade, bssy, sponsor
    )
    return found


async def list_students(
    connection: Connection, *, site: str | None, grade: str | None, bssy: str | None, sponsor: str | None, limit: int
) -> tuple[StudentRow, ...]:
    """Return at most `limit` of the sets that fit, the newest year first, then by site, name and id."""
    rows = await connection.fetch(
        f"select * from transcript_students where {WANTED} "
        "order by bssy desc, sponsor, site, last_name, first_name, state_id limit $5",
        site,
        grade,
        bssy,
        sponsor,
        limit,
    )
    return tuple(as_struct(row, StudentRow) for row in rows)


async def sector_of_sponsor(connection: Connection, sponsor: str) -> str | None:
    """Tell a sponsor's sector by its students: a public state id has ten digits (R-007). None where it holds none."""
    row = await connection.fetchrow(
        "select count(*) as students, count(*) filter (where length(state_id) = 10) as public "
        "from transcript_students where sponsor = $1",
        sponsor,
    )
    if row is None or not row["students"]:
        return None
    return "public" if row["public"] * 2 >= row["students"] else "nonpublic"


async def sets_held(connection: Connection, ref: UUID) -> list[SetKey]:
    """Return which sets a student holds, the newest year first."""
    rows = await connection.fetch(
        "select bssy, sponsor from transcript_students where ref = $1 order by bssy desc, sponsor", ref
    )
    return [as_struct(row, SetKey) for row in rows]


async def find_student(connection: Connection, ref: UUID, bssy: str, sponsor: str) -> StudentRow | None:
    """Return one student's row in one year, None where no set is held."""
    row = await connection.fetchrow(
        "select * from transcript_students where ref = $1 and bssy = $2 and sponsor = $3", ref, bssy, sponsor
    )
    return as_struct(row, StudentRow) if row is not None else None


async def list_courses(connection: Connection, ref: UUID, bssy: str, sponsor: str) -> tuple[CourseRow, ...]:
    """Return a set's courses by number."""
    rows = await connection.fetch(
        "select * from transcript_courses where ref = $1 and bssy = $2 and sponsor = $3 order by number",
        ref,
        bssy,
        sponsor,
    )
    return tuple(as_struct(row, CourseRow) for row in rows)


async def list_credentials(connection: Connection, ref: UUID, bssy: str, sponsor: str) -> tuple[CredentialRow, ...]:
    """Return a set's credentials by number."""
    rows = await connection.fetch(
        "select * from transcript_credentials where ref = $1 and bssy = $2 and sponsor = $3 order by number",
        ref,
        bssy,
        sponsor,
    )
    return tuple(as_struct(row, CredentialRow) for row in rows)


def as_struct(row: asyncpg.Record, shape: type[S]) -> S:
    """Take those columns of a row that the struct names."""
    return shape(**{name: row[name] for name in shape.__struct_fields__})


async def state_ids_of(connection: Connection, refs: Sequence[UUID]) -> dict[UUID, str]:
    """Return the state ids of those students who hold a set now."""
    rows = await connection.fetch(
        "select distinct ref, state_id from transcript_students where ref = any($1::uuid[])", list(refs)
    )
    return {row["ref"]: row["state_id"] for row in rows}
