"""What each failure means to the operator: message, exit code, and what is never shown."""

import asyncio
import signal
from uuid import uuid4

import asyncpg
import pytest
from pydantic import ValidationError

from events.log.contract import AppendRefused, AppendUnknown, LogUnavailable, LogUnfit
from events.registry.contract import RegistryUnavailable, RegistryUnfit
from projections.database import ViewsUnfitError
from projections.opening import KeyMissing
from services.blobs import BlobDamaged, BlobMissing, BlobRefused, BlobUnavailable
from services.cli.errors import (
    MEANINGS,
    CommandRefused,
    ExitCode,
    Interrupted,
    NothingFound,
    SettingsUnfit,
    Unfinished,
    explain,
    tell,
)
from services.embedded.kafka_jars import KafkaMissing
from services.embedded.local_kafka import KafkaFailed
from services.embedded.postgres_programs import EmbeddedUnavailable
from services.ledger import CommitTooLarge, OutcomeUnknown, ViewStopped
from services.rebuilding import UnknownView
from services.settings import Settings
from services.targets import NotHeld, SeveralSets

UNFIT = [LogUnfit, KeyMissing, RegistryUnfit, ViewsUnfitError, BlobMissing, BlobDamaged, SettingsUnfit]
CODES = {
    1: [NothingFound, NotHeld],
    2: [CommandRefused, CommitTooLarge, SeveralSets, UnknownView],
    69: [AppendRefused, LogUnavailable, RegistryUnavailable, BlobRefused, BlobUnavailable, ViewStopped],
    75: [AppendUnknown, Unfinished],
    78: [*UNFIT, EmbeddedUnavailable, KafkaMissing, KafkaFailed],
}


@pytest.mark.parametrize(("code", "kind"), [(code, kind) for code, kinds in CODES.items() for kind in kinds], ids=str)
def test_our_own_errors_speak_for_themselves(code: int, kind: type[Exception]) -> None:
    assert explain(kind("why, and what to do")) == ("why, and what to do", code)


def test_an_unknown_outcome_is_75_and_names_the_command() -> None:
    command = uuid4()

    message, code = explain(OutcomeUnknown(command, "no answer"))

    assert code == ExitCode.UNKNOWN
    assert f"--command-id {command}" in message


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_with_its_own_code_and_the_way_on(number: int, code: int) -> None:
    assert explain(Interrupted(number, "`ledger uploads resume` goes on.")) == (
        f"ended by {signal.Signals(number).name}. `ledger uploads resume` goes on.",
        code,
    )


def test_every_exit_code_is_explained() -> None:
    assert list(MEANINGS) == list(ExitCode)


def test_a_session_that_the_server_ended_between_two_statements_is_a_server_that_failed() -> None:
    message, code = explain(asyncpg.InternalClientError("cannot switch to state 15; another operation is in progress"))

    assert code == ExitCode.UNAVAILABLE
    assert "InternalClientError" in message


def test_what_postgresql_says_of_a_row_is_never_shown() -> None:
    error = asyncpg.UniqueViolationError("duplicate key")
    error.detail = "Key (state_id)=(1234567890) already exists."

    message, code = explain(error)

    assert code == ExitCode.UNAVAILABLE
    assert "UniqueViolationError, 23505" in message
    assert "1234567890" not in message


@pytest.mark.parametrize(
    "error", [asyncpg.InvalidPasswordError("s3cret"), asyncpg.InvalidCatalogNameError("s3cret")], ids=type
)
def test_a_database_that_refuses_us_is_a_matter_of_settings(error: Exception) -> None:
    message, code = explain(error)

    assert code == ExitCode.UNFIT
    assert "LEDGER_VIEWS_DSN" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"),
        OSError("Multiple exceptions: [Errno 111], [Errno 101]"),
        TimeoutError(),
        PermissionError(13, "Permission denied", "/var/ledger"),
        OSError(28, "No space left on device"),
    ],
    ids=["refused", "several addresses", "timeout", "rights", "full"],
)
def test_what_the_system_refuses_is_69(error: Exception) -> None:
    message, code = explain(error)

    assert code == ExitCode.UNAVAILABLE
    assert "What was answered before is safe in the log." in message


def test_the_disk_and_the_file_are_named() -> None:
    assert explain(OSError(28, "No space left on device", "/data/x"))[0].startswith("/data/x: No space left on device.")


def test_wrong_settings_are_named_without_their_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_REPLICATION", "s3cret")
    with pytest.raises(ValidationError) as raised:
        Settings()

    message, code = explain(raised.value)

    assert code == ExitCode.UNFIT
    assert "LEDGER_REPLICATION: Input should be a valid integer" in message
    assert "s3cret" not in message


def test_a_group_of_one_error_is_that_error(capsys: pytest.CaptureFixture[str]) -> None:
    group = BaseExceptionGroup("tasks", [ExceptionGroup("more", [LogUnfit("another ledger's")])])

    assert tell(group) == ExitCode.UNFIT
    assert capsys.readouterr().err == "ledger: another ledger's\n"


def failing(state_id: str) -> None:
    """Fail with something personal in the local variables, and in the message."""
    raise KeyError(state_id)


def test_a_fault_of_ours_shows_its_place_and_nothing_personal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError) as raised:
        failing("1234567890")

    assert tell(raised.value) == ExitCode.BUG
    said = capsys.readouterr().err
    assert "a fault of this program (KeyError at test_cli_errors.py:" in said
    assert "1234567890" not in said
    assert len(said.splitlines()) == 1


def test_debugging_shows_the_traceback_without_local_variables(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_DEBUG", "1")
    personal = "".join(map(str, range(10)))
    with pytest.raises(ValueError, match="fault") as raised:
        with_personal_locals(personal)

    tell(raised.value)

    said = capsys.readouterr().err
    assert "in with_personal_locals" in said
    assert personal not in said


def with_personal_locals(state_id: str) -> None:
    """Fail while a local variable holds something personal."""
    if state_id:
        raise ValueError("fault")


def test_cancellation_is_no_clean_end() -> None:
    assert explain(asyncio.CancelledError())[1] == ExitCode.BUG
