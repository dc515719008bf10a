"""Moving within an LEA, copying from another one, and beginning a new school year (R-025, R-200 to R-203)."""

from collections.abc import Sequence

import pytest

from events.student import (
    ABSENT,
    GraduationDateRemoved,
    Present,
    StudentEdited,
    StudentEvent,
    StudentMoved,
    StudentReassignedIn,
    StudentRemoved,
    StudentRolledOver,
    StudentState,
    evolve,
    fold,
    record_set,
)
from events.student_commands import Decision, MoveStudent, Refused, StudentCommand, decide
from events.student_reassignment import ReassignIn, RollOver, Source, reassign, roll_over
from schemas.louisiana_sts.records import Fields, RecordSet
from schemas.problems import Problem
from tests.support.spec import Spec
from tests.support.student_sets import ALGEBRA, FRENCH, HELD, STUDENT, WELDING, full, submitted

STREAM = "student/017/73747564-656e-4000-8000-000000000004/2025"


def wrong_site(records: RecordSet) -> list[Problem]:
    """Find a site of another sponsor (202), and warn of no grade."""
    student = records.student or {}
    wrong = not student.get("site_code", "").startswith(student.get("sponsor_code", ""))
    found = [Problem("202", "INVALID SITE", "reject_student", "Send one.", 1, "020", "site_code")] if wrong else []
    return [*found, Problem("W01", "NO GRADE", "warning", "Send one.", 1, "020")]


def no_checks(_records: RecordSet) -> Sequence[Problem]:
    return ()


# --- Moved ---------------------------------------------------------------------------------------------------------


def decide_checked(command: StudentCommand, state: StudentState) -> Decision:
    return decide(command, state, wrong_site)


MOVES: Spec[StudentState, StudentEvent, StudentCommand] = Spec(ABSENT, evolve, decide_checked)


def test_within_the_lea_a_student_is_moved() -> None:
    state = MOVES.given(HELD).when(MoveStudent("017002")).then(StudentMoved("017001", "017002"))
    assert isinstance(state, Present)
    assert state.student == STUDENT | {"site_code": "017002"}
    assert list(state.courses.values()) == [ALGEBRA, FRENCH]


def test_moving_to_where_the_student_is_changes_nothing() -> None:
    MOVES.given(HELD).when(MoveStudent("017001")).then_nothing()


def test_who_holds_no_set_cannot_be_moved() -> None:
    MOVES.given().when(MoveStudent("017002")).then_refused("S01")


def test_a_move_is_checked_as_an_edit_is() -> None:
    MOVES.given(HELD).when(MoveStudent("018001")).then_refused("202")


# --- Copied --------------------------------------------------------------------------------------------------------


def held(*events: StudentEvent) -> Present:
    state = fold(ABSENT, events)
    assert isinstance(state, Present)
    return state


def reassign_in(state: Present, site: str = "018001") -> ReassignIn:
    return ReassignIn(Source(STREAM, 7, state), "018", site)


def decide_copy(command: ReassignIn, state: StudentState) -> Decision:
    return reassign(command, state, before=(), checks=wrong_site)


COPIES: Spec[StudentState, StudentEvent, ReassignIn] = Spec(ABSENT, evolve, decide_copy)
THERE: Fields = STUDENT | {"sponsor_code": "018", "site_code": "018001"}
COPIED = StudentReassignedIn(STREAM, 7, THERE, (ALGEBRA, FRENCH), (WELDING,))


def test_from_another_lea_the_set_is_copied_as_it_stands_there() -> None:
    source = held(HELD, StudentEdited({"sex_code": "M"}))
    state = (
        COPIES.given()
        .when(reassign_in(source))
        .then(StudentReassignedIn(STREAM, 7, THERE | {"sex_code": "M"}, (ALGEBRA, FRENCH), (WELDING,)))
    )

    assert isinstance(state, Present)
    assert record_set(state) == full(ALGEBRA, FRENCH, student=THERE | {"sex_code": "M"}, credentials=(WELDING,))


def test_who_was_removed_at_the_receiving_lea_can_be_reassigned_back() -> None:
    COPIES.given(COPIED, StudentRemoved("request")).when(reassign_in(held(HELD))).then(COPIED)


def test_the_same_copy_again_changes_nothing() -> None:
    COPIES.given(COPIED).when(reassign_in(held(HELD))).then_nothing()


def test_a_set_that_the_receiving_lea_holds_is_never_overwritten() -> None:
    given = COPIES.given(submitted(full(ALGEBRA, student=THERE)))
    (problem,) = given.when(reassign_in(held(HELD))).then_refused("S07")
    assert problem.field == "sponsor_code"


def test_the_copy_may_not_bring_in_a_fault() -> None:
    COPIES.given().when(reassign_in(held(HELD), "017001")).then_refused("202")


def test_a_fault_that_the_source_had_does_not_stand_in_the_way() -> None:
    source = held(HELD)
    fault = Problem("305", "INVALID GRADE", "reject_student", "Send A to F.", 2, "030", "letter_grade_code", found=b"X")
    command = reassign_in(source)

    assert reassign(command, ABSENT, before=[fault], checks=lambda _: [fault]) == (COPIED,)
    assert isinstance(reassign(command, ABSENT, before=[fault], checks=lambda _: [fault, fault]), Refused)


def test_a_graduation_date_that_the_set_does_not_bear_is_cleared_in_the_copy() -> None:
    """The date may have been stored before the rule was known, or the flag may differ by sector."""
    source = held(submitted(full(student=STUDENT | {"graduation_date": "05152026"})))
    decision = reassign(reassign_in(source), ABSENT, before=(), checks=no_checks)

    assert not isinstance(decision, Refused)
    assert [type(event) for event in decision] == [StudentReassignedIn, GraduationDateRemoved]
    again = reassign(reassign_in(source), fold(ABSENT, decision), before=(), checks=no_checks)
    assert again == ()


# --- Rolled over ---------------------------------------------------------------------------------------------------

NEXT: Fields = STUDENT | {"beginning_school_session_year": "2026", "parental_guardian_consent_flag": "N"}
ROLLED = StudentRolledOver(STREAM, 7, NEXT, (ALGEBRA, FRENCH), (WELDING,))
ROLLS: Spec[StudentState, StudentEvent, RollOver] = Spec(ABSENT, evolve, roll_over)


def into_next_year(state: Present, *, keeps_consent: bool = False) -> RollOver:
    return RollOver(Source(STREAM, 7, state), "2026", keeps_consent)


def test_a_non_graduate_begins_the_next_year_with_what_the_last_one_ended_with() -> None:
    state = ROLLS.given().when(into_next_year(held(HELD))).then(ROLLED)
    assert isinstance(state, Present)
    assert (state.student, len(state.courses), len(state.credentials)) == (NEXT, 2, 1)


def test_public_consent_ends_with_the_year_and_nonpublic_consent_does_not() -> None:
    """R-191."""
    consents = {}
    for sector, keeps_consent in (("public", False), ("nonpublic", True)):
        (event,) = roll_over(into_next_year(held(HELD), keeps_consent=keeps_consent), ABSENT)
        consents[sector] = event.student["parental_guardian_consent_flag"]
    assert consents == {"public": "N", "nonpublic": "Y"}


def test_a_graduate_is_not_rolled_over() -> None:
    """R-024."""
    graduate = submitted(full(student=STUDENT | {"graduation_date": "05152026"}))
    ROLLS.given().when(into_next_year(held(graduate))).then_nothing()


def test_a_graduate_whose_date_was_cleared_is_rolled_over() -> None:
    cleared = GraduationDateRemoved(("2",), "05152026")
    state = held(submitted(full(student=STUDENT | {"graduation_date": "05152026"})), cleared)
    (event,) = roll_over(into_next_year(state), ABSENT)
    assert event.student == NEXT


@pytest.mark.parametrize("there", [ROLLED, submitted(full(ALGEBRA, student=NEXT))])
def test_who_holds_a_set_in_the_new_year_is_left_alone(there: StudentEvent) -> None:
    ROLLS.given(there).when(into_next_year(held(HELD))).then_nothing()
