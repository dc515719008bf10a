"""What changed between two states of a set."""

from hypothesis import given
from hypothesis import strategies as st

from events.student import ABSENT, Present
from schemas.louisiana_sts.records import Fields
from services.history import Change, changes

ALGEBRA: Fields = {"course_code": "160321", "semester_code": "Y1", "letter_grade_code": "B"}
ENGLISH: Fields = {"course_code": "120331", "semester_code": "Y1", "letter_grade_code": "A"}
CIVICS: Fields = {"course_code": "220501", "semester_code": "S1", "letter_grade_code": "C"}
WELDER: Fields = {"ibc_code": "902", "year_ibc_earned": "2025", "pass_fail": "P"}


def edited(record: str, number: int | None, field: str, before: str, after: str) -> Change:
    return Change("edited", record, number, field, before, after)


def test_a_field_that_was_set_changed_or_blanked_is_one_change() -> None:
    before = Present({"site_code": "017001", "grade_placement_code": "11", "career_option_code": "1"})
    after = Present({"site_code": "017001", "grade_placement_code": "12", "diploma_pathway": "TU"})

    assert changes(before, after) == (
        edited("020", None, "grade_placement_code", "11", "12"),
        edited("020", None, "career_option_code", "1", ""),
        edited("020", None, "diploma_pathway", "", "TU"),
    )


def test_a_course_that_was_edited_keeps_its_number_even_when_it_became_another_course() -> None:
    before = Present({}, {1: ALGEBRA, 2: ENGLISH})
    after = Present({}, {1: CIVICS, 2: ENGLISH})

    assert {(one.number, one.field, one.before, one.after) for one in changes(before, after)} == {
        (1, "course_code", "160321", "220501"),
        (1, "semester_code", "Y1", "S1"),
        (1, "letter_grade_code", "B", "C"),
    }


def test_a_new_whole_set_in_another_order_shows_only_what_is_new() -> None:
    """Numbers are given anew by a whole submission, so a course is known by its content, then by its identity."""
    before = Present({}, {1: ALGEBRA, 2: ENGLISH})
    after = Present({}, {1: CIVICS, 2: ENGLISH | {"letter_grade_code": "B"}, 3: ALGEBRA})

    found = changes(before, after)

    assert [one for one in found if one.what == "edited"] == [edited("030", 2, "letter_grade_code", "A", "B")]
    assert {(one.what, one.number) for one in found if one.what != "edited"} == {("added", 1)}


def test_one_of_two_equal_courses_that_went_is_one_deletion() -> None:
    found = changes(Present({}, {1: ALGEBRA, 2: ALGEBRA}), Present({}, {1: ALGEBRA}))

    assert {(one.what, one.record, one.number) for one in found} == {("deleted", "030", 2)}
    assert {(one.field, one.before, one.after) for one in found} == {(name, text, "") for name, text in ALGEBRA.items()}


def test_a_first_submission_adds_everything_and_a_removal_deletes_it() -> None:
    held = Present({"site_code": "017001"}, {1: ALGEBRA}, {1: WELDER})

    added, deleted = changes(ABSENT, held), changes(held, ABSENT)

    assert {one.what for one in added} == {"added"}
    assert {one.what for one in deleted} == {"deleted"}
    assert [(one.record, one.field, one.after) for one in added] == [
        (one.record, one.field, one.before) for one in deleted
    ]
    assert len(added) == 1 + len(ALGEBRA) + len(WELDER)


RECORDS = st.lists(
    st.dictionaries(st.sampled_from(list(ALGEBRA)), st.sampled_from("AB"), min_size=1), min_size=0, max_size=6
)


@given(RECORDS.flatmap(lambda records: st.tuples(st.just(records), st.permutations(records))))
def test_sets_that_differ_only_in_their_numbers_are_equal(orders: tuple[list[Fields], list[Fields]]) -> None:
    before, after = (Present({}, dict(enumerate(records, 1))) for records in orders)

    assert changes(before, after) == ()


@given(RECORDS, RECORDS)
def test_the_changes_account_for_every_field(before: list[Fields], after: list[Fields]) -> None:
    """What is there before, less what went, plus what came, is what is there after."""
    found = changes(Present({}, dict(enumerate(before, 1))), Present({}, dict(enumerate(after, 1))))

    values = sorted((name, text) for fields in before for name, text in fields.items())
    for one in found:
        if one.before:
            values.remove((one.field, one.before))
        if one.after:
            values.append((one.field, one.after))
    assert sorted(values) == sorted((name, text) for fields in after for name, text in fields.items())
