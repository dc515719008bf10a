"""The servers and logs that all tests may ask for. A server starts when the first test asks for it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from services.embedded import postgres
from services.embedded.local_kafka import LocalKafka
from services.embedded.postgres import EmbeddedPostgres
from services.embedded.watchdog import Watchdog
from tests.support.kafka import MISSING, local_cluster, named_brokers
from tests.support.logs import LogMaker, Opener, kafka_opener, memory_opener, sqlite_opener
from tests.support.postgres import fresh_database

KINDS = ["memory", "sqlite", pytest.param("kafka", marks=pytest.mark.kafka)]


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """The session's own PostgreSQL server. It ends with us even if we are killed."""
    home = Path(mkdtemp(prefix="ledger-test-"))
    watchdog = Watchdog(home)
    server = asyncio.run(postgres.start(home))
    watchdog.watch(int((home / "postgres" / "postmaster.pid").read_text().splitlines()[0]))
    yield server
    asyncio.run(server.stop())
    watchdog.close()


@pytest.fixture
async def views_dsn(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The connection string of an empty database for views."""
    async with fresh_database(postgres_server, "views") as dsn:
        yield dsn


@pytest.fixture
async def registry_dsn(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The connection string of an empty database for the registry."""
    async with fresh_database(postgres_server, "registry") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def local_kafka(pytestconfig: pytest.Config) -> Iterator[LocalKafka]:
    """The session's own Kafka, of one node. Leave it running as it was."""
    with local_cluster(pytestconfig) as kafka:
        yield kafka


@pytest.fixture(scope="session")
def kafka_bootstrap(request: pytest.FixtureRequest) -> list[str]:
    """Addresses of brokers: those named by LEDGER_TEST_KAFKA, or the session's own."""
    if named := named_brokers():
        return named
    own: LocalKafka = request.getfixturevalue("local_kafka")
    return own.bootstrap


@pytest.fixture(params=KINDS)
def log_kind(request: pytest.FixtureRequest) -> str:
    """Each kind of log in turn. Parametrise it to narrow a test to some."""
    return str(request.param)


@pytest.fixture
def log_opener(log_kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Opener:
    """Opens a log of this kind by its name."""
    if log_kind == "kafka":
        return kafka_opener(request.getfixturevalue("kafka_bootstrap"))
    return memory_opener() if log_kind == "memory" else sqlite_opener(tmp_path)


@pytest.fixture
async def new_log(log_kind: str, log_opener: Opener) -> AsyncIterator[LogMaker]:
    """Makes new empty logs of each kind in turn (tests/support/logs.py) and closes them afterwards."""
    maker = LogMaker(log_kind, log_opener)
    yield maker
    await maker.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say once, loudly, that Kafka was not tested."""
    if why := config.stash.get(MISSING, None):
        terminalreporter.write_line(f"THE KAFKA TESTS WERE SKIPPED: {why}", red=True, bold=True)
