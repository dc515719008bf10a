"""What only the Kafka log can get wrong: the topic's settings, lost answers, brokers that refuse, pause and die.

Numbers of fault cases are in the tests' names.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete

from events.log.contract import AppendRefused, AppendUnknown, LogUnavailable, LogUnfit, Record
from events.log.kafka import KafkaLog
from events.log.kafka_client import OncePerPeriod
from events.log.kafka_topic import Wanted
from services.embedded.local_kafka import LocalKafka
from tests.support.kafka import admin_of, alter_topic, delete_topic
from tests.support.logs import follow_some, read_all
from tests.support.proxy import FETCH, PRODUCE, FaultProxy, proxies_before

pytestmark = pytest.mark.kafka

SAFE = Wanted(replication=1, min_insync=1).settings
NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20
DUPLICATE_SEQUENCE = 46

Opener = Callable[..., AbstractAsyncContextManager[KafkaLog]]


@pytest.fixture
def topic() -> str:
    return f"test-{uuid4()}"


@asynccontextmanager
async def opened(bootstrap: list[str], topic: str, *, create: bool = True) -> AsyncIterator[KafkaLog]:
    log = await KafkaLog.open(bootstrap, topic, replication=1, min_insync=1, create=create)
    try:
        yield log
    finally:
        await log.close()


@pytest.fixture
async def log(kafka_bootstrap: list[str], topic: str) -> AsyncIterator[KafkaLog]:
    async with opened(kafka_bootstrap, topic) as log:
        yield log


@pytest.fixture
async def proxy(local_kafka: LocalKafka) -> AsyncIterator[FaultProxy]:
    async with proxies_before(local_kafka) as [proxy]:
        yield proxy


@pytest.fixture
async def behind_proxy(local_kafka: LocalKafka, proxy: FaultProxy, topic: str) -> AsyncIterator[KafkaLog]:
    """A log whose clients come through the proxy. Its producer is connected already."""
    async with opened(local_kafka.proxied_bootstrap, topic) as log:
        await log.append(b"first")
        yield log


async def create_topic(
    bootstrap: list[str], topic: str, settings: dict[str, str] | None = None, partitions: int = 1
) -> None:
    async with admin_of(bootstrap) as admin:
        answer = await admin.create_topics([NewTopic(topic, partitions, 1, topic_configs=settings or SAFE)])
        assert [code for _, code, *_ in answer.topic_errors] == [0]


async def delete_records_before(bootstrap: list[str], topic: str, position: int) -> None:
    async with admin_of(bootstrap) as admin:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=position)})


async def append_in_a_transaction(bootstrap: list[str], topic: str, data: bytes) -> None:
    """Append as a foreign transactional producer does, and wait until its marker is written too."""
    name = f"foreign-{uuid4()}"
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
    await producer.start()
    async with producer.transaction():
        await (await producer.send(topic, data, partition=0))
    await producer.stop()
    successor = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id=name)
    await successor.start()  # the broker makes it wait for the end of the transaction before
    await successor.stop()


# The topic


async def test_a_new_topic_keeps_everything_and_is_found_fit_again(kafka_bootstrap: list[str], topic: str) -> None:
    async with opened(kafka_bootstrap, topic) as log:
        await log.append(b"record")
    async with opened(kafka_bootstrap, topic, create=False) as log:
        assert await read_all(log) == [Record(0, b"record")]


async def test_many_who_open_a_new_topic_at_once_share_it(kafka_bootstrap: list[str], topic: str) -> None:
    logs = await asyncio.gather(*(KafkaLog.open(kafka_bootstrap, topic, replication=1, min_insync=1) for _ in range(5)))
    positions = [await log.append(b"record") for log in logs]
    assert positions == [0, 1, 2, 3, 4]
    for log in logs:
        await log.close()


@pytest.mark.parametrize(
    ("setting", "weaker", "wanted"),
    [
        ("cleanup.policy", "compact", "delete"),
        ("retention.ms", "604800000", "-1"),
        ("retention.bytes", "1000000", "-1"),
        ("unclean.leader.election.enable", "true", "false"),
        ("message.timestamp.type", "CreateTime", "LogAppendTime"),
        ("max.message.bytes", "1000", "1048576 or more"),
    ],
)
async def test_case_11_a_weaker_setting_is_refused_by_name(
    kafka_bootstrap: list[str], topic: str, setting: str, weaker: str, wanted: str
) -> None:
    await create_topic(kafka_bootstrap, topic, SAFE | {setting: weaker})
    with pytest.raises(LogUnfit, match=f"{setting} is {weaker}, wanted is {wanted}: kafka-configs --alter"):
        await KafkaLog.open(kafka_bootstrap, topic, replication=1, min_insync=1)


async def test_case_11_fewer_replicas_and_fewer_in_sync_are_refused_together(
    kafka_bootstrap: list[str], topic: str
) -> None:
    await create_topic(kafka_bootstrap, topic)
    with pytest.raises(LogUnfit, match=r"1 replicas, at least 3 .* min.insync.replicas is 1, wanted is 2 or more"):
        await KafkaLog.open(kafka_bootstrap, topic)


async def test_case_11_a_second_partition_is_refused(kafka_bootstrap: list[str], topic: str) -> None:
    await create_topic(kafka_bootstrap, topic, partitions=2)
    with pytest.raises(LogUnfit, match="2 partitions, but one order needs one"):
        await KafkaLog.open(kafka_bootstrap, topic, replication=1, min_insync=1)


async def test_a_missing_topic_is_refused_and_not_created_unless_asked_for(
    kafka_bootstrap: list[str], topic: str
) -> None:
    with pytest.raises(LogUnfit, match="there is no topic"):
        await KafkaLog.open(kafka_bootstrap, topic, replication=1, min_insync=1, create=False)
    async with admin_of(kafka_bootstrap) as admin:
        assert topic not in await admin.list_topics()


async def test_more_replicas_than_brokers_is_said(local_kafka: LocalKafka, topic: str) -> None:
    with pytest.raises(LogUnfit, match="cannot be created with 3 replicas"):
        await KafkaLog.open(local_kafka.bootstrap, topic)


async def test_brokers_that_do_not_answer_are_said(topic: str) -> None:
    with pytest.raises(LogUnavailable, match="see that it runs"):
        await KafkaLog.open(["127.0.0.1:1"], topic)


# What was removed


async def test_case_15_a_topic_without_its_first_records_is_refused(
    log: KafkaLog, kafka_bootstrap: list[str], topic: str
) -> None:
    for _ in range(5):
        await log.append(b"record")
    await delete_records_before(kafka_bootstrap, topic, 3)
    with pytest.raises(LogUnfit, match="begins at position 3: records were removed"):
        await KafkaLog.open(kafka_bootstrap, topic, replication=1, min_insync=1)


async def test_case_15_a_reader_is_never_carried_over_removed_records(
    log: KafkaLog, kafka_bootstrap: list[str], topic: str
) -> None:
    for number in range(5):
        await log.append(b"%d" % number)
    await delete_records_before(kafka_bootstrap, topic, 3)
    with pytest.raises(LogUnfit, match="reaches from position 3 to 5, so it cannot be read from 2"):
        await read_all(log, 2)
    with pytest.raises(LogUnfit, match="cannot be read from 0"):
        await follow_some(log, 1)
    assert [record.data for record in await read_all(log, 3)] == [b"3", b"4"]


# The bytes


async def test_records_carry_neither_key_nor_headers(log: KafkaLog, kafka_bootstrap: list[str], topic: str) -> None:
    await log.append(b"record")
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka_bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    consumer.assign([TopicPartition(topic, 0)])
    found = await consumer.getone()
    await consumer.stop()
    assert (found.key, found.value, found.headers) == (None, b"record", ())


async def test_case_26_a_foreign_producers_null_keys_and_headers_read_as_plain_bytes(
    log: KafkaLog, kafka_bootstrap: list[str], topic: str
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=kafka_bootstrap)
    await producer.start()
    await producer.send_and_wait(topic, value=None, key=b"tombstone", partition=0)
    await producer.send_and_wait(topic, value=b"theirs", headers=[("h", None), ("\u00e9", b"\xff")], partition=0)
    await producer.stop()
    assert [record.data for record in await read_all(log)] == [b"", b"theirs"]


async def test_a_foreign_transactions_marker_is_a_gap_and_not_an_end(
    log: KafkaLog, kafka_bootstrap: list[str], topic: str
) -> None:
    await append_in_a_transaction(kafka_bootstrap, topic, b"theirs")
    assert await log.append(b"ours") == 2
    assert await read_all(log) == [Record(0, b"theirs"), Record(2, b"ours")]
    assert await follow_some(log, 2) == [Record(0, b"theirs"), Record(2, b"ours")]


async def test_a_log_that_ends_with_a_foreign_marker_is_read_to_its_end(
    log: KafkaLog, kafka_bootstrap: list[str], topic: str
) -> None:
    await append_in_a_transaction(kafka_bootstrap, topic, b"theirs")
    assert await log.end() == 2
    assert await read_all(log) == [Record(0, b"theirs")]


# Faults on the way


async def test_case_2_a_swallowed_answer_is_unknown_although_the_record_is_there(
    behind_proxy: KafkaLog, proxy: FaultProxy
) -> None:
    proxy.swallow.add(PRODUCE)
    with pytest.raises(AppendUnknown, match="look the command up, or repeat it"):
        await behind_proxy.append(b"unknown", deadline=0.5)
    assert proxy.swallowed[PRODUCE] == 1
    proxy.swallow.clear()
    await behind_proxy.append(b"next")
    assert [record.data for record in await read_all(behind_proxy)] == [b"first", b"unknown", b"next"]


async def test_case_4_a_cancelled_append_that_lands_late_lands_once(behind_proxy: KafkaLog, proxy: FaultProxy) -> None:
    await proxy.hold(PRODUCE)
    requested = proxy.requests[PRODUCE]
    appending = asyncio.create_task(behind_proxy.append(b"late", deadline=1))
    await proxy.until_requested(PRODUCE, requested + 1)
    appending.cancel()
    following = asyncio.create_task(follow_some(behind_proxy, 3))
    next_one = asyncio.create_task(behind_proxy.append(b"next", deadline=20))
    await proxy.until_requested(PRODUCE, requested + 2)
    await proxy.hold()
    await next_one
    assert sorted(record.data for record in await following) == [b"first", b"late", b"next"]


@pytest.mark.parametrize("code", [DUPLICATE_SEQUENCE, NOT_ENOUGH_REPLICAS_AFTER_APPEND])
async def test_cases_8_and_10_an_answer_without_an_offset_is_unknown_and_the_next_append_works(
    behind_proxy: KafkaLog, proxy: FaultProxy, code: int
) -> None:
    proxy.produce_error = code
    with pytest.raises(AppendUnknown):
        await behind_proxy.append(b"unknown", deadline=1)
    proxy.produce_error = None
    assert await behind_proxy.append(b"next") == 2
    assert [record.data for record in await read_all(behind_proxy)] == [b"first", b"unknown", b"next"]


async def test_cases_8_and_9_a_record_the_broker_refuses_is_refused_alone(
    log: KafkaLog, kafka_bootstrap: list[str], topic: str
) -> None:
    await log.append(b"first")
    await alter_topic(kafka_bootstrap, topic, SAFE | {"max.message.bytes": "100000"})
    outcomes = await asyncio.gather(
        *(log.append(data) for data in (b"before", os.urandom(500_000), b"after")), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes] == [int, AppendRefused, int]
    await log.append(b"later")
    assert [record.data for record in await read_all(log)] == [b"first", b"before", b"after", b"later"]


async def test_case_8_a_missing_topic_refuses_appends_until_it_is_there(
    log: KafkaLog, kafka_bootstrap: list[str], topic: str
) -> None:
    await log.append(b"first")
    await delete_topic(kafka_bootstrap, topic)
    with pytest.raises((AppendUnknown, AppendRefused)):
        await log.append(b"the producer does not know it yet", deadline=1)
    with pytest.raises(AppendRefused, match="nothing was stored"):
        await log.append(b"refused", deadline=1)
    await create_topic(kafka_bootstrap, topic)
    assert await log.append(b"next") == 0


async def test_what_was_not_sent_in_time_is_refused_and_not_unknown(behind_proxy: KafkaLog, proxy: FaultProxy) -> None:
    proxy.swallow.add(PRODUCE)
    with pytest.raises(AppendUnknown):
        await behind_proxy.append(b"unknown", deadline=0.3)
    proxy.refuse = True
    proxy.cut()
    with pytest.raises(AppendRefused, match="nothing was stored"):
        await behind_proxy.append(b"never sent", deadline=0.5)
    proxy.swallow.clear()
    proxy.refuse = False
    await behind_proxy.append(b"next")
    assert [record.data for record in await read_all(behind_proxy)] == [b"first", b"unknown", b"next"]


async def test_case_18_cut_connections_lose_and_repeat_nothing(behind_proxy: KafkaLog, proxy: FaultProxy) -> None:
    records = [b"%d" % number for number in range(300)]
    following = asyncio.create_task(follow_some(behind_proxy, 301))
    tasks: list[asyncio.Task[int]] = []
    for number, record in enumerate(records):
        tasks.append(asyncio.create_task(behind_proxy.append(record)))
        if number % 10 == 0:
            await proxy.until_requested(PRODUCE, proxy.requests[PRODUCE])
            await asyncio.sleep(0.002)
        if number % 100 == 50:
            proxy.cut()
    positions = await asyncio.gather(*tasks)
    assert positions == sorted(set(positions))
    assert [record.data for record in await following] == [b"first", *records]


async def test_case_18_a_slow_line_only_delays(behind_proxy: KafkaLog, proxy: FaultProxy) -> None:
    proxy.delay = 0.05
    positions = await asyncio.gather(*(behind_proxy.append(b"%d" % number) for number in range(50)))
    assert positions == list(range(1, 51))
    assert len(await read_all(behind_proxy)) == 51


async def test_case_18_a_follower_on_a_half_open_connection_goes_on_where_it_was(
    behind_proxy: KafkaLog, proxy: FaultProxy, local_kafka: LocalKafka, topic: str
) -> None:
    """Answers to its fetches vanish while the connection stays open, so that only its own patience helps."""
    following = asyncio.create_task(follow_some(behind_proxy, 3))
    await proxy.until_requested(FETCH)
    proxy.swallow.add(FETCH)
    async with opened(local_kafka.bootstrap, topic) as direct:
        await direct.append(b"second")
        await direct.append(b"third")
    await proxy.until_swallowed(FETCH)
    proxy.swallow.clear()
    assert [record.data for record in await following] == [b"first", b"second", b"third"]


def test_a_kind_of_message_is_let_through_once_a_period_and_debugging_never() -> None:
    quiet = OncePerPeriod(period=60)
    unable = logging.LogRecord("aiokafka", logging.ERROR, "", 0, "Unable connect to node %s", (1,), None)
    other = logging.LogRecord("aiokafka", logging.ERROR, "", 0, "Another", (), None)
    debug = logging.LogRecord("aiokafka", logging.DEBUG, "", 0, "Sending (key=%s value=%s)", (1, 2), None)
    assert [quiet.filter(each) for each in (unable, unable, other, unable, debug)] == [True, False, True, False, False]
