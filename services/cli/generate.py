"""`ledger generate OUT`: a synthetic sponsor's batch file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from schemas.reference import ReferenceTables

REFUSED = 2


def generate(
    out: Annotated[Path, typer.Argument(dir_okay=False, writable=True, help="The file to write.")],
    students: Annotated[int, typer.Option(min=0, help="How many students.")] = 300,
    sites: Annotated[int, typer.Option(min=1, max=999, help="Over how many sites.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed makes the same bytes.")] = 1,
    faults: Annotated[float, typer.Option(min=0, max=1, help="Share of students with one fault each.")] = 0.0,
    unready: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the other graduates whose graduation date will be cleared.")
    ] = 0.0,
    layout: Annotated[Literal["public", "nonpublic"], typer.Option(help="Which sector's records.")] = "public",
    bssy: Annotated[int, typer.Option(min=2018, max=2099, help="First calendar year of the session.")] = 2025,
    answers: Annotated[
        Path | None, typer.Option(help="Also write what a check must find: a line and a code a row.")
    ] = None,
    extract: Annotated[
        Path | None, typer.Option(help="Also write the eScholar extract of these students (public layout).")
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(
            metavar="demonstration|DIR",
            help="Take sites, courses and credentials from these tables: the demonstration set, or a folder of CSV.",
        ),
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(
            file_okay=False, help="With --reference: also write a folder of the tables that this file is clean against."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was made as one JSON object.")] = False,
) -> None:
    """Write an invented sponsor: students, courses and credentials, none of them real.

    Exit status: 0 written, 2 the file cannot be made or written.
    """
    from dataclasses import replace

    from services.generate import Spec
    from services.generate import generate as make

    spec = Spec(students, sites, seed, faults, unready, layout, bssy)
    try:
        spec = replace(spec, reference=tables_named(reference, bssy)) if reference else spec
        made = make(spec)
        if extract:
            from services.generate.extract import GeneratedExtract

            GeneratedExtract(spec).write(extract)
        if tables:
            from services.generate.tables import write_tables

            write_tables(spec, tables)
        rows = made.write(out)
        if answers:
            answers.write_text("".join(f"{one.line}\t{one.code}\n" for one in made.answers))
    except OSError as fault:
        typer.echo(f"{fault.filename} cannot be written: {fault.strerror}. Choose another place.", err=True)
        raise typer.Exit(REFUSED) from None
    except ValueError as fault:
        typer.echo(f"No such file can be made: {fault}.", err=True)
        raise typer.Exit(REFUSED) from None
    if as_json:
        import json

        typer.echo(json.dumps({"file": str(out), "layout": layout, "students": students, "rows": rows}))
    else:
        typer.echo(f"{out}: {students:,} students at {sites:,} sites, {rows:,} rows, {layout} layout, BSSY {bssy}")


def tables_named(reference: str, bssy: int) -> "ReferenceTables":
    """The demonstration set, or a folder's tables. Raises ValueError where a table of it is faulty."""
    from schemas.louisiana_sts.reference_csv import DEMONSTRATION, read_folder

    folder = read_folder(DEMONSTRATION if reference == "demonstration" else Path(reference))
    if folder.faults:
        first = folder.faults[0]
        place = f"{first.file} line {first.problem.line}" if first.problem.line else first.file
        raise ValueError(f"{len(folder.faults)} faults in {reference}; {place}: {first.problem.message}")
    return folder.in_force(bssy)
