"""What only several lines tell: missing and repeated records, state ids, and how students are told apart."""

from collections.abc import Sequence

import pytest

from schemas.layout import Variant, load_layout
from schemas.louisiana_sts.batch import Batch, read_batch
from schemas.louisiana_sts.checks import check_set
from schemas.louisiana_sts.records import RecordSet
from tests.unit.schemas.builder import STATE_IDS, TODAY, VARIANTS, codes, findings, line, lines

A, B = "7700000001", "7700000002"


def row(code: str, state_id: str, variant: Variant = "public", **changes: str) -> bytes:
    return line(code, variant, {"state_identification_number": state_id, **changes})


def found(data: bytes, variant: Variant = "public") -> list[tuple[int | None, str]]:
    return [(problem.line, problem.code) for problem in findings(data, variant).problems]


def read(data: bytes, variant: Variant = "public") -> Batch:
    batch = read_batch(data, variant=variant)
    assert isinstance(batch, Batch)
    return batch


def test_a_course_needs_its_student_and_a_student_a_course() -> None:
    assert found(lines(row("020", A), row("030", B), row("030", B, course_code="990102"))) == [
        (1, "300"),
        (2, "200"),
        (3, "200"),
    ]
    assert found(lines(row("020", A), row("030", A))) == []


def test_one_020_a_student() -> None:
    data = lines(row("020", A), row("030", A), row("020", A, sex_code="M"))
    (problem,) = findings(data, "public").problems

    assert (problem.line, problem.code, problem.found) == (3, "211", A.encode())
    assert problem.hint.endswith("The first is line 1.")


def test_a_broken_020_is_one_too_many_all_the_same() -> None:
    assert found(lines(row("020", A), row("030", A), row("020", A)[:100])) == [(3, "L03"), (3, "211")]
    assert found(lines(row("020", A)[:100], row("030", A), row("020", A))) == [(1, "L03"), (3, "211")]


def test_a_third_repetition_is_found_too() -> None:
    assert found(lines(row("020", A), row("030", A), row("030", A), row("030", A))) == [(3, "326"), (4, "326")]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["326"]),
        ({"letter_grade_code": "A", "quality_points_awarded_count": "400"}, ["326"]),
        ({"course_beginning_school_session_year": "2024"}, []),
        ({"course_code": "990102"}, []),
        ({"course_part_number": "2"}, ["Q3", "Q4"]),
        ({"semester_code": "S1"}, []),
        ({"transcript_course_name": "Fables II"}, []),
    ],
)
@pytest.mark.parametrize("variant", VARIANTS)
def test_courses_repeat_when_year_code_part_semester_and_name_agree(
    changes: dict[str, str], expected: list[str], variant: Variant
) -> None:
    rows = [line("020", variant), line("030", variant), line("030", variant, changes)]

    assert codes(lines(*rows), variant) == expected


def test_a_trimmed_course_repeats_a_whole_one() -> None:
    assert codes(lines(row("020", A), row("030", A), row("030", A)[:167]), "public") == ["N06", "326"]


def test_the_same_course_of_two_students_is_no_repetition() -> None:
    assert found(lines(row("020", A), row("030", A), row("020", B), row("030", B))) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"test_vendor": "V02", "year_ibc_earned": "2024"}, ["513"]),
        ({"pass_fail": "F"}, []),
        ({"ibc_code": "902"}, []),
    ],
)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_credential_is_passed_once_and_failed_once(
    changes: dict[str, str], expected: list[str], variant: Variant
) -> None:
    assert codes(lines(line("050", variant), line("050", variant, changes)), variant) == expected


def test_credentials_without_pass_or_fail_are_not_called_repeated_too() -> None:
    assert found(lines(row("050", A, pass_fail=""), row("050", A, pass_fail=""))) == [(1, "513"), (2, "513")]


def test_a_file_of_credentials_alone_needs_no_student() -> None:
    data = lines(row("050", A), row("050", B))

    assert found(data) == []
    assert [read(data).record_set(one).kind for one in (A, B)] == ["credentials", "credentials"]


def test_credentials_alone_stand_beside_whole_sets() -> None:
    batch = read(lines(row("020", A), row("030", A), row("050", A), row("050", B)))

    assert batch.record_set(A).kind == "full"
    assert len(batch.record_set(A).credentials) == 1
    assert batch.record_set(B) == RecordSet("credentials", None, (), (batch.record_set(B).credentials[0],))


def test_a_fault_holds_its_student_and_no_other() -> None:
    data = lines(row("020", A), row("030", A, letter_grade_code="X"), row("020", B), row("030", B))
    result = findings(data, "public")

    assert result.held == {A}
    assert (result.students, result.rows) == (2, 4)


def test_a_warning_holds_nobody() -> None:
    result = findings(lines(row("020", A, local_identification_number=""), row("030", A)), "public")

    assert [problem.effect for problem in result.problems] == ["warning"]
    assert result.held == frozenset()


def interleaved() -> list[bytes]:
    return [
        row("020", A),
        row("020", B),
        row("030", A),
        row("050", B),
        row("030", B),
        row("030", A, course_code="990102"),
    ]


def test_records_of_a_student_need_not_stand_together() -> None:
    batch = read(lines(*interleaved()))

    assert batch.state_ids == (A, B)
    assert [one.number for one in batch.lines_of(A)] == [1, 3, 6]
    assert [one.code for one in batch.lines_of(B)] == ["020", "050", "030"]
    assert [course["course_code"] for course in batch.record_set(A).courses] == ["990101", "990102"]


def test_scattered_records_are_checked_like_neighbours_and_reported_by_line() -> None:
    rows = [*interleaved(), row("030", A), row("020", B), row("030", A, letter_grade_code="X", course_code="990103")]

    assert found(lines(*rows)) == [(7, "326"), (8, "211"), (9, "305")]


def test_a_line_can_be_asked_for_by_number() -> None:
    batch = read(lines(*interleaved()[:2]) + interleaved()[2])

    assert [batch.line(number) for number in (1, 2, 3)] == interleaved()[:3]


def test_the_site_is_that_of_the_student_or_of_the_credential() -> None:
    batch = read(lines(row("020", A, site_code="017009"), row("030", A), row("050", A), row("050", B)))

    assert (batch.site_of(A), batch.site_of(B)) == ("017009", "017001")


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_record_set_leaves_out_what_its_stream_names(variant: Variant) -> None:
    batch = read(lines(line("020", variant), line("030", variant), line("050", variant)), variant)
    record_set = batch.record_set(STATE_IDS[variant])
    keys = {"beginning_school_session_year", "sponsor_code", "state_identification_number"}

    assert record_set.student is not None
    assert keys <= record_set.student.keys()
    for fields in (*record_set.courses, *record_set.credentials):
        assert not keys & fields.keys()
    for fields in (record_set.student, *record_set.courses, *record_set.credentials):
        assert not {"system_indicator", "transaction_code"} & fields.keys()


def test_blank_consent_and_waiver_are_stored_as_n() -> None:
    data = lines(row("020", A, parental_guardian_consent_flag=""), row("030", A, core_curriculum_waiver_flag=""))
    record_set = read(data).record_set(A)

    assert record_set.student is not None
    assert record_set.student["parental_guardian_consent_flag"] == "N"
    assert record_set.courses[0]["core_curriculum_waiver_flag"] == "N"


@pytest.mark.parametrize("written", ["0666000001", "666000001 "])
def test_a_nonpublic_credential_may_pad_its_nine_digits(written: str) -> None:
    student = [row(code, "666000001", "nonpublic") for code in ("020", "030")]
    batch = read(lines(*student, row("050", written, "nonpublic")), "nonpublic")

    assert found(lines(*student, row("050", written, "nonpublic")), "nonpublic") == []
    assert batch.state_ids == ("666000001",)


@pytest.mark.parametrize(
    ("state_id", "variant", "expected"),
    [
        ("770000000X", "public", [(1, "U01")]),
        ("770000001", "public", [(1, "U01")]),
        ("66600000X", "nonpublic", [(1, "V02")]),
        ("900000001", "nonpublic", [(1, "V03")]),
        ("989999999", "nonpublic", [(1, "V03")]),
        ("990170011", "nonpublic", []),
        ("899999999", "nonpublic", []),
    ],
)
def test_a_malformed_state_id_is_found_on_the_020(
    state_id: str, variant: Variant, expected: Sequence[tuple[int, str]]
) -> None:
    assert found(lines(row("020", state_id, variant), row("030", state_id, variant)), variant) == expected


@pytest.mark.parametrize(
    ("state_id", "variant", "expected"),
    [
        ("77000000X1", "public", ["507"]),
        ("770000001", "public", ["507"]),
        ("1666000001", "nonpublic", ["507"]),
        ("66600000 1", "nonpublic", ["507"]),
        ("66600000X ", "nonpublic", ["507"]),
        ("X66000001 ", "nonpublic", ["507"]),
        ("066600000X", "nonpublic", ["507"]),
        ("0666000001", "nonpublic", []),
    ],
)
def test_a_malformed_state_id_is_found_on_the_050(state_id: str, variant: Variant, expected: list[str]) -> None:
    assert codes(lines(row("050", state_id, variant)), variant) == expected


def test_a_020_without_an_id_stores_nothing_and_its_courses_are_orphans() -> None:
    result = findings(lines(row("020", ""), row("030", A)), "public")

    assert [(problem.line, problem.code) for problem in result.problems] == [(1, "300"), (1, "U01"), (2, "200")]
    assert result.held == {"", A}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_set_checked_online_answers_as_its_file_does(variant: Variant) -> None:
    rows = [line("020", variant, {"sex_code": "X"}), line("030", variant), line("030", variant), line("050", variant)]
    batch = read(lines(*rows), variant)
    state_id = STATE_IDS[variant]
    online = check_set(load_layout(variant), "2025", "017", state_id, batch.record_set(state_id), today=TODAY)

    assert [(one.line, one.code) for one in online] == found(lines(*rows), variant) == [(1, "207"), (3, "326")]


def edited(**changes: str) -> list[tuple[str, str | None, bytes]]:
    """What is said online of the base student with these fields changed."""
    batch = read(lines(row("020", A), row("030", A)))
    before = batch.record_set(A)
    assert before.student is not None
    after = RecordSet("full", {**before.student, **changes}, before.courses, before.credentials)
    online = check_set(load_layout("public"), "2025", "017", A, after, today=TODAY)
    return [(one.code, one.field, one.found) for one in online]


def test_an_edit_is_checked_against_the_whole_set() -> None:
    assert edited(grade_placement_code="10") == []
    assert edited(grade_placement_code="13") == [("208", "grade_placement_code", b"13")]
    assert edited(graduation_date="05152026", grade_placement_code="10")[0][0] == "214"


def test_the_career_option_that_must_be_entered_online_may_be() -> None:
    """350 stands against CDV in a file (R-152); in an edit it would leave no way to enter it at all."""
    old_path: dict[str, str] = {"diploma_pathway": "CD", "grade_9_entry_year": "2012", "career_option_code": "CDV"}

    assert edited(**old_path) == []
    assert (1, "350") in found(lines(row("020", A, "public", **old_path), row("030", A)))


def test_a_value_longer_than_its_field_is_a_problem_not_a_truncation() -> None:
    assert edited(site_code="0170011") == [("V08", "site_code", b"0170011")]


def test_an_edit_that_removes_the_last_course_is_300() -> None:
    batch = read(lines(row("020", A), row("030", A)))
    alone = RecordSet("full", batch.record_set(A).student, (), ())

    assert [one.code for one in check_set(load_layout("public"), "2025", "017", A, alone, today=TODAY)] == ["300"]
