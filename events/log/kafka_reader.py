"""The reading side: consumers without a group, assigned by hand, each at a position that we keep ourselves.

Whatever goes wrong, the consumer is thrown away and the next one begins at our position: aiokafka's own position moves
past records that it failed to hand over.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CorruptRecordException, KafkaError, OffsetOutOfRangeError

from events.log.contract import LogUnavailable, LogUnfit, Record
from events.log.kafka_client import Kafka

FETCH_BYTES = 8 * 1024 * 1024
CONNECT_WITHIN = 15.0
STEP = 1.0
"""Seconds that one look for more records takes when there are none."""
BACKOFF = 0.2
SILENCE = 0.05
"""Seconds without records after which the last one is read again with the next: a topic is not replaced any faster."""
STALLED = 5.0
"""Seconds after which a consumer that brings nothing is checked against the topic's end, and replaced if it hangs."""
PATIENCE = 30.0
"""Seconds without any progress after which `read` gives up; `follow` never does."""
CORRUPT_TRIES = 3


class LastRecordGone(Exception):
    """Where the last record was read, there is another one now."""


class Cursor:
    """One reader's place in the topic, and the consumer it has at the moment."""

    def __init__(self, kafka: Kafka, topic: str, position: int) -> None:
        self.position = position
        self.last: Record | None = None
        self.damaged = 0
        self.quiet_since = asyncio.get_running_loop().time()
        self._kafka = kafka
        self._partition = TopicPartition(topic, 0)
        self._consumer: AIOKafkaConsumer | None = None
        self._again, self._sure = False, self.quiet_since

    async def next(self, limit: int) -> list[Record]:
        """Return what there is, or what comes within STEP: perhaps nothing.

        What comes after a silence, or on a new connection, is taken only together with the last record before it.
        Raises LastRecordGone, KafkaError, TimeoutError.
        """
        consumer = self._consumer or await self._connect()
        found = await consumer.getmany(self._partition, timeout_ms=int(STEP * 1000), max_records=limit)
        records = [Record(each.offset, each.value or b"") for each in found.get(self._partition, ())]
        if records and self._again:
            records = self._after_last(records)
        elif records and asyncio.get_running_loop().time() - self._sure > SILENCE:
            self._read_last_again(consumer)
        if self._again:
            return []
        if records:
            self._sure, self.last = asyncio.get_running_loop().time(), records[-1]
        reached = await consumer.position(self._partition)
        if reached > self.position:
            self.position = reached
            self.damaged = 0
            self.rest()
        return records

    async def _connect(self) -> AIOKafkaConsumer:
        consumer = await connect(self._kafka)
        consumer.assign([self._partition])
        consumer.seek(self._partition, self.position)
        self._read_last_again(consumer)
        self._consumer = consumer
        return consumer

    def _read_last_again(self, consumer: AIOKafkaConsumer) -> None:
        if self.last is not None:
            consumer.seek(self._partition, self.last.position)
            self._again = True

    def _after_last(self, records: list[Record]) -> list[Record]:
        if records[0] != self.last:
            raise LastRecordGone
        self._again, self._sure = False, asyncio.get_running_loop().time()
        return records[1:]

    @property
    def quiet(self) -> float:
        """Seconds since the last progress or `rest`."""
        return asyncio.get_running_loop().time() - self.quiet_since

    def rest(self) -> None:
        """Count the quiet seconds from now on."""
        self.quiet_since = asyncio.get_running_loop().time()

    async def disconnect(self) -> None:
        """Throw the consumer away; the next one begins at our position."""
        consumer, self._consumer = self._consumer, None
        if consumer:
            await stop(consumer)


class KafkaReader:
    """Reads partition 0 of one topic."""

    def __init__(self, kafka: Kafka, topic: str) -> None:
        self._kafka = kafka
        self._topic = topic
        self._partition = TopicPartition(topic, 0)
        self._cursors: set[Cursor] = set()
        self._asking: AIOKafkaConsumer | None = None
        self._connecting = asyncio.Lock()
        self._closed = False

    async def first(self) -> int:
        """Return the position of the first record that is still there."""
        return await self._ask(lambda consumer: consumer.beginning_offsets([self._partition]))

    async def end(self) -> int:
        """Return the position after the last record that all in-sync replicas have."""
        return await self._ask(lambda consumer: consumer.end_offsets([self._partition]))

    async def read(self, start: int, limit: int) -> AsyncGenerator[Sequence[Record], None]:
        """Yield what there is from `start` to the end; see `Log.read` (events/log/contract.py)."""
        end = await self._end_not_before(start)
        cursor = self._cursor(start)
        try:
            while cursor.position < end:
                records = await self._step(cursor, limit)
                if wanted := [record for record in records if record.position < end]:
                    yield wanted
                if cursor.quiet > PATIENCE:
                    raise self._unavailable(f"nothing came for {PATIENCE:.0f} s")
        finally:
            await self._let_go(cursor)

    async def follow(self, start: int, limit: int) -> AsyncGenerator[Sequence[Record], None]:
        """Yield what there is and what comes; see `Log.follow` (events/log/contract.py)."""
        cursor = self._cursor(start)
        try:
            while True:
                if records := await self._step(cursor, limit):
                    yield records
                elif cursor.quiet > STALLED:
                    await self._replace_if_hanging(cursor)
        finally:
            await self._let_go(cursor)

    async def close(self) -> None:
        self._closed = True
        for cursor in list(self._cursors):
            await cursor.disconnect()
        async with self._connecting:
            await self._stop_asking()

    async def _step(self, cursor: Cursor, limit: int) -> list[Record]:
        """Return the next records, or none: after an error too, which leaves the cursor where it was."""
        self._refuse_if_closed()
        try:
            return await cursor.next(limit)
        except OffsetOutOfRangeError:
            await cursor.disconnect()
            with suppress(LogUnavailable):
                await self._refuse_hole(cursor.position)
        except LastRecordGone:
            assert cursor.last is not None
            raise LogUnfit(
                f"the topic {self._topic} on {self._kafka} does not hold the record at position "
                f"{cursor.last.position} any more that was read there: records were removed or replaced; restore the "
                "topic from a backup"
            ) from None
        except CorruptRecordException as error:
            await cursor.disconnect()
            cursor.damaged += 1
            if cursor.damaged == CORRUPT_TRIES:
                raise LogUnfit(
                    f"the topic {self._topic} on {self._kafka} is damaged at position {cursor.position} or soon after "
                    f"({error}): restore it from a backup"
                ) from error
        except (KafkaError, TimeoutError):
            await cursor.disconnect()
        self._refuse_if_closed()
        await asyncio.sleep(BACKOFF)
        return []

    async def _replace_if_hanging(self, cursor: Cursor) -> None:
        cursor.rest()
        with suppress(LogUnavailable):
            if await self.end() > cursor.position:
                await cursor.disconnect()

    async def _end_not_before(self, start: int) -> int:
        """Return the end. A new leader may know it a moment late, so a position beyond it is asked for again."""
        end = await self.end()
        if start > end:
            await asyncio.sleep(STEP)
            await self._refuse_hole(start)
            end = await self.end()
        return end

    async def _refuse_hole(self, position: int) -> None:
        """Raise LogUnfit where the topic does not reach from before `position` up to it."""
        first, end = await self.first(), await self.end()
        if not first <= position <= end:
            raise LogUnfit(
                f"the topic {self._topic} on {self._kafka} reaches from position {first} to {end}, so it cannot be "
                f"read from {position}: records were removed; restore the topic from a backup"
            )

    async def _ask(self, question: Callable[[AIOKafkaConsumer], Awaitable[Mapping[TopicPartition, int]]]) -> int:
        """Ask the brokers by the consumer that is kept for questions. Raises LogUnavailable."""
        try:
            return (await question(await self._asking_consumer()))[self._partition]
        except (KafkaError, TimeoutError) as error:
            await self._stop_asking()
            raise self._unavailable(repr(error)) from error

    async def _stop_asking(self) -> None:
        asking, self._asking = self._asking, None
        if asking:
            await stop(asking)

    async def _asking_consumer(self) -> AIOKafkaConsumer:
        async with self._connecting:
            self._refuse_if_closed()
            if self._asking is None:
                self._asking = await connect(self._kafka)
            return self._asking

    def _cursor(self, start: int) -> Cursor:
        cursor = Cursor(self._kafka, self._topic, start)
        self._cursors.add(cursor)
        return cursor

    async def _let_go(self, cursor: Cursor) -> None:
        self._cursors.discard(cursor)
        await cursor.disconnect()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise LogUnavailable(f"the log in the topic {self._topic} was closed: open it again")

    def _unavailable(self, why: str) -> LogUnavailable:
        return LogUnavailable(
            f"the topic {self._topic} on {self._kafka} cannot be read now ({why}): nothing is lost; "
            "see that the brokers run and try again"
        )


async def connect(kafka: Kafka) -> AIOKafkaConsumer:
    """Return a consumer that belongs to no group and never resets its position by itself."""
    consumer = AIOKafkaConsumer(
        **kafka.options,
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_uncommitted",
        max_partition_fetch_bytes=FETCH_BYTES,
    )
    try:
        async with asyncio.timeout(CONNECT_WITHIN):
            await consumer.start()
    except BaseException:
        await stop(consumer)
        raise
    return consumer


async def stop(consumer: AIOKafkaConsumer) -> None:
    """Stop a consumer, whatever state it is in.

    When a broker is away, aiokafka lets the cancellation of its own task escape from `stop`, half way, as if we were
    cancelled ourselves. So it stops in a task of its own, and its connections are closed in any case.
    """
    stopping = asyncio.ensure_future(consumer.stop())
    await asyncio.wait([stopping])
    await consumer._client.close()  # noqa: SLF001 (what `stop` would have done last)
    if not stopping.cancelled():
        stopping.result()
