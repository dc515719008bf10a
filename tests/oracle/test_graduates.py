"""The check and the oracle clear the same graduation dates: graduates around 23 and 24 credits, on each pathway."""

from random import Random

import pytest

from schemas.layout import Variant
from tests.oracle.test_agreement import compare
from tests.unit.schemas.builder import VARIANTS, line, lines

PATHWAYS = ("TU", "TU", "CA", "L1", "NG", "C4", "CD")
OPTIONS = {"CA": "R01"}
CODES = (*(f"9901{number:02d}" for number in range(24)), "500051", "500052", "500307", "500063")
NAMES = ("", "", "", "", "Finnish I", "Finnish II")
WAYS = ((100, ""), (100, ""), (100, ""), (100, ""), (50, ""), (50, "1"), (50, "2"), (200, ""))
ALWAYS = frozenset({"223", "G1", "G3", "G5", "G6"})


def graduate(random: Random, variant: Variant) -> bytes:
    """A graduate with repeats, halves, parts, experiences and named courses; nothing of it holds the student."""
    pathway = random.choice(PATHWAYS)
    student = {
        "graduation_date": "05152026",
        "diploma_pathway": pathway,
        "career_option_code": OPTIONS.get(pathway, ""),
        "grade_9_entry_year": "2013" if pathway[0] == "C" and pathway != "CA" else "2022",
        "met_gee_eoc_flag": random.choice("YYYE ").strip(),
    }
    courses = [course(random, variant) for _ in range(random.choice((27, 29, 31)))]
    credential = line("050", variant, {"pass_fail": random.choice("PF")})
    return lines(line("020", variant, student), *dict.fromkeys(courses), credential)


def course(random: Random, variant: Variant) -> bytes:
    """One course of a few, failed now and then."""
    credit, part = random.choice(WAYS)
    values = {
        "course_code": random.choice(CODES),
        "transcript_course_name": random.choice(NAMES),
        "course_part_number": part,
        "semester_code": random.choice(("S1", "S2", "Y1", "B1", "B2")),
        "credit_attempted_count": f"{credit:03d}",
        "credit_earned_count": f"{credit:03d}",
    }
    if random.random() < 0.1:
        values |= {"letter_grade_code": "F", "credit_earned_count": "000", "quality_points_awarded_count": "000"}
    return line("030", variant, values)


@pytest.mark.parametrize("variant", VARIANTS)
def test_they_clear_the_same_dates(variant: Variant) -> None:
    random = Random(variant)
    found = {code for _ in range(300) for _, code in compare(graduate(random, variant), variant).found}

    assert found >= ALWAYS | ({"G4"} if variant == "public" else set())
