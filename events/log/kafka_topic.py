"""The ledger's topic: created with the settings that keep everything, and compared with them at every start."""

import asyncio
from dataclasses import dataclass

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
from events.log.kafka_client import Kafka

MAX_MESSAGE_BYTES = 1024 * 1024
EXACTLY = {
    "cleanup.policy": "delete",
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
    "message.timestamp.type": "LogAppendTime",
}
PATIENCE = 15.0
"""Seconds for a new topic to be known to all brokers."""


@dataclass(frozen=True)
class Wanted:
    """How safely the topic must keep its one partition. 1 and 1 on a single broker."""

    replication: int
    min_insync: int

    @property
    def at_least(self) -> dict[str, int]:
        """The settings that may be stronger."""
        return {"min.insync.replicas": self.min_insync, "max.message.bytes": MAX_MESSAGE_BYTES}

    @property
    def settings(self) -> dict[str, str]:
        """The settings a new topic is created with."""
        return EXACTLY | {name: str(value) for name, value in self.at_least.items()}


async def prepare_topic(kafka: Kafka, topic: str, wanted: Wanted, *, create: bool) -> None:
    """Create the topic if it is missing and may be created, then see that it is fit to be a ledger.

    Raises LogUnfit with every setting that is weaker than wanted, LogUnavailable where the brokers do not answer.
    """
    try:
        async with asyncio.timeout(PATIENCE), admin_on(kafka) as admin:
            if topic not in await admin.list_topics():
                if not create:
                    raise LogUnfit(f"there is no topic {topic} on {kafka}: create it, or name the right one")
                await create_topic(admin, topic, wanted.replication, wanted.settings)
            weaknesses = [
                *layout_weaknesses(await described(admin, topic), wanted.replication),
                *setting_weaknesses(await settings_of(admin, topic), EXACTLY, wanted.at_least),
            ]
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(
            f"the topic {topic} cannot be looked at on {kafka} ({error!r}): see that it runs"
        ) from error
    if weaknesses:
        raise LogUnfit(f"the topic {topic} must not be used as it is: " + "; ".join(weaknesses))
