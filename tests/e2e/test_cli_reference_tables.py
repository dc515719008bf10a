"""Reference tables at the command line: refused whole, published by year, compared, and used by uploads."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from schemas.louisiana_sts.reference_csv import DEMONSTRATION, NAMES, is_personal
from services.cli.reference import ANSWERS
from tests.e2e.cli import Cli
from tests.e2e.conftest import fresh_home, running_server

SITES = DEMONSTRATION / "sites.csv"


@pytest.fixture(scope="module")
def cli() -> Iterator[Cli]:
    """One ledger for the module, whose tests build on each other."""
    with fresh_home() as home, running_server(home):
        yield Cli(home)


def answered(cli: Cli, *arguments: str | Path, expect: int = 0) -> dict[str, object]:
    """The JSON answer of a command of the group, which has exactly the documented keys and types."""
    ran = cli("reference", *arguments, "--json", expect=expect)
    shape = ANSWERS[f"reference {arguments[0]}"]
    msgspec.json.decode(ran.out, type=shape)
    answer: dict[str, object] = msgspec.json.decode(ran.out)
    assert list(answer) == list(shape.__struct_fields__)
    return answer


def changed(folder: Path, old: str, new: str) -> Path:
    """The demonstration set's sites with a text replaced."""
    path = folder / "sites.csv"
    path.write_text(SITES.read_text().replace(old, new))
    return path


def test_before_the_first_table_nothing_is_listed(cli: Cli) -> None:
    assert "codes that need one stay undecided" in cli("reference", "list").said
    assert answered(cli, "list")["publications"] == []


def test_a_file_is_generated_that_a_ledger_without_tables_takes_too(cli: Cli, tmp_path: Path) -> None:
    cli("generate", tmp_path / "made.txt", "--students", "20", "--reference", "demonstration")
    uploaded = cli.json("upload", tmp_path / "made.txt")

    assert uploaded["upload"]["stored"] == 20
    assert "course codes by year (CUR)" in cli("check", tmp_path / "made.txt").said


def test_a_faulty_table_is_refused_with_every_fault_and_none_of_it_is_stored(cli: Cli, tmp_path: Path) -> None:
    file = changed(tmp_path, ",lower,", ",low,")
    ran = cli("reference", "load", "sites", file, "--effective", "2025", expect=2)
    told = cli("reference", "load", "sites", file, "--effective", "2025", "--json", expect=2)

    assert "refused whole for 5 faults; nothing was stored" in ran.said
    assert "T05 VALUE IS NOT WHAT ITS COLUMN HOLDS line 44 kind." in ran.said
    assert {(one["code"], one["field"]) for one in msgspec.json.decode(told.out)["problems"]} == {("T05", "kind")}
    assert answered(cli, "list")["publications"] == []


def test_the_demonstration_set_is_loaded_and_says_what_it_is(cli: Cli) -> None:
    dry = answered(cli, "load", "--demonstration", "--dry-run")
    ran = cli("reference", "load", "--demonstration")
    again = answered(cli, "load", "--demonstration")

    assert dry["dry_run"]
    assert "sites (DEMONSTRATION) from 2014: 50 rows; 50 added" in ran.said
    assert "no verdict taken with them is the state's" in ran.said
    assert isinstance(again["tables"], list)
    assert {one["outcome"] for one in again["tables"]} == {"unchanged"}
    assert {one["name"] for one in again["tables"]} == {name for name in NAMES if not is_personal(name)}
    assert cli("reference", "list").out.count("DEMONSTRATION") == len(again["tables"])


def test_a_table_is_shown(cli: Cli) -> None:
    ran = cli("reference", "show", "sponsors")
    answer = answered(cli, "show", "sponsors", "--bssy", "2025")

    assert "sponsors from 2014: 8 rows, DEMONSTRATION: invented rows" in ran.said
    assert "Lafayette Diocese" in ran.out
    assert isinstance(answer["rows"], list)
    assert answer["rows"][0]["sponsor_code"] == "017"
    assert "... and 1,681 more" in cli("reference", "show", "courses", "--limit", "2").said


def test_a_later_publication_is_planned_stored_and_compared(cli: Cli, tmp_path: Path) -> None:
    file = changed(tmp_path, "Heron Old High School", "Heron New High School")
    before = cli("reference", "diff", "sites", file, expect=1).said
    ran = cli("reference", "load", "sites", file, "--effective", "2026")

    assert "0 rows added, 0 removed, 1 changed" in before
    assert "~ 017021: name: Heron Old High School -> Heron New High School" in before
    assert "0 added, 0 removed, 1 changed, against the one in force since 2014" in ran.said
    found = answered(cli, "diff", "sites", "--from", "2025", "--to", "2026", expect=1)
    assert (found["added_rows"], found["removed_rows"], found["changed_rows"]) == (0, 0, 1)
    assert "0 changed" in cli("reference", "diff", "sites", file).said
    listed = answered(cli, "list", "--bssy", "2026")["publications"]
    assert isinstance(listed, list)
    assert {one["effective"] for one in listed if one["name"] == "sites"} == {2026}
    assert len(listed) == 9
    place = next(one["position"] for one in listed if one["name"] == "sites")
    assert "from 2026" in cli("reference", "show", "sites", "--bssy", f"@{place}").said


def test_uploads_are_decided_with_the_tables_and_personal_ones_are_only_counted(cli: Cli, tmp_path: Path) -> None:
    made, tables, extract = tmp_path / "made.txt", tmp_path / "tables", tmp_path / "extract.csv"
    cli("generate", made, "--students", "60", "--reference", "demonstration", "--tables", tables, "--extract", extract)
    cli("identities", "load", extract)
    for name in ("special_education", "losfa_fafsa"):
        cli("reference", "load", name, tables / f"{name}.csv", "--effective", "2025")

    uploaded = cli.json("upload", made)
    shown = cli("reference", "show", "special_education").said

    assert (uploaded["upload"]["held"], uploaded["upload"]["state"]) == (0, "closed")
    assert uploaded["findings"] == []
    assert "60 students clean" in cli("check", made, "--reference", tables).said
    assert "counted, never shown" in shown
    state_ids = [line.split(",")[1] for line in (tables / "special_education.csv").read_text().splitlines()[1:]]
    said = shown + cli("reference", "show", "special_education", "--json").said
    said += cli("reference", "diff", "special_education", tables / "special_education.csv").said
    assert state_ids
    assert not any(one in said for one in state_ids)
    assert cli.json("fsck")["differences"] == 0


def test_a_course_that_the_table_lists_no_more_holds_its_students(cli: Cli, tmp_path: Path) -> None:
    made, courses = tmp_path / "made.txt", tmp_path / "courses.csv"
    cli("generate", made, "--students", "60", "--reference", "demonstration", "--seed", "1")
    kept = [line for line in (DEMONSTRATION / "courses.csv").read_text().splitlines() if ",990101," not in line]
    courses.write_text("\n".join(kept))
    cli("reference", "load", "courses", courses, "--effective", "2025")

    uploaded = cli.json("upload", made, expect=1)

    assert uploaded["upload"]["held"] > 0
    assert "302" in {one["code"] for one in uploaded["findings"]}


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("load", "site", SITES, "--effective", "2025"), 2, "there is no table 'site'. There are: career_options"),
        (("load", "sites", SITES), 2, "--effective BSSY"),
        (("load", "sites", "--effective", "2025"), 2, "name a TABLE and its FILE"),
        (("load", "sites", SITES, "--demonstration"), 2, "or give --demonstration alone"),
        (("load", "sites", SITES, "--effective", "25"), 2, "'25' is no school year"),
        (("load", "identities", SITES, "--effective", "2025"), 2, "ledger identities load FILE"),
        (("show", "sites", "--bssy", "2013"), 1, "no table sites is published for 2013"),
        (("show", "sites", "--bssy", "@999999"), 1, "no table sites is published for @999999"),
        (("diff", "sites"), 2, "name what to compare with"),
        (("diff", "sites", SITES, "--to", "2025"), 2, "name what to compare with"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_word(
    cli: Cli, arguments: tuple[str | Path, ...], code: int, word: str
) -> None:
    assert word in cli("reference", *arguments, expect=code).said
