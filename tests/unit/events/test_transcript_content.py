"""What an official transcript says, and its digest."""

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.identity import Unknown
from events.student import Present
from events.transcript_content import Course, OfficialTranscript, Transcript, content_digest, transcript_id
from events.transcript_of_set import content_of, iso_date, printable
from schemas.layout import load_layout
from schemas.louisiana_sts.labels import NO_NAMES, labels
from tests.support.transcripts import (
    EVANGELINE,
    NAMES,
    NONPUBLIC,
    REF,
    SSN,
    STUDENT,
    Row,
    credential,
    official,
    stored,
    transcript,
)

DIGEST = "dc1b79e4d962b54268f994ca4aa763232f9ffc7929e92b530348d76c51e785a7"


def tree(content: Transcript) -> Any:
    """The content as dicts and lists."""
    return msgspec.json.decode(msgspec.json.encode(content))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value in a tree, with the way to it."""
    match value:
        case dict():
            for name, each in value.items():
                yield from leaves(each, (*path, name))
        case list():
            for index, each in enumerate(value):
                yield from leaves(each, (*path, index))
        case _:
            yield path, value


def with_another(value: Any, path: tuple[Any, ...]) -> Any:
    """The tree with one leaf changed."""
    if not path:
        return not value if isinstance(value, bool) else value + 1 if isinstance(value, int) else value + "x"
    changed: Any = value.copy()
    changed[path[0]] = with_another(value[path[0]], path[1:])
    return changed


# The digest


def test_the_digest_of_a_stored_content_is_what_it_was() -> None:
    """A change here makes every stored digest wrong: add fields with defaults, never rename or remove one."""
    stored_once = (Path(__file__).parents[2] / "golden" / "transcript-content.json").read_bytes()

    assert content_digest(msgspec.json.decode(stored_once, type=Transcript)) == DIGEST


def test_every_value_counts_in_the_digest() -> None:
    whole = tree(transcript())
    paths = [path for path, _ in leaves(whole)]
    digests = {content_digest(msgspec.convert(with_another(whole, path), Transcript)) for path in paths}

    assert len(paths) > 200
    assert len(digests | {content_digest(transcript())}) == len(paths) + 1


def test_version_position_and_date_do_not_count() -> None:
    first, second = official(version=0), official(version=1)

    assert (first.mark, second.mark) == ("", "[1]")
    assert first != second
    assert content_digest(first.transcript) == content_digest(second.transcript)


def test_a_later_field_with_a_default_leaves_old_digests_as_they_are() -> None:
    class LaterTranscript(Transcript, frozen=True):
        motto: str = ""

    later = msgspec.convert(tree(transcript()), LaterTranscript)
    assert content_digest(later) == content_digest(transcript())
    assert content_digest(msgspec.structs.replace(later, motto="Union")) != content_digest(transcript())


def test_it_comes_back_whole_from_the_bytes_of_an_event() -> None:
    version = official(version=3)

    assert msgspec.json.decode(msgspec.json.encode(version), type=OfficialTranscript) == version


def test_there_is_no_float_in_it() -> None:
    kinds = {type(value) for _, value in leaves(tree(transcript()))}

    assert kinds == {str, int, bool}


# The transcript id


def test_the_transcript_id_is_derived_from_the_ref_and_easy_to_read() -> None:
    assert transcript_id(UUID(int=0)) == "736D-25FP-0YA4"
    ids = {transcript_id(uuid4()) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"([0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}", each) for each in ids)


# Courses


@given(st.randoms(use_true_random=False))
def test_the_order_in_which_records_came_changes_nothing(rng: random.Random) -> None:
    state = stored()
    courses, credentials = list(state.courses.values()), list(state.credentials.values())
    rng.shuffle(courses)
    rng.shuffle(credentials)
    shuffled = Present(state.student, dict(enumerate(courses, 7)), dict(enumerate(credentials, 3)))

    assert transcript(shuffled) == transcript()


def test_courses_stand_by_year_then_term_code_name_and_part() -> None:
    rows = (
        Row("2024", "Y1", "100002", "B", "A"),
        Row("2024", "S1", "100002", "B", "A", kind="HR"),
        Row("2024", "S1", "100001", "Z", "A"),
        Row("2023", "Y1", "100009", "B", "A"),
        Row("2024", "S1", "100002", "A", "A"),
    )
    years = transcript(stored(rows)).years

    assert [(year.bssy, [(each.term, each.code, each.name) for each in year.courses]) for year in years] == [
        ("2023", [("Y1", "100009", "B")]),
        ("2024", [("S1", "100001", "Z"), ("S1", "100002", "A"), ("S1", "100002", "B"), ("Y1", "100002", "B")]),
    ]


def test_halves_of_one_course_stand_by_part() -> None:
    first, second = (
        Row("2024", "S1", "100001", "A", "B", "050", "050").fields() | {"course_part_number": part} for part in "12"
    )
    [year] = transcript(replace(stored(), courses={1: second, 2: first})).years

    assert [course.part for course in year.courses] == ["1", "2"]


def test_credits_are_hundredths_summed_by_year_and_over_all() -> None:
    content = transcript()

    assert [(year.bssy, year.attempted, year.earned) for year in content.years] == [
        ("2022", 600, 600),
        ("2023", 600, 600),
        ("2024", 600, 500),
        ("2025", 400, 400),
    ]
    assert (content.attempted, content.earned) == (2200, 2100)


def course_of(row: Row, **changes: str) -> Course:
    fields = {name: value for name, value in (row.fields() | changes).items() if value}
    [year] = transcript(replace(stored(), courses={1: fields})).years
    return year.courses[0]


def test_a_course_is_named_as_sent_else_by_its_description_else_by_its_code() -> None:
    row = Row("2024", "Y1", "990110", "Sent Name", "A")
    described = replace(NAMES, courses={("2024", "990110"): "Described", ("2023", "990110"): "Described before"})
    unnamed = stored([row._replace(name="")])

    assert transcript(stored([row]), names=described).years[0].courses[0].name == "Sent Name"
    assert transcript(unnamed, names=described).years[0].courses[0].name == "Described"
    assert transcript(unnamed).years[0].courses[0].name == "990110"


def test_a_course_taken_elsewhere_says_where() -> None:
    row = Row("2024", "Y1", "990110", "A", "A")

    assert course_of(row).school == ""
    assert course_of(row, course_site_code="4D1001").school == "site 4D1001"
    assert course_of(row, course_site_code="4D1001", course_site_name="Delta College").school == "Delta College"
    assert course_of(row, course_site_code="", course_site_name="Home Study").school == "Home Study"


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [("AP", "AP", "Advanced Placement"), ("DA", "DA", "Dual Enrollment and AP"), ("RG", "", ""), ("", "", "")],
)
def test_a_course_type_is_marked(kind: str, code: str, words: str) -> None:
    course = course_of(Row("2024", "Y1", "990110", "A", "A"), course_type_code=kind)

    assert (course.type_code, course.type) == (code, words)


def test_special_education_is_nowhere() -> None:
    """A transcript may not say that a student had it (letter of October 17, 2008, cited with the labels)."""
    words = labels()
    said = [*words.course_types.values(), *words.pathways.values(), *words.assessments.values()]
    said += [text for texts in words.endorsements.values() for text in texts.values()]
    telling = re.compile("special|LAA1|Act 833|IEP|disab|alternate assess", re.IGNORECASE)

    assert course_of(Row("2024", "Y1", "990110", "A", "A", kind="SE")).type_code == ""
    assert [text for text in said if telling.search(text)] == []


def test_a_waived_course_is_marked() -> None:
    assert course_of(Row("2024", "Y1", "990110", "A", "E", "000", "000", "000")).waived
    assert not course_of(Row("2024", "Y1", "990110", "A", "A")).waived


# The student


def test_a_public_student_is_named_by_the_identity_and_shows_the_state_id() -> None:
    student = transcript().student

    assert (student.name, student.birth_date) == ("Evangéline Marie Thibodeaux-Landry", "2008-02-29")
    assert (student.state_id, student.local_id) == ("4004711002", "LC0004711")
    assert student.transcript_id == transcript_id(REF)


def test_a_suffix_ends_the_name() -> None:
    junior = msgspec.structs.replace(EVANGELINE, middle_name="", suffix="III")

    assert transcript(identity=junior).student.name == "Evangéline Thibodeaux-Landry III"


def test_of_a_public_student_without_identity_it_says_what_is_known() -> None:
    student = transcript(identity=Unknown()).student

    assert (student.name, student.name_known) == ("E. THI…", False)
    assert (student.birth_date, student.birth_day) == ("", "29")


def test_a_nonpublic_student_is_named_by_the_020() -> None:
    student = transcript(stored(student=NONPUBLIC), Unknown(), "nonpublic").student

    assert (student.name, student.name_known) == ("Evangéline Marie Thibodeaux-Landry", True)
    assert (student.birth_date, student.birth_day) == ("2008-02-29", "")


@pytest.mark.parametrize("identity", [EVANGELINE, Unknown()], ids=["identified", "not identified"])
def test_no_nonpublic_id_is_shown(identity: Any) -> None:
    """It is a social security number, or a temporary id that stands for one."""
    content = transcript(stored(student=NONPUBLIC), identity, "nonpublic")

    assert content.student.state_id == ""
    assert content.student.local_id == "LC0004711"
    assert SSN.encode() not in msgspec.json.encode(content)


@pytest.mark.parametrize("number", [SSN, f"0{SSN}"])
@pytest.mark.parametrize("field", ["local_identification_number", "state_identification_number"])
def test_a_social_security_number_under_another_name_is_not_shown(field: str, number: str) -> None:
    content = transcript(stored(student=STUDENT | {field: number}))

    assert SSN.encode() not in msgspec.json.encode(content)


def test_a_nonpublic_local_id_that_is_the_ssn_is_not_shown() -> None:
    content = transcript(stored(student=NONPUBLIC | {"local_identification_number": SSN}), Unknown(), "nonpublic")

    assert content.student.local_id == ""


# The rest of the 020, and the 050


def test_codes_are_spelled_out() -> None:
    content = transcript(stored(diploma_pathway="CA", career_option_code="R01", career_tech_endorsement_code="J3"))

    assert content.diploma.name == "Jump Start TOPS Tech Career Diploma"
    assert content.diploma.career_option == "BUSINESS MANAGEMENT"
    assert content.diploma.assessments == "Requirements met"
    assert [(each.title, each.detail) for each in content.endorsements] == [
        ("Academic Endorsement", "with 1 unit AP course"),
        ("Career/Technical Endorsement", "Jump Start Advanced credential"),
        ("Community Service Endorsement", ""),
        ("State Seal of Biliteracy", "4 units of world language, or 7 or more units in language immersion"),
    ]


def test_what_the_school_supplied_is_given_as_supplied() -> None:
    local = transcript(stored(local_gpa="4.0/4.0")).local

    assert (local.gpa, local.rank, local.class_size) == ("4.0/4.0", "12", "214")


def test_school_and_district_are_named_where_they_are_known() -> None:
    named, unnamed = transcript().school, transcript(names=NO_NAMES).school

    assert (named.sponsor, named.site) == ("Heron Parish School District", "Heron Bayou High School")
    assert (unnamed.sponsor, unnamed.site) == ("", "")
    assert (unnamed.sponsor_code, unnamed.site_code) == ("017", "017001")


def test_credentials_stand_by_year_semester_and_code_and_say_whether_passed() -> None:
    sent = (
        credential("517", "2025", "1"),
        credential("901", "2024", "2", "F"),
        credential("901", "2024", "2"),
        credential("902", "2024", "1"),
    )
    found = transcript(stored(credentials=sent)).credentials

    assert [(each.code, each.bssy, each.term, each.passed, each.name) for each in found] == [
        ("902", "2024", "Fall", True, ""),
        ("901", "2024", "Spring", True, "Welding, Level 1"),
        ("901", "2024", "Spring", False, "Welding, Level 1"),
        ("517", "2025", "Fall", True, ""),
    ]


def test_a_set_with_the_least_that_can_be_stored_has_a_transcript() -> None:
    needed = ("beginning_school_session_year", "sponsor_code", "site_code")
    student = {name: value for name, value in stored().student.items() if name in needed}
    course = {"course_beginning_school_session_year": "2024", "course_code": "990110"}
    content = content_of(
        Present(student, {1: course}, {1: {"ibc_code": "901"}}),
        Unknown(),
        sector="public",
        ref=REF,
        labels=labels(),
    )

    assert content.years[0].courses == (Course(term="", code="990110", name="990110", grade=""),)
    assert content.endorsements == ()


# Texts


def test_bytes_of_windows_stand_as_the_letters_that_were_meant() -> None:
    """A file is read as Latin-1 (R-030a), and some senders write 92 for an apostrophe."""
    assert printable("Driver\x92s Ed \x96 Part\x80") == "Driver’s Ed – Part€"  # noqa: RUF001 (the very letters)
    assert printable("a\x81b") == "a\N{REPLACEMENT CHARACTER}b"


def test_controls_and_doubled_blanks_become_one_blank() -> None:
    assert printable(" a\x07\t b\x00c  ") == "a b c"


@given(st.binary(max_size=60))
def test_whatever_bytes_were_sent_are_printable(raw: bytes) -> None:
    said = printable(raw.decode("latin-1"))

    assert "  " not in said
    assert not re.search("[\x00-\x1f\x7f-\x9f]", said)


def test_a_date_is_turned_around() -> None:
    assert iso_date("05142026") == "2026-05-14"
    assert iso_date("") == ""


# The labels


SHORTER = {"L1", "SE", "RG", "Y", "A", "G", "E"}
"""Codes whose words differ from the layout's, for the reason given in transcript_labels.toml."""


def test_every_code_of_the_layout_has_words() -> None:
    student = load_layout("public")["020"]
    words = labels()

    assert words.pathways.keys() == set(student["diploma_pathway"].values)
    assert words.assessments.keys() == set(student["met_gee_eoc_flag"].values)
    assert words.terms.keys() == set(load_layout("public")["050"]["semester_ibc_earned"].values)
    for field, texts in words.endorsements.items():
        assert texts.keys() - {"title"} == set(student[field].values)


def test_words_are_the_layouts_but_where_they_would_tell_of_a_disability() -> None:
    layout = load_layout("public")
    printed = dict(layout["020"]["diploma_pathway"].value_labels or {})
    printed |= dict(layout["030"]["course_type_code"].value_labels or {})
    ours = {**labels().pathways, **labels().course_types}

    assert {code for code, text in printed.items() if ours.get(code) != text} <= SHORTER
    assert ours.keys() <= printed.keys()


def test_every_career_option_that_a_batch_may_carry_has_a_name() -> None:
    assert len(labels().career_options) == 116
