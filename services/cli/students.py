"""`ledger students` and `ledger student`: the current transcripts."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import ExitCode
from services.cli.options import AsJson, Bssy, Limit, Sponsor, StateId

if TYPE_CHECKING:
    from rich.console import Console

    from projections.transcript_queries import CourseRow
    from services.cli.answers import StudentAnswer, StudentsAnswer
    from services.cli.session import Session
    from services.ledger import Ledger


def students(
    site: Annotated[str | None, typer.Option(metavar="CODE", help="Only this site's.")] = None,
    grade: Annotated[str | None, typer.Option(metavar="CODE", help="Only this grade's: 08, T9, 09 to 12.")] = None,
    bssy: Annotated[str | None, typer.Option(metavar="YEAR", help="Only this school year's.")] = None,
    sponsor: Annotated[str | None, typer.Option(metavar="CODE", help="Only this sponsor's.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the students who hold a transcript set now.

    Exit status: 0; 1 when nobody fits.
    """
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "StudentsAnswer":
        from projections.transcript_queries import count_students, list_students
        from services.cli.answers import StudentsAnswer
        from services.cli.session import reading

        async with reading(ledger, "current_transcripts") as (connection, head):
            count = await count_students(connection, site=site, grade=grade, bssy=bssy, sponsor=sponsor)
            rows = await list_students(connection, site=site, grade=grade, bssy=bssy, sponsor=sponsor, limit=limit)
        return StudentsAnswer(ledger=ledger.short_id, position=head.next_position - 1, count=count, students=rows)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_students(console(), answer)
    raise typer.Exit(ExitCode.DONE if answer.count else ExitCode.PROBLEMS)


def print_students(out: "Console", answer: "StudentsAnswer") -> None:
    """One row a student."""
    from services.cli.output import at, plural, table
    from services.cli.transcript import name

    numbers = ("courses", "credentials", "version")
    rows = []
    for one in answer.students:
        graduated = one.graduation_date.isoformat() if one.graduation_date else ""
        who = (one.state_id, name(one.last_name, one.first_name), one.grade, one.site, one.bssy, graduated)
        rows.append((*who, *map(str, (one.courses, one.credentials, one.version))))
    if answer.students:
        columns = ("state id", "name", "grade", "site", "year", "graduated", *numbers)
        out.print(table(columns, rows, right=numbers))
    shown = f", {len(answer.students):,} shown (--limit)" if len(answer.students) < answer.count else ""
    out.print(f"{plural(answer.count, 'student')}{shown}, as of {at(answer.ledger, answer.position)}")


def student(state_id: StateId, bssy: Bssy = None, sponsor: Sponsor = None, as_json: AsJson = False) -> None:
    """Show a student's current transcript.

    Courses and credentials stand with the numbers by which they are edited. `ledger replay --fields`
    shows every stored field by its layout name.

    Exit status: 0; 1 when no such set is held; 2 when it is not clear which is meant.
    """
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "StudentAnswer":
        return await read_student(ledger, state_id, bssy, sponsor)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_student(console(), answer)


async def read_student(ledger: "Ledger", state_id: str, bssy: str | None, sponsor: str | None) -> "StudentAnswer":
    """Read one set from the current transcripts. Raises NotHeld or SeveralSets."""
    from projections.transcript_queries import find_student, list_courses, list_credentials
    from services.cli.answers import StudentAnswer
    from services.cli.session import reading
    from services.targets import NotHeld, find_target

    target = await find_target(ledger, state_id, bssy=bssy, sponsor=sponsor)
    key = (target.key.owner, target.bssy, target.sponsor)
    async with reading(ledger, "current_transcripts") as (connection, head):
        row = await find_student(connection, *key)
        if row is None:
            raise NotHeld("this student's set was removed just now. `ledger history` shows by whom.")
        return StudentAnswer(
            ledger=ledger.short_id,
            position=head.next_position - 1,
            student=row,
            courses=await list_courses(connection, *key),
            credentials=await list_credentials(connection, *key),
        )


def print_student(out: "Console", answer: "StudentAnswer") -> None:
    """Print a transcript set from its rows."""
    from services.cli.output import at, safe, units, when
    from services.cli.transcript import name, print_tables

    one = answer.student
    who = f"{name(one.last_name, one.first_name)}  grade {one.grade}, site {one.site}"
    out.print(f"[bold]{safe(one.state_id)}[/]  {safe(who)}")
    graduated = f", graduated {one.graduation_date}" if one.graduation_date else ""
    entered = f"grade 9 in {one.grade_9_entry_year}" if one.grade_9_entry_year else "grade 9 not entered"
    out.print(safe(f"{entered}, pathway {one.diploma_pathway or '-'}, consent {one.consent or '-'}{graduated}"))
    changed = f"{when(one.changed_at)} at {at(answer.ledger, one.position)}"
    out.print(f"year {one.bssy}, sponsor {one.sponsor}: version {one.version}, changed {changed}")
    courses = [
        (*naming(c), *map(units, (c.credit_attempted, c.credit_earned, c.quality_points))) for c in answer.courses
    ]
    credentials = [
        (str(c.number), c.ibc_code, c.year_earned, c.semester_earned, c.test_vendor, c.pass_fail)
        for c in answer.credentials
    ]
    print_tables(out, courses, credentials)


def naming(course: "CourseRow") -> tuple[str, ...]:
    """What a course is called, and its grade."""
    from services.cli.transcript import term

    when = term(course.semester, course.part)
    return (str(course.number), course.course_bssy, when, course.course_code, course.course_name, course.letter_grade)
