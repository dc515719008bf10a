"""The eScholar extract: identities, or every fault with its line and column and never the value."""

import csv
import io
from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas.louisiana_sts.escholar import ExtractRefused, Identity, columns, is_ssn, read_extract
from schemas.louisiana_sts.records import RACE_FLAGS

TODAY = date(2026, 6, 15)
ADA = {
    "state_identification_number": "1000000017",
    "first_name": "Vorimquendaab",
    "middle_name": "Tholmekrestiab",
    "last_name": "Zylthmaropeab",
    "suffix_name": "III",
    "birth_date": "2009-02-28",
    "social_security_number": "666010001",
    "sex_code": "F",
    **dict.fromkeys(RACE_FLAGS, "N"),
    "white_race_flag": "Y",
}


def extract(*rows: dict[str, str], header: list[str] | None = None) -> bytes:
    """A file of rows."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header or columns())
    writer.writerows(list(row.values()) for row in rows)
    return text.getvalue().encode()


def other(number: int, **changes: str) -> dict[str, str]:
    """Another student."""
    return ADA | {"state_identification_number": f"100000{number:04d}"} | changes


def faults(data: bytes) -> list[tuple[int | None, str | None, str]]:
    """Line, column and code of every fault; each has a message and a repair."""
    read = read_extract(data, today=TODAY)
    assert isinstance(read, ExtractRefused)
    assert all(one.message and one.hint and one.effect == "reject_file" and not one.found for one in read.problems)
    return [(one.line, one.field, one.code) for one in read.problems]


def test_a_row_is_an_identity() -> None:
    assert read_extract(extract(ADA), today=TODAY) == (
        Identity(
            "1000000017",
            "Vorimquendaab",
            "Tholmekrestiab",
            "Zylthmaropeab",
            "III",
            "2009-02-28",
            "666010001",
            "F",
            "NNNNNY",
        ),
    )


def test_what_is_not_known_may_be_empty() -> None:
    unknown = {name: "" for name in ADA if name.endswith("_name") or name in {"birth_date", "social_security_number"}}
    read = read_extract(extract(ADA | unknown), today=TODAY)
    assert read == (Identity("1000000017", "", "", "", "", "", "", "F", "NNNNNY"),)


def test_names_keep_their_accents_composed_and_lose_outer_blanks() -> None:
    read = read_extract(extract(ADA | {"first_name": " Zoe\u0308 ", "last_name": "Œuvré, d'Ÿ"}), today=TODAY)
    assert isinstance(read, tuple)
    assert (read[0].first_name, read[0].last_name) == ("Zoë", "Œuvré, d'Ÿ")


@pytest.mark.parametrize("data", [b"\xef\xbb\xbf" + extract(ADA), extract(ADA) + b"\r\n\r\n", extract(ADA).rstrip()])
def test_a_byte_order_mark_blank_last_lines_and_a_missing_last_line_end_do_no_harm(data: bytes) -> None:
    assert read_extract(data, today=TODAY) == read_extract(extract(ADA), today=TODAY)


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("state_identification_number", "", "I05"),
        ("state_identification_number", "100000001", "I05"),
        ("state_identification_number", "10000000170", "I05"),
        ("state_identification_number", "100000001A", "I05"),
        ("state_identification_number", "\u0661" * 10, "I05"),
        ("first_name", "V" * 101, "I05"),
        ("last_name", "Zylth\x00marope", "I05"),
        ("middle_name", "Tholme\nkresti", "I05"),
        ("suffix_name", "the eleventh", "I05"),
        ("birth_date", "02282009", "I05"),
        ("birth_date", "2009-02-29", "I05"),
        ("birth_date", "2009-2-28", "I07"),
        ("birth_date", "2026-06-16", "I07"),
        ("birth_date", "1899-12-31", "I07"),
        ("social_security_number", "666-01-0001", "I05"),
        ("social_security_number", "66601000", "I05"),
        ("social_security_number", "900010001", "I08"),
        ("social_security_number", "995061301", "I08"),
        ("social_security_number", "000010001", "I08"),
        ("social_security_number", "666000001", "I08"),
        ("social_security_number", "666010000", "I08"),
        ("sex_code", "", "I05"),
        ("sex_code", "X", "I05"),
        ("sex_code", "f", "I05"),
        *((flag, value, "I05") for flag in RACE_FLAGS for value in ("", "X", "y")),
    ],
)
def test_a_wrong_cell_is_one_fault_at_its_line_and_column(column: str, value: str, code: str) -> None:
    data = extract(other(1), ADA | {"white_race_flag": "Y", "asian_race_flag": "Y"} | {column: value}, other(2))
    assert faults(data) == [(3, column, code)]


def test_a_student_of_no_race_at_all_is_a_fault() -> None:
    assert faults(extract(ADA | {"white_race_flag": "N"})) == [(2, RACE_FLAGS[0], "I09")]


def test_a_state_id_that_comes_again_is_a_fault_each_time() -> None:
    column = "state_identification_number"
    data = extract(ADA, other(1), ADA, ADA | {"sex_code": "M"})
    assert faults(data) == [(4, column, "I06"), (5, column, "I06")]


def test_every_fault_of_a_file_is_told() -> None:
    data = extract(
        other(1, sex_code="X", birth_date="2009-13-01"),
        other(2),
        other(2, social_security_number="1"),
        other(4, white_race_flag="N"),
    )
    assert faults(data) == [
        (2, "birth_date", "I05"),
        (2, "sex_code", "I05"),
        (4, "social_security_number", "I05"),
        (4, "state_identification_number", "I06"),
        (5, RACE_FLAGS[0], "I09"),
    ]


def test_a_row_with_too_few_or_too_many_cells_is_one_fault() -> None:
    rows = extract(ADA, other(1), other(2)).split(b"\r\n")
    rows[1] = rows[1].rsplit(b",", 3)[0]
    rows[2] += b",Y"
    assert faults(b"\r\n".join(rows)) == [(2, None, "I04"), (3, None, "I04")]


def test_a_blank_line_inside_is_a_fault() -> None:
    assert faults(extract(ADA).replace(b"\r\n1000", b"\r\n\r\n1000")) == [(2, None, "I03")]


def test_a_line_of_commas_alone_is_a_blank_line() -> None:
    assert faults(extract(other(1), dict.fromkeys(columns(), ""), other(2))) == [(3, None, "I03")]


def test_lines_are_counted_as_an_editor_counts_them_though_a_name_holds_a_line_end() -> None:
    data = extract(ADA | {"first_name": "Vorim\nquenda"}, other(1, sex_code="X"))
    assert faults(data) == [(2, "first_name", "I05"), (4, "sex_code", "I05")]


@pytest.mark.parametrize(
    "header",
    [
        columns()[:-1],
        [*columns(), "grade"],
        [columns()[1], columns()[0], *columns()[2:]],
        [name.upper() for name in columns()],
        ["a"],
    ],
    ids=["one lacks", "one more", "two exchanged", "other names", "nothing of it"],
)
def test_other_columns_refuse_the_file_and_no_row_is_judged(header: list[str]) -> None:
    assert faults(extract(ADA | {"sex_code": "X"}, header=header)) == [(1, None, "I02")]


def test_a_file_without_students_is_refused() -> None:
    assert faults(extract()) == [(None, None, "I02")]


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert faults(data) == [(None, None, "I01")]


def test_bytes_that_are_no_utf_8_are_refused_at_their_line() -> None:
    assert faults(extract(ADA, ADA | {"first_name": "Zoe"}).replace(b"Zoe", "Zoë".encode("latin-1"))) == [
        (3, None, "I01")
    ]


def test_a_quotation_mark_that_is_not_closed_is_refused_where_it_opens() -> None:
    assert faults(extract(ADA, other(1)) + b'"') == [(4, None, "I01")]


def test_a_fault_never_quotes_the_value() -> None:
    """Values are personal; a fault is printed, and may be logged by whoever called."""
    canary = "Quendavorimzylth"
    rows = [
        {name: canary if name != "birth_date" else "1066-10-14" for name in columns()},
        ADA | {"social_security_number": "987654321"},
    ]
    read = read_extract(extract(*rows), today=TODAY)
    assert isinstance(read, ExtractRefused)
    for value in (canary, "1066-10-14", "987654321", ADA["first_name"]):
        assert value not in repr(read)


cells = st.sampled_from(
    ["", "Y", "N", "M", "2009-02-28", "1000000017", '"', "\n", "\x00", "é", "=1+1", ",", "666010001"]
)
lines = st.lists(st.lists(cells, max_size=16), max_size=8)


@given(st.binary(max_size=400))
@example(b'"\n,')
@example(b"\xff\xfe" + "x".encode("utf-16-le"))
@example(b"\x00")
@example(b"\r")
@example(b"," * 200_000)
@example(b'"' + b"x" * 200_000 + b'"')
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """Whatever comes, and whatever comes after the right first line, is refused with places and repairs."""
    for hostile in (data, extract() + data):
        read = read_extract(hostile, today=TODAY)
        assert isinstance(read, ExtractRefused)
        assert read.problems
        assert all(one.code.startswith("I") and one.hint for one in read.problems)


@given(lines)
def test_no_cells_break_the_reader(rows: list[list[str]]) -> None:
    """A file of anything is read whole or refused, and what is read has the shapes that are promised."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([columns(), *rows])
    read = read_extract(text.getvalue().encode(), today=TODAY)
    for one in read if isinstance(read, tuple) else ():
        assert len(one.state_id) == 10
        assert len(one.ethnicity) == 6
        assert not one.birth_date or date.fromisoformat(one.birth_date) <= TODAY
        assert not one.ssn or is_ssn(one.ssn)
