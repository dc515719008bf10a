"""Reference tables as CSV: every fault at its line and column, a digest of the content alone, and folders of them."""

import csv
import hashlib
import io
from pathlib import Path

import pytest
from frictionless import Schema
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.louisiana_sts.records import RACE_FLAGS
from schemas.louisiana_sts.reference_csv import (
    DEMONSTRATION,
    NAMES,
    Folder,
    canonical,
    content_of,
    from_canonical,
    is_personal,
    read_folder,
    read_table,
    table_file,
)
from schemas.reference import ReferenceTable

SPONSOR = {
    "source": "SPS 2025-12-01",
    "sponsor_code": "017",
    "name": "Heron Parish",
    "kind": "public",
    "first_bssy": "2002",
    "last_bssy": "",
}
SITE = {
    "source": "SPS 2025-12-01",
    "site_code": "017001",
    "sponsor_code": "017",
    "name": "Heron High School",
    "kind": "high",
    "first_bssy": "2002",
    "last_bssy": "2024",
}
COURSE = {
    "source": "CUR 2025-08-01",
    "bssy": "2025",
    "course_code": "990101",
    "description": "English I",
    "credit": "100",
    **dict.fromkeys(("ap", "ib", "name_required", "repeatable", "five_point", "experience_only"), "N"),
}
CORE = {
    "source": "LOSFA 2025-08-01",
    "curriculum": "TU",
    "category": "01",
    "set": "01",
    "course_code": "990101",
    "career_option_code": "",
    "credit_allowed": "100",
    "credit_required": "050",
    "first_graduation_bssy": "2017",
    "last_graduation_bssy": "",
}
FLAGS = {
    "source": "SER 2025-12-01",
    "state_identification_number": "1000000017",
    "bssy": "2025",
    "laa1": "Y",
    "act_833": "N",
}
ADA = {
    "state_identification_number": "1000000017",
    "first_name": "Vorimquendaab",
    "middle_name": "",
    "last_name": "Zylthmaropeab",
    "suffix_name": "",
    "birth_date": "2009-02-28",
    "social_security_number": "666010001",
    "sex_code": "F",
    **dict.fromkeys(RACE_FLAGS, "N"),
    "white_race_flag": "Y",
}


def written(*rows: dict[str, str], line_end: str = "\r\n") -> bytes:
    """A file of rows."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator=line_end)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def sound(name: str, data: bytes, effective: int = 2025) -> ReferenceTable:
    """The table, which is without fault."""
    read = read_table(name, data, effective=effective)
    assert isinstance(read, ReferenceTable)
    return read


def faults(name: str, data: bytes) -> list[tuple[int | None, str | None, str]]:
    """Line, column and code of every fault; each has a message and a repair."""
    read = read_table(name, data, effective=2025)
    assert isinstance(read, tuple)
    assert all(one.message and one.hint and one.effect == "reject_file" and not one.found for one in read)
    return [(one.line, one.field, one.code) for one in read]


def test_a_table_has_its_rows_its_year_and_the_digest_of_its_content() -> None:
    table = sound("sponsors", written(SPONSOR | {"sponsor_code": "018"}, SPONSOR))

    content = (
        b"source,sponsor_code,name,kind,first_bssy,last_bssy\n"
        b"SPS 2025-12-01,017,Heron Parish,public,2002,\n"
        b"SPS 2025-12-01,018,Heron Parish,public,2002,\n"
    )
    assert table == ReferenceTable(
        "sponsors", 2025, hashlib.sha256(content).hexdigest(), (SPONSOR, SPONSOR | {"sponsor_code": "018"})
    )
    assert content_of(table) == content


@pytest.mark.parametrize(
    ("name", "row", "column", "value", "code"),
    [
        ("sponsors", SPONSOR, "source", "", "T05"),
        ("sponsors", SPONSOR, "sponsor_code", "17", "T05"),
        ("sponsors", SPONSOR, "sponsor_code", "0l7", "T05"),
        ("sponsors", SPONSOR, "sponsor_code", "0 7", "T05"),
        ("sponsors", SPONSOR, "name", "", "T05"),
        ("sponsors", SPONSOR, "name", "Heron\nParish", "T05"),
        ("sponsors", SPONSOR, "name", "Heron Parish\n", "T05"),
        ("sponsors", SPONSOR, "kind", "private", "T05"),
        ("sponsors", SPONSOR, "first_bssy", "", "T05"),
        ("sponsors", SPONSOR, "first_bssy", "202", "T05"),
        ("sponsors", SPONSOR, "last_bssy", "now", "T05"),
        ("sites", SITE, "site_code", "17001", "T05"),
        ("sites", SITE, "sponsor_code", "018", "T08"),
        ("sites", SITE, "last_bssy", "2001", "T07"),
        ("courses", COURSE, "course_code", "99010A", "T05"),
        ("courses", COURSE, "credit", "1.0", "T05"),
        ("courses", COURSE, "ap", "y", "T05"),
        ("core", CORE, "category", "1", "T05"),
        ("core", CORE, "career_option_code", "R001", "T05"),
        ("core", CORE, "career_option_code", "CDVX", "T05"),
        ("core", CORE, "credit_required", "200", "T07"),
        ("core", CORE, "last_graduation_bssy", "2016", "T07"),
        ("special_education", FLAGS, "laa1", "", "T05"),
        ("special_education", FLAGS, "state_identification_number", "666010001", "T05"),
        ("identities", ADA, "sex_code", "X", "T05"),
    ],
)  # fmt: skip
def test_a_wrong_cell_is_one_fault_at_its_line_and_column(
    name: str, row: dict[str, str], column: str, value: str, code: str
) -> None:
    [(line, field, found)] = faults(name, written(row | {column: value}))

    assert (line, found) == (2, code)
    assert field in {column, "site_code", "first_bssy", "first_graduation_bssy"}
    assert (field == column) is (code == "T05" or column == "credit_required")


def test_every_fault_of_a_file_is_told_and_nothing_of_it_is_used() -> None:
    data = written(
        SPONSOR | {"kind": "x", "sponsor_code": "1"},
        SPONSOR,
        SPONSOR | {"name": "Again"},
        SPONSOR | {"sponsor_code": "018", "last_bssy": "1999"},
    )

    assert faults("sponsors", data) == [
        (2, "kind", "T05"),
        (2, "sponsor_code", "T05"),
        (4, "sponsor_code", "T06"),
        (5, "first_bssy", "T07"),
    ]


def test_a_key_of_two_columns_comes_twice_only_where_both_do() -> None:
    rows = (COURSE, COURSE | {"bssy": "2024"}, COURSE | {"course_code": "990102"}, COURSE | {"credit": "050"})

    assert faults("courses", written(*rows)) == [(5, "bssy", "T06")]


def test_rows_with_too_few_cells_and_blank_lines_are_faults() -> None:
    data = written(SPONSOR, SPONSOR | {"sponsor_code": "018"}, SPONSOR | {"sponsor_code": "019"})
    lines = data.split(b"\r\n")
    lines[1] = lines[1].rpartition(b",")[0]
    lines.insert(3, b"")

    assert faults("sponsors", b"\r\n".join(lines)) == [(2, None, "T04"), (4, None, "T03")]


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\xef\xbb\xbf"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert faults("sites", data) == [(None, None, "T01")]


def test_a_table_without_rows_is_refused() -> None:
    assert faults("sites", written(SITE).split(b"\r\n")[0]) == [(None, None, "T02")]


def test_other_columns_are_refused_and_the_hint_names_the_right_ones() -> None:
    read = read_table("sites", written(SPONSOR), effective=2025)
    assert isinstance(read, tuple)
    [problem] = read

    assert (problem.line, problem.code) == (1, "T02")
    assert "source,site_code,sponsor_code,name,kind,first_bssy,last_bssy" in problem.hint


def test_bytes_that_are_no_utf_8_are_refused_at_their_line() -> None:
    latin = written(SPONSOR, SPONSOR | {"name": "Zoe"}).replace(b"Zoe", "Zoë".encode("latin-1"))

    assert faults("sponsors", latin) == [(3, None, "T01")]


def test_a_name_that_no_table_has_is_our_own_fault() -> None:
    with pytest.raises(KeyError, match="sponsor"):
        read_table("sponsor", b"", effective=2025)


def test_a_table_with_one_row_of_the_demonstration_set_is_called_so() -> None:
    mixed = (SPONSOR, SPONSOR | {"sponsor_code": "018", "source": "demonstration: invented"})

    assert sound("sponsors", written(*mixed)).demonstration
    assert not sound("sponsors", written(SPONSOR)).demonstration


def test_a_fault_never_quotes_the_value() -> None:
    rows = [FLAGS | {"state_identification_number": "98765"}, FLAGS | {"laa1": "Vorimquenda"}]

    assert "98765" not in repr(read_table("special_education", written(rows[0]), effective=2025))
    assert "Vorimquenda" not in repr(read_table("special_education", written(rows[1]), effective=2025))


words = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=12).filter(
    lambda text: bool(text.strip(" "))
)
codes = st.text("0123456789ABCXYZ", min_size=3, max_size=3)
rows = st.lists(
    st.builds(lambda code, name: SPONSOR | {"sponsor_code": code, "name": name}, codes, words),
    min_size=1,
    max_size=6,
    unique_by=lambda row: row["sponsor_code"],
)


@given(rows)
@example([SPONSOR | {"name": "Zoe\u0308"}])
@settings(deadline=None)
def test_the_digest_is_that_of_the_content_however_it_is_written(table: list[dict[str, str]]) -> None:
    """Order, line ends, quotation marks, a byte-order mark and blank last lines say nothing."""
    plain = sound("sponsors", written(*table))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(SPONSOR), lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(table[::-1])
    other = sound("sponsors", b"\xef\xbb\xbf" + text.getvalue().encode() + b"\n\n")

    assert other.digest == plain.digest
    assert from_canonical("sponsors", content_of(plain), effective=2025) == plain
    assert sound("sponsors", content_of(plain)) == plain


@given(rows)
@settings(deadline=None)
def test_another_content_has_another_digest(table: list[dict[str, str]]) -> None:
    changed = [table[0] | {"kind": "charter"}, *table[1:]]

    assert sound("sponsors", written(*changed)).digest != sound("sponsors", written(*table)).digest


@given(st.binary(max_size=300))
@example(b'"\n,')
@example(b"\x00")
@example(b"\r")
@example(b"," * 20_000)
@settings(deadline=None)
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for hostile in (data, written(SPONSOR) + data):
        read = read_table("sponsors", hostile, effective=2025)
        assert isinstance(read, ReferenceTable) or all(one.code.startswith("T") and one.hint for one in read)


# --- Folders ----------------------------------------------------------------------------------------------------


def test_a_folder_gives_what_is_in_force_in_a_year(tmp_path: Path) -> None:
    (tmp_path / "sponsors.csv").write_bytes(written(SPONSOR))
    (tmp_path / "sponsors@2026.csv").write_bytes(written(SPONSOR | {"name": "Heron and Quill"}))
    (tmp_path / "README.md").write_text("not a table")

    folder = read_folder(tmp_path)

    assert folder.faults == ()
    assert folder.in_force(2025)["sponsors"].rows == (SPONSOR,)
    assert folder.in_force(2026)["sponsors"].rows[0]["name"] == "Heron and Quill"
    assert folder.in_force(2026)["sponsors"].effective == 2026


def test_a_folder_with_a_fault_gives_none_of_its_tables_and_every_fault(tmp_path: Path) -> None:
    (tmp_path / "sponsors.csv").write_bytes(written(SPONSOR))
    (tmp_path / "sites@2026.csv").write_bytes(written(SITE | {"kind": "x"}))
    (tmp_path / "sponsor.csv").write_bytes(written(SPONSOR))
    (tmp_path / "courses@26.csv").write_bytes(written(COURSE))

    folder = read_folder(tmp_path)

    assert folder == Folder(faults=folder.faults)
    assert [(one.file, one.problem.code) for one in folder.faults] == [
        ("courses@26.csv", "T09"),
        ("sites@2026.csv", "T05"),
        ("sponsor.csv", "T09"),
    ]


# --- Schemas ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_a_table_schema_that_explains_each_column(name: str) -> None:
    schema = table_file(name).schema

    assert Schema.from_descriptor(dict(schema)).to_descriptor()
    assert schema["title"]
    assert schema["description"]
    assert all(field["description"] for field in schema["fields"])
    assert set(table_file(name).key) <= set(table_file(name).columns)


def test_only_tables_of_students_are_personal() -> None:
    assert {name for name in NAMES if is_personal(name)} == {"identities", "special_education", "losfa_fafsa"}


def test_the_demonstration_folder_is_there() -> None:
    assert (DEMONSTRATION / "README.md").is_file()


def test_the_canonical_form_quotes_what_must_be_quoted() -> None:
    assert canonical(["a", "b"], [{"a": 'x,"y"', "b": ""}]) == b'a,b\n"x,""y""",\n'
