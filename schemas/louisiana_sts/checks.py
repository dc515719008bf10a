"""The checks of a batch and of one record set: the rule table line by line, and the built-in kinds over a set.

Built in are what no single line tells: 200 and 300 (R-039), 211, 326, and a second P or F of one credential (513,
R-161). What belongs to a line but to none of its fields (500, NUL, cut short) was found while reading.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from schemas.layout import DoesNotFit, Layout, Variant
from schemas.louisiana_sts.batch import Batch, Line, Refused, read_batch, unpack
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, STUDENT, SYSTEM, Fields, RecordSet
from schemas.louisiana_sts.sets import SetChecks
from schemas.louisiana_sts.table import problem, rules_digest, table
from schemas.louisiana_sts.unpack import LIMIT
from schemas.problems import Problem, Report, Undecided


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found: problems by line, column and code; the state ids held; the codes that need a table."""

    problems: tuple[Problem, ...]
    held: frozenset[str] = frozenset()
    undecided: tuple[Undecided, ...] = ()
    digests: Mapping[str, str] = field(default_factory=dict)


def check(batch: Batch, *, today: date) -> Findings:
    """Every finding on a batch that was not refused, with the notes and line faults met while reading it."""
    checks = SetChecks(table(batch.variant), int(batch.bssy), today)
    faults: dict[int, list[Problem]] = {}
    for fault in batch.faults:
        faults.setdefault(fault.line or 0, []).append(fault)
    problems, held = list(batch.notes), set()
    for state_id in batch.state_ids:
        lines = list(batch.lines_of(state_id))
        found = checks.student(lines, faults)
        if any(one.effect == "reject_student" for one in found):
            held.add(state_id)
        problems.extend(found)
    problems.sort(key=place)
    return Findings(tuple(problems), frozenset(held), table(batch.variant).undecided, digests(batch.layout))


def place(found: Problem) -> tuple[int, int, str]:
    return found.line or 0, found.columns[0] if found.columns else 0, found.code


def digests(layout: Layout) -> dict[str, str]:
    return {"layout": layout.digest, "rules": rules_digest("public" if layout.variant == "public" else "nonpublic")}


def check_set(
    layout: Layout, bssy: str, sponsor: str, state_id: str, record_set: RecordSet, *, today: date
) -> list[Problem]:
    """The findings on one set, as if it came in a file: same rules, same built-ins.

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
    return misfits or sorted(SetChecks(table(variant), int(bssy), today).student(lines, {}), key=place)


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
    source: Path | bytes, *, today: date, variant: Variant | None = None, limit: int = LIMIT
) -> tuple[Batch | Refused, Findings]:
    """Unpack, read and check one file. Raises OSError if it cannot be read."""
    file = {"file": file_digest(source)}
    unpacked = unpack(source, limit=limit)
    batch = Refused((unpacked,)) if isinstance(unpacked, Problem) else read_batch(unpacked.data, variant=variant)
    if isinstance(batch, Refused):
        return batch, Findings(batch.problems, digests=file)
    found = check(batch, today=today)
    return batch, replace(found, digests=file | dict(found.digests))


def file_digest(source: Path | bytes) -> str:
    """SHA-256 of the file as it came, packed or not."""
    if isinstance(source, bytes):
        return hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def report(name: str, batch: Batch | Refused, findings: Findings) -> Report:
    """The findings under the file's name, counted."""
    refused = isinstance(batch, Refused)
    students = 0 if isinstance(batch, Refused) else len(batch.state_ids)
    return Report(
        file=name,
        layout=batch.variant or "",
        refused=refused,
        rows=batch.rows,
        clean=students - len(findings.held),
        held=len(findings.held),
        digests=findings.digests,
        problems=findings.problems,
        undecided=findings.undecided,
    )
