"""`ledger check FILE`: the report on a batch file, without a ledger, a database or a network."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from services.cli.options import By, Workbook

if TYPE_CHECKING:
    from schemas.louisiana_sts.batch import Batch
    from schemas.louisiana_sts.checks import TablesOf
    from schemas.problems import Report

CLEAN, PROBLEMS, REFUSED = 0, 1, 2


def check(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="Batch file, plain or zip.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON object.")] = False,
    layout: Annotated[
        Literal["public", "nonpublic"] | None, typer.Option(help="Without it, told from the file.")
    ] = None,
    today: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day taken as today; without it, the clock's.")
    ] = None,
    show_all: Annotated[
        bool,
        typer.Option("--all", help="Show each finding at its own line, not causes first, and all of them."),
    ] = False,
    by: By = "line",
    workbook: Workbook = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            exists=True,
            file_okay=False,
            help="Reference tables: TABLE.csv, or TABLE@BSSY.csv from a year on. Without it codes that need one stay "
            "undecided.",
        ),
    ] = None,
) -> None:
    """Check a batch file and say line by line what is wrong and how to repair it.

    Exit status: 0 clean (notes aside), 1 problems, 2 the file is refused or cannot be read.
    """
    from schemas.louisiana_sts.checks import check_file, report

    tables = tables_in(reference)
    try:
        with progress_bar(hidden=as_json) as progress:
            batch, findings = check_file(
                file, file.name, today=day(today), variant=layout, progress=progress, tables=tables
            )
    except OSError as fault:
        typer.echo(f"{file} cannot be read: {fault.strerror}. Check its name and your rights to it.", err=True)
        raise typer.Exit(REFUSED) from None
    result = report(findings, batch.runs if batch else None)
    write_workbook(workbook, result, batch)
    if as_json:
        import json

        from schemas.report_json import report_as_dict

        typer.echo(json.dumps(report_as_dict(result), indent=2))
    else:
        from services.cli.check_report import print_report

        print_report(result, batch, lines=None if show_all else 50, whole=show_all, by=by)
    if result.refused:
        raise typer.Exit(REFUSED)
    raise typer.Exit(PROBLEMS if any(one.effect != "note" for one in result.problems) else CLEAN)


def tables_in(folder: Path | None) -> "TablesOf":
    """The tables of a folder by BSSY, none without one. With one fault in it none is used, and the program ends."""
    from schemas.reference import NO_TABLES

    if folder is None:
        return lambda _: NO_TABLES
    from schemas.louisiana_sts.reference_csv import read_folder

    try:
        found = read_folder(folder)
    except OSError as fault:
        typer.echo(f"{fault.filename} cannot be read: {fault.strerror}. Check your rights to it.", err=True)
        raise typer.Exit(REFUSED) from None
    for file, problem in ((one.file, one.problem) for one in found.faults):
        line = f", line {problem.line}" if problem.line else ""
        column = f", column {problem.field}" if problem.field else ""
        typer.echo(f"{file}{line}{column}: {problem.code} {problem.message}. {problem.hint}", err=True)
    if found.faults:
        typer.echo("The file was not checked: repair the tables, or leave --reference out.", err=True)
        raise typer.Exit(REFUSED)
    if not found.publications:
        typer.echo(f"{folder} holds no table: name another folder, or leave --reference out.", err=True)
        raise typer.Exit(REFUSED)
    return found.in_force


def write_workbook(path: Path | None, result: "Report", batch: "Batch | None") -> None:
    """Write the error workbook where one was asked for."""
    if path is None:
        return
    from services.cli.workbook import write_workbook as write

    try:
        write(path, result, batch)
    except OSError as fault:
        typer.echo(f"{path} cannot be written: {fault.strerror}. Choose another place.", err=True)
        raise typer.Exit(REFUSED) from None


def day(given: datetime | None) -> date:
    return (given or datetime.now(UTC).astimezone()).date()


@contextmanager
def progress_bar(*, hidden: bool) -> Iterator[Callable[[int, int], None]]:
    """A bar on the error stream while students are checked; none where it is not a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=hidden) as bar:
        task = bar.add_task("Checking students", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
