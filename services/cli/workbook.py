"""The error workbook: what was found in a file as a spreadsheet, a sheet of problems and a sheet of repairs.

XlsxWriter writes it, because it marks characters inside a cell, streams (`constant_memory`) and can write nothing that
was read from elsewhere. Whatever comes from the file is a text cell: no value begins a formula, however it starts. A
workbook holds personal data: only its owner may read it (0600).
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkstemp

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.causes import Whose, repairs, roots
from schemas.problems import Cause, Problem, Report
from services.cli.check_report import EFFECTS, printable

LONGEST_SHOWN = 1000
PROBLEM_COLUMNS = (
    ("line", 8),
    ("student", 13),
    ("record", 8),
    ("code", 7),
    ("message", 44),
    ("what follows", 22),
    ("field", 34),
    ("columns", 10),
    ("found", 18),
    ("what to do", 70),
    ("follows from", 20),
    ("the line as it was sent, the fault marked", 210),
)
REPAIR_COLUMNS = (
    ("frees students", 15),
    ("touches students", 17),
    ("times", 8),
    ("code", 7),
    ("message", 44),
    ("record", 8),
    ("field", 34),
    ("found", 18),
    ("what to do", 70),
    ("first lines", 40),
    ("goes with it", 30),
)


@dataclass(frozen=True, slots=True)
class Styles:
    """How cells look."""

    head: Format
    text: Format
    wrapped: Format
    line: Format
    fault: Format


def write_workbook(path: Path, report: Report, batch: Batch | None) -> None:
    """Write the workbook in place of `path`, whole or not at all. Raises OSError where it cannot be written.

    Without the batch (a refused file, or one whose time of keeping is over) a line is as much as was found of it.
    """
    with replaced(path) as half, TemporaryDirectory() as aside:
        options = {"constant_memory": True, "tmpdir": aside, "strings_to_formulas": False, "strings_to_urls": False}
        workbook = Workbook(str(half), options)
        styles = styles_of(workbook)
        fill_problems(sheet(workbook, "Problems", PROBLEM_COLUMNS, styles, len(report.problems)), report, batch, styles)
        wrong = repairs(report.causes)
        fill_repairs(sheet(workbook, "Repairs", REPAIR_COLUMNS, styles, len(wrong)), wrong, styles)
        workbook.close()


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a file of its own beside `path`, readable by its owner alone, that takes its place at the end."""
    handle, name = mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    half = Path(name)
    try:
        yield half
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)


def styles_of(workbook: Workbook) -> Styles:
    """A quote prefix keeps a cell text even when somebody edits it and presses return."""
    text = {"quote_prefix": True, "valign": "top", "num_format": "@"}
    return Styles(
        head=workbook.add_format({"bold": True, "bottom": 1, "valign": "top"}),
        text=workbook.add_format(text),
        wrapped=workbook.add_format({**text, "text_wrap": True}),
        line=workbook.add_format({**text, "font_name": "Courier New"}),
        fault=workbook.add_format({"font_name": "Courier New", "bold": True, "underline": 1, "font_color": "#C00000"}),
    )


def sheet(workbook: Workbook, name: str, columns: Sequence[tuple[str, int]], styles: Styles, rows: int) -> Worksheet:
    """A sheet with its header frozen, a filter and widths."""
    made: Worksheet = workbook.add_worksheet(name)
    for column, (title, width) in enumerate(columns):
        made.set_column(column, column, width)
        made.write_string(0, column, title, styles.head)
    made.freeze_panes(1, 0)
    made.autofilter(0, 0, rows, len(columns) - 1)
    return made


def fill_problems(made: Worksheet, report: Report, batch: Batch | None, styles: Styles) -> None:
    """One row a finding, in the report's order."""
    whose = Whose(batch.runs if batch else None)
    rooted = roots(report.problems, whose)
    for row, one in enumerate(report.problems, start=1):
        cause = report.problems[rooted[row - 1]]
        number(made, row, 0, one.line)
        texts = (
            whose.student(one.line) or "",
            one.record or "",
            one.code,
            one.message,
            EFFECTS[one.effect],
            one.field or "",
            "-".join(map(str, dict.fromkeys(one.columns or ()))),
            shown(one.found),
            one.hint,
            "" if cause is one else f"{cause.code} on line {cause.line}",
        )
        fill(made, row, texts, styles, first=1)
        write_line(made, row, len(texts) + 1, one, batch, styles)


def fill_repairs(made: Worksheet, found: Iterable[Cause], styles: Styles) -> None:
    """One row a repair, those first that free most students."""
    for row, one in enumerate(found, start=1):
        for column, count in enumerate((one.frees, one.touches, one.times)):
            number(made, row, column, count)
        more = ", ..." if one.times > len(one.lines) else ""
        texts = (
            one.first.code,
            one.first.message,
            one.first.record or "",
            one.first.field or "",
            shown(one.first.found),
            one.first.hint,
            ", ".join(map(str, one.lines)) + more,
            ", ".join(f"{code} ({times})" for code, times in one.follows.items()),
        )
        fill(made, row, texts, styles, first=3)


def fill(made: Worksheet, row: int, texts: Iterable[str], styles: Styles, *, first: int) -> None:
    for column, text in enumerate(texts, start=first):
        write_text(made, row, column, text, styles.wrapped)


def number(made: Worksheet, row: int, column: int, count: int | None) -> None:
    """Our own counts alone are numbers, so that they sort as such."""
    if count is not None:
        made.write_number(row, column, count)


def write_text(made: Worksheet, row: int, column: int, text: str, style: Format) -> None:
    """A text cell. XlsxWriter takes a text between <r> and </r> for markup of its own; that one is written in parts."""
    if text.startswith("<r>"):
        made.write_rich_string(row, column, text[:1], style, text[1:], style)
    elif text:
        made.write_string(row, column, text, style)


def write_line(made: Worksheet, row: int, column: int, one: Problem, batch: Batch | None, styles: Styles) -> None:
    """The whole line where it is at hand, its faulty characters marked."""
    if batch is None or not one.line or not 1 <= one.line <= batch.rows:
        write_text(made, row, column, shown(one.found), styles.fault if one.columns else styles.line)
        return
    first, last = one.columns or (1, 0)
    line = batch.line(one.line).ljust(last)
    parts = [shown(line[: first - 1]), shown(line[first - 1 : last]), shown(line[last:])]
    looks = (styles.line, styles.fault, styles.line)
    pieces = [piece for part, look in zip(parts, looks, strict=True) if part for piece in (look, part)]
    if len(pieces) > 2:
        made.write_rich_string(row, column, *pieces, styles.line)
    elif pieces:
        write_text(made, row, column, "".join(parts), styles.fault if parts[1] else styles.line)


def shown(raw: bytes) -> str:
    """Bytes of the file as text of the same length, up to what a person reads."""
    return printable(raw[:LONGEST_SHOWN]) + ("..." if len(raw) > LONGEST_SHOWN else "")
