"""Kafka for tests: the brokers named by LEDGER_TEST_KAFKA, or one of our own."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from services.embedded import kafka_jars
from services.embedded.kafka_jars import KafkaMissing
from services.embedded.local_kafka import LocalKafka

MISSING = pytest.StashKey[str]()
"""Why the Kafka tests were skipped; the summary says it once, loudly."""


def named_brokers() -> list[str]:
    """Return the brokers that LEDGER_TEST_KAFKA names, if it is set."""
    return [each for each in os.environ.get("LEDGER_TEST_KAFKA", "").split(",") if each]


def need_kafka(config: pytest.Config) -> None:
    """Skip the test where Kafka cannot be run; in CI end the whole run."""
    try:
        kafka_jars.ready()
    except KafkaMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.exit(f"the Kafka tests cannot run, and CI must not pass without them: {missing}", returncode=1)
        config.stash[MISSING] = str(missing)
        pytest.skip(str(missing))


@contextmanager
def local_cluster(config: pytest.Config, nodes: int = 1) -> Iterator[LocalKafka]:
    """Run a cluster of our own, where that is possible."""
    need_kafka(config)
    kafka = LocalKafka(nodes)
    try:
        asyncio.run(kafka.start())
        yield kafka
    finally:
        asyncio.run(kafka.stop())


@asynccontextmanager
async def admin_of(bootstrap: list[str]) -> AsyncIterator[Any]:
    """An admin client of aiokafka."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def alter_topic(bootstrap: list[str], topic: str, settings: Mapping[str, str]) -> None:
    """Replace the topic's own settings by these (those not named fall back to the brokers')."""
    async with admin_of(bootstrap) as admin:
        for answer in await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(settings))]):
            for code, why, *_ in answer.resources:
                if code:
                    raise for_code(code)(why)


async def delete_topic(bootstrap: list[str], topic: str) -> None:
    """Delete a topic, and wait until the broker has carried that out: it says so a moment before."""
    async with admin_of(bootstrap) as admin:
        await admin.delete_topics([topic])
        while topic in await admin.list_topics():  # noqa: ASYNC110 (another program's state)
            await asyncio.sleep(0.05)
