"""What may happen next to a student's set, given what has happened."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.student import (
    ABSENT,
    CourseAdded,
    CourseDeleted,
    CourseEdited,
    CredentialAdded,
    CredentialDeleted,
    CredentialEdited,
    CredentialsReplaced,
    Present,
    StudentEdited,
    StudentEvent,
    StudentRemoved,
    StudentState,
    canonical,
    evolve,
    record_set,
)
from events.student_commands import (
    AddCourse,
    AddCredential,
    Decision,
    DeleteCourse,
    DeleteCredential,
    EditCourse,
    EditCredential,
    EditStudent,
    Refused,
    RemoveStudent,
    StudentCommand,
    SubmitSet,
    decide,
)
from schemas.louisiana_sts.records import SET_KEYS, Fields, RecordSet
from schemas.problems import Problem
from tests.support.spec import Spec
from tests.support.student_sets import (
    ALGEBRA,
    FRENCH,
    HELD,
    NURSING,
    STUDENT,
    WELDING,
    alone,
    full,
    record_sets,
    submitted,
)

REMOVED = StudentRemoved("request")


def no_checks(_records: RecordSet) -> Sequence[Problem]:
    """Find nothing."""
    return ()


def checks(records: RecordSet) -> Sequence[Problem]:
    """Find each course graded X, warn of each without a grade, and find a set without courses."""
    found = [
        Problem("305", "INVALID GRADE", "reject_student", "Send A to F.", line, "030", "letter_grade_code", found=b"X")
        for line, course in enumerate(records.courses, 2)
        if course.get("letter_grade_code") == "X"
    ]
    found += [
        Problem("W01", "NO GRADE", "warning", "Send one.", line, "030", "letter_grade_code")
        for line, course in enumerate(records.courses, 2)
        if "letter_grade_code" not in course
    ]
    return found if records.courses else [*found, Problem("300", "NO COURSE", "reject_student", "Send one.", 1, "020")]


def decide_checked(command: StudentCommand, state: StudentState) -> Decision:
    """Decide with the checks above."""
    return decide(command, state, checks)


SPEC: Spec[StudentState, StudentEvent, StudentCommand] = Spec(ABSENT, evolve, decide_checked)
WRONG = ALGEBRA | {"letter_grade_code": "X"}

# --- Submissions ---------------------------------------------------------------------------------------------------


def test_a_new_student_is_stored() -> None:
    SPEC.given().when(SubmitSet(full(ALGEBRA))).then(submitted(full(ALGEBRA)))


def test_a_student_who_was_removed_is_stored_again() -> None:
    SPEC.given(HELD, REMOVED).when(SubmitSet(full(ALGEBRA))).then(submitted(full(ALGEBRA)))


def test_another_set_replaces_the_one_held() -> None:
    """R-038; without 050 the stored credentials go too (R-041)."""
    sent = full(ALGEBRA, FRENCH)
    state = SPEC.given(HELD).when(SubmitSet(sent)).then(submitted(sent))
    assert isinstance(state, Present)
    assert state.credentials == {}


@pytest.mark.parametrize(
    "sent",
    [
        full(ALGEBRA, FRENCH, credentials=(WELDING,)),
        full(FRENCH, ALGEBRA, credentials=(WELDING,)),
        full(ALGEBRA, FRENCH, student=dict(reversed(STUDENT.items())), credentials=(WELDING,)),
    ],
    ids=["the same", "courses in another order", "fields in another order"],
)
def test_an_equal_set_changes_nothing(sent: RecordSet) -> None:
    """So that resending a file decertifies nobody."""
    SPEC.given(HELD).when(SubmitSet(sent)).then_nothing()


def test_a_set_equal_to_the_edited_one_changes_nothing() -> None:
    sent = full(ALGEBRA | {"letter_grade_code": "C"}, FRENCH, credentials=(WELDING,))
    SPEC.given(HELD, CourseEdited(1, {"letter_grade_code": "C"})).when(SubmitSet(sent)).then_nothing()


@pytest.mark.parametrize(
    "sent",
    [
        full(ALGEBRA, FRENCH),
        full(ALGEBRA, credentials=(WELDING,)),
        full(ALGEBRA, FRENCH, FRENCH, credentials=(WELDING,)),
        full(ALGEBRA, FRENCH, student=STUDENT | {"sex_code": "M"}, credentials=(WELDING,)),
        full(ALGEBRA, FRENCH, student=STUDENT | {"grade": "12"}, credentials=(WELDING,)),
        full(ALGEBRA, FRENCH | {"letter_grade_code": "C"}, credentials=(WELDING,)),
        full(ALGEBRA, FRENCH, credentials=(WELDING, NURSING)),
    ],
)
def test_any_difference_is_stored_as_a_whole_set(sent: RecordSet) -> None:
    SPEC.given(HELD).when(SubmitSet(sent)).then(submitted(sent))


def test_what_is_submitted_was_checked_with_its_file_and_is_not_checked_again() -> None:
    """A resumed upload must not find other faults than those of its report."""
    SPEC.given().when(SubmitSet(full(WRONG))).then(submitted(full(WRONG)))


def test_credentials_alone_replace_credentials_alone() -> None:
    """R-042."""
    SPEC.given(HELD).when(SubmitSet(alone(NURSING))).then(CredentialsReplaced((NURSING,)))


def test_equal_credentials_alone_change_nothing() -> None:
    SPEC.given(HELD, CredentialAdded(2, NURSING)).when(SubmitSet(alone(NURSING, WELDING))).then_nothing()


@pytest.mark.parametrize("history", [(), (HELD, REMOVED)], ids=["never held", "removed"])
def test_credentials_alone_of_a_student_who_holds_no_set_are_refused(history: tuple[StudentEvent, ...]) -> None:
    SPEC.given(*history).when(SubmitSet(alone(WELDING))).then_refused("S01")


@given(record_sets, record_sets)
def test_whatever_is_submitted_is_then_held_and_submitting_it_again_changes_nothing(
    one: RecordSet, other: RecordSet
) -> None:
    state: StudentState = ABSENT
    for sent in (one, other):
        events = decide(SubmitSet(sent), state, no_checks)
        assert not isinstance(events, Refused)
        for event in events:
            state = evolve(state, event)
        assert isinstance(state, Present)
        assert canonical(record_set(state)) == canonical(sent)
        assert decide(SubmitSet(sent), state, no_checks) == ()


# --- Removal -------------------------------------------------------------------------------------------------------


def test_a_student_is_removed_once() -> None:
    SPEC.given(HELD).when(RemoveStudent("delete-all-and-replace")).then(StudentRemoved("delete-all-and-replace"))
    SPEC.given(HELD, REMOVED).when(RemoveStudent("request")).then_nothing()
    SPEC.given().when(RemoveStudent("request")).then_nothing()


# --- Edits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "event"),
    [
        (EditStudent({"sex_code": "M"}), StudentEdited({"sex_code": "M"})),
        (AddCourse(FRENCH), CourseAdded(3, FRENCH)),
        (EditCourse(2, {"letter_grade_code": "C"}), CourseEdited(2, {"letter_grade_code": "C"})),
        (DeleteCourse(1), CourseDeleted(1)),
        (AddCredential(NURSING), CredentialAdded(2, NURSING)),
        (EditCredential(1, {"pass_fail": "F"}), CredentialEdited(1, {"pass_fail": "F"})),
        (DeleteCredential(1), CredentialDeleted(1)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_edit_becomes_its_event(command: StudentCommand, event: StudentEvent) -> None:
    SPEC.given(HELD).when(command).then(event)


@pytest.mark.parametrize(
    "command",
    [
        EditStudent({"sex_code": "M"}),
        AddCourse(FRENCH),
        EditCourse(1, {"letter_grade_code": "C"}),
        DeleteCourse(1),
        AddCredential(NURSING),
        EditCredential(1, {"pass_fail": "F"}),
        DeleteCredential(1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_where_no_set_is_held_every_edit_is_refused(command: StudentCommand) -> None:
    SPEC.given().when(command).then_refused("S01")
    SPEC.given(HELD, REMOVED).when(command).then_refused("S01")


@pytest.mark.parametrize(
    "command",
    [
        EditStudent({}),
        EditStudent({"sex_code": "F"}),
        EditStudent({"sex_code": "F  "}),
        EditStudent({"grade": ""}),
        EditCourse(1, {"letter_grade_code": "A"}),
        EditCourse(1, {"core_curriculum_waiver_flag": ""}),
        EditCredential(1, {}),
    ],
)
def test_an_edit_that_changes_nothing_is_no_event(command: StudentCommand) -> None:
    SPEC.given(HELD).when(command).then_nothing()


@pytest.mark.parametrize(
    ("command", "held"),
    [
        (EditCourse(3, {"letter_grade_code": "C"}), "1, 2"),
        (DeleteCourse(0), "1, 2"),
        (EditCredential(2, {"pass_fail": "F"}), "1"),
        (DeleteCredential(-1), "1"),
    ],
)
def test_a_record_that_is_not_held_is_named_with_those_that_are(command: StudentCommand, held: str) -> None:
    (problem,) = SPEC.given(HELD).when(command).then_refused("S02")
    assert f"Numbers held: {held}." in problem.hint


def test_the_number_of_a_deleted_record_stays_free() -> None:
    SPEC.given(HELD, CourseDeleted(2)).when(DeleteCourse(2)).then_refused("S02")
    SPEC.given(HELD, CourseDeleted(2)).when(AddCourse(FRENCH)).then(CourseAdded(3, FRENCH))
    SPEC.given(HELD, CredentialDeleted(1)).when(AddCredential(WELDING)).then(CredentialAdded(2, WELDING))
    (problem,) = SPEC.given(HELD, CredentialDeleted(1)).when(DeleteCredential(1)).then_refused("S02")
    assert "Numbers held: none." in problem.hint


@pytest.mark.parametrize("name", sorted(SET_KEYS))
def test_what_names_the_set_cannot_be_edited_in_any_record(name: str) -> None:
    """R-012. In a course or credential it would also keep a state id where none is looked for."""
    for command, record in (
        (EditStudent({name: "x", "sex_code": "M"}), "020"),
        (AddCourse(FRENCH | {name: "x"}), "030"),
        (EditCourse(1, {name: "x"}), "030"),
        (AddCredential(NURSING | {name: "x"}), "050"),
        (EditCredential(1, {name: "x"}), "050"),
    ):
        (problem,) = SPEC.given(HELD).when(command).then_refused("S03")
        assert (problem.record, problem.field) == (record, name)


def test_every_key_in_an_edit_is_named() -> None:
    problems = SPEC.given(HELD).when(EditStudent(dict.fromkeys(SET_KEYS, "x"))).then_refused(*["S03"] * len(SET_KEYS))
    assert [problem.field for problem in problems] == sorted(SET_KEYS)


def test_edited_values_are_stored_as_a_files_would_be() -> None:
    """Else the same record, sent in a file, would count as another one: blanks trimmed, defaults filled in."""
    SPEC.given(HELD).when(EditStudent({"sex_code": "M "})).then(StudentEdited({"sex_code": "M"}))
    SPEC.given(HELD).when(EditStudent({"parental_guardian_consent_flag": " "})).then(
        StudentEdited({"parental_guardian_consent_flag": "N"})
    )
    SPEC.given(HELD).when(AddCourse({"course_code": "120141 ", "letter_grade_code": "B", "semester_code": " "})).then(
        CourseAdded(3, FRENCH)
    )
    SPEC.given(HELD).when(AddCredential(NURSING | {"test_vendor": ""})).then(CredentialAdded(2, NURSING))


# --- Edits and checks ----------------------------------------------------------------------------------------------


def test_an_edit_may_not_bring_in_a_fault() -> None:
    (problem,) = SPEC.given(HELD).when(EditCourse(1, {"letter_grade_code": "X"})).then_refused("305")
    assert problem.line == 2


def test_the_last_course_cannot_be_deleted() -> None:
    SPEC.given(HELD, CourseDeleted(1)).when(DeleteCourse(2)).then_refused("300")


def test_a_warning_does_not_stand_in_the_way() -> None:
    SPEC.given(HELD).when(EditCourse(1, {"letter_grade_code": ""})).then(CourseEdited(1, {"letter_grade_code": ""}))


FAULTY = submitted(full(WRONG, ALGEBRA))


def test_a_fault_that_stood_before_does_not_stand_in_the_way_wherever_it_stands_now() -> None:
    SPEC.given(FAULTY).when(EditStudent({"sex_code": "M"})).then(StudentEdited({"sex_code": "M"}))
    SPEC.given(submitted(full(ALGEBRA, WRONG))).when(DeleteCourse(1)).then(CourseDeleted(1))


def test_an_edit_may_repair_a_fault() -> None:
    SPEC.given(FAULTY).when(EditCourse(1, {"letter_grade_code": "A"})).then(CourseEdited(1, {"letter_grade_code": "A"}))


@pytest.mark.parametrize("command", [AddCourse(WRONG), EditCourse(2, {"letter_grade_code": "X"})])
def test_the_same_fault_in_one_more_record_is_a_new_fault(command: StudentCommand) -> None:
    SPEC.given(FAULTY).when(command).then_refused("305")


def test_only_what_is_new_is_told() -> None:
    def finds_grade(records: RecordSet) -> list[Problem]:
        seen = [course.get("letter_grade_code", "") for course in records.courses]
        problem = Problem("305", "INVALID GRADE", "reject_student", "Send A to F.", record="030")
        return [replace(problem, found=grade.encode()) for grade in seen if grade not in "ABC"]

    state = evolve(ABSENT, FAULTY)
    decision = decide(EditCourse(2, {"letter_grade_code": "Z"}), state, finds_grade)
    assert isinstance(decision, Refused)
    assert [problem.found for problem in decision.problems] == [b"Z"]


# --- Any order of commands -----------------------------------------------------------------------------------------

values: st.SearchStrategy[Fields] = st.dictionaries(
    st.sampled_from(["letter_grade_code", "a", "b", "state_identification_number"]),
    st.sampled_from(["", "A", "X", "b "]),
    max_size=2,
)
numbers = st.integers(0, 4)
commands: st.SearchStrategy[StudentCommand] = st.one_of(
    record_sets.map(SubmitSet),
    st.just(RemoveStudent("request")),
    values.map(EditStudent),
    values.map(AddCourse),
    st.builds(EditCourse, numbers, values),
    numbers.map(DeleteCourse),
    values.map(AddCredential),
    st.builds(EditCredential, numbers, values),
    numbers.map(DeleteCredential),
)


@given(st.lists(commands, max_size=12))
def test_whatever_is_decided_can_be_folded_and_changes_the_state(asked: list[StudentCommand]) -> None:
    state: StudentState = ABSENT
    for command in asked:
        decision = decide(command, state, checks)
        if isinstance(decision, Refused):
            assert decision.problems
            continue
        after = state
        for event in decision:
            after = evolve(after, event)
        assert (after != state) == bool(decision)
        state = after
        if isinstance(state, Present):
            assert max(state.courses, default=0) < state.next_course
            assert max(state.credentials, default=0) < state.next_credential
            assert all(all(record.values()) for record in (state.student, *state.courses.values()))
