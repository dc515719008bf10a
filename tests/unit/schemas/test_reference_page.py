"""The page of the reference tables cannot fall behind their schemas."""

from pathlib import Path

from schemas.louisiana_sts.reference_csv import NAMES, table_file
from schemas.louisiana_sts.reference_page import page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "louisiana-sts" / "reference-tables.md"


def test_the_page_is_what_the_schemas_make() -> None:
    """Else: python -m schemas.louisiana_sts.reference_page > docs/reference/louisiana-sts/reference-tables.md"""
    assert PAGE.read_text() == page()


def test_every_table_has_its_section_with_every_column() -> None:
    sections = dict(section.split("\n", 1) for section in page().split("\n## ")[1:])

    assert list(sections) == list(NAMES)
    for name, section in sections.items():
        assert all(f"| `{column}` |" in section for column in table_file(name).columns)
