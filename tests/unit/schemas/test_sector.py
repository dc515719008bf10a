"""A file's sector is told from its records, and said."""

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.batch import Batch, read_batch
from schemas.louisiana_sts.sector import Told, tell
from tests.unit.schemas.builder import BASE, VARIANTS, base_file, findings, line, lines


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("code", ["020", "030"])
def test_one_student_or_course_is_enough(variant: Variant, code: str) -> None:
    assert tell([line(code, variant)]) == Told(variant, 1, 0)


def test_a_nonpublic_credential_with_a_trailing_blank_tells() -> None:
    row = line("050", "nonpublic", {"state_identification_number": "666123456 "})

    assert tell([row]) == Told("nonpublic", 1, 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_credentials_with_ten_digits_do_not_tell(variant: Variant) -> None:
    row = line("050", variant, {"state_identification_number": "0666123456"})

    assert not tell([row]).certain
    assert [(one.code, one.effect) for one in findings(lines(row)).problems] == [("N08", "note")]
    assert findings(lines(row), variant).problems == ()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_few_faulty_records_do_not_change_the_verdict(variant: Variant) -> None:
    faulty = line("030", variant, {"semester_code": "??"})
    other = line("030", "public" if variant == "nonpublic" else "nonpublic")

    assert tell([faulty, line("030", variant), other, line("020", variant), b"", b"\xff" * 300]) == Told(variant, 2, 1)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_report_names_what_was_told(variant: Variant) -> None:
    assert findings(base_file(variant)).layout == variant


def test_a_given_layout_is_not_questioned() -> None:
    batch = read_batch(lines(*(line(code, "public") for code in BASE)), variant="nonpublic")

    assert isinstance(batch, Batch)
    assert (batch.variant, batch.told) == ("nonpublic", None)


def test_a_refused_file_without_evidence_has_no_layout() -> None:
    assert findings(b"hello\n").layout == ""
