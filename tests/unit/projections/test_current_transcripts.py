"""Fields of fixed-width text as columns: what cannot be read is no value, and never an error."""

from datetime import date

import pytest

from projections.current_transcripts import calendar_date, course_row, credential_row, hundredths


@pytest.mark.parametrize(
    ("text", "value"),
    [("050", 50), ("100", 100), ("000", 0), ("", None), ("1.0", None), ("-50", None), ("5 0", None), ("²", None)],
)
def test_counts_have_two_implied_decimals(text: str, value: int | None) -> None:
    assert hundredths(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("05152026", date(2026, 5, 15)),
        ("02292024", date(2024, 2, 29)),
        ("02292026", None),
        ("13012026", None),
        ("00000000", None),
        ("", None),
        ("0515", None),
        ("MMDDYYYY", None),
    ],
)
def test_a_date_that_the_calendar_lacks_is_none(text: str, value: date | None) -> None:
    assert calendar_date(text) == value


def test_a_course_of_no_field_at_all_is_a_row() -> None:
    row = course_row(("ref", "2025", "017"), 3, {})
    assert row[:4] == ("ref", "2025", "017", 3)
    assert set(row[4:]) == {"", None}


def test_a_credential_keeps_its_fields_in_the_tables_order() -> None:
    fields = {"ibc_code": "901", "year_ibc_earned": "2025", "semester_ibc_earned": "1", "pass_fail": "P"}
    assert credential_row(("ref", "2025", "017"), 1, fields)[4:] == ("901", "2025", "1", "", "P", "", "")
