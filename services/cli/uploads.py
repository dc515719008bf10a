"""`ledger upload`, `uploads`, `uploads resume`, `problems`: files in, and what was found in them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

import typer

from services.cli.errors import CommandRefused, ExitCode, NothingFound, Unfinished
from services.cli.options import AsJson, By, Limit, UploadId, Workbook
from services.cli.plans import previewed, print_plan, refuse_moved, refuse_unfit_plan, say_who_moved, show_plan

if TYPE_CHECKING:
    from rich.console import Console

    from projections.upload_queries import Finding, UploadRow
    from schemas.problems import Report
    from services.cli.answers import UploadAnswer
    from services.cli.session import Session
    from services.intake.preview import Plan
    from services.ledger import Ledger

AGAIN = "`ledger uploads` tells whether the file was received; sending it again is harmless."
RESUME = "The upload is safe at its place in the queue: `ledger uploads resume {}` goes on from where it stands."


def upload(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Batch file, plain or zip.")],
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Check, and store no student.")] = False,
    delete_all: Annotated[
        bool, typer.Option("--delete-all", help="Also remove the other students of the file's sites, in its year.")
    ] = False,
    layout: Annotated[
        Literal["public", "nonpublic"] | None, typer.Option(help="Without it, told from the file.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what would change, student by student; nothing is received.")
    ] = False,
    expect_plan: Annotated[
        str,
        typer.Option(metavar="DIGEST@POSITION", help="Store exactly what this plan says, or (exit 3) nothing."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Check a batch file and store its clean students.

    Each clean student of the file replaces their stored set; a student with a fault is held, and nothing of theirs is
    stored. Sending the same file again changes nothing. Earlier uploads of the same sponsor that are not done are
    worked first.

    `--plan` only says what would change and names the plan that it shows; with `--json` it prints one PlanAnswer. With
    `--expect-plan` nothing is stored once a student of that plan has moved, or for another file; the last look is taken
    when the file has its turn. Whoever moves while the others are being stored stays as they are, and is counted.

    Exit status: 0 stored, nothing wrong; 1 problems were found; 2 the file is refused and nothing of it is stored;
    3 the plan does not hold.
    """
    from events.upload import Mode
    from services.cli.session import with_ledger

    if validate_only and delete_all:
        raise CommandRefused("--validate-only stores nothing and --delete-all removes: give one of them.")
    mode: Mode = "validate-only" if validate_only else "delete-all-and-replace" if delete_all else "replace"
    if plan or expect_plan:
        refuse_unfit_plan(expect_plan, only_looks=plan or validate_only)
    if plan:
        raise typer.Exit(show_plan(file, mode, layout, as_json=as_json))

    async def work(ledger: "Ledger", session: "Session") -> "tuple[UploadAnswer, Report | None, Plan | None]":
        from services.cli.output import progress
        from services.intake.receive import NotReceived, receive
        from services.ledger import OutcomeUnknown
        from services.reports import read_report

        session.on_signal = AGAIN
        if expect_plan:
            await refuse_moved(ledger, file, mode, expect_plan, layout)
        try:
            received = await receive(ledger, file, mode, variant=layout, expected_plan=expect_plan)
        except OutcomeUnknown:
            raise Unfinished(f"whether the file was received cannot be told now. {AGAIN}") from None
        if isinstance(received, NotReceived):
            raise CommandRefused(f"{received.problem.code} {received.problem.message}. {received.problem.hint}")
        session.on_signal = RESUME.format(received.upload)
        with progress() as told:
            await finish(ledger, session, received.upload, told)
        stored = await read_report(ledger, received.upload, with_lines=False)
        answer = await answer_of(ledger, received.upload)
        if expect_plan:
            say_who_moved(answer, stored)
        shown = await previewed(ledger, file, mode, layout) if validate_only and not as_json else None
        return answer, stored.report if stored else None, shown.plan if shown else None

    answer, found, shown = with_ledger(work)
    show_outcome(answer, found, shown, as_json=as_json)


async def finish(ledger: "Ledger", session: "Session", upload: UUID, told: Any) -> None:
    """Work the queue up to an upload; a signal is heard between two steps. Whatever ends it, it says how to go on."""
    from services.cli.session import say
    from services.intake.work import work_queue
    from services.ledger import OutcomeUnknown

    def heard(step: str, done: int, of: int) -> None:
        session.check()
        told(step, done, of)

    try:
        await work_queue(ledger, upload, told=heard)
    except OutcomeUnknown:
        raise Unfinished(f"the ledger did not answer in time. {RESUME.format(upload)}") from None
    except Exception:
        say(RESUME.format(upload))
        raise


async def answer_of(ledger: "Ledger", upload: UUID) -> "UploadAnswer":
    """Read what is known of an upload."""
    from projections.upload_queries import find_uploads, findings_of
    from services.cli.answers import UploadAnswer
    from services.cli.session import reading

    async with reading(ledger, "uploads") as (connection, head):
        found = (await find_uploads(connection, str(upload)))[0]
        findings = await findings_of(connection, upload)
    return UploadAnswer(ledger=ledger.short_id, position=head.next_position - 1, upload=found, findings=findings)


def show_outcome(answer: "UploadAnswer", found: "Report | None", shown: "Plan | None", *, as_json: bool) -> None:
    """Print an upload's outcome and end with its exit code."""
    from services.cli.output import console, print_json

    if as_json:
        print_json(answer)
    else:
        print_outcome(console(), answer, found)
        if shown is not None:
            print_plan(console(), shown)
    raise typer.Exit(outcome_code(answer))


def outcome_code(answer: "UploadAnswer") -> ExitCode:
    """A refused file is 2; anything found that is more than a note is 1, as with `ledger check`."""
    if answer.upload.state == "refused":
        return ExitCode.REFUSED
    noted = codes_of_notes()
    found = any(finding.code not in noted for finding in answer.findings)
    return ExitCode.PROBLEMS if found or answer.upload.held else ExitCode.DONE


def codes_of_notes() -> set[str]:
    """The codes of findings that are accepted with a word."""
    from schemas.louisiana_sts.table import table

    codes = [*table("public").codes.values(), *table("nonpublic").codes.values()]
    return {code.code for code in codes if code.effect == "note"}


def print_outcome(out: "Console", answer: "UploadAnswer", found: "Report | None" = None) -> None:
    """Say what became of an upload; with its report also what to repair first."""
    from services.cli.output import at
    from services.cli.repair_report import print_first_repairs

    one = answer.upload
    out.print(f"Upload {one.upload}, received at {at(answer.ledger, one.position)}", soft_wrap=True)
    if one.state == "refused":
        out.print("The file is refused: no record of it is processed.", style="bold red")
    elif one.mode == "validate-only":
        out.print(f"Only checked: {one.planned_store:,} would be stored, {one.held:,} held. Nothing was stored.")
    else:
        out.print(
            f"{one.stored:,} students stored, {one.unchanged:,} unchanged, {one.held:,} held, {one.removed:,} removed"
            + (f" ({one.overwritten:,} had been edited meanwhile)" if one.overwritten else "")
        )
    if answer.findings:
        out.print(findings_table(answer.findings))
        if found is not None:
            print_first_repairs(out, found)
        out.print(f"`ledger problems {str(one.upload)[:8]}` shows each line, and how to repair it.")


def findings_table(findings: "tuple[Finding, ...]") -> Any:
    """How often each code was found, and what it means."""
    from schemas.louisiana_sts.table import table as rule_table
    from services.cli.output import table
    from services.collections import NOT_OPEN
    from services.intake.expected_plan import PLAN_MOVED
    from services.intake.plan import SET_TOO_LARGE

    codes = {**rule_table("nonpublic").codes, **rule_table("public").codes}
    messages = {code: one.message for code, one in codes.items()}
    messages |= {SET_TOO_LARGE.code: SET_TOO_LARGE.message, "S06": NOT_OPEN, "S08": PLAN_MOVED}
    rows = [(one.code, f"{one.findings:,}", messages.get(one.code, "")) for one in findings]
    return table(("code", "times", "message"), rows, right=("times",))


# --- uploads ----------------------------------------------------------------------------------------------------

uploads = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@uploads.callback()
def list_uploads(
    context: typer.Context,
    sponsor: Annotated[str | None, typer.Option(metavar="CODE", help="Only this sponsor's.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List uploads, or resume those that are not done."""
    if context.invoked_subcommand is not None:
        return
    from services.cli.answers import UploadsAnswer
    from services.cli.output import console, print_json
    from services.cli.session import reading, with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> UploadsAnswer:
        from projections import upload_queries

        async with reading(ledger, "uploads") as (connection, head):
            rows = await upload_queries.list_uploads(connection, sponsor=sponsor, limit=limit)
        return UploadsAnswer(ledger=ledger.short_id, position=head.next_position - 1, uploads=rows)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        console().print(uploads_table(answer.ledger, answer.uploads))


def uploads_table(ledger: str, rows: "tuple[UploadRow, ...]") -> Any:
    """One row an upload."""
    from services.cli.output import at, table, when

    numbers = ("rows", "stored", "unchanged", "held", "removed")
    shown = []
    for one in rows:
        counts = (one.rows, one.stored, one.unchanged, one.held, one.removed)
        where = (str(one.upload)[:8], when(one.received_at), at(ledger, one.position), f"{one.sponsor}/{one.bssy}")
        state = one.state if one.mode == "replace" else f"{one.state} ({one.mode})"
        shown.append((*where, state, one.file_name, *("" if count is None else f"{count:,}" for count in counts)))
    return table(("upload", "received", "position", "set", "state", "file", *numbers), shown, right=numbers)


@uploads.command()
def resume(
    upload: Annotated[str, typer.Argument(metavar="[UPLOAD]", help="Its id or how it begins; without it, all.")] = "",
) -> None:
    """Work the uploads that are not done.

    They are worked in the order received; a single one with those before it in its sponsor's queue. A
    worker that was stopped in the middle leaves nothing half done: what was stored is found stored.
    """
    from services.cli.output import console
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", session: "Session") -> "list[UploadAnswer]":
        from projections.upload_queries import open_uploads
        from services.cli.output import progress
        from services.cli.session import reading

        async with reading(ledger, "uploads") as (connection, _):
            waiting = await open_uploads(connection)
        wanted = [(await find_upload(ledger, upload)).upload] if upload else waiting
        session.on_signal = "The uploads are safe at their places: `ledger uploads resume` goes on."
        with progress() as told:
            for one in wanted:
                await finish(ledger, session, one, told)
        return [await answer_of(ledger, one) for one in wanted]

    answers = with_ledger(work)
    out = console()
    for answer in answers:
        print_outcome(out, answer)
    if not answers:
        out.print("Every upload is done.")
    raise typer.Exit(max((outcome_code(answer) for answer in answers), default=ExitCode.DONE))


async def find_upload(ledger: "Ledger", beginning: str) -> "UploadRow":
    """Return the upload whose id begins so, the newest for an empty beginning. Raises NothingFound."""
    from projections.upload_queries import find_uploads
    from services.cli.session import reading

    async with reading(ledger, "uploads") as (connection, _):
        found = await find_uploads(connection, beginning)
    if not found:
        raise NothingFound(f"no upload begins with {beginning!r}. `ledger uploads` lists them." if beginning else EMPTY)
    if beginning and len(found) > 1:
        raise CommandRefused(f"{len(found)} uploads begin with {beginning!r}: give more of the id.")
    return found[0]


EMPTY = "nothing was uploaded yet. `ledger upload FILE` begins."


# --- problems ---------------------------------------------------------------------------------------------------


def problems(
    upload: UploadId = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as `ledger check --json` does.")] = False,
    lines: Annotated[int, typer.Option(min=0, help="Show at most so many lines with problems, or repairs.")] = 50,
    show_all: Annotated[
        bool, typer.Option("--all", help="Show each finding at its own line, not causes first, and all of them.")
    ] = False,
    by: By = "line",
    workbook: Workbook = None,
) -> None:
    """Show what was found in an upload, and how to repair it.

    The report is the one that was stored with the upload, read from its sealed file.

    Exit status: 0 nothing was found wrong; 1 problems, or no such upload; 2 the file was refused.
    """
    import json

    from schemas.report_json import report_as_dict
    from services.cli.session import with_ledger
    from services.reports import StoredReport, read_report

    async def work(ledger: "Ledger", _session: "Session") -> StoredReport | None:
        found = await find_upload(ledger, upload)
        return await read_report(ledger, found.upload, with_lines=workbook is not None or not as_json)

    stored = with_ledger(work)
    if stored is None:
        raise NothingFound("this upload is not checked yet. `ledger uploads resume` goes on with it.")
    if workbook is not None:
        from services.cli.workbook import write_workbook

        write_workbook(workbook, stored.report, stored.batch)
    if as_json:
        typer.echo(json.dumps(report_as_dict(stored.report), indent=2))
    else:
        from services.cli.check_report import print_report

        print_report(stored.report, stored.batch, lines=None if show_all else lines, whole=show_all, by=by)
    if stored.report.refused:
        raise typer.Exit(ExitCode.REFUSED)
    found = any(one.effect != "note" for one in stored.report.problems)
    raise typer.Exit(ExitCode.PROBLEMS if found else ExitCode.DONE)
