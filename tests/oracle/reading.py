"""A file's bytes as rows, or why the whole file is refused (R-030, R-030a, R-037, R-042)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from tests.oracle.columns import COLUMNS, Columns
from tests.oracle.facts import Facts

Finding = tuple[int, str]
"""A line (1-based) and the code that stands on it."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LONGEST_LINE = 65_536
SHORTEST = {"020": 146, "030": 165, "050": 63}
"""Down to these a line may have lost trailing blanks: up to the pathway, the quality points, the whole 050."""
LONGEST = {"020": 200, "030": 200, "050": 63}


@dataclass(frozen=True)
class Row:
    """One record: `row[name]` are the bytes of a field without trailing blanks, b"" where it is blank or cut off."""

    number: int
    code: str
    raw: bytes
    columns: Columns

    def __getitem__(self, name: str) -> bytes:
        return self.raw[self.columns[name]].rstrip(b" ")

    def __contains__(self, name: str) -> bool:
        return name in self.columns


@dataclass(frozen=True)
class File:
    """What the checks of one record may ask about the file, the day and the world."""

    variant: str
    bssy: int
    sponsor: bytes
    today: date
    facts: Facts


@dataclass(frozen=True)
class Read:
    """Either `refusals`, or the rows with those `faults` for which a row's fields are not looked at."""

    rows: tuple[Row, ...]
    refusals: tuple[Finding, ...]
    faults: tuple[Finding, ...]


def read(data: bytes, variant: str) -> Read:
    """Each line as a row, with what is wrong with its shape."""
    body, ended = body_of(data)
    if not body:
        return Read((), ((0, "F02"),), ())
    lines = [line.removesuffix(b"\r") for line in body.split(b"\n")]
    refusals: list[Finding] = []
    faults: list[Finding] = []
    rows: list[Row] = []
    for number, line in enumerate(lines, 1):
        row = Row(number, line[3:6].decode("latin-1"), line, COLUMNS.get((variant, line[3:6].decode("latin-1")), {}))
        why = unreadable(row) or two_records(row)
        if why:
            refusals.append((number, why))
        else:
            refusals += [(number, code) for code in wrong_keys(row, rows[0] if rows else row)]
            cut_off = number == len(lines) and not ended and len(line) < full_length(row.code, variant)
            faults += [(number, code) for code in shape_faults(row, cut_off)]
        if row.columns and why not in ("F06", "F05", "F10"):
            rows.append(row)
    if not rows:
        return Read((), ((1, "F01"),), ())
    return Read(tuple(rows), tuple(first_of_each(refusals)), tuple(faults))


def body_of(data: bytes) -> tuple[bytes, bool]:
    """The records' bytes, without what may stand around them, and whether the last line has its end."""
    data = data.removeprefix(BYTE_ORDER_MARK)
    length = len(data.rstrip(b" \r\n\x1a"))
    while length and data[length : length + 1] == b" ":  # trailing blanks of the last record are its own
        length += 1
    return data[:length], data[length:].startswith((b"\n", b"\r\n"))


def unreadable(row: Row) -> str:
    """Why a line is no record of any student, or ''."""
    if len(row.raw) > LONGEST_LINE:
        return "F10"
    if row.raw[:6].upper() not in (b"STS020", b"STS030", b"STS050"):
        return "F06" if row.raw.strip() else "F05"
    span = row.columns["state_identification_number"]
    whole = row.raw[span]
    blank = not whole.strip() and row.code != "020"
    return "F07" if len(whole) < span.stop - span.start or b"\0" in whole or blank else ""


def two_records(row: Row) -> str:
    """A line end is missing inside the line: the rest may be another student's record."""
    rest = row.raw[6:].upper()
    starts = (at for mark in (b"STS020", b"STS030", b"STS050") for at in places(rest, mark))
    is_second = any(rest[at + 6 : at + 10].isdigit() and len(rest[at + 6 : at + 10]) == 4 for at in starts)
    return "F17" if len(row.raw) > LONGEST[row.code] and is_second else ""


def places(text: bytes, mark: bytes) -> Iterator[int]:
    at = text.find(mark)
    while at >= 0:
        yield at
        at = text.find(mark, at + 1)


def wrong_keys(row: Row, first: Row) -> Iterator[str]:
    """BSSY and sponsor must be ones, and be those of the first record (R-004, R-037; 503 and 504 on a 050)."""
    bssy, sponsor = row.raw[6:10], row.raw[10:13]
    if row is first:
        if not (bssy.isdigit() and 2000 <= int(bssy) <= 2099):
            yield "F08"
        if b" " in sponsor:
            yield "F09"
    if bssy != first.raw[6:10]:
        yield "503" if row.code == "050" else "F03"
    if sponsor != first.raw[10:13]:
        yield "504" if row.code == "050" else "F04"


def shape_faults(row: Row, cut_off: bool) -> Iterator[str]:
    """What holds the student of a line: no capitals, a NUL, too short or too long (500 for a 050, p. 138)."""
    if not row.raw.startswith(b"STS"):
        yield "L02"
    if b"\0" in row.raw:
        yield "L01"
    if row.code == "050":
        if len(row.raw) != 63:
            yield "500"
    elif row.raw[LONGEST[row.code] :].strip(b" "):
        yield "L04"
    elif len(row.raw) < SHORTEST[row.code] or cut_off:
        yield "L03"


def full_length(code: str, variant: str) -> int:
    """How long a record is written: the public 020 ends at 156 (PUB-01)."""
    return 156 if (variant, code) == ("public", "020") else LONGEST[code]


def first_of_each(findings: list[Finding]) -> Iterator[Finding]:
    """The first line of each code."""
    first: dict[str, int] = {}
    for number, code in findings:
        first.setdefault(code, number)
    return ((number, code) for code, number in first.items())


def student_of(row: Row, variant: str) -> bytes:
    """The id that a row's set goes by. A nonpublic 050 may carry its nine digits behind a zero (NP-12)."""
    text = row["state_identification_number"]
    return text[1:] if (variant, row.code, len(text), text[:1]) == ("nonpublic", "050", 10, b"0") else text


def by_student(rows: tuple[Row, ...], variant: str) -> Mapping[bytes, list[Row]]:
    """The sets of a file."""
    sets: dict[bytes, list[Row]] = {}
    for row in rows:
        sets.setdefault(student_of(row, variant), []).append(row)
    return sets
