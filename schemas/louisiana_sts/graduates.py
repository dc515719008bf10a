"""The findings on a graduate whose set is otherwise clean: for what the graduation date is cleared (R-036, R-142).

A held student is not judged: nothing of theirs is stored, and a credit that is itself wrong would count wrong.
"""

from collections.abc import Mapping, Sequence

from schemas.layout import Layout
from schemas.louisiana_sts.batch import Line
from schemas.louisiana_sts.graduation import credits_earned, credits_required, removal_codes
from schemas.louisiana_sts.records import STUDENT, RecordSet
from schemas.louisiana_sts.table import problem
from schemas.problems import Problem

REPORTED: Mapping[str, str] = {"2": "223", "3": "G3", "4": "G4", "5": "G5", "6": "G6"}
"""How each removal code is reported."""

COUNTING = frozenset({"223", "G1"})


def graduate_line(layout: Layout, lines: Sequence[Line]) -> Line | None:
    """Return the 020 of a student who is sent with a graduation date."""
    span = layout[STUDENT]["graduation_date"].span
    return next((line for line in lines if line.code == STUDENT and line.raw[span].strip(b" ")), None)


def graduate_problems(layout: Layout, line: Line, records: RecordSet) -> list[Problem]:
    """Return why a graduate loses the date, or that more credits are due; placed at the date in the 020."""
    field = layout[STUDENT]["graduation_date"]
    return [
        problem(
            code,
            line=line.number,
            record=STUDENT,
            field=field.name,
            columns=field.columns,
            found=line.raw[field.span],
            hint=f"{problem(code).hint} {counted(records)}" if code in COUNTING else None,
        )
        for code in codes_of(records, layout.variant)
    ]


def codes_of(records: RecordSet, sector: str) -> list[str]:
    """Return the codes as they are reported: those of removal, or G1 where the date stays and credits are due."""
    removed = [REPORTED[code] for code in removal_codes(records, sector)]
    return removed or (["G1"] if is_short(records) else [])


def is_short(records: RecordSet) -> bool:
    """Whether the pathway takes more credits than are earned (R-143)."""
    return credits_earned(records.courses, pathway_of(records)) < credits_required(pathway_of(records))


def pathway_of(records: RecordSet) -> str:
    return (records.student or {}).get("diploma_pathway", "")


def counted(records: RecordSet) -> str:
    """Say how many credits were counted."""
    return f"Counted are {credits_earned(records.courses, pathway_of(records)) / 100:.2f}."


def meaning(code: str) -> Problem:
    """Return what a removal code means and how it is repaired, without a place."""
    return problem(REPORTED[code])
