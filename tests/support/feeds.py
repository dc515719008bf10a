"""What stands in a feed's topic, and a publisher as a process that can be killed."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.settings import Settings
from tests.support.graduates import environment_of

LEDGER = Path(sys.executable).with_name("ledger")


@dataclass(frozen=True)
class Heard:
    """One message as it lies in the topic: `data` as its bytes, `body` as what they say."""

    offset: int
    key: str
    headers: Mapping[str, str]
    body: Any
    data: bytes

    @property
    def sequence(self) -> int:
        """Its number."""
        return int(self.headers["ce_sequence"])

    @property
    def id(self) -> str:
        """Its event id."""
        return self.headers["ce_id"]

    @property
    def kind(self) -> str:
        """Its type's last word."""
        return self.headers["ce_type"].rsplit(".", 1)[1]


async def heard_in(bootstrap: list[str], topic: str) -> list[Heard]:
    """Read a whole topic; nothing where there is none."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False)
    partition = TopicPartition(topic, 0)
    await consumer.start()
    try:
        if topic not in await consumer.topics():
            return []
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        heard: list[Heard] = []
        while await consumer.position(partition) < end:
            for each in (await consumer.getmany(timeout_ms=500)).get(partition, []):
                headers = {name: value.decode() for name, value in each.headers}
                body = json.loads(each.value) if headers.get("ce_id") else each.value
                heard.append(Heard(each.offset, (each.key or b"").decode(), headers, body, each.value))
        return heard
    finally:
        await consumer.stop()


async def until_heard(bootstrap: list[str], topic: str, sequence: int) -> list[Heard]:
    """Wait until a message with this number lies in the topic, and return all there is."""
    async with asyncio.timeout(60):
        while True:
            heard = await heard_in(bootstrap, topic)
            if heard and max(each.sequence for each in heard) >= sequence:
                return heard
            await asyncio.sleep(0.05)


def first_heard(heard: list[Heard]) -> list[Heard]:
    """Drop repeats: what came before under the same number, whose event id must be the same."""
    first: dict[int, Heard] = {}
    for each in heard:
        earlier = first.setdefault(each.sequence, each)
        assert (each.id, each.key) == (earlier.id, earlier.key)
    return list(first.values())


@asynccontextmanager
async def serving(settings: Settings, *roles: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`ledger serve ROLES` as a process; killed at the end if it still runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    process = await asyncio.create_subprocess_exec(
        *(str(LEDGER), "serve", *roles, "--port", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, **environment_of(settings), "PYTHONPATH": os.pathsep.join(sys.path), **more},
        limit=2**20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
