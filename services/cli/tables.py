"""`ledger reference`: load, list, show and compare the reference tables that checks are decided with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.codes import school_year
from services.cli.errors import CommandRefused, ExitCode, NothingFound
from services.cli.options import AsJson, CommandId, Limit
from services.cli.table_load import known

if TYPE_CHECKING:
    from rich.console import Console

    from projections.reference_queries import PublicationRow
    from schemas.problems import Problem
    from schemas.reference import ReferenceTable, Row
    from services.cli.session import Session
    from services.cli.table_answers import TableAnswer, TableDiffAnswer, TablesAnswer, TablesLoadAnswer
    from services.ledger import Ledger

DEMONSTRATION_FROM = "2014"
"""The first year for which the demonstration set has courses."""

TableName = Annotated[str, typer.Argument(metavar="TABLE", help="The table's name: sponsors, sites, courses ...")]
When = Annotated[
    str | None,
    typer.Option(
        metavar="BSSY|@POSITION", help="The publication in force in a year, or the one of a position; else the newest."
    ),
]

tables = typer.Typer(
    help="Reference tables: outside facts with which checks are decided, published by year.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


# --- load -------------------------------------------------------------------------------------------------------


@tables.command("load")
def load_command(
    table: Annotated[str | None, typer.Argument(metavar="[TABLE]", help="The table's name.")] = None,
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", exists=True, dir_okay=False, readable=True, help="CSV in UTF-8.")
    ] = None,
    effective: Annotated[
        str | None, typer.Option(metavar="BSSY", help="The school year from which the table is in force.")
    ] = None,
    demonstration: Annotated[
        bool, typer.Option("--demonstration", help="Load the demonstration set instead: invented tables, for trying.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and store nothing.")] = False,
    command_id: CommandId = None,
    as_json: AsJson = False,
) -> None:
    """Publish a reference table. A file with one fault is refused whole, with every fault.

    It says first which rows come, go and change against the table in force in that year; one that changes nothing is
    not published again. Columns and tables: docs/reference/louisiana-sts/reference-tables.md.

    Exit status: 0 loaded, or nothing to change; 2 refused; 75 outcome unknown: repeat with the same --command-id.
    """
    from uuid import uuid4

    from services.cli.identities import show_refusal
    from services.cli.session import with_ledger
    from services.cli.table_load import load_tables, planned_tables, show_load
    from services.reference_load import LoadPlan

    if demonstration == (table is not None) or (table is None) != (file is None):
        raise CommandRefused("name a TABLE and its FILE, or give --demonstration alone.")
    if not demonstration and effective is None:
        raise CommandRefused("say from which school year the table is in force: --effective BSSY.")
    year = school_year(effective or DEMONSTRATION_FROM)
    command = command_id or uuid4()

    async def work(ledger: "Ledger", session: "Session") -> "TablesLoadAnswer | tuple[Problem, ...]":
        session.on_signal = f"Whether it took effect tells `ledger verdict {command}`."
        await ledger.caught_up()
        planned = await planned_tables(ledger, table, file, int(year))
        if faults := tuple(one for one in planned if not isinstance(one, LoadPlan)):
            return faults
        plans = [one for one in planned if isinstance(one, LoadPlan)]
        return await load_tables(ledger, plans, command, dry_run=dry_run, quiet=as_json)

    answer = with_ledger(work)
    if isinstance(answer, tuple):
        assert file is not None
        show_refusal(file, answer, as_json=as_json)
        raise typer.Exit(ExitCode.REFUSED)
    show_load(answer, as_json=as_json)


# --- list and show ----------------------------------------------------------------------------------------------


@tables.command("list")
def list_command(
    bssy: Annotated[str | None, typer.Option(metavar="BSSY", help="Only those in force in this year.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the publications of reference tables, or those in force in a year."""
    from services.cli.output import at, console, print_json, table, when
    from services.cli.session import with_ledger

    year = int(school_year(bssy)) if bssy else None

    async def work(ledger: "Ledger", _session: "Session") -> "TablesAnswer":
        from projections.reference_queries import list_publications, publications_in_force
        from services.cli.session import reading
        from services.cli.table_answers import TablesAnswer

        async with reading(ledger, "reference_tables") as (connection, head):
            rows = await (list_publications(connection) if year is None else publications_in_force(connection, year))
        return TablesAnswer(ledger=ledger.short_id, position=head.next_position - 1, bssy=year, publications=rows)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
        return
    out = console()
    if not answer.publications:
        out.print("No reference table is published: codes that need one stay undecided.")
        return
    rows = [
        (
            one.name,
            str(one.effective),
            f"{one.rows:,}",
            "DEMONSTRATION" if one.demonstration else "",
            one.digest[:16],
            at(answer.ledger, one.position),
            when(one.published_at),
        )
        for one in answer.publications
    ]
    out.print(table(("table", "from", "rows", "", "digest", "at", "published"), rows, right={"rows"}))


@tables.command("show")
def show_command(
    table: TableName,
    bssy: When = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show a table as it was published: the first rows, or with --json all of them.

    A personal table is counted, never shown. Exit status: 0 shown, 1 there is no such publication.
    """
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    name = known(table)

    async def work(ledger: "Ledger", _session: "Session") -> "TableAnswer":
        from schemas.louisiana_sts.reference_csv import is_personal
        from services.cli.table_answers import TableAnswer
        from services.reference import opened

        position = await ledger.caught_up() - 1
        row = await find(ledger, name, bssy)
        hidden = is_personal(name)
        rows = () if hidden else (await opened(ledger, row)).rows
        return TableAnswer(
            ledger=ledger.short_id,
            position=position,
            publication=row,
            personal=hidden,
            rows=tuple(dict(one) for one in rows),
        )

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_table(console(), answer, limit)


async def find(ledger: "Ledger", name: str, when: str | None) -> "PublicationRow":
    """Find a publication by year or position, else the newest one. Raises NothingFound, CommandRefused."""
    from services.reference import publications

    rows = await publications(ledger, name)
    if when is None:
        found = rows[:1]
    elif when.startswith("@") and when[1:].isdecimal():
        found = tuple(one for one in rows if one.position == int(when[1:]))
    else:
        year = int(school_year(when))
        found = tuple(one for one in rows if one.effective <= year)[:1]
    if not found:
        at = f" for {when}" if when else ""
        raise NothingFound(f"no table {name} is published{at}. `ledger reference list` shows what is.")
    return found[0]


def print_table(out: "Console", answer: "TableAnswer", limit: int) -> None:
    """Print what a publication is, and its first rows."""
    from services.cli.output import at, plural, table, when

    one = answer.publication
    mark = ", DEMONSTRATION: invented rows" if one.demonstration else ""
    out.print(f"{one.name} from {one.effective}: {plural(one.rows, 'row')}{mark}")
    out.print(f"published {when(one.published_at)} at {at(answer.ledger, one.position)}, digest {one.digest}")
    if answer.personal:
        out.print("Its rows are students': they are counted, never shown.")
    elif answer.rows:
        columns = [*(name for name in answer.rows[0] if name != "source"), "source"]
        out.print(table(columns, [[row[column] for column in columns] for row in answer.rows[:limit]]))
        if len(answer.rows) > limit:
            out.print(f"... and {len(answer.rows) - limit:,} more: --limit or --json shows them.")


# --- diff -------------------------------------------------------------------------------------------------------


@tables.command("diff")
def diff_command(
    table: TableName,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", exists=True, dir_okay=False, readable=True, help="A CSV to compare with."),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option("--from", metavar="BSSY|@POSITION", help="The publication to compare; without it, the newest."),
    ] = None,
    after: Annotated[
        str | None, typer.Option("--to", metavar="BSSY|@POSITION", help="The publication to compare it with.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Compare two publications of a table, or one with a file that is not loaded.

    Exit status: 0 nothing differs, 1 something does, or there is no such publication; 2 the file is refused.
    """
    from services.cli.identities import show_refusal
    from services.cli.output import print_json
    from services.cli.session import with_ledger

    name = known(table)
    if (file is None) == (after is None):
        raise CommandRefused("name what to compare with: a FILE, or --to BSSY or @POSITION.")

    async def work(ledger: "Ledger", _session: "Session") -> "TableDiffAnswer | tuple[Problem, ...]":
        import asyncio

        from schemas.louisiana_sts.reference_csv import read_table
        from schemas.reference import ReferenceTable
        from services.reference import opened

        position = await ledger.caught_up() - 1
        first = await find(ledger, name, before)
        if file is not None:
            second = read_table(name, await asyncio.to_thread(file.read_bytes), effective=first.effective)
            if not isinstance(second, ReferenceTable):
                return second
            told = str(file)
        else:
            row = await find(ledger, name, after)
            second, told = await opened(ledger, row), words(ledger, row)
        return compared(ledger, position, name, await opened(ledger, first), second, words(ledger, first), told)

    answer = with_ledger(work)
    if isinstance(answer, tuple):
        assert file is not None
        show_refusal(file, answer, as_json=as_json)
        raise typer.Exit(ExitCode.REFUSED)
    if as_json:
        print_json(answer)
    else:
        print_diff(answer, limit)
    differs = answer.added_rows or answer.removed_rows or answer.changed_rows
    raise typer.Exit(ExitCode.PROBLEMS if differs else ExitCode.DONE)


def words(ledger: "Ledger", row: "PublicationRow") -> str:
    """Name a publication."""
    from services.cli.output import at

    return f"{row.effective} ({at(ledger.short_id, row.position)})"


def compared(
    ledger: "Ledger",
    position: int,
    name: str,
    first: "ReferenceTable",
    second: "ReferenceTable",
    before: str,
    after: str,
) -> "TableDiffAnswer":
    """Compare two tables; of a personal one the rows are counted alone."""
    from schemas.louisiana_sts.reference_csv import is_personal, table_file
    from services.cli.table_answers import RowChange, TableDiffAnswer
    from services.reference_diff import diff

    found, hidden = diff(first.rows, second.rows, table_file(name).key), is_personal(name)
    return TableDiffAnswer(
        ledger=ledger.short_id,
        position=position,
        name=name,
        before=before,
        after=after,
        personal=hidden,
        added_rows=len(found.added),
        removed_rows=len(found.removed),
        changed_rows=len(found.changed),
        added=() if hidden else tuple(dict(one) for one in found.added),
        removed=() if hidden else tuple(dict(one) for one in found.removed),
        changed=()
        if hidden
        else tuple(
            RowChange(columns=one.columns, before=dict(one.before), after=dict(one.after)) for one in found.changed
        ),
    )


def print_diff(answer: "TableDiffAnswer", limit: int) -> None:
    """Print what differs: + for rows that come, - for those that go, ~ for cells that change."""
    from schemas.louisiana_sts.reference_csv import table_file
    from services.cli.output import console, safe

    out, key = console(), table_file(answer.name).key
    out.print(
        f"{answer.name}: from {safe(answer.before)} to {safe(answer.after)}: {answer.added_rows:,} rows added, "
        f"{answer.removed_rows:,} removed, {answer.changed_rows:,} changed"
    )
    lines = [f"+ {row_words(row)}" for row in answer.added]
    lines += [f"- {row_words(row)}" for row in answer.removed]
    for one in answer.changed:
        cells = "; ".join(f"{column}: {one.before[column]} -> {one.after[column]}" for column in one.columns)
        lines.append(f"~ {' '.join(one.after[column] for column in key)}: {cells}")
    for line in lines[:limit]:
        out.print(safe(line))
    if len(lines) > limit:
        out.print(f"... and {len(lines) - limit:,} more: --limit or --json shows them.")


def row_words(row: "Row") -> str:
    """A row in one line."""
    return ", ".join(cell for cell in row.values() if cell)
