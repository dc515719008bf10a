"""The report of a check for a person at a terminal: each cause with the fault marked, and how to repair it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from schemas.louisiana_sts.batch import Batch
from schemas.problems import Cause, Effect, Problem, Report
from services.cli.repair_report import print_first_repairs, print_repairs

By = Literal["line", "repair"]
TABLE = "reference/"
WIDTH = 60
BEFORE = 20
EFFECTS: dict[Effect, str] = {
    "reject_file": "file refused",
    "reject_student": "student held",
    "remove_graduation_date": "graduation date removed",
    "warning": "warning",
    "note": "accepted",
}
STYLES: dict[Effect, str] = {
    "reject_file": "bold red",
    "reject_student": "red",
    "remove_graduation_date": "yellow",
    "warning": "yellow",
    "note": "dim",
}


def print_report(
    report: Report, batch: Batch | None, *, lines: int | None, whole: bool = False, by: By = "line"
) -> None:
    """Print the report, cause first: what follows or repeats is counted where its cause stands.

    With `whole` every finding is shown at its own line; with `lines` only so many lines, or repairs, are shown.
    """
    console = Console(highlight=False)
    console.print(summary(report, batch))
    if by == "repair":
        print_repairs(console, report, limit=lines)
    else:
        print_lines(console, report, batch, lines=lines, whole=whole)
    for line in (*tables_used(report), *undecided(report)):
        console.print(line)


def print_lines(console: Console, report: Report, batch: Batch | None, *, lines: int | None, whole: bool) -> None:
    """Print the notes, then the faulty lines, then what was found how often and what to repair first."""
    notes = [one for one in report.problems if one.effect == "note"]
    rest = [one for one in report.problems if one.effect != "note"]
    for note in notes:
        console.print(f"[dim]note {note.code}[/] {escape(note.message)}{first_line(note)}: {escape(note.hint)}")
    causes = {} if whole else {one.first: one for one in report.causes if one.first.effect != "note"}
    shown = rest if whole else list(causes)
    groups = [(line, list(found)) for line, found in groupby(shown, key=lambda one: one.line)]
    if groups:
        console.print(problem_table(groups[:lines], batch, causes))
    if lines is not None and len(groups) > lines:
        console.print(f"... and {len(groups) - lines:,} more lines with problems: --all or --json shows them.")
    if len(shown) < len(rest):
        console.print(f"{len(rest):,} findings come from {len(shown):,} causes: --all shows each at its own line.")
    if rest:
        console.print(tally(rest))
        print_first_repairs(console, report)


def summary(report: Report, batch: Batch | None) -> Text:
    """What was read, how the layout was told, and what would be stored."""
    told = f"{report.layout or 'unknown'} layout{how_told(batch)}"
    head = f"{report.file}: {told}, {report.rows:,} rows\n"
    if report.refused:
        return Text.assemble(head, ("The file is refused: no record of it is processed.", "bold red"))
    held = f"{report.held:,} held (nothing of a held student is stored)"
    clean = f"{report.clean:,} student{'' if report.clean == 1 else 's'} clean"
    return Text.assemble(head, (clean, "green"), ", ", (held, "red" if report.held else "green"))


def how_told(batch: Batch | None) -> str:
    if batch is None or batch.told is None:
        return ""
    if not batch.told.certain:
        return " (assumed: no record tells)"
    votes = batch.told.fitting + batch.told.against
    return f" (told from the file: {batch.told.fitting:,} of {votes:,} records looked at fit it)"


def first_line(problem: Problem) -> str:
    return f" (first on line {problem.line:,})" if problem.line else ""


def problem_table(
    groups: Sequence[tuple[int | None, list[Problem]]], batch: Batch | None, causes: Mapping[Problem, Cause]
) -> Table:
    """One row a line: its excerpt with the faults marked, then each finding with its hint and what comes from it."""
    table = Table(show_lines=True, expand=True)
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("student", no_wrap=True)
    table.add_column("problem", ratio=1, overflow="fold")
    for number, found in groups:
        text = Text("\n").join(
            part
            for problem in found
            for part in (*explained(problem, source(problem, batch)), *consequences(causes.get(problem)))
        )
        table.add_row(f"{number:,}" if number else "", "\n".join(whose(found[0], batch)), text)
    return table


def whose(problem: Problem, batch: Batch | None) -> Iterable[str]:
    """The record type, and the student's state id where the line is at hand."""
    if problem.record:
        yield problem.record
        line = source(problem, batch)
        if line is not None and batch:
            yield batch.layout[problem.record].cut(line).get("state_identification_number", "")


def source(problem: Problem, batch: Batch | None) -> bytes | None:
    """The whole line where it is at hand; of a refused file only what was found."""
    return batch.line(problem.line) if batch and problem.line else None


def explained(problem: Problem, line: bytes | None) -> Iterable[Text]:
    """The finding in two lines, then where it stands, marked."""
    effect = (f"  {EFFECTS[problem.effect]}", STYLES[problem.effect])
    yield Text.assemble((problem.code, "bold"), f" {problem.message}", (where(problem), "cyan"), effect)
    if line is not None and problem.columns:
        yield from marked(line, problem.columns)
    elif problem.found:
        yield Text(printable(problem.found[:WIDTH]), style="red")
    yield Text(problem.hint, style="italic")


def consequences(cause: Cause | None) -> Iterable[Text]:
    """Where else the same stands, and what only follows from it."""
    if cause is None:
        return
    if (others := [number for number in cause.lines if number != cause.first.line]) and cause.times > 1:
        more = ", ..." if cause.times > len(cause.lines) else ""
        yield Text(f"The same {cause.times:,} times: also on {', '.join(f'{one:,}' for one in others)}{more}", "dim")
    if cause.follows:
        codes = ", ".join(f"{code} ({times:,})" for code, times in cause.follows.items())
        yield Text(f"Follows from it and goes with it: {codes}", "dim")


def where(problem: Problem) -> str:
    if not problem.columns:
        return ""
    first, last = problem.columns
    columns = f"column {first}" if first == last else f"columns {first}-{last}"
    return f"  {columns} {problem.field or ''}".rstrip()


def marked(line: bytes, columns: tuple[int, int]) -> Iterable[Text]:
    """The line's bytes around these columns, the columns in red with carets under them."""
    first, last = columns
    begin = max(0, first - 1 - BEFORE)
    shown = printable(line[begin : begin + WIDTH].ljust(min(WIDTH, last - begin)))
    start, stop = first - 1 - begin, min(last - begin, WIDTH)
    lead, tail = ("..." if begin else "   "), ("..." if begin + WIDTH < len(line) else "")
    yield Text.assemble(lead, shown[:start], (shown[start:stop], "bold red reverse"), shown[stop:], tail)
    yield Text(" " * (len(lead) + start) + "^" * max(1, stop - start), style="red")


def printable(raw: bytes) -> str:
    """Latin-1 text with a dot for what a terminal would not show as one character."""
    text = raw.decode("latin-1")
    return text if text.isprintable() else "".join(char if char.isprintable() else "\N{MIDDLE DOT}" for char in text)


def tally(problems: Sequence[Problem]) -> Table:
    """How often each code was found, the most frequent first."""
    table = Table(title="Findings by code", title_justify="left", box=None)
    for name in ("code", "times", "message"):
        table.add_column(name, justify="right" if name == "times" else "left")
    messages = {one.code: one.message for one in problems}
    for code, times in Counter(one.code for one in problems).most_common():
        table.add_row(code, f"{times:,}", escape(messages[code]))
    return table


def tables_used(report: Report) -> Iterable[Text]:
    """The reference tables by the beginning of their digests, so that they can be compared with the state's own."""
    digests = {name.removeprefix(TABLE): digest for name, digest in report.digests.items() if name.startswith(TABLE)}
    if digests:
        named = (f"{name} {digest[:12]}" for name, digest in digests.items())
        yield Text.assemble(("Checked with the tables: ", "bold"), ", ".join(named))
    if report.demonstration:
        names = ", ".join(report.demonstration)
        yield Text(f"DEMONSTRATION tables, with invented rows: {names}. The state's own may say otherwise.", "yellow")


def undecided(report: Report) -> Iterable[Text]:
    """The codes that need a table which was not given, once each, by table."""
    if not report.undecided:
        return
    yield Text("Not decided here, for want of a table (wholly or in part):", style="bold")
    by_table: dict[str, list[str]] = {}
    for one in report.undecided:
        by_table.setdefault(one.needs, []).append(one.code)
    for needs, codes in by_table.items():
        yield Text(f"  {', '.join(codes)}: {needs}")
