"""The Kafka log while its brokers are killed, stopped, paused and damaged."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest

from events.log.contract import AppendRefused, AppendUnknown, LogUnavailable, LogUnfit
from events.log.kafka import KafkaLog
from services.embedded.local_kafka import LocalKafka
from tests.support.kafka import local_cluster
from tests.support.logs import follow_some, read_all

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

TOPICS = count()


@pytest.fixture(scope="module")
def one_node(pytestconfig: pytest.Config) -> Iterator[LocalKafka]:
    with local_cluster(pytestconfig) as kafka:
        yield kafka


@pytest.fixture(scope="module")
def three_nodes(pytestconfig: pytest.Config) -> Iterator[LocalKafka]:
    with local_cluster(pytestconfig, nodes=3) as kafka:
        yield kafka


@pytest.fixture
async def log(one_node: LocalKafka) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.open(one_node.bootstrap, f"test-{next(TOPICS)}", replication=1, min_insync=1)
    yield log
    await log.close()


@pytest.fixture
async def safe_log(three_nodes: LocalKafka) -> AsyncIterator[KafkaLog]:
    """A log with three replicas of which two must have a record."""
    log = await KafkaLog.open(three_nodes.bootstrap, f"test-{next(TOPICS)}")
    yield log
    await log.close()


class Load:
    """Appends one record after the other from several writers, and keeps what each was told."""

    def __init__(self, log: KafkaLog, writers: int = 3) -> None:
        self.acknowledged: dict[int, bytes] = {}
        self.unknown: list[bytes] = []
        self.refused: list[bytes] = []
        self._log = log
        self._enough = asyncio.Event()
        self._wanted = 0
        self._tasks = [asyncio.create_task(self._write(number)) for number in range(writers)]

    async def until_more(self, number: int) -> None:
        """Wait until so many more appends were acknowledged."""
        self._wanted = len(self.acknowledged) + number
        self._enough.clear()
        await self._enough.wait()

    async def end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, writer: int) -> None:
        for number in count():
            data = b"%d:%d" % (writer, number)
            try:
                self.acknowledged[await self._log.append(data, deadline=15)] = data
            except AppendUnknown:
                self.unknown.append(data)
            except AppendRefused:
                self.refused.append(data)
            except asyncio.CancelledError:
                self.unknown.append(data)
                raise
            if len(self.acknowledged) >= self._wanted:
                self._enough.set()


async def check(load: Load, log: KafkaLog) -> None:
    """Compare what the writers were told with what the log holds."""
    stored = await read_all(log)
    by_position = {record.position: record.data for record in stored}
    assert all(by_position[position] == data for position, data in load.acknowledged.items())
    assert len(set(by_position.values())) == len(stored)
    assert not set(by_position.values()) & set(load.refused)
    assert set(by_position.values()) <= set(load.acknowledged.values()) | set(load.unknown)


async def test_a_broker_killed_and_started_again_loses_nothing_and_a_follower_skips_nothing(
    one_node: LocalKafka, log: KafkaLog
) -> None:
    load = Load(log)
    await load.until_more(50)
    following = asyncio.create_task(follow_some(log, 300))
    await one_node.kill(1)
    with pytest.raises(LogUnavailable, match="nothing is lost"):
        await log.end()
    await one_node.restart(1)
    await load.until_more(300)
    await load.end()
    found = await following
    assert found == (await read_all(log))[: len(found)]
    await check(load, log)


async def test_without_a_broker_appends_are_settled_in_time_and_closing_is_quick_and_clean(
    one_node: LocalKafka, log: KafkaLog
) -> None:
    await log.append(b"first")
    following = asyncio.create_task(follow_some(log, 2))
    await follow_some(log, 1)
    await one_node.kill(1)
    with pytest.raises((AppendUnknown, AppendRefused)):
        await log.append(b"in flight", deadline=0.5)
    with pytest.raises(AppendRefused, match=r"could not be written in time \(.*\): nothing was stored"):
        await log.append(b"never sent", deadline=0.5)
    waiting = asyncio.create_task(log.append(b"still waiting"))
    await asyncio.sleep(0)
    async with asyncio.timeout(15):
        await log.close()
        with pytest.raises(AppendRefused, match="was closed"):
            await waiting
        with pytest.raises(LogUnavailable, match="was closed"):
            await following
    await one_node.restart(1)


async def test_case_14_a_paused_broker_makes_appends_unknown_and_the_next_one_works(
    one_node: LocalKafka, log: KafkaLog
) -> None:
    await log.append(b"first")
    one_node.pause(1)
    with pytest.raises(AppendUnknown):
        await log.append(b"unknown", deadline=0.5)
    with pytest.raises(AppendRefused):
        await log.append(b"never sent", deadline=0.5)
    one_node.resume(1)
    await log.append(b"next")
    found = [record.data for record in await read_all(log)]
    assert [data for data in found if data != b"unknown"] == [b"first", b"next"]


async def test_a_damaged_record_stops_readers_before_it(one_node: LocalKafka, log: KafkaLog) -> None:
    """One byte is flipped on the disk of a stopped broker; the client's checksum finds it."""
    await log.append(b"before")
    await log.append(b"the canary record")
    await one_node.stop_node(1)
    [segment] = [
        file
        for file in one_node.folder.glob("node1/data/test-*/00000000000000000000.log")
        if b"the canary record" in file.read_bytes()
    ]
    stored = segment.read_bytes()
    segment.write_bytes(stored.replace(b"the canary record", b"the canary recorD"))
    await one_node.restart(1)
    with pytest.raises(LogUnfit, match=r"is damaged at position \d or soon after"):
        await read_all(log)
    with pytest.raises(LogUnfit, match="is damaged"):
        await follow_some(log, 2)


async def test_case_12_each_of_three_brokers_killed_in_turn_loses_nothing_acknowledged(
    three_nodes: LocalKafka, safe_log: KafkaLog
) -> None:
    load = Load(safe_log)
    await load.until_more(50)
    following = asyncio.create_task(follow_some(safe_log, 500))
    for node in three_nodes.nodes:
        await three_nodes.kill(node.number)
        await load.until_more(50)
        await three_nodes.restart(node.number)
        await load.until_more(50)
    await load.until_more(200)
    await load.end()
    found = await following
    assert found == (await read_all(safe_log))[: len(found)]
    await check(load, safe_log)


async def test_case_8_too_few_replicas_leave_appends_unknown_until_they_are_back(
    three_nodes: LocalKafka, safe_log: KafkaLog
) -> None:
    await safe_log.append(b"first")
    await three_nodes.kill(1)
    await three_nodes.kill(2)
    with pytest.raises((AppendUnknown, AppendRefused)):
        await safe_log.append(b"unknown", deadline=3)
    await asyncio.gather(three_nodes.restart(1), three_nodes.restart(2))
    await safe_log.append(b"next", deadline=60)
    found = [record.data for record in await read_all(safe_log)]
    assert [data for data in found if data != b"unknown"] == [b"first", b"next"]
    assert found.count(b"unknown") <= 1
