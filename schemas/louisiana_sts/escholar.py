"""The eScholar extract: who each public student is. CSV bytes in, identities or every fault out.

The columns, with what each may hold, are the Table Schema in `escholar_extract.schema.json` (Frictionless Data); what
a schema of columns cannot tell is checked here. A fault names line and column, never the value: it is personal.
"""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from frictionless import Resource, Schema

from schemas.louisiana_sts.records import RACE_FLAGS
from schemas.problems import Problem

SCHEMA_FILE = Path(__file__).with_name("escholar_extract.schema.json")
EARLIEST_BIRTH = date(1900, 1, 1)
HIGHEST_SSN = "899999999"
"""No number above it is issued (R-011)."""

NAMES = ("first_name", "middle_name", "last_name", "suffix_name")
EXPORT_AGAIN = "Export the extract again from eScholar"
UNREADABLE = "THE FILE CANNOT BE READ AS CSV IN UTF-8"
MOST_FAULTS = 1_000_000

Line = tuple[int, list[str]]


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
def table_schema() -> Mapping[str, Any]:
    """Return the extract's Table Schema as it is published."""
    loaded: Mapping[str, Any] = json.loads(SCHEMA_FILE.read_text("utf-8"))
    return loaded


def columns() -> list[str]:
    """Return the extract's columns in their order."""
    return [field["name"] for field in table_schema()["fields"]]


def read_extract(data: bytes, *, today: date) -> tuple[Identity, ...] | ExtractRefused:
    """Read an extract. One fault anywhere and the file is refused whole; `today` bounds birth dates."""
    read = read_lines(data)
    if isinstance(read, Problem):
        return ExtractRefused((read,))
    heads, lines = read[:1], read[1:]
    faults = file_faults(heads, lines, today)
    if faults:
        return ExtractRefused(tuple(sorted(faults, key=lambda one: (one.line or 0, one.field or "", one.code))))
    return tuple(identity_in(cells) for _, cells in lines)


def file_faults(heads: Sequence[Line], lines: Sequence[Line], today: date) -> list[Problem]:
    """Return every fault, once for each cell. With other columns than the extract's no row can be judged."""
    if [cells for _, cells in heads] != [columns()]:
        hint = f"The first line must be: {','.join(columns())}."
        return [fault("I02", "THE COLUMNS ARE NOT THOSE OF THE EXTRACT", hint, 1)]
    if not lines:
        return [fault("I02", "THE EXTRACT HOLDS NO STUDENT", f"{EXPORT_AGAIN}; a load of nobody is a mistake.")]
    ragged = [ragged_line(line, cells) for line, cells in lines if len(cells) != len(columns())]
    whole = [(line, cells) for line, cells in lines if len(cells) == len(columns())]
    found = schema_faults(whole)
    told = {(one.line, one.field) for one in found}
    return ragged + found + [one for one in own_faults(whole, today) if (one.line, one.field) not in told]


def ragged_line(line: int, cells: Sequence[str]) -> Problem:
    """Say that a row has not as many cells as there are columns; nothing else of it can be judged."""
    if not cells:
        return fault(
            "I03", "BLANK LINE INSIDE THE FILE", f"Remove the line. {EXPORT_AGAIN} if a student is lost.", line
        )
    hint = f"The row has {len(cells)} cells, not {len(columns())}: a name with a comma must stand in quotation marks."
    return fault("I04", "CELLS ARE MISSING OR TOO MANY", hint, line)


def blank_line(line: int) -> Problem:
    """Say that a row is empty."""
    return fault("I03", "BLANK LINE INSIDE THE FILE", f"Remove the line. If a student is lost: {EXPORT_AGAIN}.", line)


# --- Lines ------------------------------------------------------------------------------------------------------


def read_lines(data: bytes) -> list[Line] | Problem:
    """Cut the file into rows, each with the number of its first line; blank lines at the end do not count."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        return fault("I01", UNREADABLE, f"This line holds bytes that are not UTF-8. {EXPORT_AGAIN} as UTF-8.", line)
    reader, lines, number = csv.reader(io.StringIO(text, newline=""), strict=True), list[Line](), 1
    try:
        for cells in reader:
            lines.append((number, cells))
            number = reader.line_num + 1
    except csv.Error:
        hint = f"A quotation mark is not closed, or a cell is far too long. {EXPORT_AGAIN} as CSV."
        return fault("I01", UNREADABLE, hint, number)
    while lines and not lines[-1][1]:
        lines.pop()
    return lines or fault("I01", "THE FILE IS EMPTY", f"{EXPORT_AGAIN} and look at its size.")


def identity_in(cells: Sequence[str]) -> Identity:
    """Return one row's identity; names without outer blanks, accents composed (NFC), so that equal names are equal."""
    row = dict(zip(columns(), cells, strict=True))
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


# --- What the schema tells --------------------------------------------------------------------------------------


def schema_faults(lines: Sequence[Line]) -> list[Problem]:
    """Validate rows that have all their cells by the Table Schema."""
    rows = [columns(), *(cells for _, cells in lines)]
    resource = Resource(data=rows, schema=Schema.from_descriptor(dict(table_schema())))
    report = resource.validate(limit_errors=MOST_FAULTS)
    errors = (error.to_dict() for task in report.tasks for error in task.errors)
    return [schema_fault(error, lines) for error in errors if error["type"] != "primary-key"]  # own_faults finds them


def schema_fault(error: Mapping[str, Any], lines: Sequence[Line]) -> Problem:
    """Say one finding of the validation in our words, as its own would quote the value."""
    row, name = error.get("rowNumber"), str(error.get("fieldName", ""))
    line = lines[row - 2][0] if isinstance(row, int) and row > 1 else 1
    if error["type"] == "blank-row":
        return blank_line(line)
    return fault("I05", "VALUE IS NOT WHAT ITS COLUMN HOLDS", meaning(name), line, name)


def meaning(name: str) -> str:
    """Return what a column may hold, as the schema says it."""
    return next((str(one["description"]) for one in table_schema()["fields"] if one["name"] == name), EXPORT_AGAIN)


# --- What a schema of columns cannot tell -----------------------------------------------------------------------


def own_faults(lines: Sequence[Line], today: date) -> list[Problem]:
    """Find state ids that come twice, days that cannot be, numbers that are never issued, and no race at all."""
    found, seen = list[Problem](), set[str]()
    for line, cells in lines:
        row = dict(zip(columns(), cells, strict=True))
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
        yield fault("I07", "NOT A POSSIBLE BIRTH DATE", hint, line, "birth_date")
    if row["social_security_number"] and not is_ssn(row["social_security_number"]):
        hint = "This number is never issued. Correct it in eScholar, or leave it empty where it is not known."
        yield fault("I08", "NOT A SOCIAL SECURITY NUMBER", hint, line, "social_security_number")
    if all(row[flag] == "N" for flag in RACE_FLAGS):
        hint = "At least one of the six flags is Y (R-013). Correct the student in eScholar."
        yield fault("I09", "NO RACE OR ETHNICITY", hint, line, RACE_FLAGS[0])


def same_id_twice(line: int) -> Problem:
    """Say that a state id came before."""
    hint = "This LASID stands on an earlier line too. Keep the right one: a student has one identity."
    return fault("I06", "STATE ID TWICE", hint, line, "state_identification_number")


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


def fault(code: str, message: str, hint: str, line: int | None = None, name: str | None = None) -> Problem:
    """Return a fault for which the file is refused. It never holds the value."""
    return Problem(code=code, message=message, effect="reject_file", hint=hint, line=line, field=name)
