"""Every fault test gets a ledger of its own, on the SQLite log and on real Kafka, and processes that it may kill."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.embedded.local_kafka import LocalKafka
from services.embedded.postgres import EmbeddedPostgres
from tests.support.faults_edges import Edge, edge_before
from tests.support.faults_processes import Nursery, open_nursery
from tests.support.faults_world import World, new_world


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def kind(request: pytest.FixtureRequest) -> str:
    """The kind of log. Parametrise it to narrow a test to one."""
    return str(request.param)


@pytest.fixture
def brokers(kind: str, request: pytest.FixtureRequest) -> list[str]:
    """The addresses of Kafka, none for an SQLite log."""
    return list(request.getfixturevalue("kafka_bootstrap")) if kind == "kafka" else []


@pytest.fixture
def own_kafka(kind: str, request: pytest.FixtureRequest) -> LocalKafka | None:
    """The Kafka that the tests themselves started, before which a proxy can stand; none for an SQLite log."""
    kafka: LocalKafka | None = request.getfixturevalue("local_kafka") if kind == "kafka" else None
    return kafka


@pytest.fixture
async def world(brokers: list[str], postgres_server: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[World]:
    """An empty ledger."""
    async with new_world(tmp_path / "home", postgres_server, brokers) as made:
        yield made


@pytest.fixture
async def edge(own_kafka: LocalKafka | None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Edge]:
    """What stands between this process and the log of `edged_world`."""
    async with edge_before(own_kafka, monkeypatch) as standing:
        yield standing


@pytest.fixture
async def edged_world(
    edge: Edge, own_kafka: LocalKafka | None, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> AsyncIterator[World]:
    """An empty ledger, whose log this process reaches through `edge`, and others go to directly."""
    direct, through = (own_kafka.bootstrap, own_kafka.proxied_bootstrap) if own_kafka else ([], [])
    async with new_world(tmp_path / "home", postgres_server, direct, through) as made:
        yield made


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    """Where processes are started that the test may kill."""
    async with open_nursery() as opened:
        yield opened
