"""What is down, wrong or foreign: the right exit code, in words, and nothing half done."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.cli import Cli, generate, server_of

CLOSED_PORT = "postgresql://somebody:s3cret@127.0.0.1:1/views"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """Another ledger, with one student."""
    folder = tmp_path_factory.mktemp("other")
    cli = Cli(folder / "home")
    cli("upload", generate(folder / "a.txt", students=1, seed=5))
    return cli


@pytest.mark.parametrize("setting", ["LEDGER_VIEWS_DSN", "LEDGER_REGISTRY_DSN"])
def test_a_database_that_is_down_is_69_and_nothing_is_stored(cli: Cli, tmp_path: Path, setting: str) -> None:
    ran = cli("upload", generate(tmp_path / "a.txt", students=1), expect=69, **{setting: CLOSED_PORT})

    assert "127.0.0.1" in ran.err
    assert "s3cret" not in ran.err
    assert cli.json("status")["end"] == 1  # the genesis alone: nothing half stored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_command_whose_database_died_still_ends_when_it_is_told_to(cli: Cli, number: signal.Signals) -> None:
    follow = cli.start("follow", "--from", "0")
    try:
        assert follow.stdout is not None
        assert "genesis" in follow.stdout.readline()
        server = server_of(cli.home)
        assert server is not None
        os.kill(server, signal.SIGKILL)
        follow.send_signal(number)
        _, said = follow.communicate(timeout=30)
    finally:
        follow.kill()

    assert follow.returncode == 128 + number
    assert "Traceback" not in said


def test_a_broker_that_is_down_is_69(cli: Cli) -> None:
    ran = cli("status", expect=69, LEDGER_LOG="kafka", LEDGER_KAFKA="127.0.0.1:1")

    assert "127.0.0.1:1" in ran.err


def test_kafka_without_brokers_is_78(cli: Cli) -> None:
    assert "LEDGER_KAFKA" in cli("status", expect=78, LEDGER_LOG="kafka").err


def test_wrong_settings_are_78_and_named_without_their_values(cli: Cli) -> None:
    ran = cli("status", expect=78, LEDGER_LOG="paper", LEDGER_MAX_UPLOAD_BYTES="s3cret")

    assert "LEDGER_LOG" in ran.err
    assert "LEDGER_MAX_UPLOAD_BYTES" in ran.err
    assert "s3cret" not in ran.err


def test_another_ledgers_log_is_78(shared: Cli, other: Cli) -> None:
    before = shared.json("status")
    log, kept = shared.home / "ledger.sqlite", shared.home / "kept.sqlite"
    log.rename(kept)
    log.write_bytes((other.home / "ledger.sqlite").read_bytes())

    ran = shared("students", expect=78)

    log.unlink()
    kept.rename(log)
    assert "belongs to ledger" in ran.err.replace("belong to ledger", "belongs to ledger")
    assert shared.json("status") == before


def test_a_shortened_log_is_78_and_the_way_on_is_named_and_works(cli: Cli, tmp_path: Path) -> None:
    cli("upload", generate(tmp_path / "a.txt", students=3))
    end = cli.json("status")["end"]
    with closing(sqlite3.connect(cli.home / "ledger.sqlite")) as log:
        log.execute("drop trigger nothing_goes")
        log.execute("delete from records where position >= ?", (end - 2,))
        log.execute("create trigger nothing_goes before delete on records begin select raise(abort, 'x'); end")
        log.commit()

    ran = cli("students", expect=78)

    assert f"ends at {end - 2}" in ran.err
    assert "`ledger projections rebuild --all`" in ran.err
    cli("projections", "rebuild", "--all")
    assert cli.json("students")["count"] == 2
    assert cli.json("fsck")["differences"] == 0


def test_a_lost_master_key_is_78_and_never_replaced(cli: Cli, tmp_path: Path) -> None:
    cli("upload", generate(tmp_path / "a.txt", students=1))
    (cli.home / "master.key").rename(tmp_path / "kept.key")

    ran = cli("students", expect=78)

    assert "master.key is missing" in ran.said
    assert not (cli.home / "master.key").exists()
    assert cli.json("students", LEDGER_MASTER_KEY_FILE=str(tmp_path / "kept.key"))["count"] == 1


def test_a_damaged_log_is_78(cli: Cli, tmp_path: Path) -> None:
    cli.home.mkdir()
    (cli.home / "ledger.sqlite").write_bytes(b"this is no database" * 100)

    assert "ledger.sqlite" in cli("status", expect=78).err


def test_a_home_that_cannot_be_made_is_69(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    ran = cli("status", expect=69, LEDGER_HOME=str(tmp_path / "file" / "home"))

    assert "Not a directory" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [("nonsense",), ("students", "--colour"), ("edit",), ("student",), ("uploads", "--limit", "0"), ("edit", "pupil")],
    ids=" ".join,
)
def test_wrong_arguments_are_2(cli: Cli, arguments: tuple[str, ...]) -> None:
    ran = cli(*arguments, expect=2)

    assert "Usage: ledger" in ran.out + ran.err
    assert not cli.home.exists(), "nothing was opened"


def test_version_and_help_open_nothing(cli: Cli) -> None:
    assert cli("--version").out.startswith("transcript-ledger ")
    assert "143  ended by SIGTERM" in cli("--help").out
    assert not cli.home.exists()
