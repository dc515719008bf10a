"""Whether a public 020 and eScholar speak of the same student."""

from dataclasses import replace

import pytest

from schemas.louisiana_sts.matching import Person, mismatches
from schemas.louisiana_sts.records import RACE_FLAGS, Fields

RECORD: Fields = {
    "partial_first_name": "V",
    "partial_last_name": "ZYL",
    "day_of_birth": "28",
    "sex_code": "F",
    **dict.fromkeys(RACE_FLAGS, "N"),
    "white_race_flag": "Y",
}
PERSON = Person("Vorimquenda", "Zylthmarope", "2009-02-28", "F", "NNNNNY")


def codes(record: Fields, person: Person) -> list[str]:
    return [one.code for one in mismatches(record, person)]


def test_the_same_student_agrees() -> None:
    assert codes(RECORD, PERSON) == []


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("partial_first_name", "W", "U03"),
        ("partial_last_name", "ZYT", "U04"),
        ("partial_last_name", "Z", "U04"),
        ("day_of_birth", "27", "U06"),
        ("asian_race_flag", "Y", "U07"),
        ("sex_code", "M", "U08"),
    ],
)
def test_each_field_that_escholar_contradicts_is_found_with_its_repair(field: str, value: str, code: str) -> None:
    (found,) = mismatches(RECORD | {field: value}, PERSON)
    assert (found.code, found.record, found.effect) == (code, "020", "reject_student")
    assert found.message
    assert found.hint
    assert found.found == b""


def test_what_escholar_does_not_know_is_not_compared() -> None:
    assert codes({"sex_code": "M"}, Person("", "", "", "", "")) == []


@pytest.mark.parametrize(
    ("last_name", "sent"),
    [
        ("O'Zylth", "O'Z"),
        ("O'Zylth", "OZY"),
        ("De Zylth", "DE"),
        ("De Zylth", "DEZ"),
        ("Zy", "ZY"),
        ("Éclairzylth", "ECL"),
        ("Éclairzylth", "ÉCL"),
        ("zylth", "ZYL"),
    ],
)
def test_districts_cut_a_last_name_with_or_without_what_is_no_letter(last_name: str, sent: str) -> None:
    assert codes(RECORD | {"partial_last_name": sent}, replace(PERSON, last_name=last_name)) == []
