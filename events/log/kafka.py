"""The log in a Kafka topic of one partition. The order of that partition is the ledger's order."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Self

from events.log.contract import LogUnfit, Record
from events.log.kafka_client import Kafka, quieten_loggers
from events.log.kafka_reader import KafkaReader
from events.log.kafka_topic import Wanted, prepare_topic
from events.log.kafka_writer import KafkaWriter


class KafkaLog:
    """Records in partition 0 of a topic behind the log contract (events/log/contract.py). No keys, no headers."""

    def __init__(self, writer: KafkaWriter, reader: KafkaReader) -> None:
        self._writer = writer
        self._reader = reader

    @classmethod
    async def open(
        cls,
        bootstrap: Sequence[str],
        topic: str,
        *,
        replication: int = 3,
        min_insync: int = 2,
        create: bool = True,
        security: Mapping[str, object] | None = None,
    ) -> Self:
        """Open the log in `topic`, which is made if it is missing and `create` is set.

        On a single broker `replication` and `min_insync` are 1. `security` goes to aiokafka as it is.
        Raises LogUnfit for several partitions, weaker settings or removed records, LogUnavailable where no broker
        answers.
        """
        quieten_loggers()
        kafka = Kafka(bootstrap, security or {})
        await prepare_topic(kafka, topic, Wanted(replication, min_insync), create=create)
        log = cls(KafkaWriter(kafka, topic), KafkaReader(kafka, topic))
        await log._refuse_lost_start(topic)
        return log

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        return await self._writer.append(data, deadline)

    def read(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        return self._reader.read(start, limit)

    def follow(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        return self._reader.follow(start, limit)

    async def end(self) -> int:
        return await self._reader.end()

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()

    async def _refuse_lost_start(self, topic: str) -> None:
        try:
            first = await self._reader.first()
        except BaseException:
            await self.close()
            raise
        if first > 0:
            await self.close()
            raise LogUnfit(f"the topic {topic} begins at position {first}: records were removed; restore it first")
