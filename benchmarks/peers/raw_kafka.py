"""aiokafka by itself, with the settings that the ledger's log uses."""

import time
from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

BATCH_BYTES = 256 * 1024
FETCH_BYTES = 8 * 1024 * 1024
PAGE = 500


async def produce(brokers: Sequence[str], topic: str, records: Sequence[bytes]) -> float:
    """Send all records in full batches as fast as the broker takes them; return records a second."""
    producer = AIOKafkaProducer(
        bootstrap_servers=list(brokers),
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        max_batch_size=BATCH_BYTES,
        linger_ms=0,
    )
    await producer.start()
    try:
        await producer.send_and_wait(topic, records[0], partition=0)
        began = time.perf_counter()
        sent, batch = [], producer.create_batch()
        for record in records:
            if batch.append(timestamp=None, key=None, value=record) is None:
                sent.append(await producer.send_batch(batch, topic, partition=0))
                batch = producer.create_batch()
                batch.append(timestamp=None, key=None, value=record)
        sent.append(await producer.send_batch(batch, topic, partition=0))
        for delivery in sent:
            await delivery
        return len(records) / (time.perf_counter() - began)
    finally:
        await producer.stop()


async def consume(brokers: Sequence[str], topic: str, number: int) -> float:
    """Read from the beginning until so many records have come; return records a second."""
    partition = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=list(brokers),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    await consumer.start()
    try:
        consumer.assign([partition])
        consumer.seek(partition, 0)
        came, began = 0, time.perf_counter()
        while came < number:
            came += sum(map(len, (await consumer.getmany(timeout_ms=1000, max_records=PAGE)).values()))
        return came / (time.perf_counter() - began)
    finally:
        await consumer.stop()
