"""Case 8: too large, no topic, too few replicas, no room: the error says so, and the next command works."""

import resource
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM
from uuid import UUID, uuid4

import pytest

from events.log.contract import AppendRefused
from events.log.kafka_topic import Wanted
from events.student_commands import EditStudent
from services.commands import Stored, Target, execute
from services.embedded.local_kafka import LocalKafka
from services.embedded.postgres import EmbeddedPostgres
from services.ledger import CommitTooLarge, Ledger, OutcomeUnknown
from tests.support.faults_job import KeepEditing
from tests.support.faults_logs import ImpatientLog
from tests.support.faults_oracle import examine
from tests.support.faults_processes import Child, Nursery
from tests.support.faults_world import World, new_world, stored_students
from tests.support.kafka import alter_topic, delete_topic, local_cluster

CHANGE = EditStudent({"local_identification_number": "AFTER"})
PATIENCE = 1.0
ROOM = 16 * 1024
"""Bytes that a full disk has left: enough for a few edits."""

on_sqlite = pytest.mark.parametrize("kind", ["sqlite"])
on_kafka = pytest.mark.parametrize("kind", [pytest.param("kafka", marks=pytest.mark.kafka)])


@pytest.fixture
def one_node(pytestconfig: pytest.Config) -> Iterator[LocalKafka]:
    """A Kafka to be broken."""
    with local_cluster(pytestconfig) as kafka:
        yield kafka


@pytest.fixture
def three_nodes(pytestconfig: pytest.Config) -> Iterator[LocalKafka]:
    """Three to be broken."""
    with local_cluster(pytestconfig, nodes=3) as kafka:
        yield kafka


async def send(ledger: Ledger, whose: Target, command: UUID) -> None:
    """Send the change and expect that it is stored."""
    assert isinstance(await execute(ledger, whose, CHANGE, command_id=command), Stored)


def impatient(ledger: Ledger) -> Ledger:
    """Return the ledger as a client sees it who does not wait for long."""
    return replace(ledger, log=ImpatientLog(ledger.log, PATIENCE))


async def test_a_command_too_large_for_one_record_is_refused_before_it_is_sent(world: World) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        end = await ledger.log.end()
        with pytest.raises(CommitTooLarge, match="at most 921600 fit into a record"):
            await execute(ledger, whose, CHANGE, command_id=uuid4(), reason=secrets.token_hex(1_000_000))
        assert await ledger.log.end() == end
        await send(ledger, whose, uuid4())
        await examine(ledger, world.journal)


@on_kafka
async def test_a_record_that_the_broker_finds_too_large_is_refused_and_its_repeat_stands_once(world: World) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        command = uuid4()
        await alter_topic(world.kafka, world.topic, Wanted(1, 1).settings | {"max.message.bytes": "200"})
        with pytest.raises(AppendRefused, match="nothing was stored"):
            await execute(ledger, whose, CHANGE, command_id=command)
        await alter_topic(world.kafka, world.topic, Wanted(1, 1).settings)
        await send(ledger, whose, command)
        truth = await examine(ledger, world.journal)
        assert [verdict for _, verdict in truth.attempts(command)] == ["stands"]


@pytest.mark.kafka
async def test_with_two_of_three_brokers_dead_outcomes_are_unknown_until_they_are_back(
    three_nodes: LocalKafka, postgres_server: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with new_world(tmp_path / "home", postgres_server, three_nodes.bootstrap) as world:
        world.more = {"LEDGER_REPLICATION": "3", "LEDGER_MIN_INSYNC": "2"}
        async with world.open() as ledger:
            [whose] = await stored_students(ledger, world, 1)
            command = uuid4()
            for number in (2, 3):
                await three_nodes.kill(number)
            with pytest.raises((OutcomeUnknown, AppendRefused)):
                await execute(impatient(ledger), whose, CHANGE, command_id=command)
            for number in (2, 3):
                await three_nodes.restart(number)
            await send(ledger, whose, command)
            truth = await examine(ledger, world.journal)
            assert len(truth.of_command(command)) == 1


@on_kafka
async def test_a_topic_deleted_under_the_writer_is_said_in_time(world: World) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        await delete_topic(world.kafka, world.topic)
        with pytest.raises((OutcomeUnknown, AppendRefused), match=world.topic):
            await execute(impatient(ledger), whose, CHANGE, command_id=uuid4())


@on_sqlite
async def test_a_file_removed_under_the_writer_is_said_and_put_back_it_is_written_again(world: World) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        command, path = uuid4(), world.home / "ledger.sqlite"
        aside = path.rename(path.with_name("aside"))
        with pytest.raises(AppendRefused, match="was removed or replaced"):
            await execute(ledger, whose, CHANGE, command_id=command)
        aside.rename(path)
        await send(ledger, whose, command)
        await examine(ledger, world.journal)


async def writing(nursery: Nursery, world: World) -> Child:
    """Start a process that edits and edits, once it has been answered a few times."""
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
    writer = await nursery.start(world.job(KeepEditing([whose.state_id])))
    await writer.told("answered", 3)
    return writer


async def goes_on_as_if_nothing_had_been(writer: Child, world: World) -> None:
    """Wait until the command that failed and more are answered, end the writer, and examine the ledger."""
    await writer.told("answered", len(world.journal.lines("answered")) + 5)
    writer.signal(SIGTERM)
    assert await writer.ended() == 0, world.said()
    failed = {line.command for line in world.journal.lines("failed")}
    assert failed <= world.journal.answers().keys()
    async with world.open() as ledger:
        await examine(ledger, world.journal)


def limit_files(pid: int, size: int) -> None:
    """Let a process write no file beyond a size, as if its disk were full there."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@on_sqlite
async def test_a_disk_full_under_the_sqlite_log_is_said_and_with_room_again_the_writer_goes_on(
    world: World, nursery: Nursery
) -> None:
    writer = await writing(nursery, world)
    limit_files(writer.pid, (world.home / "ledger.sqlite-wal").stat().st_size + ROOM)
    await writer.told("failed")
    limit_files(writer.pid, resource.RLIM_INFINITY)
    await goes_on_as_if_nothing_had_been(writer, world)
    assert {line.body["error"] for line in world.journal.lines("failed")} <= {"AppendRefused", "OutcomeUnknown"}


@pytest.mark.kafka
async def test_a_disk_full_under_the_broker_is_said_and_with_room_again_the_writer_goes_on(
    one_node: LocalKafka, postgres_server: EmbeddedPostgres, nursery: Nursery, tmp_path: Path
) -> None:
    """Kafka ends itself when it cannot write; started again on a disk with room it recovers what it had."""
    async with new_world(tmp_path / "home", postgres_server, one_node.bootstrap) as world:
        writer = await writing(nursery, world)
        [segment] = one_node.folder.glob(f"node1/data/{world.topic}-0/*.log")
        limit_files(one_node._running[1].pid, segment.stat().st_size + ROOM)
        await writer.told("failed")
        await one_node.restart(1)
        await goes_on_as_if_nothing_had_been(writer, world)
