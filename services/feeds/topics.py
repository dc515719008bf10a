"""The feeds' topics: where they are, how they are made, and how far the feed has come in its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from events.log.contract import LogUnavailable, LogUnfit
from events.log.kafka_admin import (
    admin_on,
    create_topic,
    described,
    layout_weaknesses,
    setting_weaknesses,
    settings_of,
)
from events.log.kafka_client import Kafka, quieten_loggers
from services.feeds.messages import SEQUENCE, SOURCE, source_of
from services.settings import Settings

PARTITION = 0
RETENTION_MS = 7 * 24 * 3600 * 1000
"""A feed carries whole transcripts, so it is short-lived; the ledger can tell everything again."""
SHORT_LIVED = {"cleanup.policy": "delete", "retention.ms": str(RETENTION_MS)}
PATIENCE = 15.0


@dataclass(frozen=True)
class Feeds:
    """Where the feeds are. `prefix` comes before each topic's name."""

    bootstrap: Sequence[str]
    prefix: str = ""
    replication: int = 3
    min_insync: int = 2

    @classmethod
    def of(cls, settings: Settings) -> "Feeds":
        """Read them from the settings."""
        return cls(settings.kafka, settings.feeds_prefix, settings.replication, settings.min_insync)

    @property
    def ots(self) -> str:
        """The topic of what was certified and what became of it."""
        return f"{self.prefix}feeds.ots"

    @property
    def results(self) -> str:
        """The topic on which outside systems answer."""
        return f"{self.ots}.results"

    @property
    def refused(self) -> str:
        """The topic in which answers lie that could not be taken."""
        return f"{self.results}.refused"

    @property
    def reached(self) -> str:
        """The topic that keeps how far the first one has come, when nothing is left in that."""
        return f"{self.ots}.reached"

    @property
    def topics(self) -> tuple[str, ...]:
        """All of them."""
        return self.ots, self.reached, self.results, self.refused

    def settings(self, topic: str) -> dict[str, str]:
        """The settings that a topic is made with."""
        keeps = {"cleanup.policy": "compact"} if topic == self.reached else SHORT_LIVED
        return keeps | {
            "min.insync.replicas": str(self.min_insync),
            "unclean.leader.election.enable": "false",
        }

    @property
    def group(self) -> str:
        """The consumer group of whoever takes answers."""
        return f"{self.results}.taken"

    @property
    def kafka(self) -> Kafka:
        """The brokers, for aiokafka's own clients."""
        return Kafka(self.bootstrap)


async def prepare(feeds: Feeds) -> None:
    """Make those of the topics that are missing, and see that all are fit: one partition each, one order for everybody.

    Raises LogUnfit with every setting that is not as wanted, LogUnavailable where the brokers do not answer.
    """
    quieten_loggers()
    try:
        async with asyncio.timeout(PATIENCE), admin_on(feeds.kafka) as admin:
            there = set(await admin.list_topics())
            for name in feeds.topics:
                if name not in there:
                    await create_topic(admin, name, feeds.replication, feeds.settings(name))
            weak = {name: found for name in feeds.topics if (found := await weaknesses(admin, feeds, name))}
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(
            f"the topics of the feeds cannot be made ready ({error!r}): see that Kafka runs"
        ) from error
    if weak:
        told = [f"the topic {name} must not be used as it is: {'; '.join(found)}" for name, found in weak.items()]
        raise LogUnfit(". ".join(told))


async def weaknesses(admin: Any, feeds: Feeds, name: str) -> list[str]:
    """Say what is wrong with a topic that is there. Transcripts may lie there for RETENTION_MS or less."""
    found, settings = await settings_of(admin, name), feeds.settings(name)
    at_least = {"min.insync.replicas": int(settings.pop("min.insync.replicas"))}
    if 0 < int(found.get("retention.ms", -1)) <= RETENTION_MS:
        settings.pop("retention.ms", None)
    layout = layout_weaknesses(await described(admin, name), feeds.replication)
    return [*layout, *setting_weaknesses(found, settings, at_least)]


async def last_published(feeds: Feeds, ledger: UUID) -> int:
    """Return the sequence number of the newest message that was published, 0 where there is none.

    Whatever a publisher wrote, it wrote in order from a number that it had found here; so each number below the newest
    one has been written too. The topic tells it, or, once its retention has emptied that, the record kept beside it.
    Raises LogUnfit for messages of another ledger.
    """
    consumer = AIOKafkaConsumer(**feeds.kafka.options, enable_auto_commit=False, auto_offset_reset="earliest")
    topics = (feeds.ots, feeds.reached)
    try:
        async with asyncio.timeout(PATIENCE):
            await consumer.start()
            newest = [await newest_record(consumer, TopicPartition(topic, PARTITION)) for topic in topics]
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(f"the topic {feeds.ots} cannot be read ({error!r}): see that Kafka runs") from error
    finally:
        await consumer.stop()
    return max(sequence_in(record, record.topic, ledger) if record else 0 for record in newest)


async def newest_record(consumer: AIOKafkaConsumer, partition: TopicPartition) -> ConsumerRecord | None:
    """Return the last record of a partition that holds one."""
    consumer.assign([partition])
    first = (await consumer.beginning_offsets([partition]))[partition]
    end = (await consumer.end_offsets([partition]))[partition]
    if end <= first:
        return None
    consumer.seek(partition, end - 1)
    return await consumer.getone(partition)


def sequence_in(record: ConsumerRecord, topic: str, ledger: UUID) -> int:
    """Read a record's sequence number."""
    headers = dict(record.headers)
    if headers.get(SOURCE) != source_of(ledger).encode() or not headers.get(SEQUENCE, b"").isdigit():
        raise LogUnfit(
            f"the newest message of the topic {topic} is not this ledger's: "
            "give each ledger its own LEDGER_FEEDS_PREFIX"
        )
    return int(headers[SEQUENCE])
