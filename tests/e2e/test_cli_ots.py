"""`ledger ots` and `ledger official` as an operator meets them: queue, answers, documents, versions."""

import csv
from pathlib import Path
from typing import Any

import pytest

from services.generate import Spec
from services.generate import generate as make
from services.generate.extract import GeneratedExtract
from tests.e2e.cli import Cli

pytestmark = pytest.mark.postgres

SCHOOL = Spec(60, sites=1, seed=3)
SITE, YEAR = "017001", ("--bssy", "2025")


@pytest.fixture
def certified(cli: Cli, tmp_path: Path) -> Cli:
    """A ledger whose one site was certified; of one graduate nobody knows the birth date."""
    batch = tmp_path / "batch.txt"
    make(SCHOOL).write(batch)
    cli("upload", batch)
    graduates = [one for one in cli.json("students", "--limit", "100")["students"] if one["graduation_date"]]
    load_extract(cli, tmp_path / "extract.csv", without_birth_date=graduates[0]["state_id"])
    cli("collection", "open", "2025")
    cli("certify", SITE, *YEAR, "--yes")
    return cli


def load_extract(cli: Cli, path: Path, *, without_birth_date: str = "") -> None:
    GeneratedExtract(SCHOOL).write(path)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if row["state_identification_number"] == without_birth_date:
            row["birth_date"] = ""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    cli("identities", "load", path)


def counts(answer: Any) -> tuple[int, int, int]:
    return answer["queued"], answer["sent"], answer["rejected"]


def test_from_queued_to_sent_or_rejected_to_a_second_version(certified: Cli, tmp_path: Path) -> None:
    cli = certified
    waiting = cli.json("ots")
    number = waiting["queued"]
    assert counts(waiting) == (number, 0, 0)
    assert (waiting["late"], len(waiting["graduates"])) == (0, number)
    assert "0 longer than a day" in cli("ots", "--limit", "1").said

    ran = cli("ots", "run", expect=1)
    assert f"{number - 1} transcripts sent, 1 rejected" in ran.said
    assert counts(cli.json("ots", expect=1)) == (0, number - 1, 1)
    (rejected,) = cli.json("ots", "--status", "R", expect=1)["graduates"]
    assert rejected["reasons"] == ["identity-missing"]
    assert "Complete the student in eScholar" in cli("ots", "--status", "R", expect=1).said

    one = cli.json("ots", "--status", "S", expect=0)["graduates"][0]["state_id"]
    write_and_render_again(cli, one, tmp_path)
    revise(cli, one, tmp_path)
    assert cli.json("fsck")["differences"] == 0


def write_and_render_again(cli: Cli, one: str, folder: Path) -> None:
    """The archived document is written for its owner alone, and today's template gives the same bytes."""
    out = folder / "first.pdf"
    answer = cli.json("official", one, "--out", out, "--rerender")
    assert out.read_bytes().startswith(b"%PDF-")
    assert out.stat().st_mode & 0o077 == 0
    assert answer["rerendered"]["same"] is True
    assert [each["version"] for each in answer["answers"]] == [0]


def revise(cli: Cli, one: str, folder: Path) -> None:
    """A corrected name of a course, certified again, makes version [1]; both are kept, and what differs is told."""
    cli("edit", "course", one, "1", "transcript_course_name=Harbors of Our Own")
    assert cli("ots", "run").said.startswith("0 transcripts sent, 0 rejected")
    cli("certify", SITE, *YEAR, "--yes")
    cli("ots", "run", expect=1)  # who was rejected is asked about again

    answers = cli.json("official", one)["answers"]
    assert [each["version"] for each in answers] == [0, 1]
    assert "Harbors of Our Own" in {after for _, _, after in answers[1]["changes"]}
    for version in ("0", "1"):
        cli("official", one, "--version", version, "--out", folder / f"{version}.pdf")
    assert (folder / "0.pdf").read_bytes() == (folder / "first.pdf").read_bytes() != (folder / "1.pdf").read_bytes()
    assert "Versions: 0, 1." in cli("official", one, "--version", "2", "--out", folder / "2.pdf", expect=1).said


def test_who_has_no_official_transcript_is_told_so(certified: Cli, tmp_path: Path) -> None:
    cli = certified
    (nobody, *_) = [one for one in cli.json("students", "--limit", "100")["students"] if not one["graduation_date"]]

    assert cli.json("official", nobody["state_id"], expect=1)["answers"] == []
    cli("official", "0000000000", expect=1)
    said = cli("official", nobody["state_id"], "--out", tmp_path / "none.pdf", expect=1).said
    assert "none yet; `ledger ots` says why" in said
    assert not (tmp_path / "none.pdf").exists()
    assert "--status X" in cli("ots", "--status", "X", expect=2).said
