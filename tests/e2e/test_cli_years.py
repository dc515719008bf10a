"""School years at the command line: collections, reassignment, rollover, and graduation dates that do not stay."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from services.cli.reference import ANSWERS
from services.generate import Spec
from services.generate import generate as make
from tests.e2e.cli import Cli
from tests.e2e.conftest import fresh_home, running_server

MADE = make(Spec(60, seed=3, unready=0.5))
PEOPLE = [made.person for made in MADE.students()]
LOSING = {answer.state_id: answer.code for answer in MADE.answers}
GRADUATE = next(one.state_id for one in PEOPLE if one.graduation and one.state_id not in LOSING)
TENTH = [one.state_id for one in PEOPLE if one.grade == "10"]


@pytest.fixture(scope="module")
def cli() -> Iterator[Cli]:
    """One ledger for the module, whose tests build on each other as a school year does."""
    with fresh_home() as home, running_server(home):
        yield Cli(home)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("files") / "year.txt"
    MADE.write(path)
    return path


def test_the_upload_says_whose_date_was_removed(cli: Cli, file: Path) -> None:
    checked = cli("check", file, expect=1)
    sent = cli.json("upload", file, expect=1)
    problems = cli.json("problems", expect=1)["problems"]

    assert sent["upload"]["stored"] == 60
    assert {one["code"] for one in sent["findings"]} == set(LOSING.values())
    assert {one["effect"] for one in problems} == {"remove_graduation_date"}
    assert "graduation date removed" in checked.said
    rows = cli.json("students", "--limit", "100")["students"]
    assert {one["state_id"] for one in rows if one["graduation_date"]} == {
        one.state_id for one in PEOPLE if one.graduation and one.state_id not in LOSING
    }


def test_an_edit_says_that_the_date_was_removed_and_why(cli: Cli) -> None:
    state_id = next(one for one, code in LOSING.items() if code == "223")
    ran = cli("edit", "student", state_id, "graduation_date=05202026")
    answer = cli.json("edit", "student", state_id, "graduation_date=05202026")

    assert "The graduation date 05202026 was removed; the rest is stored: 223 GRAD WITH" in ran.said
    assert "Check courses, repeats and part numbers." in ran.said
    assert answer["graduation_date_removed"] == {"date": "05202026", "codes": ["2"]}
    assert "graduation date 05202026 removed, code 2" in cli("history", state_id).said
    assert not cli.json("student", state_id)["student"]["graduation_date"]


def test_a_student_is_moved_within_the_lea(cli: Cli) -> None:
    before = cli.json("student", TENTH[0])["student"]["site"]
    to = "017002" if before == "017001" else "017001"

    answer = cli.json("reassign", TENTH[0], "--to", to, "--from-site", before, "--reason", "moved house")

    assert (answer["how"], answer["outcome"], answer["from_site"], answer["to_site"]) == ("moved", "stored", before, to)
    assert cli.json("student", TENTH[0])["student"]["site"] == to
    assert "Nothing to change" in cli("reassign", TENTH[0], "--to", to).said
    assert "moved house" in cli("history", TENTH[0]).said


def test_a_student_is_copied_to_another_lea(cli: Cli) -> None:
    ran = cli("reassign", TENTH[1], "--to", "018001", "--bssy", "2026")

    assert "the prior year was tried, and the set of 2025 is taken" in ran.said
    assert "sponsor 017 keeps its own" in ran.said
    assert "add --sponsor" in cli("student", TENTH[1], expect=2).err
    assert "copied from sponsor 017, 2025, version 1 at" in cli("history", TENTH[1], "--sponsor", "018").said
    assert "add --from-sponsor" in cli("reassign", TENTH[1], "--to", "019001", expect=2).err


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("reassign", "1234567890", "--to", "018001"), 1, "no student with this state id"),
        (("reassign", TENTH[2], "--to", "0180"), 2, "'0180' is no site"),
        (("reassign", TENTH[2], "--to", "018001", "--bssy", "25"), 2, "'25' is no school year"),
        (("rollover", "--sponsor", "17", "--from", "2025"), 2, "'17' is no sponsor"),
        (("rollover", "--sponsor", "017", "--from", "2025", "--site", "018001"), 2, "not one of sponsor 017"),
        (("rollover", "--sponsor", "019", "--from", "2025"), 1, "0 students rolled over"),
        (("collection", "open", "25/26"), 2, "is no school year"),
        (("collection", "grant", "2025", "017", "--until", "soon", "--reason", "x"), 2, "is no day"),
        (("collection", "grant", "2025", "017", "--until", "2027-01-01", "--reason", " "), 2, "needs its --reason"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_word(
    cli: Cli, arguments: tuple[str, ...], code: int, word: str
) -> None:
    assert word in cli(*arguments, expect=code).said


def test_non_graduates_are_rolled_over_once(cli: Cli) -> None:
    planned = cli.json("rollover", "--sponsor", "017", "--from", "2025", "--dry-run")
    done = cli.json("rollover", "--sponsor", "017", "--from", "2025")
    again = cli.json("rollover", "--sponsor", "017", "--from", "2025")

    graduates = sum(one.graduation is not None and one.state_id not in LOSING for one in PEOPLE)
    assert (planned["rolled"], planned["graduates"], planned["dry_run"]) == (60 - graduates, graduates, True)
    assert (done["rolled"], again["rolled"], again["held"]) == (60 - graduates, 0, 60 - graduates)
    assert cli.json("students", "--bssy", "2026", "--limit", "100")["count"] == 60 - graduates
    assert cli.json("student", GRADUATE)["student"]["bssy"] == "2025"


def test_outside_a_collection_nothing_is_written_until_it_is_granted(cli: Cli, file: Path) -> None:
    assert "every year is writable" in cli("collection", "list").said
    opened = cli.json("collection", "open", "2026")
    msgspec.convert(opened, ANSWERS["collection open"])

    assert cli.json("upload", file, expect=2)["upload"]["state"] == "refused"
    assert "S06 THE COLLECTION OF THIS SCHOOL YEAR IS NOT OPEN" in cli("problems", expect=2).said
    refused = cli("edit", "student", GRADUATE, "sex_code=F", "--bssy", "2025", expect=2)
    assert "2025 is not open to sponsor 017. Open now: 2026." in refused.said
    assert "S06" in cli("rollover", "--sponsor", "017", "--from", "2024", expect=2).err

    cli("collection", "grant", "2025", "017", "--until", "2199-12-31", "--reason", "form of 11/2")
    assert cli.json("upload", file, expect=1)["upload"]["state"] == "closed"
    listed = cli.json("collection", "list")
    msgspec.convert(listed, ANSWERS["collection list"])
    assert [(one["bssy"], one["opened"]) for one in listed["periods"]] == [("2026", True)]
    assert [(one["bssy"], one["sponsor"], one["until"]) for one in listed["grants"]] == [("2025", "017", "2199-12-31")]
    cli("collection", "close", "2026")
    assert "Nothing to change" in cli("collection", "close", "2026").said


def test_at_the_end_every_row_is_what_the_log_says(cli: Cli) -> None:
    assert cli.json("fsck")["differences"] == 0
