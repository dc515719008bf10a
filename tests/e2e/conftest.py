"""Ledgers for end-to-end tests. Every command is a process of its own: the console script itself."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

from services.embedded import postgres
from services.embedded.watchdog import Watchdog
from tests.e2e.cli import Cli, generate, server_of


@pytest.fixture
def cli() -> Iterator[Cli]:
    """The command line on a fresh LEDGER_HOME; at the end its server must be gone."""
    with fresh_home() as home:
        yield Cli(home)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """One ledger for a module's tests, with 60 students of whom some are held.

    Its server is kept running in between, which saves a second a command. Tests must not use each other's students.
    """
    with fresh_home() as home, running_server(home):
        cli = Cli(home)
        cli("upload", generate(tmp_path_factory.mktemp("files") / "first.txt", faults=0.1), expect=1)
        yield cli


@contextmanager
def fresh_home() -> Iterator[Path]:
    """Yield a home that does not exist yet; not under pytest's own folder, which PostgreSQL's user may not enter."""
    folder = Path(mkdtemp(prefix="ledger-e2e-"))
    watchdog = Watchdog(folder)
    try:
        yield folder / "home"
        assert not server_of(folder / "home"), "the embedded PostgreSQL outlived the commands"
    finally:
        watchdog.close()


@contextmanager
def running_server(home: Path) -> Iterator[None]:
    """Keep the server of a home running; it ends with us even if we are killed."""
    share = asyncio.run(postgres.start(home))
    watchdog = Watchdog()
    pid = server_of(home)
    assert pid is not None
    watchdog.watch(pid)
    try:
        yield
    finally:
        asyncio.run(share.stop())
        watchdog.forget(pid)
        watchdog.close()


@pytest.fixture
def own_student(shared: Cli, request: pytest.FixtureRequest) -> str:
    """The state id of a student whom no other test of the module uses."""
    students: Callable[[], str] = request.getfixturevalue("next_student")
    return students()


@pytest.fixture(scope="module")
def next_student(shared: Cli) -> Callable[[], str]:
    """Deals out the stored students who hold courses and a credential, each once."""
    rows = shared.json("students", "--limit", "1000")["students"]
    dealt = iter([row["state_id"] for row in rows if row["credentials"] and row["courses"] > 3])
    return lambda: next(dealt)
