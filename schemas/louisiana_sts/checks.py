"""The checks of a batch and of one record set: the rule table line by line, and the built-in kinds over a set.

Built in are what no single line tells: 200 and 300 (R-039), 211, 326, a second P or F of one credential (513, R-161),
part numbers (R-084), and what eScholar says otherwise (U03 to U08). What belongs to a line but to none of its fields
(500, NUL, cut short) was found while reading. A graduate without any of that may still lose the date (R-036).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path

from schemas.layout import DoesNotFit, Layout, Variant
from schemas.louisiana_sts.batch import Batch, Line, Refused, is_columnar, read_batch, unpack
from schemas.louisiana_sts.causes import Runs, causes
from schemas.louisiana_sts.graduates import graduate_line, graduate_problems
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, STUDENT, SYSTEM, Fields, RecordSet, readings
from schemas.louisiana_sts.sets import SetChecks
from schemas.louisiana_sts.sponsors import sponsor_problems
from schemas.louisiana_sts.table import problem, table
from schemas.louisiana_sts.unpack import LIMIT
from schemas.problems import Problem, Report, Undecided
from schemas.reference import NO_TABLES, ReferenceTables

# More findings than anyone reads would only cost memory.
MOST_LISTED = 500_000
Progress = Callable[[int, int], None]
TablesOf = Callable[[int], ReferenceTables]
Looked = tuple[str, list[Problem], list[Line]]
"""A student, what was found, and their lines; no lines where certainly nothing more is to be found."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found in a file: problems by line, column and code; `held` are state ids of which nothing is stored.

    `layout` is empty where the file was refused before its layout mattered; `digests` name the bytes of layout,
    rules, file and reference tables that led to the verdict; `demonstration` those tables that hold invented rows.
    """

    problems: tuple[Problem, ...]
    held: frozenset[str] = frozenset()
    undecided: tuple[Undecided, ...] = ()
    file: str = ""
    layout: str = ""
    refused: bool = False
    rows: int = 0
    students: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)
    demonstration: tuple[str, ...] = ()


def check(
    batch: Batch,
    *,
    today: date,
    progress: Progress | None = None,
    tables: ReferenceTables = NO_TABLES,
    columnar: bool | None = None,
) -> Findings:
    """Every finding on a batch that was not refused, with the notes and line faults met while reading it.

    What needs a table that is not among `tables` is listed as undecided. `progress` is told the students done and
    their whole number from time to time. `columnar` says whether the rules are asked of many lines at once, which
    gives the same findings; with None they are where it pays.
    """
    rules = table(batch.variant)
    look = by_columns if is_columnar(batch.data, columnar) else by_lines
    problems, held, unlisted = list(batch.notes), set(), 0
    for state_id, found, lines in look(batch, today, tables, progress or quiet):
        if rejects(found):
            held.add(state_id)
        elif graduate := graduate_line(batch.layout, lines):
            found.extend(graduate_problems(batch.layout, graduate, batch.record_set(state_id)))
        room = MOST_LISTED - len(problems)
        problems.extend(found[: max(0, room)])
        unlisted += max(0, len(found) - max(0, room))
    if unlisted:
        problems.append(problem("N09", message=f"NOT ALL PROBLEMS ARE LISTED: {unlisted:,} MORE"))
    return Findings(
        problems=tuple(sorted(problems, key=place)),
        held=frozenset(held),
        undecided=rules.undecided(tables),
        layout=batch.variant,
        rows=batch.rows,
        students=len(batch.state_ids),
        digests=rules.digests(tables),
        demonstration=tables.demonstrations,
    )


def by_lines(batch: Batch, today: date, tables: ReferenceTables, progress: Progress) -> Iterator[Looked]:
    """What is found on each student in turn."""
    checks, faults = compiled(batch.variant, int(batch.bssy), today, tables), faults_by_line(batch)
    for done, state_id in enumerate(batch.state_ids):
        if done % 1000 == 0:
            progress(done, len(batch.state_ids))
        lines = list(batch.lines_of(state_id))
        yield state_id, checks.student(lines, faults), lines


def by_columns(batch: Batch, today: date, tables: ReferenceTables, progress: Progress) -> Iterator[Looked]:
    """The same, with students left out of whom nothing is to be said."""
    from schemas.louisiana_sts.columnar_checks import look  # noqa: PLC0415 - numpy, for large files only

    checks, faults = compiled(batch.variant, int(batch.bssy), today, tables), faults_by_line(batch)
    yield from look(batch, checks, faults, progress)


def faults_by_line(batch: Batch) -> dict[int, list[Problem]]:
    faults: dict[int, list[Problem]] = {}
    for fault in batch.faults:
        faults.setdefault(fault.line or 0, []).append(fault)
    return faults


def quiet(done: int, of: int) -> None:
    """Tell nobody."""


def rejects(found: Sequence[Problem]) -> bool:
    return any(one.effect == "reject_student" for one in found)


def place(found: Problem) -> tuple[int, int, str]:
    return found.line or 0, found.columns[0] if found.columns else 0, found.code


def check_set(
    layout: Layout,
    bssy: str,
    sponsor: str,
    state_id: str,
    record_set: RecordSet,
    *,
    today: date,
    tables: ReferenceTables = NO_TABLES,
) -> list[Problem]:
    """The findings on one set that is edited online: same rules, same built-ins, but for what is wrong only in a file.

    A problem's line is the record's place in the set: the student, then the courses, then the credentials, from 1. A
    value that its field cannot hold is V08, and then no rule is tried. Raises KeyError for a field the layout lacks.
    """
    keys = {
        "system_indicator": SYSTEM,
        "beginning_school_session_year": bssy,
        "sponsor_code": sponsor,
        "state_identification_number": state_id,
    }
    records = [(STUDENT, record_set.student)] if record_set.student is not None else []
    records += [(COURSE, fields) for fields in record_set.courses]
    records += [(CREDENTIAL, fields) for fields in record_set.credentials]
    lines, misfits = [], []
    for number, (code, fields) in enumerate(records, 1):
        whole = {**fields, **keys, "transaction_code": code}
        try:
            lines.append(Line(number, code, layout[code].render(whole)))
        except DoesNotFit as fault:
            misfits.append(misfit(fault, number, code, whole))
    variant: Variant = "public" if layout.variant == "public" else "nonpublic"
    found = compiled(variant, int(bssy), today, tables).student(lines, {})
    in_a_file = readings()["wrong_only_in_a_file"]["codes"]
    found = misfits or [one for one in found if one.code not in in_a_file]
    if not rejects(found) and (graduate := graduate_line(layout, lines)):
        found.extend(graduate_problems(layout, graduate, record_set))
    return sorted(found, key=place)


@dataclass(frozen=True, slots=True)
class Asked:
    """What checks are compiled for. Tables of one content are the same tables."""

    variant: Variant
    bssy: int
    today: date
    digests: tuple[tuple[str, str], ...]
    tables: ReferenceTables = field(compare=False, repr=False)


def compiled(variant: Variant, bssy: int, today: date, tables: ReferenceTables = NO_TABLES) -> SetChecks:
    """The checks of one sector, year and day, kept because compiling them takes far longer than checking a set.

    Of those that know persons only the last are kept.
    """
    asked = Asked(variant, bssy, today, tuple(tables.digests.items()), tables)
    return last_kept(asked) if "identities" in tables else kept(asked)


@lru_cache(maxsize=8)
def kept(asked: Asked) -> SetChecks:
    return SetChecks(table(asked.variant), asked.bssy, asked.today, asked.tables)


@lru_cache(maxsize=1)
def last_kept(asked: Asked) -> SetChecks:
    return SetChecks(table(asked.variant), asked.bssy, asked.today, asked.tables)


def misfit(fault: DoesNotFit, number: int, code: str, fields: Fields) -> Problem:
    return problem(
        "V08",
        line=number,
        record=code,
        field=fault.field.name,
        columns=fault.field.columns,
        found=fields[fault.field.name].encode("latin-1", "replace"),
        message=f"VALUE DOES NOT FIT ITS FIELD: it {fault.reason}",
    )


def check_file(
    source: Path | bytes,
    name: str,
    *,
    today: date,
    variant: Variant | None = None,
    limit: int = LIMIT,
    progress: Progress | None = None,
    tables: ReferenceTables | TablesOf = NO_TABLES,
    columnar: bool | None = None,
) -> tuple[Batch | None, Findings]:
    """Unpack, read and check one file; no batch comes back if it is refused. Raises OSError if it cannot be read.

    `tables` are those of the file's year, or a function that gives them for a BSSY; `columnar` is as for `check`.
    """
    unpacked = unpack(source, limit=limit)
    too_large = isinstance(unpacked, Problem) and unpacked.code == "F11"
    digest = {} if too_large else {"file": file_digest(source)}
    batch: Batch | Refused
    if isinstance(unpacked, Problem):
        batch = Refused((unpacked,))
    else:
        batch = read_batch(unpacked.data, variant=variant, columnar=columnar)
    given = tables_of(batch, tables)
    if isinstance(batch, Batch) and (wrong := sponsor_problems(batch, given)):
        batch = Refused(wrong, batch.rows, batch.variant)
    if isinstance(batch, Refused):
        return None, refusal(batch, name, digest, given)
    found = check(batch, today=today, progress=progress, tables=given, columnar=columnar)
    return batch, replace(found, file=name, digests=digest | dict(found.digests))


def tables_of(batch: Batch | Refused, tables: ReferenceTables | TablesOf) -> ReferenceTables:
    """The tables of the file's year; none where the year cannot be read and they go by it."""
    if isinstance(tables, ReferenceTables):
        return tables
    return tables(int(batch.bssy)) if isinstance(batch, Batch) else NO_TABLES


def refusal(refused: Refused, name: str, digest: dict[str, str], tables: ReferenceTables = NO_TABLES) -> Findings:
    """The findings on a file of which no record is processed; with a layout, also the digests it was read by."""
    variant = refused.variant
    if variant:
        digest |= table(variant).digests(tables)
    return Findings(
        refused.problems,
        file=name,
        layout=variant or "",
        refused=True,
        rows=refused.rows,
        digests=digest,
        demonstration=tables.demonstrations,
    )


def file_digest(source: Path | bytes) -> str:
    """SHA-256 of the file as it came, packed or not."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def report(findings: Findings, runs: Runs | None = None) -> Report:
    """The findings as the report that is shown, stored and sent; with the batch's runs its causes count students."""
    return Report(
        file=findings.file,
        layout=findings.layout,
        refused=findings.refused,
        rows=findings.rows,
        clean=findings.students - len(findings.held),
        held=len(findings.held),
        digests=findings.digests,
        problems=findings.problems,
        undecided=findings.undecided,
        demonstration=findings.demonstration,
        causes=causes(findings.problems, runs),
    )
