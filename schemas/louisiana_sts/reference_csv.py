"""Reference tables as CSV: bytes in, a dated table or every fault out.

Each table's columns, with what each may hold and the guide's pages, are a Table Schema in `reference/`; those of
`identities` are the eScholar extract's. The digest of a table is the SHA-256 of its canonical content: the columns,
then the rows in the order of their key, as CSV in UTF-8 with LF, accents composed (NFC), cells without outer blanks. So
line ends, row order, quotation marks and a byte-order mark do not matter.
"""

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path

from schemas.csv_table import TableFile, file_faults, in_order, read_lines, row_faults, table_schema
from schemas.louisiana_sts import escholar
from schemas.problems import Problem
from schemas.reference import ReferenceTable, ReferenceTables, Row, in_force

FOLDER = Path(__file__).with_name("reference")
DEMONSTRATION = FOLDER / "demonstration"
IDENTITIES = "identities"
NAMES = (*sorted(path.name.removesuffix(".schema.json") for path in FOLDER.glob("*.schema.json")), IDENTITIES)
"""Every reference table there is."""

FIRST_YEAR = 1900
FILE_NAME = re.compile(r"(?P<name>[a-z0-9_]+)(@(?P<bssy>(19|20)[0-9]{2}))?\.csv")


@dataclass(frozen=True, slots=True)
class FileFault:
    """What is wrong with one file of a folder; `file` is its name."""

    file: str
    problem: Problem


@dataclass(frozen=True, slots=True)
class Folder:
    """What a folder of tables holds: every publication, and every fault. With a fault none of it is to be used."""

    publications: tuple[ReferenceTable, ...] = ()
    faults: tuple[FileFault, ...] = ()

    def in_force(self, bssy: int) -> ReferenceTables:
        """The tables for a year."""
        return in_force(self.publications, bssy)


@cache
def table_file(name: str) -> TableFile:
    """A reference table as a kind of file. Raises KeyError for a name that no table has."""
    if name not in NAMES:
        raise KeyError(name)
    path = escholar.SCHEMA_FILE if name == IDENTITIES else FOLDER / f"{name}.schema.json"
    again = f"Export the table {name} again"
    return TableFile(table_schema(path), "T", "TABLE", "ROW", again)


def is_personal(name: str) -> bool:
    """Whether a table's rows are persons': it is sealed whole and never shown."""
    return name == IDENTITIES or bool(table_file(name).schema.get("personal", False))


def read_table(name: str, data: bytes, *, effective: int) -> ReferenceTable | tuple[Problem, ...]:
    """Read a table that is in force from the BSSY `effective` on. One fault anywhere and it is refused whole.

    Raises KeyError for a name that no table has.
    """
    file = table_file(name)
    read = read_lines(data, file)
    if isinstance(read, Problem):
        return (read,)
    lines = [(line, [tidy(cell) for cell in cells]) for line, cells in read]
    of_rows = partial(escholar.own_faults, today=date.max) if name == IDENTITIES else row_faults
    if faults := file_faults(lines[:1], lines[1:], file, of_rows):
        return in_order(faults)
    return table_of(name, effective, (dict(zip(file.columns, cells, strict=True)) for _, cells in lines[1:]))


def tidy(cell: str) -> str:
    """A cell as it counts."""
    return unicodedata.normalize("NFC", cell.strip(" "))


def table_of(name: str, effective: int, rows: Iterable[Row]) -> ReferenceTable:
    """A table of rows that are known to be sound, in the order of their key."""
    file = table_file(name)
    held = tuple(sorted(rows, key=lambda row: [row[column] for column in file.key]))
    digest = hashlib.sha256(canonical(file.columns, held)).hexdigest()
    return ReferenceTable(name, effective, digest, held, any(is_demonstration(row) for row in held))


def is_demonstration(row: Row) -> bool:
    """Whether a row calls itself demonstration."""
    return row.get("source", "").startswith("demonstration")


def canonical(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """The content whose SHA-256 is the digest, and which is stored."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row[column] for column in columns] for row in rows)
    return text.getvalue().encode()


def content_of(table: ReferenceTable) -> bytes:
    """A table's canonical content."""
    return canonical(table_file(table.name).columns, table.rows)


def from_canonical(name: str, data: bytes, *, effective: int) -> ReferenceTable:
    """A table from its stored content, which was judged before it was stored."""
    return table_of(name, effective, csv.DictReader(io.StringIO(data.decode(), newline="")))


# --- Folders ----------------------------------------------------------------------------------------------------


def read_folder(path: Path) -> Folder:
    """Read `TABLE.csv` and `TABLE@BSSY.csv`: in force always, or from that year on. Other files are left alone.

    Raises OSError where the folder or a file of it cannot be read.
    """
    publications, faults = list[ReferenceTable](), list[FileFault]()
    for file in sorted(path.iterdir()):
        if file.suffix != ".csv" or not file.is_file():
            continue
        match read_file(file):
            case ReferenceTable() as table:
                publications.append(table)
            case problems:
                faults += [FileFault(file.name, problem) for problem in problems]
    return Folder(faults=tuple(faults)) if faults else Folder(tuple(publications))


def read_file(path: Path) -> ReferenceTable | tuple[Problem, ...]:
    """Read one file of a folder."""
    named = FILE_NAME.fullmatch(path.name)
    if named is None or named["name"] not in NAMES:
        return (unknown_table(),)
    return read_table(named["name"], path.read_bytes(), effective=int(named["bssy"] or FIRST_YEAR))


def unknown_table() -> Problem:
    """Say that a file's name is no table's."""
    hint = (
        f"Name the file TABLE.csv, or TABLE@BSSY.csv where it is in force from a year on. Tables: {', '.join(NAMES)}."
    )
    return Problem("T09", "NO SUCH TABLE", "reject_file", hint)


def demonstration_set() -> ReferenceTables:
    """The demonstration set that the package ships: see `reference/demonstration/README.md`."""
    folder = read_folder(DEMONSTRATION)
    assert not folder.faults, folder.faults
    return folder.in_force(date.max.year)
