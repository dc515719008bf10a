"""`ledger demo`: the whole story, again and again, and never on anybody's ledger."""

from pathlib import Path

import pytest

from tests.e2e.cli import Cli, server_of


def test_the_demo_tells_its_story_twice_over(cli: Cli) -> None:
    """A second run makes the demo's ledger anew, and settings that name other stores are not used."""
    cli("demo", "--students", "60")

    again = cli("demo", "--students", "60", LEDGER_VIEWS_DSN="postgresql://127.0.0.1:1/real", LEDGER_BLOBS="/nowhere")

    for words in (
        "$ ledger upload first.txt",
        "0 students stored, 60 unchanged, 0 held, 0 removed",
        "because: grade appeal granted",
        "$ ledger projections rebuild --all",
        "0 differences",
        "Every step gave what the story says.",
    ):
        assert words in again.out
    assert "305 INVALID" in again.err or "311 INVALID CREDIT EARNED COUNT" in again.err
    assert not server_of(cli.home / "demo")
    demos = Cli(cli.home / "demo")
    assert demos.json("students")["count"] == 60
    assert demos.json("fsck")["differences"] == 0
    assert not server_of(demos.home)


def test_the_demo_leaves_a_folder_that_is_no_demos_alone(cli: Cli) -> None:
    mine = cli.home / "demo" / "mine.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("keep")

    ran = cli("demo", expect=2)

    assert "no demo's folder" in ran.err
    assert mine.read_text() == "keep"


@pytest.mark.kafka
def test_the_demo_tells_the_same_story_on_kafka(cli: Cli, kafka_bootstrap: list[str], tmp_path: Path) -> None:
    ran = cli(
        *("demo", "--kafka", "--students", "60"),
        LEDGER_KAFKA=",".join(kafka_bootstrap),
        LEDGER_REPLICATION="1",
        LEDGER_MIN_INSYNC="1",
    )

    assert "Every step gave what the story says." in ran.out
    assert "no gap, no repeat" in ran.out
    assert not (cli.home / "demo" / "ledger.sqlite").exists()
