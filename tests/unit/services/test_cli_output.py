"""What is printed: safe for a terminal, and the same in a pipe."""

import io

import pytest
from rich.console import Console

from services.cli.audits import change_lines
from services.cli.output import at, plural, progress, safe, table, units
from services.cli.transcript import implied, student_lines
from services.history import Change


def printed(*parts: object) -> str:
    out = io.StringIO()
    Console(file=out, width=100).print(*parts)
    return out.getvalue()


def test_text_from_outside_is_neither_markup_nor_control() -> None:
    hostile = "[red]x[/] \x1b[31m\x07 [link=file:///]"

    assert printed(safe(hostile)) == "[red]x[/] ·[31m· [link=file:///]\n"
    assert "[bold]" in printed(table(("file",), [("[bold]a.txt",)]))
    assert "\x1b" not in printed(table(("file",), [("\x1b]0;title\x07",)]))


def test_where_a_table_is_too_wide_columns_that_fold_make_room_and_no_code_is_cut() -> None:
    rows = [("017001", "needs recertification", *["2026-11-23T06:28:20Z cb8ae315@100644"] * 3)]
    times = ("certified or withdrawn", "not certified since", "changed")

    cut, whole = (printed(table(("site", "standing", *times), rows, folding=folding)) for folding in ((), times))

    assert "\N{HORIZONTAL ELLIPSIS}" in cut
    assert "\N{HORIZONTAL ELLIPSIS}" not in whole
    assert {"017001", "cb8ae315@100644"} <= set(whole.split())


@pytest.mark.parametrize(("hundredths", "text"), [(None, ""), (0, "0.00"), (50, "0.50"), (1050, "10.50")])
def test_hundredths_are_shown_as_units(hundredths: int | None, text: str) -> None:
    assert units(hundredths) == text


def test_a_stored_count_that_is_no_number_is_shown_as_it_is() -> None:
    assert (implied("050"), implied("0X0"), implied("")) == ("0.50", "0X0", "")


def test_positions_carry_their_ledger() -> None:
    assert at("7a1d5c7e", 123) == "7a1d5c7e@123"


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (1234, "1,234 rows")])
def test_numbers_agree_with_their_words(number: int, text: str) -> None:
    assert plural(number, "row") == text


def test_progress_says_nothing_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as told:
        told("checking", 1, 2)

    assert capsys.readouterr() == ("", "")


def test_a_nonpublic_student_has_a_whole_name_and_a_public_one_initials() -> None:
    assert student_lines({"last_name": "Broussard", "first_name": "Ada", "graduation_date": "05242026"}) == (
        "Broussard, Ada  grade -, site -",
        "grade 9 not entered, pathway -, consent -, graduated 2026-05-24",
    )
    assert student_lines({"partial_last_name": "BRO", "partial_first_name": "A"})[0].startswith("BRO, A")


def change(number: int | None, field: str, what: str = "added", record: str = "030") -> Change:
    """One change of a record."""
    assert what in {"edited", "added", "deleted"}
    return Change("edited" if what == "edited" else "added", record, number, field, "", "1")


def test_a_few_new_records_are_a_line_each_and_many_are_counted() -> None:
    few = [change(n, name) for n in range(1, 4) for name in ("course_code", "semester_code")]
    many = [change(n, "course_code") for n in range(1, 8)]

    assert [line.split(" [")[0] for line in change_lines(few, whole=False)] == [f"030 number {n}" for n in (1, 2, 3)]
    assert change_lines(many, whole=False) == ["030 added: 7 records"]
    assert len(change_lines(many, whole=True)) == 7


def test_an_edited_field_is_always_shown() -> None:
    edited = [change(2, f"f{n}", what="edited") for n in range(20)]

    assert len(change_lines(edited, whole=False)) == 20
