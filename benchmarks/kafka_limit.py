"""Our Kafka log beside aiokafka itself with the same settings and the same records: how much of the limit is left."""

import asyncio
import os
import time
from collections.abc import Sequence
from uuid import uuid4

from benchmarks.figures import Figure
from benchmarks.peers import raw_kafka
from benchmarks.plan import Plan, interleaved
from events.log.kafka import KafkaLog

RECORDS = 20_000
SIZES = (1_500, 4_000)
"""Bytes of a record: about a student's set as it is committed, and a large one."""


async def measure(plan: Plan) -> list[Figure]:
    """Append and read on one broker."""
    brokers = await plan.kafka()
    if brokers is None:
        return []
    figures: list[Figure] = []
    for size in SIZES:
        plan.said(f"Kafka's limit: {plan.size(RECORDS):,} records of {size:,} bytes")
        figures += await of_size(plan, brokers, size)
    return figures


async def of_size(plan: Plan, brokers: list[str], size: int) -> list[Figure]:
    """Records a second of one size, in turns with the peer."""
    records = [os.urandom(size) for _ in range(plan.size(RECORDS))]  # sealed records do not compress either
    ours, theirs = f"ours-{uuid4()}", f"theirs-{uuid4()}"
    for topic in (ours, theirs):
        await (await open_log(brokers, topic)).close()
    rates = await interleaved(
        {
            "append": lambda: append(brokers, ours, records),
            "produce": lambda: raw_kafka.produce(brokers, theirs, records),
        },
        plan.runs,
    )
    rates |= await interleaved(
        {
            "follow": lambda: follow(brokers, ours, len(records)),
            "consume": lambda: raw_kafka.consume(brokers, theirs, len(records)),
        },
        plan.runs,
    )
    note = f"records of {size:,} bytes"
    return [
        Figure(
            "kafka", f"append, pipelined, {size:,} bytes", "records/s", rates["append"],
            "aiokafka send_batch, same settings", rates["produce"], note=note,
        ),
        Figure(
            "kafka", f"follow, {size:,} bytes", "records/s", rates["follow"],
            "aiokafka getmany", rates["consume"], note=note,
        ),
    ]  # fmt: skip


async def open_log(brokers: list[str], topic: str) -> KafkaLog:
    """Open a ledger's topic on one broker."""
    return await KafkaLog.open(brokers, topic, replication=1, min_insync=1)


async def append(brokers: list[str], topic: str, records: Sequence[bytes]) -> float:
    """Append all records by concurrent calls, as an upload does; return records a second."""
    log = await open_log(brokers, topic)
    try:
        await log.append(records[0])
        began = time.perf_counter()
        await asyncio.gather(*(log.append(record, deadline=120) for record in records))
        return len(records) / (time.perf_counter() - began)
    finally:
        await log.close()


async def follow(brokers: list[str], topic: str, number: int) -> float:
    """Follow from the beginning until so many records have come; return records a second."""
    log = await open_log(brokers, topic)
    came, began = 0, time.perf_counter()
    try:
        async for batch in log.follow():
            came += len(batch)
            if came >= number:
                break
        return came / (time.perf_counter() - began)
    finally:
        await log.close()
