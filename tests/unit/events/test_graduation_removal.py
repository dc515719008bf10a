"""A graduation date that the set does not bear is cleared in the same commit, and the rest is stored (R-036, R-142)."""

from collections.abc import Sequence

import pytest

from events.student import (
    ABSENT,
    CourseDeleted,
    CredentialDeleted,
    CredentialsReplaced,
    GraduationDateRemoved,
    Present,
    StudentEdited,
    StudentEvent,
    StudentRemoved,
    StudentState,
    evolve,
    fold,
    standing,
    with_removal,
)
from events.student_commands import (
    Decision,
    DeleteCourse,
    DeleteCredential,
    EditStudent,
    RemoveStudent,
    StudentCommand,
    SubmitSet,
    decide,
)
from schemas.louisiana_sts.records import Fields, RecordSet
from schemas.problems import Problem
from tests.support.spec import Spec
from tests.support.student_sets import NURSING, STUDENT, WELDING, alone, submitted

DATE = "05152026"
GRADUATE: Fields = STUDENT | {"graduation_date": DATE, "met_gee_eoc_flag": "Y", "diploma_pathway": "TU"}
CAREER: Fields = GRADUATE | {"diploma_pathway": "CA"}


def no_checks(_records: RecordSet) -> Sequence[Problem]:
    return ()


def decide_unchecked(command: StudentCommand, state: StudentState) -> Decision:
    return decide(command, state, no_checks)


SPEC: Spec[StudentState, StudentEvent, StudentCommand] = Spec(ABSENT, evolve, decide_unchecked)


def sent(student: Fields = GRADUATE, *, courses: int = 24, credentials: tuple[Fields, ...] = ()) -> RecordSet:
    """A set with so many courses of one credit each."""
    taken = tuple({"course_code": f"9901{number:02d}", "credit_earned_count": "100"} for number in range(courses))
    return RecordSet("full", student, taken, credentials)


def removed(*codes: str) -> GraduationDateRemoved:
    return GraduationDateRemoved(codes, DATE)


# --- Submissions ---------------------------------------------------------------------------------------------------


def test_a_graduate_who_has_all_keeps_the_date() -> None:
    SPEC.given().when(SubmitSet(sent())).then(submitted(sent()))


def test_between_23_and_24_credits_the_date_stays() -> None:
    SPEC.given().when(SubmitSet(sent(courses=23))).then(submitted(sent(courses=23)))


@pytest.mark.parametrize(
    ("records", "codes"),
    [
        (sent(courses=22), ("2",)),
        (sent(GRADUATE | {"diploma_pathway": "NG"}), ("3",)),
        (sent(GRADUATE | {"met_gee_eoc_flag": "N"}), ("4",)),
        (sent(GRADUATE | {"diploma_pathway": "CD"}), ("5",)),
        (sent(CAREER), ("6",)),
        (sent(CAREER, courses=3, credentials=(NURSING,)), ("2", "6")),
    ],
)
def test_the_set_is_stored_as_sent_and_then_the_date_is_cleared(records: RecordSet, codes: tuple[str, ...]) -> None:
    state = SPEC.given().when(SubmitSet(records)).then(submitted(records), removed(*codes))

    assert isinstance(state, Present)
    assert state.student == {name: value for name, value in (records.student or {}).items() if name[:4] != "grad"}
    assert len(state.courses) == len(records.courses)
    assert not standing(state, bytes(32)).graduate


def test_a_nonpublic_graduate_needs_no_gee_flag() -> None:
    student = GRADUATE | {"met_gee_eoc_flag": "", "last_name": "Zylthmarope"}
    SPEC.given().when(SubmitSet(sent(student))).then(submitted(sent(student)))


def test_the_same_file_twice_makes_no_commit() -> None:
    """What is compared is the set as it would be stored."""
    short = sent(courses=3)
    SPEC.given(submitted(short), removed("2")).when(SubmitSet(short)).then_nothing()


def test_a_set_without_the_date_is_equal_to_one_whose_date_was_cleared() -> None:
    without = sent({name: value for name, value in GRADUATE.items() if name != "graduation_date"}, courses=3)
    SPEC.given(submitted(sent(courses=3)), removed("2")).when(SubmitSet(without)).then_nothing()


def test_what_was_lacking_is_sent_and_the_date_stays() -> None:
    SPEC.given(submitted(sent(courses=3)), removed("2")).when(SubmitSet(sent())).then(submitted(sent()))


def test_credentials_alone_may_cost_a_career_graduate_the_date() -> None:
    held = submitted(sent(CAREER, credentials=(WELDING,)))
    SPEC.given(held).when(SubmitSet(alone(NURSING))).then(CredentialsReplaced((NURSING,)), removed("6"))
    SPEC.given(held).when(SubmitSet(alone(WELDING))).then_nothing()


def test_the_same_credentials_again_make_no_commit() -> None:
    held = (submitted(sent(CAREER, credentials=(WELDING,))), CredentialsReplaced((NURSING,)), removed("6"))
    SPEC.given(*held).when(SubmitSet(alone(NURSING))).then_nothing()


# --- Edits ---------------------------------------------------------------------------------------------------------


def test_an_edit_that_takes_a_needed_credit_clears_the_date() -> None:
    held = submitted(sent(courses=23))
    SPEC.given(held).when(DeleteCourse(5)).then(CourseDeleted(5), removed("2"))
    SPEC.given(submitted(sent(courses=24))).when(DeleteCourse(5)).then(CourseDeleted(5))


def test_an_edit_that_takes_the_passed_credential_clears_the_date() -> None:
    held = submitted(sent(CAREER, credentials=(WELDING,)))
    SPEC.given(held).when(DeleteCredential(1)).then(CredentialDeleted(1), removed("6"))


def test_a_date_entered_online_too_early_is_cleared_at_once_and_the_attempt_stays_in_the_history() -> None:
    state = SPEC.given(submitted(sent(courses=3)), removed("2")).state
    decision = decide_unchecked(EditStudent({"graduation_date": DATE}), state)

    assert decision == (StudentEdited({"graduation_date": DATE}), removed("2"))
    assert fold(state, decision) == state


def test_an_edit_of_somebody_without_a_date_clears_nothing() -> None:
    held = submitted(sent(STUDENT, courses=3))
    SPEC.given(held).when(DeleteCourse(1)).then(CourseDeleted(1))


def test_a_removed_student_has_no_date_to_clear() -> None:
    SPEC.given(submitted(sent())).when(RemoveStudent("request")).then(StudentRemoved("request"))
    assert with_removal((StudentRemoved("request"),), evolve(ABSENT, submitted(sent(courses=1)))) == (
        StudentRemoved("request"),
    )
