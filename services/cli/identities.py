"""`ledger identities load` and `missing`: who the students are, from eScholar, and of whom too little is known."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.errors import CommandRefused, ExitCode
from services.cli.options import AsJson, CommandId

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from schemas.louisiana_sts.escholar import ExtractRefused, Identity
    from schemas.problems import Problem
    from services.cli.certify_answers import LoadAnswer, MissingAnswer
    from services.cli.session import Session
    from services.ledger import Ledger

SHOWN = 50

identities = typer.Typer(help="Who the students are: load eScholar's extract, and see who is missing.")


@identities.command("load")
def load_command(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="eScholar extract, CSV.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and store nothing.")] = False,
    command_id: CommandId = None,
    as_json: AsJson = False,
) -> None:
    """Load who the public students are. A file with one fault is refused whole, with every fault.

    Only new and changed identities are stored, so loading a file again changes nothing. The columns are described in
    schemas/louisiana_sts/escholar_extract.schema.json.

    Exit status: 0 loaded, or nothing to change; 2 the file is refused; 75 outcome unknown: repeat the load.
    """
    from uuid import uuid4

    from services.cli.session import with_ledger

    load_id = command_id or uuid4()

    async def work(ledger: "Ledger", session: "Session") -> "LoadAnswer | ExtractRefused":
        session.on_signal = "Nothing was stored: repeat the command."
        return await load_file(ledger, session, file, load_id, dry_run=dry_run, quiet=as_json)

    from schemas.louisiana_sts.escholar import ExtractRefused

    answer = with_ledger(work)
    if isinstance(answer, ExtractRefused):
        show_refusal(file, answer.problems, as_json=as_json)
        raise typer.Exit(ExitCode.REFUSED)
    show_load(answer, as_json=as_json)


async def load_file(
    ledger: "Ledger", session: "Session", file: Path, load_id: "UUID", *, dry_run: bool, quiet: bool
) -> "LoadAnswer | ExtractRefused":
    """Read, plan, say what is planned, and store it."""
    from schemas.louisiana_sts.escholar import ExtractRefused
    from services.cli.certify_answers import LoadAnswer
    from services.cli.output import progress
    from services.identity_load import load, plan

    read = await read_file(ledger, file)
    if isinstance(read, ExtractRefused):
        return read
    with progress() as told:
        planned = await plan(ledger, read, told=heard_by(session, told))
    new, changed = len(planned.new), len(planned.changed)
    if not quiet:
        typer.echo(f"{file}: {new:,} new, {changed:,} changed, {planned.unchanged:,} unchanged")
    stored = 0
    if not dry_run:
        session.on_signal = f"What is stored stands. Repeat the command to load the rest (load {load_id})."
        with progress() as told:
            stored = await load(ledger, planned, load_id, told=heard_by(session, told))
    position = await ledger.caught_up() - 1
    return LoadAnswer(
        ledger=ledger.short_id,
        position=position,
        load=load_id,
        dry_run=dry_run,
        new=new,
        changed=changed,
        unchanged=planned.unchanged,
        stored=stored,
    )


async def read_file(ledger: "Ledger", file: Path) -> "tuple[Identity, ...] | ExtractRefused":
    """Read the extract away from the event loop."""
    import asyncio

    from schemas.louisiana_sts.escholar import read_extract

    if (size := file.stat().st_size) > ledger.max_upload_bytes:
        raise CommandRefused(
            f"{file} has {size:,} bytes, at most {ledger.max_upload_bytes:,} are taken. Split it, or raise "
            "LEDGER_MAX_UPLOAD_BYTES."
        )
    return await asyncio.to_thread(lambda: read_extract(file.read_bytes(), today=ledger.today()))


def heard_by(session: "Session", told: Any) -> Any:
    """Tell how far the work is; a signal is heard between two steps."""

    def heard(step: str, done: int, of: int) -> None:
        session.check()
        told(step, done, of)

    return heard


def show_load(answer: "LoadAnswer", *, as_json: bool) -> None:
    """Say what was stored."""
    from services.cli.output import at, console, plural, print_json

    if as_json:
        print_json(answer)
    elif answer.dry_run:
        console().print("Dry run: nothing was stored.")
    else:
        stored = plural(answer.stored, "identity", "identities")
        console().print(f"{stored} stored, as of {at(answer.ledger, answer.position)} (load {answer.load})")


def show_refusal(file: Path, problems: "Sequence[Problem]", *, as_json: bool) -> None:
    """List a file's faults: all of them as JSON, the first ones as text."""
    from schemas.report_json import problem_as_dict
    from services.cli.certify_answers import ExtractProblems
    from services.cli.output import plural, print_json

    if as_json:
        found = tuple(problem_as_dict(problem) for problem in problems)
        print_json(ExtractProblems(file=str(file), refused=True, problems=found))
        return
    count = plural(len(problems), "fault")
    typer.echo(f"ledger: {file} is refused whole for {count}; nothing was stored:", err=True)
    for problem in problems[:SHOWN]:
        line = f"line {problem.line}" if problem.line else "the file"
        place = " ".join(part for part in (line, problem.field) if part)
        typer.echo(f"  {problem.code} {problem.message}  {place}. {problem.hint}", err=True)
    if len(problems) > SHOWN:
        typer.echo(f"  ... and {len(problems) - SHOWN:,} more: --json shows them all.", err=True)


@identities.command("missing")
def missing_command(
    site: Annotated[str | None, typer.Option(metavar="CODE", help="Only this site's.")] = None,
    bssy: Annotated[str | None, typer.Option(metavar="YEAR", help="Only this school year's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the students of whom eScholar lacks SSN, name or birth date; without all three no agency can match them.

    Only what is missing is shown, never a value: a nonpublic student, whose state id may be an SSN, is named by the
    local id. Repair: complete the student in eScholar and load a new extract; a nonpublic student by a new 020.

    Exit status: 0 nothing is missing; 1 something is.
    """
    from services.cli.output import print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "MissingAnswer":
        from projections.identity_queries import students_held
        from services.cli.certify_answers import MissingAnswer
        from services.cli.session import reading
        from services.identities_missing import lacking

        async with reading(ledger, "current_transcripts") as (connection, head):
            held = await students_held(connection, site=site, bssy=bssy)
        found = await lacking(ledger, held)
        position = head.next_position - 1
        return MissingAnswer(ledger=ledger.short_id, position=position, count=len(found), students=found)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        show_missing(answer)
    raise typer.Exit(ExitCode.PROBLEMS if answer.count else ExitCode.DONE)


def show_missing(answer: "MissingAnswer") -> None:
    """One row a student, a check mark for what is there and a question mark for what is not (R-192)."""
    from services.cli.output import at, console, plural, table

    rows = []
    for one in answer.students:
        marks = ("✓" if there else "?" for there in (one.ssn, one.name, one.birth_date))
        rows.append((one.state_id or "(nonpublic)", one.local_id, one.site, one.bssy, *marks))
    out = console()
    if rows:
        out.print(table(("student", "local id", "site", "year", "SSN", "name", "birth date"), rows))
    lack = "lacks" if answer.count == 1 else "lack"
    out.print(f"{plural(answer.count, 'student')} {lack} something, as of {at(answer.ledger, answer.position)}")
