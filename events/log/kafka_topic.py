"""The ledger's topic: created with the settings that keep everything, and compared with them at every start.

Settings: https://kafka.apache.org/documentation/#topicconfigs
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    NoError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    for_code,
)

from events.log.contract import LogUnavailable, LogUnfit
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
    def settings(self) -> dict[str, str]:
        """The settings a new topic is created with."""
        return EXACTLY | {
            "min.insync.replicas": str(self.min_insync),
            "max.message.bytes": str(MAX_MESSAGE_BYTES),
        }


async def prepare_topic(kafka: Kafka, topic: str, wanted: Wanted, *, create: bool) -> None:
    """Create the topic if it is missing and may be created, then see that it is fit to be a ledger.

    Raises LogUnfit with every setting that is weaker than wanted, LogUnavailable where the brokers do not answer.
    """
    try:
        async with asyncio.timeout(PATIENCE), _admin(kafka) as admin:
            if topic not in await admin.list_topics():
                if not create:
                    raise LogUnfit(f"there is no topic {topic} on {kafka}: create it, or name the right one")
                await _create(admin, topic, wanted)
            found = await _describe(admin, topic)
            weaknesses = [
                *_layout_weaknesses(found, wanted),
                *_setting_weaknesses(await _settings(admin, topic), wanted),
            ]
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(
            f"the topic {topic} cannot be looked at on {kafka} ({error!r}): see that it runs"
        ) from error
    if weaknesses:
        raise LogUnfit(f"the topic {topic} must not be used as it is: " + "; ".join(weaknesses))


@asynccontextmanager
async def _admin(kafka: Kafka) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(**kafka.options)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _create(admin: Any, topic: str, wanted: Wanted) -> None:
    new = NewTopic(topic, num_partitions=1, replication_factor=wanted.replication, topic_configs=wanted.settings)
    answer = await admin.create_topics([new])
    for name, code, *why in answer.topic_errors:
        error = for_code(code)
        if error in (InvalidReplicationFactorError, PolicyViolationError):
            raise LogUnfit(
                f"the topic {name} cannot be created with {wanted.replication} replicas ({why}): "
                "start that many brokers, or ask for fewer replicas on a test machine"
            )
        if error not in (NoError, TopicAlreadyExistsError):
            raise error(str(why))


async def _describe(admin: Any, topic: str) -> Mapping[str, Any]:
    """Return the topic's metadata, once its leader is known."""
    while True:
        [found] = await admin.describe_topics([topic])
        partitions = found["partitions"]
        if found["error_code"] == 0 and partitions and all(each["leader"] >= 0 for each in partitions):
            return dict(found)
        await asyncio.sleep(0.05)


async def _settings(admin: Any, topic: str) -> dict[str, str]:
    """Return the topic's settings, those it inherits included."""
    while True:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        [(code, _, _, _, entries)] = answer.resources
        if code == 0:
            return {name: value for name, value, *_ in entries}
        await asyncio.sleep(0.05)


def _layout_weaknesses(found: Mapping[str, Any], wanted: Wanted) -> list[str]:
    partitions = found["partitions"]
    if len(partitions) != 1:
        return [f"it has {len(partitions)} partitions, but one order needs one: use another topic"]
    copies = len(partitions[0]["replicas"])
    if copies < wanted.replication:
        return [f"it has {copies} replicas, at least {wanted.replication} are wanted: kafka-reassign-partitions"]
    return []


def _setting_weaknesses(found: Mapping[str, str], wanted: Wanted) -> list[str]:
    at_least = {"min.insync.replicas": wanted.min_insync, "max.message.bytes": MAX_MESSAGE_BYTES}
    weak = [(name, value) for name, value in EXACTLY.items() if found.get(name) != value]
    weak += [(name, f"{least} or more") for name, least in at_least.items() if int(found.get(name, 0)) < least]
    return [
        f"{name} is {found.get(name)}, wanted is {value}: kafka-configs --alter --add-config {name}={value.split()[0]}"
        for name, value in weak
    ]
