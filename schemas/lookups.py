"""Rows of reference tables by the bytes that point to them, as the compilers of the rule table read them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from schemas.expressions import Constant, Lookup, Text, Word
from schemas.reference import ReferenceTable, Row

Value = bytes | float
Values = tuple[Value, ...]
"""Whether there is a row, then its wanted cells."""
Columns = tuple[tuple[str, int | None], ...]
"""Which cells of a row are wanted: column, and implied decimals of a number."""

MISSING_NUMBER = float("nan")
MISSING_TEXT = b""
YEAR_WIDTH = 4
PASSING = "identities"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is read of a table. Two publications of one digest are one, so that an index is made once."""

    digest: str
    row: Lookup
    columns: Columns
    table: ReferenceTable = field(compare=False, repr=False)


@lru_cache(maxsize=64)
def indexed(asked: Asked) -> dict[bytes, Values]:
    return made(asked)


def made(asked: Asked) -> dict[bytes, Values]:
    """Index the wanted cells by key; of two rows with one key the first."""
    found: dict[bytes, Values] = {}
    for key, row in keyed(asked.table, asked.row):
        found.setdefault(key, (True, *(value(row[column], decimals) for column, decimals in asked.columns)))
    return found


def index_of(table: ReferenceTable, row: Lookup, columns: Columns) -> dict[bytes, Values]:
    """The wanted cells by key, made once for each content of a table. Raises KeyError for a column it lacks.

    Identities are not kept: they are read anew for the students of each check.
    """
    asked = Asked(table.digest, row, columns, table)
    return made(asked) if table.name == PASSING else indexed(asked)


def keyed(table: ReferenceTable, row: Lookup) -> Iterator[tuple[bytes, Row]]:
    """Each row with the bytes that point to it; a row to which none can point is left out."""
    widths = [width(part) for part in row.key]
    for one in table.rows:
        cells = [one[column].encode("latin-1", "replace") for column in row.columns]
        if all(len(cell) <= room for cell, room in zip(cells, widths, strict=True)):
            yield b"".join(cell.ljust(room) for cell, room in zip(cells, widths, strict=True)), one


def width(part: Text | Constant | Word) -> int:
    match part:
        case Text(width=columns):
            return columns
        case Word(raw=raw):
            return len(raw)
        case Constant():
            return YEAR_WIDTH


def value(cell: str, decimals: int | None) -> Value:
    """A cell as an operand: a number in its smallest unit (the cell holds digits only), or a text."""
    if decimals is None:
        return cell.rstrip(" ").encode("latin-1", "replace")
    return int(cell) if cell.isdecimal() else MISSING_NUMBER


def nothing(columns: Columns) -> Values:
    """What stands for a row that is not there."""
    return (False, *(MISSING_TEXT if decimals is None else MISSING_NUMBER for _, decimals in columns))
