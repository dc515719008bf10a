"""Topics as an administrator sees them: made, described, and their settings read, each until the brokers agree.

Settings: https://kafka.apache.org/documentation/#topicconfigs
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import (
    InvalidReplicationFactorError,
    NoError,
    PolicyViolationError,
    TopicAlreadyExistsError,
    for_code,
)

from events.log.contract import LogUnfit
from events.log.kafka_client import Kafka


@asynccontextmanager
async def admin_on(kafka: Kafka) -> AsyncIterator[Any]:
    """An admin client. Raises KafkaError."""
    admin = AIOKafkaAdminClient(**kafka.options)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def create_topic(admin: Any, topic: str, replication: int, settings: Mapping[str, str]) -> None:
    """Make a topic of one partition, unless it is there. Raises LogUnfit where the brokers refuse, or KafkaError."""
    new = NewTopic(topic, num_partitions=1, replication_factor=replication, topic_configs=dict(settings))
    answer = await admin.create_topics([new])
    for name, code, *why in answer.topic_errors:
        error = for_code(code)
        if error in (InvalidReplicationFactorError, PolicyViolationError):
            raise LogUnfit(
                f"the topic {name} cannot be created with {replication} replicas ({why}): "
                "start that many brokers, or ask for fewer replicas on a test machine"
            )
        if error not in (NoError, TopicAlreadyExistsError):
            raise error(str(why))


async def described(admin: Any, topic: str) -> Mapping[str, Any]:
    """Return the topic's metadata, once its leader is known."""
    while True:
        [found] = await admin.describe_topics([topic])
        partitions = found["partitions"]
        if found["error_code"] == 0 and partitions and all(each["leader"] >= 0 for each in partitions):
            return dict(found)
        await asyncio.sleep(0.05)


async def settings_of(admin: Any, topic: str) -> dict[str, str]:
    """Return the topic's settings, those it inherits included."""
    while True:
        [answer] = await admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)])
        [(code, _, _, _, entries)] = answer.resources
        if code == 0:
            return {name: value for name, value, *_ in entries}
        await asyncio.sleep(0.05)


def layout_weaknesses(found: Mapping[str, Any], replication: int) -> list[str]:
    """Say what is wrong with a topic's partitions and replicas, and how it is repaired."""
    partitions = found["partitions"]
    if len(partitions) != 1:
        return [f"it has {len(partitions)} partitions, but one order needs one: use another topic"]
    copies = len(partitions[0]["replicas"])
    if copies < replication:
        return [f"it has {copies} replicas, at least {replication} are wanted: kafka-reassign-partitions"]
    return []


def setting_weaknesses(found: Mapping[str, str], exactly: Mapping[str, str], at_least: Mapping[str, int]) -> list[str]:
    """Say which settings are not as wanted, and how each is repaired."""
    weak = [(name, value) for name, value in exactly.items() if found.get(name) != value]
    weak += [(name, f"{least} or more") for name, least in at_least.items() if int(found.get(name, 0)) < least]
    return [
        f"{name} is {found.get(name)}, wanted is {value}: kafka-configs --alter --add-config {name}={value.split()[0]}"
        for name, value in weak
    ]
