"""Layouts are data that must tile; cutting and rendering are inverse."""

import copy
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import schemas.layout as layout_module
from schemas.layout import (
    DoesNotFit,
    LayoutError,
    RecordLayout,
    Variant,
    content_digest,
    load_layout,
    read_layout,
    read_record,
)
from tests.unit.schemas.builder import VARIANTS, line

DATA = Path(layout_module.__file__).parent / "louisiana_sts"
COUNTS = {"public": {"020": 40, "030": 25, "050": 16}, "nonpublic": {"020": 33, "030": 26, "050": 16}}


def record_row(**changes: Any) -> dict[str, Any]:
    """A record of two fields of three columns, to be spoiled."""
    field = {"label": "x", "length": 3, "type": "A", "decimals": 0, "required": "optional", "pad": "left-justified"}
    fields = [{**field, "name": "one", "start": 1, "end": 3}, {**field, "name": "two", "start": 4, "end": 6}]
    return {"code": "999", "name": "x", "total_length": 6, "field_count": 2, "field": fields, **changes}


def spoiled(position: int, **changes: Any) -> dict[str, Any]:
    row = copy.deepcopy(record_row())
    row["field"][position].update(changes)
    return row


@pytest.mark.parametrize("variant", VARIANTS)
def test_both_layouts_tile_and_have_the_printed_number_of_fields(variant: Variant) -> None:
    records = load_layout(variant).records

    assert {code: len(record.fields) for code, record in records.items()} == COUNTS[variant]
    assert {code: record.length for code, record in records.items()} == {"020": 200, "030": 200, "050": 63}


def test_the_unspoiled_record_loads() -> None:
    assert [field.columns for field in read_record(record_row()).fields] == [(1, 3), (4, 6)]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (spoiled(1, start=5, end=7), "gap before two"),
        (spoiled(1, start=3, end=5), "overlap at two"),
        (spoiled(0, end=4), "one ends at 3, not at 4"),
        (spoiled(1, length=0, end=3), "two has length 0"),
        (spoiled(1, name="one"), "two fields are named one"),
        (spoiled(1, type="X"), "neither A nor N"),
        (record_row(field_count=3), "field_count is 3, but 2"),
        (record_row(total_length=7), "the fields end at 6, the record at 7"),
    ],
)
def test_a_layout_that_does_not_tile_is_refused(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(LayoutError, match=reason):
        read_record(row)


def test_a_layout_file_without_a_needed_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "layout.toml"
    path.write_text('[[record]]\ncode = "020"\n')

    with pytest.raises(LayoutError, match=r"layout\.toml"):
        read_layout(path, "public")


def test_the_digest_is_of_the_content_not_of_its_writing(tmp_path: Path) -> None:
    written = (DATA / "layout_public.toml").read_text()
    path = tmp_path / "layout.toml"
    path.write_text("# another comment\n" + written)
    changed = tmp_path / "changed.toml"
    changed.write_text(written.replace('label = "Sex Code"', 'label = "Sex"'))

    assert read_layout(path, "public").digest == load_layout("public").digest
    assert read_layout(changed, "public").digest != load_layout("public").digest
    assert content_digest(tomllib.loads(written)) == load_layout("public").digest


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("code", ["020", "030", "050"])
def test_a_whole_line_survives_cut_and_render(code: str, variant: Variant) -> None:
    record = load_layout(variant)[code]
    whole = line(code, variant)

    assert record.render(record.cut(whole)) == whole


def test_cut_leaves_out_blanks_and_fillers_and_reads_a_short_line() -> None:
    fields = load_layout("public")["020"].cut(line("020", "public", {"filler_1": "X"})[:156])

    assert "filler_1" not in fields
    assert "graduation_date" not in fields
    assert fields["partial_last_name"] == "ZYL"


def test_numbers_are_zero_filled_and_texts_left_justified() -> None:
    record = load_layout("public")["030"]
    rendered = record.render({"credit_earned_count": "50", "course_code": "9", "credit_attempted_count": "x"})

    assert rendered[record["credit_earned_count"].span] == b"050"
    assert rendered[record["course_code"].span] == b"9     "
    assert rendered[record["credit_attempted_count"].span] == b"x  "
    assert rendered[record["grade_point_maximum_count"].span] == b"   "


@pytest.mark.parametrize(
    ("value", "reason"), [("x" * 16, "has 16 characters"), ("\u0416", "outside Latin-1"), ("a\nb", "line end")]
)
def test_a_value_that_does_not_fit_is_refused_not_cut(value: str, reason: str) -> None:
    with pytest.raises(DoesNotFit, match=reason) as refusal:
        load_layout("nonpublic")["020"].render({"first_name": value})

    assert refusal.value.field.name == "first_name"


def test_an_unknown_field_is_our_own_fault() -> None:
    with pytest.raises(KeyError, match="no field shoe_size"):
        load_layout("public")["020"].render({"shoe_size": "44"})


def values_of(record: RecordLayout) -> st.SearchStrategy[dict[str, str]]:
    """Any values a record can hold as `cut` gives them: Latin-1, no trailing blank, whole numbers in full width."""
    letters = st.characters(codec="latin-1", exclude_characters="\n\r\0")

    def value(length: int, zero_filled: bool) -> st.SearchStrategy[str]:
        texts = st.text(letters, max_size=length).map(lambda text: text.rstrip(" "))
        return texts.map(
            lambda text: text.rjust(length, "0") if zero_filled and text.encode("latin-1").isdigit() else text
        )

    return st.fixed_dictionaries(
        {field.name: value(field.length, field.zero_filled) for field in record.fields if not field.is_filler}
    ).map(lambda fields: {name: text for name, text in fields.items() if text})


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("code", ["020", "030", "050"])
@given(data=st.data())
def test_cut_is_the_inverse_of_render(code: str, variant: Variant, data: st.DataObject) -> None:
    record = load_layout(variant)[code]
    fields = data.draw(values_of(record))

    assert record.cut(record.render(fields)) == fields
