"""What to repair first, for a person at a terminal: each cause with the students whom its repair alone would free."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from schemas.louisiana_sts.causes import repairs
from schemas.problems import Cause, Report

FOUND_WIDTH = 16
FEW = 5
MEANING = (
    "frees: students whom nothing else in this report holds. A repair may bring up findings that could not be made "
    "before: a held student is not judged as a graduate, and a broken line is not looked into."
)


def print_repairs(console: Console, report: Report, *, limit: int | None) -> None:
    """Print the repairs that free most students first, at most `limit`."""
    found = repairs(report.causes)
    if not found:
        console.print("Nothing is to be repaired.")
        return
    console.print(repair_table(found[:limit]))
    if limit is not None and len(found) > limit:
        console.print(f"... and {len(found) - limit:,} more repairs: --all shows them.")
    console.print(Text(MEANING, style="dim"))


def print_first_repairs(console: Console, report: Report) -> None:
    """Print the few repairs to begin with, where students are held."""
    found = [one for one in repairs(report.causes) if one.frees]
    if found:
        console.print(repair_table(found[:FEW]))
        if len(found) > FEW:
            console.print(f"... and {len(found) - FEW:,} more: --by repair shows them all.")


def repair_table(found: Sequence[Cause]) -> Table:
    """One row a repair."""
    table = Table(title="What to repair first", title_justify="left", box=None, pad_edge=False, expand=True)
    for name in ("frees", "touches", "times"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("code", no_wrap=True)
    table.add_column("what to change", ratio=1, overflow="fold")
    for one in found:
        counts = ("?" if count is None else f"{count:,}" for count in (one.frees, one.touches, one.times))
        line = f"{one.lines[0]:,}" if one.lines else ""
        table.add_row(*counts, line, one.first.code, Text("\n").join(what_to_change(one)))
    return table


def what_to_change(cause: Cause) -> Iterable[Text]:
    """The field and the value found, then how it is repaired."""
    from services.cli.check_report import printable

    first = cause.first
    where = f"{first.record or ''} {first.field or ''}".strip()
    found = printable(first.found[:FOUND_WIDTH]) + ("..." if len(first.found) > FOUND_WIDTH else "")
    value = f" '{found}'" if first.field and first.found else ""
    yield Text.assemble(first.message, (f"  {where}{value}" if where else "", "cyan"))
    yield Text(first.hint, style="italic")
