"""A file made from reference tables names nothing that they do not list, and its tables say who its students are."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import check_file
from schemas.louisiana_sts.records import RecordSet
from schemas.louisiana_sts.reference_csv import demonstration_set, read_folder
from schemas.reference import ReferenceTables
from services.generate import Spec, generate
from services.generate.tables import write_tables

TODAY = date(2026, 6, 30)
VARIANTS: tuple[Variant, Variant] = ("public", "nonpublic")
both = pytest.mark.parametrize("variant", VARIANTS)


@pytest.fixture(scope="module")
def tables() -> ReferenceTables:
    return demonstration_set()


def sets_of(spec: Spec) -> list[RecordSet]:
    """The students' sets, in which no check finds anything."""
    batch, findings = check_file(generate(spec).data, "made.txt", today=TODAY)
    assert isinstance(batch, Batch)
    assert findings.problems == ()
    return [batch.record_set(state_id) for state_id in batch.state_ids]


@both
def test_every_code_stands_in_its_table(tables: ReferenceTables, variant: Variant) -> None:
    sets = sets_of(Spec(400, sites=5, layout=variant, reference=tables))
    courses = [course for one in sets for course in one.courses]
    students = [one.student for one in sets if one.student]

    listed = tables["courses"].by("bssy", "course_code")
    rows = [listed[course["course_beginning_school_session_year"], course["course_code"]] for course in courses]
    assert all(
        row["ap"] == "Y" for row, course in zip(rows, courses, strict=True) if course["course_type_code"] == "AP"
    )
    assert all(
        row["ib"] == "Y" for row, course in zip(rows, courses, strict=True) if course["course_type_code"] == "IB"
    )
    assert all(
        "transcript_course_name" in course
        for row, course in zip(rows, courses, strict=True)
        if row["name_required"] == "Y"
    )
    high = {row["site_code"] for row in tables["sites"].rows if row["kind"] == "high" and not row["last_bssy"]}
    assert {student["site_code"] for student in students} == {f"01700{number}" for number in range(1, 6)} <= high
    assert {one["ibc_code"] for each in sets for one in each.credentials} == {"901", "902", "903", "904", "905"}
    options = {student["career_option_code"] for student in students if "career_option_code" in student}
    assert len(options) > 20
    assert options <= {row["code"] for row in tables["career_options"].rows if row["kind"] == "jump_start"}


@both
def test_a_graduate_has_taken_courses_for_every_category_of_the_pathway(
    tables: ReferenceTables, variant: Variant
) -> None:
    serving = defaultdict(set)
    for row in tables["core"].rows:
        serving[row["curriculum"], row["category"]].add((row["course_code"], row["career_option_code"]))
    graduates = Counter[str]()
    for one in sets_of(Spec(500, layout=variant, reference=tables)):
        student = one.student or {}
        if "graduation_date" in student:
            pathway, options = student["diploma_pathway"], {"", student.get("career_option_code", "")}
            taken = {(course["course_code"], option) for course in one.courses for option in options}
            categories = [row for row in tables["core_categories"].rows if row["curriculum"] == pathway]
            assert all(serving[pathway, row["category"]] & taken for row in categories)
            graduates[pathway] += 1
    assert set(graduates) == ({"TU", "CA", "L1"} if variant == "public" else {"TU", "CA"})


def test_the_folder_of_its_tables_holds_its_students(tables: ReferenceTables, tmp_path: Path) -> None:
    spec = Spec(300, reference=tables)
    write_tables(spec, tmp_path)
    folder = read_folder(tmp_path)
    sets = sets_of(spec)

    assert folder.faults == ()
    held = folder.in_force(spec.bssy)
    assert {name: table.digest for name, table in held.items() if name in tables} == tables.digests
    identities = held["identities"].by("state_identification_number")
    flags = held["special_education"].by("state_identification_number", "bssy")
    fafsa = held["losfa_fafsa"].by("state_identification_number", "bssy")
    for student in (one.student or {} for one in sets):
        state_id = student["state_identification_number"]
        assert identities[state_id,]["last_name"][:3].upper() == student["partial_last_name"]
        assert (student["diploma_pathway"] == "L1") is (flags.get((state_id, "2025"), {}).get("laa1") == "Y")
        if "graduation_date" in student:
            assert ("fafsa_application_flag" in student) is ((state_id, "2025") not in fafsa)
    assert {"Y"} <= {row["act_833"] for row in held["special_education"].rows}
    assert held["losfa_fafsa"].rows


@both
def test_faults_are_found_exactly_with_the_tables_that_go_with_the_file(
    tables: ReferenceTables, variant: Variant, tmp_path: Path
) -> None:
    spec = Spec(2500, seed=3, faults=0.95, layout=variant, reference=tables)
    write_tables(spec, tmp_path)
    made = generate(spec)
    _, findings = check_file(made.data, "made.txt", today=TODAY, tables=read_folder(tmp_path).in_force(2025))

    assert [(one.line, one.code) for one in made.answers] == sorted((one.line, one.code) for one in findings.problems)
    assert {one.state_id for one in made.answers} == findings.held
    codes = {one.code for one in made.answers}
    told_by_tables = {"201", "302", "319", "321", "328", "334", "342", "510", "514", "515"}
    persons = {"U01", "U02", "U03", "U04", "U06", "U07", "U08", "242", "349", "507"}
    assert codes >= (told_by_tables | persons if variant == "public" else told_by_tables)
    assert len(codes) > (74 if variant == "public" else 62)


def test_the_same_seed_makes_the_same_bytes_and_other_tables_do_not(tables: ReferenceTables) -> None:
    spec = Spec(40, seed=7, reference=tables)

    assert generate(spec).data == generate(spec).data
    assert generate(spec).data != generate(replace(spec, reference=None)).data


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (Spec(1, sponsor="019"), "no active high school of sponsor 019"),
        (Spec(1, sponsor="9X9"), "no active high school of sponsor 9X9"),
        (Spec(1, sites=21), "20 active high schools"),
        (Spec(1, bssy=2031), "no course of 2031"),
    ],
)
def test_more_than_the_tables_offer_is_refused(tables: ReferenceTables, spec: Spec, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        generate(replace(spec, reference=tables))


def test_a_file_from_no_tables_has_none_that_go_with_it(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--reference"):
        write_tables(Spec(1), tmp_path)
