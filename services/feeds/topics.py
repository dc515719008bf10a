"""The feeds' topics: where they are, how they are made, and how far the feed has come in its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, NoError, TopicAlreadyExistsError, for_code

from events.log.contract import LogUnavailable, LogUnfit
from events.log.kafka_client import Kafka, quieten_loggers
from services.feeds.messages import SEQUENCE, SOURCE, source_of
from services.settings import Settings

PARTITION = 0
RETENTION_MS = 7 * 24 * 3600 * 1000
"""A feed carries whole transcripts, so it is short-lived; the ledger can tell everything again."""
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
    def topics(self) -> tuple[str, ...]:
        """All of them."""
        return self.ots, self.results, self.refused

    @property
    def group(self) -> str:
        """The consumer group of whoever takes answers."""
        return f"{self.results}.taken"

    @property
    def kafka(self) -> Kafka:
        """The brokers, for aiokafka's own clients."""
        return Kafka(self.bootstrap)


async def prepare(feeds: Feeds) -> None:
    """Make those of the topics that are missing. Raises LogUnavailable, or LogUnfit where one cannot be made."""
    quieten_loggers()
    admin = AIOKafkaAdminClient(**feeds.kafka.options)
    try:
        async with asyncio.timeout(PATIENCE):
            await admin.start()
            there = set(await admin.list_topics())
            await create(admin, feeds, [name for name in feeds.topics if name not in there])
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(
            f"the topics of the feeds cannot be made ready ({error!r}): see that Kafka runs"
        ) from error
    finally:
        await admin.close()


async def create(admin: Any, feeds: Feeds, names: Sequence[str]) -> None:
    """Make topics of one partition each: one order for everybody."""
    settings = {
        "cleanup.policy": "delete",
        "retention.ms": str(RETENTION_MS),
        "min.insync.replicas": str(feeds.min_insync),
        "unclean.leader.election.enable": "false",
    }
    wanted = [NewTopic(name, 1, feeds.replication, topic_configs=settings) for name in names]
    answer = await admin.create_topics(wanted) if wanted else None
    for name, code, *why in answer.topic_errors if answer else ():
        if for_code(code) not in (NoError, TopicAlreadyExistsError):
            raise LogUnfit(
                f"the topic {name} cannot be made ({why}): make it yourself with one partition, or repair that"
            )


async def last_published(feeds: Feeds, ledger: UUID) -> int:
    """Return the sequence number of the newest message in the topic, 0 where there is none.

    Whatever a publisher wrote, it wrote in order from a number that it had found here; so each number below the newest
    one has been written too. An empty topic, new or outlived by its retention, begins at 1 again, under the same ids.
    Raises LogUnfit for messages of another ledger.
    """
    consumer = AIOKafkaConsumer(**feeds.kafka.options, enable_auto_commit=False, auto_offset_reset="earliest")
    try:
        async with asyncio.timeout(PATIENCE):
            await consumer.start()
            newest = await newest_record(consumer, TopicPartition(feeds.ots, PARTITION))
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(f"the topic {feeds.ots} cannot be read ({error!r}): see that Kafka runs") from error
    finally:
        await consumer.stop()
    return sequence_in(newest, feeds.ots, ledger) if newest else 0


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
