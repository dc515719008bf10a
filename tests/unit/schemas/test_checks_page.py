"""The reference page cannot fall behind the tables it is made from."""

from pathlib import Path

from schemas.louisiana_sts.checks_page import page
from schemas.louisiana_sts.table import all_codes

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "checks.md"


def test_the_page_is_what_the_tables_make() -> None:
    """Else: python -m schemas.louisiana_sts.checks_page > docs/reference/checks.md"""
    assert PAGE.read_text() == page()


def test_every_code_has_its_section_and_says_how_it_is_decided() -> None:
    sections = page().split("\n## ")[1:]

    assert [section.split(" ", 1)[0] for section in sections] == list(all_codes())
    for section in sections:
        assert any(word in section for word in ("- Checked", "- Undecided", "- Reported as")), section
