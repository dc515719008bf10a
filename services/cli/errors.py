"""What a failure means to the operator: one message, one exit code. The only place that decides either."""

import os
import signal
import sys
import traceback
from enum import IntEnum

DEBUG = "LEDGER_DEBUG"
SAFE = "What was answered before is safe in the log."
Explained = tuple[str, int]


class ExitCode(IntEnum):
    """How a command ended. 69, 75 and 78 are those of sysexits.h; a signal's is 128 and its number."""

    DONE = 0
    PROBLEMS = 1
    REFUSED = 2
    CONFLICT = 3
    UNAVAILABLE = 69
    BUG = 70
    UNKNOWN = 75
    UNFIT = 78
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    ExitCode.DONE: "done; nothing was found wrong",
    ExitCode.PROBLEMS: "problems or differences were found, or nothing that was asked for",
    ExitCode.REFUSED: "refused: the file, the edit or the command line",
    ExitCode.CONFLICT: "conflict: the version that was stated is not the student's any more, or the plan does not hold",
    ExitCode.UNAVAILABLE: "a server, a store or a view cannot be used now; try again",
    ExitCode.BUG: f"a fault of this program ({DEBUG}=1 shows where)",
    ExitCode.UNKNOWN: "the outcome is not known; repeat with the same --command-id",
    ExitCode.UNFIT: "settings are wrong, or stores do not belong together; a person must repair it",
    ExitCode.INTERRUPTED: "ended by Ctrl-C",
    ExitCode.TERMINATED: "ended by SIGTERM",
}


class CommandRefused(Exception):
    """The command cannot be carried out as it was given. The message says why, and what to do."""


class PlanMoved(Exception):
    """What would happen is not the plan that was named. The message says who has moved."""


class SettingsUnfit(Exception):
    """The settings contradict each other. The message names them."""


class Unfinished(Exception):
    """The command was cut off in the middle. The message says how to go on."""


class NothingFound(Exception):
    """What was asked for is not there."""


class Interrupted(Exception):
    """A signal ended the command. `word` says what stands and how to go on."""

    def __init__(self, number: int, word: str = "") -> None:
        self.number = number
        self.word = word
        super().__init__(word)


def tell(error: BaseException) -> int:
    """Print what happened on the error stream and return the exit code."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    message, code = explain(error)
    sys.stdout.flush()
    sys.stderr.write(f"ledger: {message}\n")
    if os.environ.get(DEBUG):
        traceback.print_exception(error)  # without local variables: they would show personal data
    return code


def explain(error: BaseException) -> Explained:
    """Return the message and the exit code of a failure."""
    match error:
        case Interrupted(number=number, word=word):
            name = signal.Signals(number).name
            return f"ended by {name}. {word or 'Nothing was left half done.'}", 128 + number
        case KeyboardInterrupt():
            return "ended by Ctrl-C.", ExitCode.INTERRUPTED
        case CommandRefused():
            return str(error), ExitCode.REFUSED
        case PlanMoved():
            return str(error), ExitCode.CONFLICT
        case NothingFound():
            return str(error), ExitCode.PROBLEMS
        case SettingsUnfit():
            return str(error), ExitCode.UNFIT
        case Unfinished():
            return str(error), ExitCode.UNKNOWN
    for explanation in (explain_ledger, explain_settings, explain_database, explain_system):
        if explained := explanation(error):
            return explained
    return explain_fault(error)


def explain_ledger(error: BaseException) -> Explained | None:
    """Explain what the ledger's own parts raise; their messages already say what to do."""
    from events.log.contract import AppendRefused, AppendUnknown, LogUnavailable, LogUnfit
    from events.registry.contract import RegistryUnavailable, RegistryUnfit
    from projections.database import ViewsUnfitError
    from services.blobs import BlobDamaged, BlobMissing, BlobRefused, BlobUnavailable
    from services.certifying import NotForCertification
    from services.embedded.kafka_jars import KafkaMissing
    from services.embedded.local_kafka import KafkaFailed
    from services.embedded.postgres_programs import EmbeddedUnavailable
    from services.ledger import CommitTooLarge, OutcomeUnknown, ViewStopped
    from services.rebuilding import UnknownView
    from services.targets import NoSuchVersion, NotHeld, SeveralSets

    codes: dict[ExitCode, tuple[type[Exception], ...]] = {
        ExitCode.PROBLEMS: (NotHeld, NoSuchVersion),
        ExitCode.REFUSED: (CommitTooLarge, NotForCertification, SeveralSets, UnknownView),
        ExitCode.UNAVAILABLE: (LogUnavailable, RegistryUnavailable, BlobUnavailable, ViewStopped),
        ExitCode.UNKNOWN: (OutcomeUnknown, AppendUnknown),
        ExitCode.UNFIT: (LogUnfit, RegistryUnfit, ViewsUnfitError, BlobMissing, BlobDamaged),
    }
    full, missing = (AppendRefused, BlobRefused), (EmbeddedUnavailable, KafkaMissing, KafkaFailed)
    codes[ExitCode.UNAVAILABLE] += full
    codes[ExitCode.UNFIT] += missing
    return next(((str(error), code) for code, kinds in codes.items() if isinstance(error, kinds)), None)


def explain_settings(error: BaseException) -> Explained | None:
    """Name the settings that are wrong, never their values: some are secrets."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return None
    wrong = [f"LEDGER_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors()]
    return f"the settings are wrong. {'; '.join(wrong)}. Correct the environment and repeat.", ExitCode.UNFIT


def explain_database(error: BaseException) -> Explained | None:
    """Explain a PostgreSQL error by its class alone: its text may quote a row, and a row holds personal data."""
    import asyncpg

    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError | asyncpg.InvalidCatalogNameError):
        why = f"PostgreSQL refuses the connection ({error.sqlstate}): no such database, user or password. "
        return why + "Correct LEDGER_VIEWS_DSN and LEDGER_REGISTRY_DSN.", ExitCode.UNFIT
    # InternalClientError: also when the server ends a session just before the next statement.
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError):
        code = getattr(error, "sqlstate", None) or "no code"
        why = f"PostgreSQL failed ({type(error).__name__}, {code}). {SAFE} "
        return why + "See the server's own log, then repeat.", ExitCode.UNAVAILABLE
    return None


def explain_system(error: BaseException) -> Explained | None:
    """Explain what the operating system refuses."""
    if isinstance(error, ConnectionError | TimeoutError) or (isinstance(error, OSError) and error.errno is None):
        why = f"a server cannot be reached ({error}). {SAFE} "
        repair = "Start it, or correct LEDGER_VIEWS_DSN, LEDGER_REGISTRY_DSN or LEDGER_KAFKA, then repeat."
        return why + repair, ExitCode.UNAVAILABLE
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename else ""
        return f"{place}{error.strerror}. {SAFE} Repair that, then repeat.", ExitCode.UNAVAILABLE
    return None


def explain_fault(error: BaseException) -> Explained:
    """Explain our own faults."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "site-packages" not in frame.filename]
    place = f" at {ours[-1].filename.rsplit('/', 1)[-1]}:{ours[-1].lineno}" if ours else ""
    why = f"a fault of this program ({type(error).__name__}{place}). {SAFE} "
    return why + f"{DEBUG}=1 shows where it happened; please report it.", ExitCode.BUG
