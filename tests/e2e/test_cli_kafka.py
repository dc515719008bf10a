"""The same commands with the log in Apache Kafka."""

from dataclasses import replace
from json import loads
from pathlib import Path
from uuid import uuid4

import pytest

from schemas.louisiana_sts.reference_csv import DEMONSTRATION
from tests.e2e.cli import Cli, generate
from tests.e2e.test_cli_plan import planned, renumbered

pytestmark = pytest.mark.kafka


@pytest.fixture
def on_kafka(cli: Cli, kafka_bootstrap: list[str]) -> Cli:
    """A ledger whose log is a new topic on one broker."""
    settings = {
        "LEDGER_LOG": "kafka",
        "LEDGER_KAFKA": ",".join(kafka_bootstrap),
        "LEDGER_TOPIC": f"test-{uuid4()}",
        "LEDGER_REPLICATION": "1",
        "LEDGER_MIN_INSYNC": "1",
    }
    return replace(cli, settings=settings)


def test_upload_edit_replay_rebuild_and_fsck_on_kafka(on_kafka: Cli, tmp_path: Path) -> None:
    cli = on_kafka
    cli("upload", generate(tmp_path / "first.txt", students=30, faults=0.2), expect=1)
    assert cli.json("upload", generate(tmp_path / "corrected.txt", students=30))["upload"]["held"] == 0
    state_id = cli.json("students")["students"][0]["state_id"]
    before = cli.json("replay", state_id)

    edit = cli.json("edit", "student", state_id, "local_identification_number=K1")

    assert cli.json("replay", state_id, "--as-of", str(edit["position"] - 1)) == before
    assert cli.json("student", state_id)["student"]["local_id"] == "K1"
    cli("projections", "rebuild", "--all")
    assert cli.json("fsck")["differences"] == 0
    assert cli.json("status")["log"].startswith("Kafka topic test-")
    assert not (cli.home / "ledger.sqlite").exists()


def test_an_edit_between_plan_and_upload_is_refused_on_kafka(on_kafka: Cli, tmp_path: Path) -> None:
    """And nothing is stored; the new plan is stored as it says."""
    cli = on_kafka
    first = generate(tmp_path / "first.txt", students=6)
    again = renumbered(first, tmp_path / "again.txt")
    cli("upload", first)
    plan = planned(cli, again)
    edit = cli.json("edit", "student", plan["students"][0]["state_id"], "local_identification_number=K1")

    refused = cli("upload", again, "--expect-plan", f"{plan['digest']}@{plan['position']}", expect=3)

    assert plan["students"][0]["state_id"] in refused.said
    assert cli.json("status")["end"] == edit["position"] + 1
    plan = planned(cli, again)
    stored = cli.json("upload", again, "--expect-plan", f"{plan['digest']}@{plan['position']}")["upload"]
    assert (stored["stored"], stored["overwritten"]) == (plan["changed"], 0)
    assert plan["changed"] == 6
    assert cli.json("fsck")["differences"] == 0


def test_reference_tables_on_kafka(on_kafka: Cli, tmp_path: Path) -> None:
    """What is published there decides an upload, and its view is rebuilt from the topic."""
    cli = on_kafka
    cli("reference", "load", "--demonstration")
    before = cli("reference", "list", "--json").out
    made, courses = tmp_path / "made.txt", tmp_path / "courses.csv"
    cli("generate", made, "--students", "20", "--reference", "demonstration")
    assert cli.json("upload", made)["upload"]["held"] == 0

    cli("projections", "rebuild", "--all")

    assert loads(cli("reference", "list", "--json").out)["publications"] == loads(before)["publications"]
    listed = (DEMONSTRATION / "courses.csv").read_text().splitlines()
    courses.write_text("\n".join(line for line in listed if ",990101," not in line))
    cli("reference", "load", "courses", courses, "--effective", "2025")
    assert cli.json("upload", made, expect=1)["upload"]["held"] > 0
    assert cli.json("fsck")["differences"] == 0
