"""`ledger check` and `ledger generate` as an operator meets them: output, exit status, fixtures."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from services.cli.check import check
from services.cli.generate import generate

FIXTURES = Path(__file__).parent.parent / "fixtures" / "louisiana_sts"
REPORTS = sorted(FIXTURES.glob("*.json"))
STATUS = {"three_students": 0, "faults": 1, "refused": 2}


def ledger(*args: str | Path) -> Result:
    app = typer.Typer()
    app.command()(check)
    app.command()(generate)
    return CliRunner().invoke(app, [str(arg) for arg in args], env={"COLUMNS": "200", "NO_COLOR": "1"})


def checked(path: Path, *args: str) -> Result:
    return ledger("check", path, "--today", "2026-06-30", *args)


def test_the_fixtures_are_all_there() -> None:
    assert [path.stem for path in REPORTS] == [
        "faults_nonpublic",
        "faults_public",
        "refused_two_years",
        "three_students_nonpublic",
        "three_students_public",
    ]


@pytest.mark.parametrize("expected", REPORTS, ids=lambda path: path.stem)
def test_each_fixture_has_its_report_and_exit_status(expected: Path) -> None:
    result = checked(expected.with_suffix(".txt"), "--json")
    found = json.loads(result.stdout)

    assert set(found.pop("digests")) == {"file", "layout", "rules"}
    assert found.pop("demonstration") == []
    assert (found.pop("undecided") == []) is found["refused"]
    assert found == json.loads(expected.read_text())
    assert result.exit_code == next(status for name, status in STATUS.items() if expected.stem.startswith(name))


def test_a_person_sees_the_line_the_fault_marked_and_the_repair() -> None:
    result = checked(FIXTURES / "faults_public.txt")

    for words in (
        "faults_public.txt: public layout (told from the file: 9 of 9 records looked at fit it), 10 rows",
        "1 student clean, 2 held (nothing of a held student is stored)",
        "311 INVALID CREDIT EARNED COUNT, GRADE = 'F'  columns 41-43 credit_earned_count  student held",
        "Send 000: an F earns no credit.",
        "V04 LOCAL ID MISSING  columns 24-32 local_identification_number  warning",
    ):
        assert words in result.stdout
    assert result.exit_code == 1


def test_carets_stand_under_the_faulty_columns() -> None:
    rows = checked(FIXTURES / "faults_public.txt").stdout.splitlines()
    place = next(number for number, row in enumerate(rows) if row.rstrip("│ ").endswith("  ^^^"))
    start, stop = rows[place].index("^"), rows[place].rindex("^") + 1

    assert rows[place - 1][start:stop] == "100"
    assert rows[place - 1][start - 3 : stop + 3] == "100100400"


def test_bytes_that_no_terminal_should_get_are_shown_as_dots(tmp_path: Path) -> None:
    path = tmp_path / "escape.txt"
    path.write_bytes(b"STS\x1b[31m\x07\r\n")

    result = checked(path)

    assert "\x1b" not in result.stdout
    assert "STS\N{MIDDLE DOT}[3" in result.stdout
    assert result.exit_code == 2


def test_undecided_codes_are_listed_once_by_their_table() -> None:
    stdout = checked(FIXTURES / "three_students_public.txt").stdout

    assert "U03, U04, U06, U07, U08: identities (eScholar)" in stdout
    assert stdout.count("G3: core reference tables") == 1


def test_a_clean_file_with_a_note_is_clean(tmp_path: Path) -> None:
    path = tmp_path / "lf.txt"
    path.write_bytes((FIXTURES / "three_students_public.txt").read_bytes().replace(b"\r\n", b"\n"))
    result = checked(path)

    assert "note N01 LINES END IN LF ALONE (first on line 1)" in result.stdout
    assert result.exit_code == 0


def test_a_given_layout_is_taken() -> None:
    found = json.loads(checked(FIXTURES / "three_students_public.txt", "--json", "--layout", "nonpublic").stdout)

    assert found["layout"] == "nonpublic"
    assert found["students"]["held"] > 0


def test_long_reports_say_how_much_they_leave_out(tmp_path: Path) -> None:
    ledger("generate", tmp_path / "made.txt", "--students", "400", "--faults", "1")
    short, whole = checked(tmp_path / "made.txt"), checked(tmp_path / "made.txt", "--all")

    assert "more lines with problems: --all or --json shows them." in short.stdout
    assert "more lines with problems" not in whole.stdout
    assert len(whole.stdout) > 3 * len(short.stdout)


def test_causes_are_told_once_and_everything_on_demand(tmp_path: Path) -> None:
    """A whole file with one wrong grade: one row, and every line where it stands with --all."""
    data = (FIXTURES / "three_students_public.txt").read_bytes()
    path = tmp_path / "grades.txt"
    path.write_bytes(data.replace(b"Y1B", b"Y1X"))
    short, whole = checked(path), checked(path, "--all")

    assert short.stdout.count("305 INVALID LETTER GRADE CODE") == 1
    assert "The same 2 times: also on 5" in short.stdout
    assert "2 findings come from 1 causes: --all shows each at its own line." in short.stdout
    assert whole.stdout.count("305 INVALID LETTER GRADE CODE") == 2
    assert short.exit_code == whole.exit_code == 1


def test_repairs_are_shown_by_the_students_they_free(tmp_path: Path) -> None:
    ledger("generate", tmp_path / "made.txt", "--students", "200", "--faults", "0.5")
    result = checked(tmp_path / "made.txt", "--by", "repair")
    groups = json.loads(checked(tmp_path / "made.txt", "--json").stdout)["groups"]
    most = max(group["students"]["freed"] for group in groups)
    first = next(row.split() for row in result.stdout.splitlines() if row.split()[:1] == [str(most)])

    assert first[4] in {group["code"] for group in groups if group["students"]["freed"] == most}
    assert "frees: students whom nothing else in this report holds." in result.stdout
    assert "Findings by code" not in result.stdout


def test_a_workbook_is_written_beside_the_report(tmp_path: Path) -> None:
    book = tmp_path / "errors.xlsx"
    result = checked(FIXTURES / "faults_public.txt", "--workbook", str(book))

    assert result.exit_code == 1
    assert "Findings by code" in result.stdout
    assert book.read_bytes().startswith(b"PK")
    assert book.stat().st_mode & 0o777 == 0o600


def test_a_workbook_that_cannot_be_written_is_said_with_status_2(tmp_path: Path) -> None:
    result = checked(FIXTURES / "faults_public.txt", "--workbook", str(tmp_path / "no" / "errors.xlsx"))

    assert "errors.xlsx cannot be written: No such file or directory. Choose another place." in result.stderr
    assert result.exit_code == 2


def test_a_missing_file_is_said_with_status_2(tmp_path: Path) -> None:
    result = checked(tmp_path / "nowhere.txt")

    assert "does not exist" in result.stderr
    assert result.exit_code == 2


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    assert checked(tmp_path).exit_code == 2


def test_a_file_that_cannot_be_read_is_said_with_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("schemas.louisiana_sts.checks.check_file", fail)
    result = checked(FIXTURES / "three_students_public.txt")

    assert "three_students_public.txt cannot be read: Input/output error. Check its name" in result.stderr
    assert result.exit_code == 2


def test_a_day_that_is_none_is_refused() -> None:
    result = ledger("check", FIXTURES / "three_students_public.txt", "--today", "2026-02-30")

    assert "2026-02-30" in result.stderr
    assert result.exit_code == 2


def test_generate_writes_the_file_and_its_answers(tmp_path: Path) -> None:
    out, answers = tmp_path / "made.txt", tmp_path / "answers.tsv"
    options = ("--students", "80", "--sites", "3", "--seed", "9", "--faults", "0.5", "--layout", "nonpublic")
    result = ledger("generate", out, *options, "--answers", answers)
    found = json.loads(checked(out, "--json").stdout)

    assert f"80 students at 3 sites, {found['rows']:,} rows, nonpublic layout, BSSY 2025" in result.stdout
    assert answers.read_text() == "".join(f"{one['line']}\t{one['code']}\n" for one in found["problems"])
    assert result.exit_code == 0


def test_generate_says_where_it_cannot_write(tmp_path: Path) -> None:
    result = ledger("generate", tmp_path / "no" / "such" / "folder.txt")

    assert "cannot be written: No such file or directory. Choose another place." in result.stderr
    assert result.exit_code == 2


def test_generate_refuses_what_it_has_no_ids_for(tmp_path: Path) -> None:
    result = ledger("generate", tmp_path / "made.txt", "--students", "1000001", "--layout", "nonpublic")

    assert "there are a million invented nonpublic ids, not more" in result.stderr
    assert result.exit_code == 2


SITES = "source,site_code,sponsor_code,name,kind,first_bssy,last_bssy\n{source},017001,017,Heron High,high,2002,\n"


def reference(folder: Path, **files: str) -> Path:
    """A folder of tables; `sites_2024` is the file of the year 2024."""
    folder.mkdir()
    for name, content in files.items():
        (folder / f"{name.replace('_2', '@2')}.csv").write_text(content)
    return folder


def test_tables_decide_what_is_undecided_without_and_are_named_by_their_digests(tmp_path: Path) -> None:
    folder = reference(tmp_path / "tables", sites=SITES.format(source="SPS 2026-06-01"))
    file = FIXTURES / "three_students_public.txt"
    found = json.loads(checked(file, "--reference", str(folder), "--json").stdout)
    undecided = {one["code"] for one in found["undecided"]}

    assert set(found["digests"]) == {"file", "layout", "rules", "reference/sites"}
    assert not {"201", "321", "342", "515"} & undecided
    assert {"U02", "302", "319", "514"} <= undecided
    assert found["demonstration"] == []
    assert found["problems"] == []


def test_a_site_that_the_table_lacks_is_found_and_the_table_named(tmp_path: Path) -> None:
    folder = reference(tmp_path / "tables", sites=SITES.format(source="demonstration: invented"))
    file = tmp_path / "other.txt"
    file.write_bytes((FIXTURES / "three_students_public.txt").read_bytes().replace(b"017001V", b"017009V", 1))
    result = checked(file, "--reference", str(folder))
    digest = json.loads(checked(file, "--reference", str(folder), "--json").stdout)["digests"]["reference/sites"]

    assert "201 INVALID SITE CODE" in result.stdout
    assert f"Checked with the tables: sites {digest[:12]}" in result.stdout
    assert "DEMONSTRATION tables, with invented rows: sites." in result.stdout
    assert result.exit_code == 1


def test_the_tables_are_those_of_the_files_year(tmp_path: Path) -> None:
    """The fixture is of 2025: what is in force from 2026 on decides nothing."""
    old, new = SITES.format(source="old"), SITES.format(source="new").replace("017001", "017002")
    folder = reference(tmp_path / "tables", sites_2024=old, sites_2026=new)

    assert checked(FIXTURES / "three_students_public.txt", "--reference", str(folder)).exit_code == 0


def test_a_faulty_table_checks_nothing_and_says_every_fault(tmp_path: Path) -> None:
    broken = SITES.format(source="SPS").replace("017,Heron High,high", "017,Heron High,tall")
    folder = reference(tmp_path / "tables", sites=broken, cities="a\n")
    result = checked(FIXTURES / "three_students_public.txt", "--reference", str(folder))

    assert result.exit_code == 2
    assert "cities.csv: T09 NO SUCH TABLE" in result.stderr
    assert "sites.csv, line 2, column kind: T05" in result.stderr
    assert "The file was not checked" in result.stderr
    assert result.stdout == ""


def test_a_folder_without_tables_is_no_reference(tmp_path: Path) -> None:
    result = checked(FIXTURES / "three_students_public.txt", "--reference", str(tmp_path))

    assert result.exit_code == 2
    assert "holds no table" in result.stderr
