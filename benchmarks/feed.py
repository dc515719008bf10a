"""From a commit to the consumer of `feeds.ots`: how long until an outside OTS has what was certified.

Each commit changes a nonpublic graduate's identity, so it is told with the whole transcript. The clock starts before
the append and stops when the consumer has the message: log, follower, view, content, Kafka. Ledger, publisher and
consumer share a process and one broker, so the figure bears all of their work on the same cores.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import perf_counter
from uuid import uuid4

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.figures import Figure, Target, percentile
from benchmarks.plan import Plan
from events.identity import StudentIdentified
from events.streams import identity_stream
from projections.feed_queries import FeedRow, last_sequence, rows_after
from services.feeds.messages import SEQUENCE
from services.feeds.publisher import publish
from services.feeds.topics import PARTITION, Feeds, prepare
from services.generate import Spec, generate
from services.identities import identify, identity_of
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.ledger import Ledger
from services.settings import Settings
from services.wiring import open_ledger

COMMITS = 1_000
STUDENTS = 200
P99_MS = 500.0
WITHIN = 60.0


async def measure(plan: Plan) -> list[Figure]:
    """Measure the feed on one broker; nothing where there is none."""
    if not await plan.kafka():
        return []
    commits = COMMITS // 5 if plan.quick else COMMITS
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    p50, p99 = [], []
    for _ in range(plan.runs):
        plan.said(f"{commits:,} commits to the feed's consumer")
        async with plan.home("kafka") as settings:
            latencies = await latencies_of(plan, settings, commits)
        p50.append(percentile(latencies, 0.50))
        p99.append(percentile(latencies, 0.99))
    return [
        Figure("feed", "from a commit to the consumer of feeds.ots, p50", "ms", p50),
        Figure("feed", "from a commit to the consumer of feeds.ots, p99", "ms", p99, target=Target(P99_MS, " ms")),
    ]


async def latencies_of(plan: Plan, settings: Settings, commits: int) -> list[float]:
    """Change graduates one after the other, and return each message's latency in ms."""
    feeds = Feeds.of(settings.model_copy(update={"feeds_prefix": f"{settings.topic}."}))
    path = plan.folder / "nonpublic.txt"
    generate(Spec(STUDENTS, layout="nonpublic", sponsor="501")).write(path)
    async with open_ledger(settings) as ledger:
        received = await receive(ledger, path, "replace")
        assert isinstance(received, Received)
        await work_queue(ledger, received.upload)
        await ledger.caught_up()
        await prepare(feeds)
        async with ledger.pool.acquire() as connection:
            first = await last_sequence(connection)
            graduates = await rows_after(connection, 0, STUDENTS)
        async with arrivals(ledger, feeds) as arrived:
            await until(arrived, first)
            sent = {}
            for number in range(1, commits + 1):
                sent[first + number] = perf_counter()
                await change(ledger, graduates[number % len(graduates)], number)
            await until(arrived, first + commits)
    return [1000 * (arrived[sequence] - time) for sequence, time in sent.items()]


async def change(ledger: Ledger, graduate: FeedRow, number: int) -> None:
    """Give a graduate another middle name."""
    found = await identity_of(ledger, graduate.ref)
    assert isinstance(found.state, StudentIdentified)
    key = (await ledger.events_of(identity_stream(graduate.ref)))[-1].key
    assert key is not None
    proposed = msgspec.structs.replace(found.state, middle_name=f"N{number}")
    assert await identify(ledger, key, proposed, command=uuid4(), current=found)


@asynccontextmanager
async def arrivals(ledger: Ledger, feeds: Feeds) -> AsyncIterator[dict[int, float]]:
    """Publish and consume meanwhile; yield when each sequence number arrived."""
    arrived: dict[int, float] = {}
    tasks = [asyncio.create_task(publish(ledger, feeds)), asyncio.create_task(consume(feeds, arrived))]
    try:
        yield arrived
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def consume(feeds: Feeds, arrived: dict[int, float]) -> None:
    """Be the outside consumer."""
    consumer = AIOKafkaConsumer(**feeds.kafka.options, auto_offset_reset="earliest", enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([TopicPartition(feeds.ots, PARTITION)])
        async for record in consumer:
            arrived.setdefault(int(dict(record.headers)[SEQUENCE]), perf_counter())
    finally:
        await consumer.stop()


async def until(arrived: dict[int, float], sequence: int) -> None:
    """Wait for a sequence number."""
    async with asyncio.timeout(WITHIN):
        while sequence not in arrived:  # noqa: ASYNC110 (nothing announces it but the dict itself)
            await asyncio.sleep(0.01)
