"""The generated extract says who the generated public students are."""

from datetime import date
from pathlib import Path

import pytest

from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import check_file
from schemas.louisiana_sts.escholar import Identity, read_extract
from schemas.louisiana_sts.matching import Person, mismatches
from services.generate import Spec, generate
from services.generate.extract import GeneratedExtract, invented_ssn

TODAY = date(2026, 6, 30)


def identities(spec: Spec) -> dict[str, Identity]:
    read = read_extract(GeneratedExtract(spec).data, today=TODAY)
    assert isinstance(read, tuple)
    return {one.state_id: one for one in read}


def test_the_extract_and_the_file_speak_of_the_same_students() -> None:
    spec = Spec(300, seed=4)
    batch, _ = check_file(generate(spec).data, "made.txt", today=TODAY)
    assert isinstance(batch, Batch)
    known = identities(spec)

    assert set(known) == set(batch.state_ids)
    for state_id, one in known.items():
        student = batch.record_set(state_id).student
        assert student is not None
        person = Person(one.first_name, one.last_name, one.birth_date, one.sex, one.ethnicity)
        assert mismatches(student, person) == ()


def test_another_seed_is_other_students() -> None:
    assert not set(identities(Spec(20, seed=1))) & set(identities(Spec(20, seed=2)))


def test_a_share_lacks_the_number_or_the_birth_date_and_nobody_a_name() -> None:
    known = identities(Spec(1000)).values()

    assert 15 <= sum(not one.ssn for one in known) <= 80
    assert 15 <= sum(not one.birth_date for one in known) <= 80
    assert all(one.first_name and one.last_name for one in known)
    assert {one.suffix for one in known} == {"", "Jr", "III"}


def test_invented_numbers_are_in_a_range_that_is_never_issued_and_distinct() -> None:
    numbers = {invented_ssn(number, 7) for number in range(20_000)}
    assert len(numbers) == 20_000
    assert all(len(number) == 9 and number.startswith("666") for number in numbers)


def test_canaries_stand_in_the_file_and_are_long_enough_to_search_for(tmp_path: Path) -> None:
    made = GeneratedExtract(Spec(50))
    made.write(tmp_path / "extract.csv")
    data = (tmp_path / "extract.csv").read_text("utf-8")
    canaries = made.canaries

    assert all(one in data for one in (*canaries.names, *canaries.birth_dates, *canaries.state_ids))
    assert all(len(name) >= 13 for name in canaries.names)


def test_nonpublic_students_have_no_extract() -> None:
    with pytest.raises(ValueError, match="nonpublic"):
        GeneratedExtract(Spec(1, layout="nonpublic"))
