"""The writing side: one idempotent producer, one batch on its way, a new producer after every failure.

After a failed send aiokafka's sequence numbers have a gap (https://github.com/aio-libs/aiokafka/issues/1017), so a
producer is never used again after one. Nobody loses by that: an unknown outcome is settled by its command id.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from events.log.append_queue import AppendQueue, Pending, fail, succeed
from events.log.contract import AppendRefused, AppendUnknown, LogError
from events.log.kafka_client import Kafka

PARTITION = 0
BATCH_BYTES = 256 * 1024
PER_RECORD = 64
"""More than the bytes that a batch adds to each record (KIP-98: lengths, timestamp, offset, no key, no headers)."""
BACKOFF = 0.2
ABANDON_WITHIN = 0.1
CONNECT_WITHIN = 10.0
REFUSED = (
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
"""Answers of the broker that say the batch was not and will not be appended."""


class KafkaWriter:
    """Appends to partition 0 of one topic, in the order of the calls."""

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._place = f"the topic {topic}"
        self._queue = AppendQueue(self._write, self._place)
        self._producer: AIOKafkaProducer | None = None

    async def append(self, data: bytes, deadline: float) -> int:
        """Append one record; see `Log.append` (events/log/contract.py)."""
        return await self._queue.append(data, deadline)

    async def close(self) -> None:
        await self._queue.close()
        await self._abandon()

    async def _write(self) -> None:
        """Send what fits into one batch and wait for its offset, or for the last caller to give up.

        As long as there is no connection nothing is taken, so that all who wait can be told that nothing was sent.
        """
        try:
            producer = self._producer or await self._connect()
        except (KafkaError, TimeoutError) as error:
            self._queue.trouble = repr(error)
            await asyncio.sleep(BACKOFF)
            return
        self._queue.trouble = ""
        if group := self._queue.take(_Room()):
            try:
                succeed(group, await self._send(producer, group))
            except (KafkaError, TimeoutError, asyncio.CancelledError) as error:
                fail(group, self._explain(error))
                await self._abandon()
                if isinstance(error, asyncio.CancelledError):
                    raise

    async def _connect(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._kafka.options,
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            max_batch_size=BATCH_BYTES,
            linger_ms=0,
        )
        try:
            async with asyncio.timeout(CONNECT_WITHIN):
                await producer.start()
                await producer.partitions_for(self._topic)
        except BaseException:
            await abandon(producer)
            raise
        self._producer = producer
        return producer

    async def _send(self, producer: AIOKafkaProducer, group: Sequence[Pending]) -> int:
        batch = producer.create_batch()
        for pending in group:
            batch.append(timestamp=None, key=None, value=pending.data)
            pending.sent = True
        async with asyncio.timeout_at(max(pending.expires for pending in group)):
            delivery = await producer.send_batch(batch, self._topic, partition=PARTITION)
            offset = int((await delivery).offset)
        if offset < 0:
            raise KafkaError("the broker saw the batch before and gave no offset")
        return offset

    async def _abandon(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            await abandon(producer)

    def _explain(self, error: BaseException) -> LogError:
        if isinstance(error, REFUSED):
            return AppendRefused(f"{self._place} refused the record ({error}): nothing was stored")
        return AppendUnknown(f"{self._place} gave no clear answer ({error!r}): look the command up, or repeat it")


async def abandon(producer: AIOKafkaProducer) -> None:
    """Throw a producer away with all it has not delivered; its own `stop` would wait for the delivery."""
    sender, accumulator = producer._sender, producer._message_accumulator  # noqa: SLF001 (aiokafka cannot give up)
    with suppress(TimeoutError, KafkaError):
        async with asyncio.timeout(ABANDON_WITHIN):
            await sender.close()
    accumulator._batches.clear()  # noqa: SLF001 (as above)
    accumulator._pending_batches.clear()  # noqa: SLF001 (as above)
    await producer.stop()


class _Room:
    """Says of one record after the other whether it still fits into the batch; the first always does."""

    def __init__(self) -> None:
        self._left = BATCH_BYTES
        self._empty = True

    def __call__(self, data: bytes) -> bool:
        self._left -= len(data) + PER_RECORD
        fits, self._empty = self._empty or self._left >= 0, False
        return fits
