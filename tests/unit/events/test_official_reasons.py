"""Why an official transcript is rejected (R-180, R-183): each reason at its boundary."""

import pytest

from events.identity import Erased, IdentityState, StudentIdentified, Unknown
from events.official_reasons import REASONS, explain, reasons_against
from events.student import ABSENT, Present, fold
from schemas.louisiana_sts.records import Fields
from tests.support.student_sets import STUDENT, full, submitted

GRADUATE: Fields = STUDENT | {
    "graduation_date": "05152026",
    "met_gee_eoc_flag": "Y",
    "diploma_pathway": "TU",
    "career_option_code": "ACA",
}
KNOWN = StudentIdentified(first_name="Ada", last_name="Nguyen", birth_date="2008-02-29")


def earning(hundredths: int, **changes: str) -> Present:
    """A graduate who earned so many hundredths of a credit, in courses of one credit and a rest."""
    whole, rest = divmod(hundredths, 100)
    earned = [100] * whole + ([rest] if rest else [])
    courses = [
        {"course_code": f"{160300 + number}", "letter_grade_code": "A", "credit_earned_count": f"{credit:03d}"}
        for number, credit in enumerate(earned)
    ]
    student = {name: value for name, value in (GRADUATE | changes).items() if value}
    state = fold(ABSENT, [submitted(full(*courses, student=student))])
    assert isinstance(state, Present)
    return state


def against(
    state: Present, identity: IdentityState = KNOWN, *, sector: str = "public", bssy: str = "2025"
) -> tuple[str, ...]:
    return reasons_against(state, identity, sector=sector, bssy=bssy)


def test_who_has_all_of_it_has_no_reason_against() -> None:
    assert against(earning(2400)) == ()


@pytest.mark.parametrize(
    ("identity", "known"),
    [
        (KNOWN, True),
        (StudentIdentified("Ada", "Nguyen", middle_name="May"), False),
        (StudentIdentified("", "Nguyen", birth_date="2008-02-29"), False),
        (StudentIdentified("Ada", "", birth_date="2008-02-29"), False),
        (Unknown(), False),
        (Erased("D-1"), False),
    ],
)
def test_a_document_says_whose_it_is_by_name_and_birth_date(identity: IdentityState, known: bool) -> None:
    assert against(earning(2400), identity) == (() if known else ("identity-missing",))


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        ("", "graduation-date-missing"),
        ("02302026", "graduation-date-missing"),
        ("08312025", "graduation-date-outside-year"),
        ("09012025", ""),
        ("08312026", ""),
        ("09012026", "graduation-date-outside-year"),
    ],
)
def test_the_date_lies_from_september_to_august_of_the_school_year(day: str, reason: str) -> None:
    """R-028."""
    assert against(earning(2400, graduation_date=day)) == ((reason,) if reason else ())


@pytest.mark.parametrize(
    ("flag", "sector", "met"),
    [
        *((flag, "public", True) for flag in "YAGE"),
        *((flag, "public", False) for flag in ("", "N", "P")),
        ("", "nonpublic", True),
    ],
)
def test_a_public_graduate_has_met_the_assessments(flag: str, sector: str, met: bool) -> None:
    assert against(earning(2400, met_gee_eoc_flag=flag), sector=sector) == (() if met else ("gee-eoc-not-met",))


@pytest.mark.parametrize(
    ("pathway", "earned", "enough"),
    [("TU", 2400, True), ("TU", 2350, False), ("CA", 2300, True), ("CA", 2250, False), ("L1", 2300, True)],
)
def test_the_pathway_takes_so_many_credits(pathway: str, earned: int, enough: bool) -> None:
    """R-143."""
    assert against(earning(earned, diploma_pathway=pathway)) == (() if enough else ("too-few-credits",))


def test_every_reason_is_told_in_one_order() -> None:
    state = earning(100, graduation_date="", met_gee_eoc_flag="N")
    assert against(state, Unknown()) == (
        "identity-missing",
        "graduation-date-missing",
        "gee-eoc-not-met",
        "too-few-credits",
    )


def test_a_set_that_is_gone_is_the_only_reason() -> None:
    assert reasons_against(ABSENT, Unknown(), sector="public", bssy="2025") == ("record-gone",)


def test_each_reason_says_what_to_do_and_a_foreign_one_whom_to_ask() -> None:
    assert all(reason.message.endswith(".") and reason.repair.endswith(".") for reason in REASONS.values())
    assert "operators" in explain("photo-missing").repair
    assert explain("too-few-credits") is REASONS["too-few-credits"]
