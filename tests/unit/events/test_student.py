"""A student's set: how events fold into it, and what stands in clear about it."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given
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
    StudentStanding,
    StudentState,
    canonical,
    evolve,
    record_digest,
    record_set,
    standing,
)
from schemas.louisiana_sts.records import RecordSet
from tests.support.student_sets import (
    ALGEBRA,
    FRENCH,
    HELD,
    NURSING,
    STUDENT,
    WELDING,
    fields,
    full,
    record_sets,
    submitted,
)

KEY, OTHER_KEY = bytes(32), bytes([1] * 32)


def folded(*events: StudentEvent) -> StudentState:
    """Fold a stream from its beginning."""
    state: StudentState = ABSENT
    for event in events:
        state = evolve(state, event)
    return state


def held(*events: StudentEvent) -> Present:
    """Fold the set that is held by default, and what happened to it."""
    state = folded(HELD, *events)
    assert isinstance(state, Present)
    return state


def test_a_submission_numbers_its_records_from_one() -> None:
    assert held() == Present(STUDENT, {1: ALGEBRA, 2: FRENCH}, {1: WELDING}, 3, 2)


def test_a_submission_replaces_all_that_was_there() -> None:
    """R-038; and sent without 050, the stored credentials go (R-041)."""
    again = submitted(full(FRENCH, student=STUDENT | {"sex_code": "M"}))
    assert held(CourseAdded(3, FRENCH), again) == Present(STUDENT | {"sex_code": "M"}, {1: FRENCH}, {}, 2, 1)


def test_credentials_alone_leave_student_and_courses_as_they_are() -> None:
    assert held(CredentialsReplaced((NURSING, WELDING))) == replace(
        held(), credentials={1: NURSING, 2: WELDING}, next_credential=3
    )


def test_a_student_who_was_removed_holds_nothing_and_may_come_back() -> None:
    removed = StudentRemoved("request")
    assert folded(HELD, removed) == ABSENT
    assert folded(HELD, removed, HELD) == held()


@pytest.mark.parametrize(
    ("event", "after"),
    [
        (StudentEdited({"sex_code": "M", "a": "b"}), replace(held(), student=STUDENT | {"sex_code": "M", "a": "b"})),
        (CourseAdded(3, FRENCH), replace(held(), courses={1: ALGEBRA, 2: FRENCH, 3: FRENCH}, next_course=4)),
        (CourseEdited(2, {"a": "C"}), replace(held(), courses={1: ALGEBRA, 2: FRENCH | {"a": "C"}})),
        (CourseDeleted(1), replace(held(), courses={2: FRENCH})),
        (CredentialAdded(2, NURSING), replace(held(), credentials={1: WELDING, 2: NURSING}, next_credential=3)),
        (CredentialEdited(1, {"pass_fail": "F"}), replace(held(), credentials={1: WELDING | {"pass_fail": "F"}})),
        (CredentialDeleted(1), replace(held(), credentials={})),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_each_edit_changes_one_thing(event: StudentEvent, after: Present) -> None:
    assert held(event) == after


def test_a_field_changed_to_nothing_is_gone() -> None:
    assert "sex_code" not in held(StudentEdited({"sex_code": ""})).student
    assert held(CourseEdited(1, {"letter_grade_code": ""})).courses[1] == {
        "course_code": "160321", "core_curriculum_waiver_flag": "N",
    }  # fmt: skip


def test_a_deleted_number_is_not_given_again() -> None:
    assert held(CourseDeleted(2)).next_course == 3
    assert held(CredentialDeleted(1)).next_credential == 2


def test_folding_never_changes_the_state_it_began_with() -> None:
    before = held()
    for event in (CourseDeleted(1), CourseEdited(1, {"x": "y"}), CredentialDeleted(1), StudentEdited({"sex_code": ""})):
        evolve(before, event)
    assert before == held()


@pytest.mark.parametrize(
    "event",
    [
        CredentialsReplaced((WELDING,)),
        StudentEdited({"sex_code": "M"}),
        CourseAdded(1, ALGEBRA),
        CourseEdited(1, {}),
        CourseDeleted(1),
        CredentialAdded(1, WELDING),
        CredentialEdited(1, {}),
        CredentialDeleted(1),
    ],
    ids=lambda event: event.stored_name,
)
def test_an_edit_of_a_set_that_is_not_held_cannot_be_folded(event: StudentEvent) -> None:
    """No decision makes one, so such a log was written by somebody else: stop, never guess."""
    with pytest.raises(ValueError, match="holds no set"):
        folded(event)
    with pytest.raises(ValueError, match="holds no set"):
        folded(HELD, StudentRemoved("request"), event)


@pytest.mark.parametrize(
    "event", [CourseEdited(9, {}), CourseDeleted(9), CredentialEdited(9, {}), CredentialDeleted(9)]
)
def test_an_edit_of_a_record_that_is_not_held_cannot_be_folded(event: StudentEvent) -> None:
    with pytest.raises(KeyError):
        held(event)


# --- What stands in clear ---------------------------------------------------------------------------------------


def test_nothing_but_absence_stands_in_clear_of_a_removed_student() -> None:
    assert standing(ABSENT, KEY) == StudentStanding(present=False)


def test_site_sector_and_graduation_stand_in_clear() -> None:
    assert standing(held(), KEY) == StudentStanding(
        present=True, sector="public", site="017001", graduate=False, record=record_digest(KEY, record_set(held()))
    )
    graduated = held(StudentEdited({"graduation_date": "05152026"}))
    assert standing(graduated, KEY).graduate
    assert not standing(evolve(graduated, StudentEdited({"graduation_date": ""})), KEY).graduate


def test_a_whole_last_name_is_in_nonpublic_records_only() -> None:
    assert standing(held(StudentEdited({"last_name": "Quendaaaab"})), KEY).sector == "nonpublic"


def test_equal_sets_have_one_digest_under_one_key_and_another_under_another() -> None:
    records = record_set(held())
    assert record_digest(KEY, records) == record_digest(KEY, full(FRENCH, ALGEBRA, credentials=(WELDING,)))
    assert record_digest(KEY, records) != record_digest(OTHER_KEY, records)


@given(record_sets, st.randoms(use_true_random=False))
def test_the_digest_does_not_depend_on_any_order(records: RecordSet, random: Random) -> None:
    assert canonical(shuffled(records, random)) == canonical(records)


@given(record_sets, record_sets)
def test_sets_are_canonically_equal_only_if_they_hold_the_same(one: RecordSet, other: RecordSet) -> None:
    assert (canonical(one) == canonical(other)) == (content(one) == content(other))


@given(record_sets, st.data())
def test_every_field_of_every_record_matters(records: RecordSet, data: st.DataObject) -> None:
    assume(records.courses)
    place = data.draw(st.integers(0, len(records.courses) - 1))
    changed = data.draw(fields)
    assume(changed != records.courses[place])
    courses = (*records.courses[:place], changed, *records.courses[place + 1 :])
    assert canonical(replace(records, courses=courses)) != canonical(records)


@given(record_sets)
def test_a_course_is_no_credential_and_twice_is_not_once(records: RecordSet) -> None:
    assume(records.courses)
    assert canonical(replace(records, courses=(*records.courses, records.courses[0]))) != canonical(records)
    moved = replace(records, courses=records.courses[1:], credentials=(*records.credentials, records.courses[0]))
    assert canonical(moved) != canonical(records)


def test_the_canonical_form_is_fixed() -> None:
    """Stored digests are compared with it for ever: another form would find every student changed."""
    assert (
        canonical(full(FRENCH, {"b": "é", "a": '"'}, student={"z": "1", "y": "2"}, credentials=(WELDING,)))
        == (
            '[[["y","2"],["z","1"]],'
            '[[["a","\\""],["b","é"]],'
            '[["core_curriculum_waiver_flag","N"],["course_code","120141"],["letter_grade_code","B"]]],'
            '[[["ibc_code","901"],["pass_fail","P"]]]]'
        ).encode()
    )
    assert record_digest(KEY, full(student={"a": "b"})) == (
        "9458f9195fa73fbe4473061126949fa84e6fbce152debb934dfe3003e75f2352"
    )


def shuffled(records: RecordSet, random: Random) -> RecordSet:
    """Return the set with its fields and its records in another order."""

    def mixed(items: list[dict[str, str]]) -> tuple[dict[str, str], ...]:
        again = [dict(random.sample(sorted(item.items()), len(item))) for item in items]
        return tuple(random.sample(again, len(again)))

    (student,) = mixed([records.student or {}])
    return RecordSet(records.kind, student, mixed(list(records.courses)), mixed(list(records.credentials)))


def content(records: RecordSet) -> object:
    """Return what a set holds as an order-free value, made without the code under test."""

    def key(item: dict[str, str]) -> frozenset[tuple[str, str]]:
        return frozenset(item.items())

    def bag(items: tuple[dict[str, str], ...]) -> dict[frozenset[tuple[str, str]], int]:
        keys = [key(item) for item in items]
        return {one: keys.count(one) for one in keys}

    return key(records.student or {}), bag(records.courses), bag(records.credentials)
