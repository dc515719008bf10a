"""The error workbook, read back from its own XML: what stands in it, what is marked, and that nothing is a formula."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest

from schemas.louisiana_sts.checks import check_file, report
from services.cli.workbook import PROBLEM_COLUMNS, REPAIR_COLUMNS, write_workbook
from tests.unit.schemas.builder import TODAY, line, lines

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
Cell = ElementTree.Element


def written(path: Path, data: bytes) -> Path:
    """Check a file and write its workbook."""
    batch, found = check_file(data, "test.txt", today=TODAY)
    write_workbook(path, report(found, batch.runs if batch else None), batch)
    return path


def sheet(path: Path, number: int) -> ElementTree.Element:
    """One sheet's XML."""
    with zipfile.ZipFile(path) as book:
        return ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))


def rows(path: Path, number: int) -> list[dict[str, Cell]]:
    """A sheet's cells below the header, by the header's texts."""
    head, *rest = [list(row) for row in sheet(path, number).iter(f"{MAIN}row")]
    names = {letters(cell): text(cell) for cell in head}
    return [{names[letters(cell)]: cell for cell in row} for row in rest]


def letters(cell: Cell) -> str:
    return cell.attrib["r"].rstrip("0123456789")


def text(cell: Cell | None) -> str:
    """All that a reader sees in a cell."""
    return (
        "" if cell is None else "".join(part.text or "" for part in cell.iter() if part.tag[len(MAIN) :] in {"t", "v"})
    )


def marked(cell: Cell) -> list[str]:
    """The runs that are bold in a cell of rich text."""
    return [text(run) for run in cell.iter(f"{MAIN}r") if run.find(f"{MAIN}rPr/{MAIN}b") is not None]


def texts(row: dict[str, Cell], *names: str) -> Sequence[str]:
    return [text(row.get(name)) for name in names]


def test_each_finding_is_a_row_with_the_fault_marked_in_its_line(tmp_path: Path) -> None:
    faulty = line("020", "public", {"sex_code": "X"})
    path = written(tmp_path / "errors.xlsx", lines(faulty, line("030", "public"), line("050", "public")))
    (row,) = rows(path, 1)
    whole = row[PROBLEM_COLUMNS[-1][0]]

    assert texts(row, "line", "record", "code", "message", "found", "what to do", "columns") == [
        "1", "020", "207", "INVALID SEX CODE", "X", "Send one of M, F.", "100",
    ]  # fmt: skip
    assert text(whole) == faulty.decode("latin-1")
    assert marked(whole) == ["X"]


def test_repairs_stand_on_their_own_sheet_most_freeing_first(tmp_path: Path) -> None:
    other = {"state_identification_number": "7700000009"}
    wrong = {"letter_grade_code": "X"}
    data = lines(
        line("020", "public", {"sex_code": "Q"}),
        line("030", "public", wrong),
        line("020", "public", other),
        line("030", "public", {**other, **wrong}),
    )
    path = written(tmp_path / "errors.xlsx", data)

    assert [
        texts(row, "frees students", "touches students", "code", "found", "first lines") for row in rows(path, 2)
    ] == [
        ["1", "2", "305", "X", "2, 4"],
        ["0", "1", "207", "Q", "1"],
    ]


def test_what_follows_names_its_cause(tmp_path: Path) -> None:
    course = {"credit_attempted_count": "000"}
    path = written(tmp_path / "errors.xlsx", lines(line("020", "public"), line("030", "public", course)))

    assert {text(row["code"]): text(row.get("follows from")) for row in rows(path, 1)} == {
        "306": "",
        "310": "306 on line 2",
        "312": "306 on line 2",
    }
    assert text(rows(path, 2)[0]["goes with it"]) == "310 (1), 312 (1)"


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t"])
def test_no_value_of_the_file_becomes_a_formula(tmp_path: Path, begin: str) -> None:
    """A cell holds text however it begins; only our own counts are numbers."""
    value = f"{begin}1+1".ljust(28)
    faulty = line("020", "public", {"filler_1": value})
    path = written(tmp_path / "errors.xlsx", lines(faulty, line("030", "public")))

    for number in (1, 2):
        cells = [cell for row in list(sheet(path, number).iter(f"{MAIN}row"))[1:] for cell in row]
        assert list(sheet(path, number).iter(f"{MAIN}f")) == []
        assert all(cell.attrib.get("t") == "inlineStr" or text(cell).isdigit() for cell in cells)
        (row,) = rows(path, number)
        assert text(row["found"]) == value.replace("\t", "\N{MIDDLE DOT}")


def test_a_value_between_marks_of_markup_is_kept_as_text(tmp_path: Path) -> None:
    """Written as it is, it would stand in the sheet as XML: a formula, or a workbook that no program opens."""
    value = "<r><t>=1+1".ljust(24) + "</r>"
    faulty = line("020", "public", {"filler_1": value})
    path = written(tmp_path / "errors.xlsx", lines(faulty, line("030", "public")))
    (row,) = rows(path, 1)

    assert text(row["found"]) == value
    assert marked(row[PROBLEM_COLUMNS[-1][0]]) == [value]
    assert text(rows(path, 2)[0]["found"]) == value


def test_the_header_is_frozen_and_filtered(tmp_path: Path) -> None:
    path = written(tmp_path / "errors.xlsx", lines(line("020", "public", {"sex_code": "X"}), line("030", "public")))
    for number, columns in ((1, PROBLEM_COLUMNS), (2, REPAIR_COLUMNS)):
        xml = sheet(path, number)
        pane, filtered = xml.find(f".//{MAIN}pane"), xml.find(f"{MAIN}autoFilter")

        assert pane is not None
        assert pane.attrib["state"] == "frozen"
        assert filtered is not None
        assert filtered.attrib["ref"].startswith("A1:")
        assert len(list(xml.iter(f"{MAIN}col"))) == len(columns)


def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    """Also where it takes the place of a file that others might read."""
    path = tmp_path / "errors.xlsx"
    path.write_bytes(b"before")
    path.chmod(0o644)
    written(path, lines(line("020", "public", {"sex_code": "X"}), line("030", "public")))

    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["errors.xlsx"]


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "errors.xlsx"
    folder.mkdir()
    with pytest.raises(OSError, match="directory"):
        written(folder, lines(line("020", "public", {"sex_code": "X"}), line("030", "public")))

    assert [each.name for each in tmp_path.iterdir()] == ["errors.xlsx"]
