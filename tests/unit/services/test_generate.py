"""A generated sponsor is the same for the same seed, clean where it says so, and wrong exactly where it says so."""

from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import Findings, check_file
from schemas.louisiana_sts.records import RecordSet
from services.generate import GeneratedFile, Spec, generate

TODAY = date(2026, 6, 30)
VARIANTS: tuple[Variant, Variant] = ("public", "nonpublic")
both = pytest.mark.parametrize("variant", VARIANTS)


def checked(made: GeneratedFile) -> tuple[Batch, Findings]:
    batch, findings = check_file(made.data, "made.txt", today=TODAY)
    assert batch is not None
    return batch, findings


def sets(made: GeneratedFile) -> list[RecordSet]:
    batch, _ = checked(made)
    return [batch.record_set(state_id) for state_id in batch.state_ids]


@both
def test_without_faults_every_student_is_clean(variant: Variant) -> None:
    batch, findings = checked(generate(Spec(300, layout=variant)))

    assert findings.problems == ()
    assert len(batch.state_ids) == 300
    assert batch.variant == variant
    assert (batch.bssy, batch.sponsor) == ("2025", "017")


@both
def test_a_check_finds_exactly_the_answers(variant: Variant) -> None:
    made = generate(Spec(1500, seed=3, faults=0.9, layout=variant))
    _, findings = checked(made)

    assert [(one.line, one.code) for one in made.answers] == sorted((one.line, one.code) for one in findings.problems)
    assert {one.state_id for one in made.answers} == findings.held


@both
def test_faults_are_of_many_codes(variant: Variant) -> None:
    codes = Counter(one.code for one in generate(Spec(3000, seed=5, faults=1.0, layout=variant)).answers)

    assert len(codes) > 55
    assert {"200", "211", "300", "326", "500", "513", "L03"} <= codes.keys()


@both
def test_graduates_lack_nothing_unless_some_are_asked_for(variant: Variant) -> None:
    made = generate(Spec(1500, seed=11, unready=0.5, layout=variant))
    batch, findings = checked(made)
    graduates = sum("graduation_date" in (batch.record_set(one).student or {}) for one in batch.state_ids)
    removed = [one for one in findings.problems if one.effect == "remove_graduation_date"]

    assert [(one.line, one.code) for one in made.answers] == [(one.line, one.code) for one in findings.problems]
    assert findings.held == frozenset()
    assert graduates * 0.35 < len(removed) < graduates * 0.65
    assert {one.code for one in removed} == ({"223", "G4", "G6"} if variant == "public" else {"223", "G6"})


def test_the_share_of_faulty_students_is_kept() -> None:
    made = generate(Spec(2000, faults=0.03))

    assert 30 <= len({one.state_id for one in made.answers}) <= 90


@both
def test_the_corrected_twin_has_the_same_students_without_faults(variant: Variant) -> None:
    made = generate(Spec(200, faults=0.2, layout=variant))
    batch, findings = checked(made)
    corrected, clean = checked(made.corrected)

    assert clean.problems == ()
    assert corrected.state_ids == batch.state_ids
    differing = {one for one in batch.state_ids if corrected.record_set(one) != batch.record_set(one)}
    assert differing
    assert differing <= findings.held


@both
def test_the_same_seed_makes_the_same_bytes_and_another_one_does_not(variant: Variant) -> None:
    spec = Spec(40, seed=7, faults=0.2, layout=variant)

    assert generate(spec).data == generate(spec).data
    assert generate(spec).data != generate(replace(spec, seed=8)).data


def test_writing_streams_the_same_bytes(tmp_path: Path) -> None:
    made = generate(Spec(50, faults=0.2))
    rows = made.write(tmp_path / "made.txt")

    assert (tmp_path / "made.txt").read_bytes() == made.data
    assert rows == made.data.count(b"\r\n")


def test_twelfth_graders_have_a_history_and_some_graduate() -> None:
    seniors = [one for one in sets(generate(Spec(400))) if one.student and one.student["grade_placement_code"] == "12"]
    graduates = [one for one in seniors if one.student and "graduation_date" in one.student]

    assert seniors
    assert all(24 <= len(one.courses) <= 30 for one in seniors)
    assert len(seniors) * 0.25 < len(graduates) < len(seniors) * 0.6
    assert all(one.student and one.student["diploma_pathway"] in {"TU", "CA"} for one in graduates)


def test_students_are_spread_over_the_sites_of_the_sponsor() -> None:
    batch, _ = checked(generate(Spec(30, sites=3)))

    assert {batch.site_of(state_id) for state_id in batch.state_ids} == {"017001", "017002", "017003"}


@both
def test_canaries_stand_in_the_file_and_are_long_enough_to_search_for(variant: Variant) -> None:
    made = generate(Spec(100, layout=variant))
    canaries = made.canaries
    searched = [*canaries.names, *canaries.birth_dates, *canaries.state_ids]

    assert all(one.encode("ascii") in made.data for one in searched)
    assert all(len(name) >= 13 for name in canaries.names)
    assert len(set(canaries.names)) == len(canaries.names) == (300 if variant == "nonpublic" else 0)
    assert len(set(canaries.state_ids)) == 100


@pytest.mark.parametrize(
    "spec",
    [Spec(-1), Spec(1, sites=0), Spec(1, faults=2), Spec(1, unready=-1), Spec(1, sponsor="17"), Spec(1, bssy=1999)],
)
def test_a_spec_that_cannot_be_made_is_refused(spec: Spec) -> None:
    with pytest.raises(ValueError, match=r"students are|a sponsor has"):
        generate(spec)
