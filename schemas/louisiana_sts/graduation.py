"""What a graduate must have, as far as the record itself tells: credits after repeat/delete, and the removal codes.

Whether every category of the pathway is met (removal code 3) takes the core reference tables and is not decided here.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

from schemas.louisiana_sts.records import Fields, RecordSet, readings

READING: Mapping[str, Any] = readings()["graduation"]

CREDITS_TO_GRADUATE: int = READING["credits"]
"""Hundredths. Fewer credits clear a graduation date (R-142)."""

PATHWAY_CREDITS: Mapping[str, int] = READING["pathway_credits"]
"""Hundredths a pathway takes (R-143)."""

NEVER_GRADUATE = frozenset[str](READING["never"])
"""Pathways that lead to no diploma (R-142, code 3)."""

MET_FLAGS = frozenset[str](READING["met_flags"])
"""Values of the GEE/EOC flag that show the requirement met (R-142, code 4)."""

WITH_EXPERIENCES: str = READING["with_experiences"]
"""The one pathway on which experiences without credit count (R-155)."""


def credits_earned(courses: Iterable[Fields], pathway: str) -> int:
    """Return the credit earned in hundredths after repeat/delete (R-090): of a repeated course the best attempt counts.

    Courses are told apart by code and transcript course name (R-092, R-093). The two parts of a course add up; a whole
    record stands against its parts together; halves without part numbers are repeats (R-081). No list of repeatable
    courses (R-091) is at hand here, so every repetition counts once.
    """
    best: dict[tuple[str, str], dict[str, int]] = {}
    left_out = frozenset[str]() if pathway == WITH_EXPERIENCES else experiences()
    for course in courses:
        if course.get("course_code") in left_out:
            continue
        name = course.get("transcript_course_name", "")
        attempts = best.setdefault((course.get("course_code", ""), name), {})
        part = course.get("course_part_number", "")
        attempts[part] = max(attempts.get(part, 0), hundredths(course.get("credit_earned_count", "")))
    return sum(max(attempts.get("", 0), attempts.get("1", 0) + attempts.get("2", 0)) for attempts in best.values())


@cache
def experiences() -> frozenset[str]:
    """Return the codes of the courses that are experiences without credit."""
    return frozenset(readings()["experience_only"]["courses"])


def hundredths(text: str) -> int:
    """Read a count with two implied decimals (R-057); what is no number counts nothing."""
    return int(text) if text.isdecimal() else 0


def credits_required(pathway: str) -> int:
    """Return the credits in hundredths that a pathway takes."""
    return PATHWAY_CREDITS.get(pathway, CREDITS_TO_GRADUATE)


def has_passed_credential(credentials: Sequence[Fields]) -> bool:
    """Whether a credential (IBC) was passed (R-164)."""
    return any(credential.get("pass_fail") == "P" for credential in credentials)


def removal_codes(records: RecordSet, sector: str) -> tuple[str, ...]:
    """Return the codes for which a graduation date is cleared, lowest first; none without a date (R-036, R-142).

    2 fewer than 23 credits; 3 the pathways ND and NG, which never graduate; 4 GEE/EOC not met (public); 5 CD without
    CDV; 6 CA without a passed credential.
    """
    student = records.student or {}
    if "graduation_date" not in student:
        return ()
    pathway = student.get("diploma_pathway", "")
    found = {
        "2": credits_earned(records.courses, pathway) < CREDITS_TO_GRADUATE,
        "3": pathway in NEVER_GRADUATE,
        "4": sector == "public" and student.get("met_gee_eoc_flag", "") not in MET_FLAGS,
        "5": pathway == "CD" and student.get("career_option_code") != "CDV",
        "6": pathway == "CA" and not has_passed_credential(records.credentials),
    }
    return tuple(code for code, applies in found.items() if applies)


def academic_year(bssy: str) -> tuple[date, date]:
    """Return the first and last day of the OSFA academic year: September 1 to August 31 (R-028)."""
    return date(int(bssy), 9, 1), date(int(bssy) + 1, 8, 31)


def graduation_day(student: Fields) -> date | None:
    """Return the graduation date, None where there is none or no such day."""
    text = student.get("graduation_date", "")
    try:
        return date(int(text[4:]), int(text[:2]), int(text[2:4]))
    except ValueError:
        return None
