"""CSV files whose columns a Table Schema states (Frictionless Data): bytes in, rows or every fault out.

Beyond Frictionless's own properties a schema may say: `notAfter` (pairs of columns, the first not greater than the
second), `startsWith` (pairs, the first begins with the second) and `personal` (a row is a person's). A fault names line
and column, never the value.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from schemas.problems import Problem

MOST_FAULTS = 1_000_000

Line = tuple[int, list[str]]
"""A row with the number of its first line."""

OfRows = Callable[[Sequence[Line], "TableFile"], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class TableFile:
    """One kind of file: its Table Schema, and how its faults are told. `letter` begins their codes."""

    schema: Mapping[str, Any]
    letter: str
    noun: str
    row: str
    again: str

    @property
    def columns(self) -> list[str]:
        """The columns in their order."""
        return [field["name"] for field in self.schema["fields"]]

    @property
    def key(self) -> list[str]:
        """The columns that tell one row from another."""
        key = self.schema["primaryKey"]
        return [key] if isinstance(key, str) else list(key)

    def meaning(self, column: str) -> str:
        """What a column may hold, as the schema says it."""
        return next((str(one["description"]) for one in self.schema["fields"] if one["name"] == column), self.again)

    def fault(
        self, number: int, message: str, hint: str, line: int | None = None, column: str | None = None
    ) -> Problem:
        """A fault for which the file is refused. It never holds the value."""
        code = f"{self.letter}{number:02d}"
        return Problem(code=code, message=message, effect="reject_file", hint=hint, line=line, field=column)


@cache
def table_schema(path: Path) -> Mapping[str, Any]:
    """A Table Schema as it is published, read once."""
    loaded: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def in_order(faults: Sequence[Problem]) -> tuple[Problem, ...]:
    """Faults by line, column and code."""
    return tuple(sorted(faults, key=lambda one: (one.line or 0, one.field or "", one.code)))


# --- Lines ------------------------------------------------------------------------------------------------------


def read_lines(data: bytes, file: TableFile) -> list[Line] | Problem:
    """Cut the file into rows, each with the number of its first line; blank lines at the end do not count."""
    unreadable = "THE FILE CANNOT BE READ AS CSV IN UTF-8"
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        return file.fault(1, unreadable, f"This line holds bytes that are not UTF-8. {file.again} as UTF-8.", line)
    reader, lines, number = csv.reader(io.StringIO(text, newline=""), strict=True), list[Line](), 1
    try:
        for cells in reader:
            lines.append((number, cells))
            number = reader.line_num + 1
    except csv.Error:
        hint = f"A quotation mark is not closed, or a cell is far too long. {file.again} as CSV."
        return file.fault(1, unreadable, hint, number)
    while lines and not lines[-1][1]:
        lines.pop()
    return lines or file.fault(1, "THE FILE IS EMPTY", f"{file.again} and look at its size.")


def file_faults(heads: Sequence[Line], lines: Sequence[Line], file: TableFile, of_rows: OfRows) -> list[Problem]:
    """Every fault, once for each cell; `of_rows` finds what no cell tells alone. Other columns: no row is judged."""
    if [cells for _, cells in heads] != [file.columns]:
        hint = f"The first line must be: {','.join(file.columns)}."
        return [file.fault(2, f"THE COLUMNS ARE NOT THOSE OF THE {file.noun}", hint, 1)]
    if not lines:
        hint = f"{file.again}; a load of nothing is a mistake."
        return [file.fault(2, f"THE {file.noun} HOLDS NO {file.row}", hint)]
    whole = [(line, cells) for line, cells in lines if len(cells) == len(file.columns)]
    found = [ragged_line(line, cells, file) for line, cells in lines if len(cells) != len(file.columns)]
    found += schema_faults(whole, file)
    told = {(one.line, one.field) for one in found}
    others = [*line_end_faults(whole, file), *of_rows(whole, file)]
    return found + [one for one in others if (one.line, one.field) not in told]


def ragged_line(line: int, cells: Sequence[str], file: TableFile) -> Problem:
    """Say that a row has not as many cells as there are columns; nothing else of it can be judged."""
    if not cells:
        return blank_line(line, file)
    hint = (
        f"The row has {len(cells)} cells, not {len(file.columns)}: a text with a comma must stand in quotation marks."
    )
    return file.fault(4, "CELLS ARE MISSING OR TOO MANY", hint, line)


def blank_line(line: int, file: TableFile) -> Problem:
    """Say that a row is empty."""
    hint = f"Remove the line. If a {file.row.lower()} is lost: {file.again}."
    return file.fault(3, "BLANK LINE INSIDE THE FILE", hint, line)


# --- What the schema tells --------------------------------------------------------------------------------------


def schema_faults(lines: Sequence[Line], file: TableFile) -> list[Problem]:
    """Validate rows that have all their cells by the Table Schema; who comes twice is told by `same_key_twice`."""
    from frictionless import Resource, Schema  # noqa: PLC0415 - a third of a second, and only who loads a table needs it

    resource = Resource(
        data=[file.columns, *(cells for _, cells in lines)], schema=Schema.from_descriptor(dict(file.schema))
    )
    report = resource.validate(limit_errors=MOST_FAULTS)
    errors = (error.to_dict() for task in report.tasks for error in task.errors)
    return [schema_fault(error, lines, file) for error in errors if error["type"] != "primary-key"]


def schema_fault(error: Mapping[str, Any], lines: Sequence[Line], file: TableFile) -> Problem:
    """Say one finding of the validation in our words, as its own would quote the value."""
    row, name = error.get("rowNumber"), str(error.get("fieldName", ""))
    line = lines[row - 2][0] if isinstance(row, int) and row > 1 else 1
    if error["type"] == "blank-row":
        return blank_line(line, file)
    return file.fault(5, "VALUE IS NOT WHAT ITS COLUMN HOLDS", file.meaning(name), line, name)


def line_end_faults(lines: Sequence[Line], file: TableFile) -> Iterator[Problem]:
    """Find cells that end in a line end: a pattern's `$` lets one pass."""
    for line, cells in lines:
        for column, cell in zip(file.columns, cells, strict=True):
            if cell.endswith("\n"):
                yield file.fault(5, "VALUE IS NOT WHAT ITS COLUMN HOLDS", file.meaning(column), line, column)


# --- What the schema tells of rows --------------------------------------------------------------------------------


def row_faults(lines: Sequence[Line], file: TableFile) -> Iterator[Problem]:
    """Find keys that come twice, and pairs of cells that contradict each other."""
    key, seen = file.key, set[tuple[str, ...]]()
    for line, cells in lines:
        row = dict(zip(file.columns, cells, strict=True))
        this = tuple(row[column] for column in key)
        if this in seen and any(this):
            hint = f"A row with this {' + '.join(key)} stands on an earlier line too. Keep the right one."
            yield file.fault(6, "KEY TWICE", hint, line, key[0])
        seen.add(this)
        yield from pair_faults(row, line, file)


def pair_faults(row: Mapping[str, str], line: int, file: TableFile) -> Iterator[Problem]:
    """Find pairs of cells that each fit their column and contradict each other."""
    for low, high in file.schema.get("notAfter", ()):
        if row[low] and row[high] and row[low] > row[high]:
            hint = f"{low} is not greater than {high}. Correct the one that is wrong."
            yield file.fault(7, "FIRST AFTER LAST", hint, line, low)
    for whole, start in file.schema.get("startsWith", ()):
        if not row[whole].startswith(row[start]):
            hint = f"{whole} begins with {start}. Correct the one that is wrong."
            yield file.fault(8, "CODE DOES NOT BEGIN AS IT MUST", hint, line, whole)
