"""FIELD=VALUE arguments: the layout's names, and what is said of others."""

import pytest

from schemas.layout import RecordLayout, load_layout
from services.cli.errors import CommandRefused
from services.cli.fields import editable, read_assignments

COURSE = load_layout("public")["030"]
STUDENT = load_layout("public")["020"]


def test_assignments_become_fields_with_their_trailing_blanks_gone() -> None:
    assert read_assignments(
        ["letter_grade_code=A", "transcript_course_name=ALGEBRA I  ", "semester_code="], COURSE
    ) == {
        "letter_grade_code": "A",
        "transcript_course_name": "ALGEBRA I",
        "semester_code": "",
    }


def test_a_value_may_hold_an_equals_sign_and_leading_blanks() -> None:
    assert read_assignments(["transcript_course_name= A=B"], COURSE) == {"transcript_course_name": " A=B"}


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (["letter_grade_code"], "'letter_grade_code' is no assignment"),
        (["letter_grade_code=A", "letter_grade_code=B"], "letter_grade_code is given twice"),
        (["leter_grade=A"], "the nearest names are letter_grade_code"),
        (["grade=A"], "letter_grade_code"),
        (["=A"], "its fields are course_beginning_school_session_year, course_code"),
        (["sponsor_code=017"], "sponsor_code cannot be edited"),
        (["filler_1=x"], "filler_1 cannot be edited"),
        (["transaction_code=050"], "transaction_code cannot be edited"),
        (["xyzzy=1", "plugh=2"], "no field 'plugh'"),
    ],
)
def test_what_is_no_field_is_refused_in_words(pairs: list[str], said: str) -> None:
    with pytest.raises(CommandRefused) as refused:
        read_assignments(pairs, COURSE)
    assert said in str(refused.value)


@pytest.mark.parametrize("record", [STUDENT, COURSE, load_layout("nonpublic")["050"]], ids=lambda r: r.code)
def test_every_editable_name_is_a_real_field(record: RecordLayout) -> None:
    names = editable(record)

    assert names
    assert set(names) < set(record.by_name)
    assert not {"system_indicator", "transaction_code"} & set(names)
    assert not any(name.startswith("filler") for name in names)


def test_the_keys_of_a_student_reach_the_decision_which_refuses_them() -> None:
    """S03 says why and what to do instead; the command line leaves it to the domain."""
    assert "sponsor_code" in editable(STUDENT)
    assert "sponsor_code" not in editable(COURSE)
