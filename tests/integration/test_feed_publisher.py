"""The publisher of `feeds.ots` on a real Kafka: complete, in order, and whole again after any kill."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete

from events.log.contract import LogUnfit
from projections.feed_ots import event_id
from projections.feed_queries import FeedRow, rows_after
from services.feeds.content import message_of
from services.feeds.publisher import publish
from services.feeds.topics import Feeds, last_published, prepare
from services.ledger import Ledger
from services.ots.naming import Namings
from services.settings import Settings
from tests.support.feeds import first_heard, heard_in, serving, until_heard
from tests.support.graduates import certify_all, environment_of, erase, in_june, reject_everybody, settings_for, upload
from tests.support.kafka import admin_of, alter_topic

pytestmark = [pytest.mark.kafka, pytest.mark.postgres]


@dataclass
class Told:
    """A ledger whose graduates were certified and answered, and what its feed must tell."""

    ledger: Ledger
    settings: Settings
    rows: list[FeedRow]

    @property
    def feeds(self) -> Feeds:
        """Where the feed is."""
        return Feeds.of(self.settings)


@pytest.fixture
async def told(tmp_path: Path, views_dsn: str, registry_dsn: str, kafka_bootstrap: list[str]) -> AsyncIterator[Told]:
    """A ledger on Kafka with some certified transcripts and their rejections, not yet published."""
    settings = settings_for(tmp_path / "home", views_dsn, registry_dsn, kafka_bootstrap)
    async with in_june(settings) as ledger:
        await upload(ledger, tmp_path)
        await certify_all(ledger)
        await reject_everybody(ledger)
        await ledger.caught_up()
        async with ledger.pool.acquire() as connection:
            rows = await rows_after(connection, 0, 10_000)
        yield Told(ledger, settings, rows)


async def publish_until(told: Told, sequence: int, topic: str = "") -> None:
    """Be a publisher until a message has arrived in the feed, or in another topic."""
    publishing = asyncio.create_task(publish(told.ledger, told.feeds))
    waiting = asyncio.create_task(until_heard(told.settings.kafka, topic or told.feeds.ots, sequence))
    try:
        await asyncio.wait([publishing, waiting], return_when=asyncio.FIRST_COMPLETED)
        if publishing.done():
            publishing.result()
    finally:
        for task in (publishing, waiting):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def test_every_message_arrives_in_order_with_its_cloudevents_header(told: Told) -> None:
    await publish_until(told, len(told.rows))

    heard = await heard_in(told.settings.kafka, told.feeds.ots)

    assert len(heard) == len(told.rows) > 10
    for message, row in zip(heard, told.rows, strict=True):
        assert message.key == str(row.ref)
        assert {name: message.headers[name] for name in message.headers if name != "correlation_id"} == {
            "ce_specversion": "1.0",
            "ce_id": str(event_id(told.ledger.genesis.ledger, row.sequence)),
            "ce_source": f"urn:uuid:{told.ledger.genesis.ledger}",
            "ce_type": f"ledger.transcript.{row.kind}",
            "ce_subject": str(row.ref),
            "ce_time": row.time.isoformat(),
            "ce_sequence": str(row.sequence),
            "content-type": "application/json",
        }
        expected = await message_of(told.ledger, row, Namings(told.ledger))
        assert message.body == expected.model_dump(mode="json")


async def test_a_publisher_goes_on_where_the_last_one_ended_and_repeats_nothing(told: Told) -> None:
    await publish_until(told, len(told.rows))
    await erase(told.ledger, told.rows[0].ref)
    await told.ledger.caught_up()

    await publish_until(told, len(told.rows) + 1)

    heard = await heard_in(told.settings.kafka, told.feeds.ots)
    assert [each.sequence for each in heard] == list(range(1, len(told.rows) + 2))
    assert (heard[-1].kind, heard[-1].body) == ("erased", {"ref": str(told.rows[0].ref)})


async def test_two_publishers_at_once_give_repeats_under_the_same_id_and_no_gap(told: Told) -> None:
    await asyncio.gather(publish_until(told, len(told.rows)), publish_until(told, len(told.rows)))

    heard = await heard_in(told.settings.kafka, told.feeds.ots)

    assert [each.sequence for each in first_heard(heard)] == list(range(1, len(told.rows) + 1))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("when", ["sent", "acknowledged"])
@pytest.mark.parametrize("messages", [1, 4, 9])
async def test_a_publisher_killed_twice_leaves_no_gap(told: Told, messages: int, when: str) -> None:
    """Each dies by SIGKILL once it handed so many messages to Kafka; the last one sends the rest."""
    for _ in range(2):
        assert await dying_publisher(told.settings, messages, when) == -signal.SIGKILL
    killed = await heard_in(told.settings.kafka, told.feeds.ots)

    await publish_until(told, len(told.rows))

    heard = await heard_in(told.settings.kafka, told.feeds.ots)
    assert len(killed) < len(told.rows)
    assert len(killed) >= (2 * messages if when == "acknowledged" else 0)
    assert heard[: len(killed)] == killed
    assert [each.sequence for each in first_heard(heard)] == list(range(1, len(told.rows) + 1))


@pytest.mark.timeout(180)
async def test_the_role_killed_at_its_start_is_taken_up_by_the_next_process(told: Told) -> None:
    async with serving(told.settings, "feeds") as process:
        assert process.stderr is not None
        async with asyncio.timeout(60):
            while b'"publishing"' not in await process.stderr.readline():
                assert process.returncode is None
        process.kill()
        await process.communicate()

    async with serving(told.settings, "feeds"):
        heard = await until_heard(told.settings.kafka, told.feeds.ots, len(told.rows))

    assert [each.sequence for each in first_heard(heard)] == list(range(1, len(told.rows) + 1))


async def dying_publisher(settings: Settings, messages: int, when: str) -> int:
    """Run a publisher that kills itself, and return how it ended."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.feed_child", str(messages), when),
        env={**os.environ, **environment_of(settings), "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return await process.wait()


async def test_a_topic_of_another_ledger_is_refused(told: Told) -> None:
    await publish_until(told, 1)

    with pytest.raises(LogUnfit, match="LEDGER_FEEDS_PREFIX"):
        await last_published(told.feeds, UUID(int=1))


async def test_the_topics_have_one_partition_and_keep_messages_for_a_week(told: Told) -> None:
    await prepare(told.feeds)
    await prepare(told.feeds)

    async with admin_of(told.settings.kafka) as admin:
        found = await admin.describe_topics(list(told.feeds.topics))
    assert [len(each["partitions"]) for each in found] == [1, 1, 1, 1]
    assert await last_published(told.feeds, told.ledger.genesis.ledger) == 0


async def test_a_topic_emptied_by_its_retention_goes_on_where_it_was(told: Told) -> None:
    await publish_until(told, len(told.rows), told.feeds.reached)
    async with admin_of(told.settings.kafka) as admin:
        await admin.delete_records({TopicPartition(told.feeds.ots, 0): RecordsToDelete(before_offset=-1)})
    await erase(told.ledger, told.rows[0].ref)
    await told.ledger.caught_up()

    await publish_until(told, len(told.rows) + 1)

    heard = await heard_in(told.settings.kafka, told.feeds.ots)
    assert [each.sequence for each in heard] == [len(told.rows) + 1]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("retention.ms", "-1", "retention.ms is -1, wanted is 604800000: kafka-configs"),
        ("cleanup.policy", "compact", "cleanup.policy is compact, wanted is delete: kafka-configs"),
    ],
)
async def test_a_topic_that_would_keep_transcripts_too_long_is_refused(
    told: Told, name: str, value: str, said: str
) -> None:
    await prepare(told.feeds)
    wanted = told.feeds.settings(told.feeds.ots)
    await alter_topic(told.settings.kafka, told.feeds.ots, wanted | {name: value})

    with pytest.raises(LogUnfit, match=said):
        await prepare(told.feeds)

    await alter_topic(told.settings.kafka, told.feeds.ots, wanted | {"retention.ms": "86400000"})
    await prepare(told.feeds)


async def test_a_topic_of_several_partitions_is_refused(told: Told) -> None:
    async with admin_of(told.settings.kafka) as admin:
        await admin.create_topics([NewTopic(told.feeds.ots, 2, 1)])

    with pytest.raises(LogUnfit, match="it has 2 partitions, but one order needs one"):
        await prepare(told.feeds)


async def test_the_example_consumer_reads_a_real_feed(told: Told) -> None:
    await publish_until(told, len(told.rows))
    example = Path(__file__).parents[2] / "examples" / "ots_consumer.py"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(example), ",".join(told.settings.kafka), told.feeds.ots),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            lines = [(await process.stdout.readline()).decode().split() for _ in told.rows]
    finally:
        process.terminate()
        await process.communicate()

    assert lines == [[str(row.sequence), row.kind, str(row.event_id), "new"] for row in told.rows]
