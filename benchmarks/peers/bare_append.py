"""The floor of an append with verdict: one record made durable by the log's own client, then one row in PostgreSQL.

No seal, no fold, no notification; what remains is two flushes to the disk and the ways there.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiokafka import AIOKafkaProducer

from events.log.kafka_client import Kafka
from events.log.kafka_topic import Wanted, prepare_topic
from projections.database import connect
from services.settings import Settings

Append = Callable[[bytes], Awaitable[None]]
TABLE = "create table if not exists bench_floor (data bytea not null)"
ROW = "insert into bench_floor values ($1)"


@asynccontextmanager
async def bare_append(settings: Settings, views_dsn: str) -> AsyncIterator[Append]:
    """Yield a function that does both for one record."""
    views = await connect(views_dsn, ["public"])
    await views.execute(TABLE)
    try:
        async with kafka(settings) if settings.log == "kafka" else sqlite(settings.home / "floor.sqlite") as write:

            async def both(data: bytes) -> None:
                await write(data)
                async with views.transaction():
                    await views.execute(ROW, data)

            yield both
    finally:
        await views.close()


@asynccontextmanager
async def sqlite(path: Path) -> AsyncIterator[Append]:
    """An SQLite file in WAL mode, flushed at each commit."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("create table if not exists records (position integer primary key, data blob not null)")

    async def write(data: bytes) -> None:
        await asyncio.to_thread(connection.execute, "insert into records (data) values (?)", (data,))

    try:
        yield write
    finally:
        connection.close()


@asynccontextmanager
async def kafka(settings: Settings) -> AsyncIterator[Append]:
    """An idempotent producer that waits for the broker; its records go into a topic of their own."""
    topic = f"{settings.topic}-floor"
    await prepare_topic(Kafka(settings.kafka), topic, Wanted(1, 1), create=True)
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.kafka, acks="all", enable_idempotence=True, compression_type="zstd", linger_ms=0
    )
    await producer.start()

    async def write(data: bytes) -> None:
        await producer.send_and_wait(topic, data, partition=0)

    try:
        yield write
    finally:
        await producer.stop()
