"""Identities and certification as an operator meets them: from eScholar's extract to a site's second certification."""

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.generate import Spec
from services.generate import generate as make
from services.generate.extract import GeneratedExtract
from tests.e2e.cli import LEDGER, Cli

pytestmark = pytest.mark.postgres

SCHOOL = Spec(60, sites=2, seed=3)
YEAR = ("--bssy", "2025")


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """A sponsor's batch file, and eScholar's extract of its students."""
    batch, extract = tmp_path / "batch.txt", tmp_path / "extract.csv"
    make(SCHOOL).write(batch)
    GeneratedExtract(SCHOOL).write(extract)
    return batch, extract


def standings(cli: Cli, *, expect: int) -> dict[str, str]:
    answer = cli.json("certifications", expect=expect)
    return {one["site"]: one["standing"] for one in answer["sites"]}


def test_from_the_extract_to_a_second_certification(cli: Cli, files: tuple[Path, Path]) -> None:
    batch, extract = files
    load_identities(cli, extract)
    cli("upload", batch)
    lacking = cli.json("identities", "missing", expect=1)
    assert 0 < lacking["count"] == len(lacking["students"]) < 20
    refuse_a_closed_year(cli)
    first = certify_one_site(cli)
    recertify(cli, first)
    withdraw(cli)
    assert cli.json("fsck")["differences"] == 0
    leave_nothing_readable(cli)


def load_identities(cli: Cli, extract: Path) -> None:
    """A dry run stores nothing, a load everybody, a second one nobody."""
    dry = cli.json("identities", "load", extract, "--dry-run")
    assert (dry["dry_run"], dry["new"], dry["stored"]) == (True, 60, 0)
    assert "60 new, 0 changed, 0 unchanged" in cli("identities", "load", extract).out
    again = cli.json("identities", "load", extract)
    assert (again["new"], again["changed"], again["unchanged"], again["stored"]) == (0, 0, 60, 0)


def refuse_a_closed_year(cli: Cli) -> None:
    """The invented year is over; only an open collection lets it be certified."""
    ran = cli("certify", "017001", *YEAR, "--yes", expect=2)
    assert "school year 2025 is not the current one" in ran.said
    assert "(R-174)" in ran.said
    cli("collection", "open", "2025")


def certify_one_site(cli: Cli) -> Any:
    """Nothing is certified before somebody says yes."""
    assert standings(cli, expect=1) == {"017001": "never-certified", "017002": "never-certified"}
    shown = cli.json("certify", "017001", *YEAR, "--dry-run")
    assert (shown["outcome"], shown["held_back"], shown["leaving"]) == ("shown", 0, 0)
    assert "nobody can be asked here" in cli("certify", "017001", *YEAR, expect=2).said
    assert "--json does not ask" in cli("certify", "017001", *YEAR, "--json", expect=2).said
    assert standings(cli, expect=1)["017001"] == "never-certified"

    done = cli.json("certify", "017001", *YEAR, "--yes")
    assert (done["outcome"], done["graduates"]) == ("certified", shown["graduates"])
    repeated = cli.json("certify", "017001", *YEAR, "--yes", "--command-id", done["command"])
    assert (repeated["outcome"], repeated["position"]) == ("repeated", done["position"])
    assert "exactly these graduates are certified already" in cli("certify", "017001", *YEAR, "--yes").said
    assert standings(cli, expect=1) == {"017001": "certified", "017002": "never-certified"}
    return done


def recertify(cli: Cli, first: Any) -> None:
    """An edit of a graduate is named with its position, until the site is certified again."""
    one = first["graduates"][0]
    edited = cli.json("edit", "student", one["state_id"], "local_identification_number=LC7777777")
    answer = cli.json("certifications", expect=1)
    (against,) = answer["disagreements"]
    assert (against["state_id"], against["what"]) == (one["state_id"], "record-changed")
    assert against["position"] == answer["sites"][0]["since_position"] == edited["position"]
    said = cli("certifications", expect=1).said
    assert "needs recertification" in said
    assert "the record was changed" in said

    cli("certify", "017001", *YEAR, "--yes")
    cli("certify", "017002", *YEAR, "--yes")
    assert standings(cli, expect=0) == {"017001": "certified", "017002": "certified"}


def withdraw(cli: Cli) -> None:
    """A withdrawal needs a reason and is shown as one."""
    cli("uncertify", "017002", *YEAR, "--reason", " ", expect=2)
    done = cli.json("uncertify", "017002", *YEAR, "--reason", "wrong data were sent")
    assert done["outcome"] == "withdrawn"
    assert cli.json("uncertify", "017002", *YEAR, "--reason", "again")["outcome"] == "unchanged"
    assert standings(cli, expect=1)["017002"] == "withdrawn"


def leave_nothing_readable(cli: Cli) -> None:
    """No name, birth date or number of the extract lies readable in the log."""
    log = b"".join(path.read_bytes() for path in cli.home.glob("ledger.sqlite*"))
    canaries = GeneratedExtract(SCHOOL).canaries
    assert log
    assert not [one for one in (*canaries.names, *canaries.birth_dates, *canaries.state_ids) if one.encode() in log]


def test_what_was_shown_is_certified_although_an_edit_lands_while_the_certifier_thinks(
    cli: Cli, files: tuple[Path, Path]
) -> None:
    """The question is asked with the ledger closed; no is no; yes certifies what was shown and nothing newer."""
    cli("upload", files[0])
    cli("collection", "open", "2025")
    assert certifier(cli, lambda: None, says="n") == 2
    assert standings(cli, expect=1)["017001"] == "never-certified"

    one = cli.json("certify", "017001", *YEAR, "--dry-run")["graduates"][0]["state_id"]
    edited: list[int] = []

    def edit() -> None:
        answer = cli.json("edit", "student", one, "local_identification_number=LC7777777")
        edited.append(answer["position"])

    assert certifier(cli, edit, says="y") == 0
    answer = cli.json("certifications", expect=1)
    assert answer["sites"][0]["standing"] == "needs-recertification"
    assert [(each["state_id"], [each["position"]]) for each in answer["disagreements"]] == [(one, edited)]
    assert answer["sites"][0]["position"] > edited[0]


def certifier(cli: Cli, meanwhile: Callable[[], None], *, says: str) -> int:
    """Somebody at a terminal: looks, lets something happen, answers. Returns how the command ended."""
    terminal, inner = pty.openpty()
    command = [str(LEDGER), "certify", "017001", *YEAR]
    with subprocess.Popen(command, stdin=inner, stdout=subprocess.PIPE, stderr=inner, env=cli.environment({})) as asked:
        os.close(inner)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(terminal, 1000)
        meanwhile()
        os.write(terminal, f"{says}\n".encode())
        asked.communicate(timeout=60)
    os.close(terminal)
    return asked.returncode


def test_a_faulty_extract_is_refused_whole_with_every_fault_and_no_value(cli: Cli, files: tuple[Path, Path]) -> None:
    _, extract = files
    lines = extract.read_text("utf-8").splitlines()
    lines[5] = lines[5].replace(",F,", ",X,").replace(",M,", ",X,")
    lines[9] = lines[9].replace(lines[9].split(",")[0], lines[5].split(",")[0])
    extract.write_text("\n".join(lines), "utf-8")

    answer = cli.json("identities", "load", extract, expect=2)
    assert [(one["line"], one["field"], one["code"]) for one in answer["problems"]] == [
        (6, "sex_code", "I05"),
        (10, "state_identification_number", "I06"),
    ]
    ran = cli("identities", "load", extract, expect=2)
    assert "refused whole for 2 faults; nothing was stored" in ran.said
    assert "I05 VALUE IS NOT WHAT ITS COLUMN HOLDS line 6 sex_code. M or F." in ran.said
    for cell in (*lines[5].split(",")[:5], *lines[9].split(",")[:5]):
        assert not cell or len(cell) < 4 or cell not in ran.said
    assert cli.json("identities", "load", files[1].parent / "batch.txt", expect=2)["problems"]


def test_generate_writes_the_extract_too(cli: Cli, tmp_path: Path) -> None:
    batch, extract = tmp_path / "made.txt", tmp_path / "made.csv"
    cli("generate", batch, "--students", "20", "--extract", extract)
    assert extract.read_bytes() == GeneratedExtract(Spec(20)).data
    ran = cli("generate", batch, "--students", "20", "--layout", "nonpublic", "--extract", extract, expect=2)
    assert "nonpublic" in ran.said
