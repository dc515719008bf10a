"""The eScholar extract: who each public student is. CSV bytes in, identities or every fault out.

The columns, with what each may hold, are the Table Schema in `escholar_extract.schema.json` (Frictionless Data); what
a schema of columns cannot tell is checked here. A fault names line and column, never the value: it is personal.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from pathlib import Path

from schemas.csv_table import Line, TableFile, file_faults, in_order, read_lines, table_schema
from schemas.louisiana_sts.records import RACE_FLAGS
from schemas.problems import Problem

SCHEMA_FILE = Path(__file__).with_name("escholar_extract.schema.json")
EARLIEST_BIRTH = date(1900, 1, 1)
HIGHEST_SSN = "899999999"
"""No number above it is issued (R-011)."""

NAMES = ("first_name", "middle_name", "last_name", "suffix_name")


@dataclass(frozen=True, slots=True)
class Identity:
    """One student of the extract. `birth_date` is YYYY-MM-DD or ""; `ssn` nine digits or ""; `ethnicity` six Y or N."""

    state_id: str
    first_name: str
    middle_name: str
    last_name: str
    suffix: str
    birth_date: str
    ssn: str
    sex: str
    ethnicity: str


@dataclass(frozen=True, slots=True)
class ExtractRefused:
    """Nothing of the file is used; every fault is here, by line."""

    problems: tuple[Problem, ...]


@cache
def extract_file() -> TableFile:
    """The extract as a kind of file."""
    again = "Export the extract again from eScholar"
    return TableFile(table_schema(SCHEMA_FILE), "I", "EXTRACT", "STUDENT", again)


def columns() -> list[str]:
    """Return the extract's columns in their order."""
    return extract_file().columns


def read_extract(data: bytes, *, today: date) -> tuple[Identity, ...] | ExtractRefused:
    """Read an extract. One fault anywhere and the file is refused whole; `today` bounds birth dates."""
    read = read_lines(data, extract_file())
    if isinstance(read, Problem):
        return ExtractRefused((read,))
    heads, lines = read[:1], read[1:]
    if faults := file_faults(heads, lines, extract_file(), partial(own_faults, today=today)):
        return ExtractRefused(in_order(faults))
    return tuple(identity_in(cells) for _, cells in lines)


def identity_in(cells: Sequence[str]) -> Identity:
    """Return one row's identity; names without outer blanks, accents composed (NFC), so that equal names are equal."""
    row = dict(zip(extract_file().columns, cells, strict=True))
    first, middle, last, suffix = (unicodedata.normalize("NFC", row[name].strip()) for name in NAMES)
    return Identity(
        state_id=row["state_identification_number"],
        first_name=first,
        middle_name=middle,
        last_name=last,
        suffix=suffix,
        birth_date=row["birth_date"],
        ssn=row["social_security_number"],
        sex=row["sex_code"],
        ethnicity="".join(row[flag] for flag in RACE_FLAGS),
    )


# --- What a schema of columns cannot tell -----------------------------------------------------------------------


def own_faults(lines: Sequence[Line], file: TableFile, *, today: date) -> list[Problem]:
    """Find state ids that come twice, days that cannot be, numbers that are never issued, and no race at all."""
    found, seen = list[Problem](), set[str]()
    for line, cells in lines:
        row = dict(zip(file.columns, cells, strict=True))
        state_id = row["state_identification_number"]
        if state_id and state_id in seen:
            found.append(same_id_twice(line))
        seen.add(state_id)
        found += row_faults(row, line, today)
    return found


def row_faults(row: Mapping[str, str], line: int, today: date) -> Iterator[Problem]:
    """Find what is wrong in one row although each cell fits its column."""
    if row["birth_date"] and not is_birth_date(row["birth_date"], today):
        hint = f"A birth date is YYYY-MM-DD, from {EARLIEST_BIRTH} to the day of the load; empty where it is not known."
        yield fault(7, "NOT A POSSIBLE BIRTH DATE", hint, line, "birth_date")
    if row["social_security_number"] and not is_ssn(row["social_security_number"]):
        hint = "This number is never issued. Correct it in eScholar, or leave it empty where it is not known."
        yield fault(8, "NOT A SOCIAL SECURITY NUMBER", hint, line, "social_security_number")
    if all(row[flag] == "N" for flag in RACE_FLAGS):
        hint = "At least one of the six flags is Y (R-013). Correct the student in eScholar."
        yield fault(9, "NO RACE OR ETHNICITY", hint, line, RACE_FLAGS[0])


def same_id_twice(line: int) -> Problem:
    """Say that a state id came before."""
    hint = "This LASID stands on an earlier line too. Keep the right one: a student has one identity."
    return fault(6, "STATE ID TWICE", hint, line, "state_identification_number")


def is_birth_date(text: str, today: date) -> bool:
    """Whether a text is a day on which somebody now living may be born."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return False
    try:
        return EARLIEST_BIRTH <= date.fromisoformat(text) <= today
    except ValueError:
        return False


def is_ssn(text: str) -> bool:
    """Whether a text has the shape of a social security number: nine digits, no group of zeros, not above R-011's."""
    if not re.fullmatch(r"[0-9]{9}", text) or text > HIGHEST_SSN:
        return False
    return text[:3] != "000" and text[3:5] != "00" and text[5:] != "0000"


def fault(number: int, message: str, hint: str, line: int, name: str) -> Problem:
    """Return a fault for which the file is refused. It never holds the value."""
    return extract_file().fault(number, message, hint, line, name)
