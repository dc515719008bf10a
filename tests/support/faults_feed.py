"""The feed's publisher and its consumer of answers as processes under test, and where they may be struck."""

import asyncio
import functools
from typing import Any, assert_never

import aiokafka
from aiokafka import AIOKafkaConsumer, TopicPartition
from faststream.kafka import KafkaBroker

from projections.feed_queries import FeedRow
from projections.ots_status import statuses
from services.feeds import answers, app, publisher
from services.feeds.app import make_broker
from services.feeds.results import take_answers
from services.feeds.topics import PARTITION, Feeds, prepare
from services.ledger import Ledger
from services.settings import Settings
from services.wiring import stop
from tests.support.faults_job import AnswerOutside, FeedStep, Publish, TakeAnswers
from tests.support.faults_journal import Journal
from tests.support.faults_points import Points, watch

SHA256 = "5" * 64
BY = "Acme OTS"
PATIENCE = 60.0


def install_feed(points: Points) -> None:
    """Make the points known in this process, beside those of every process."""
    watch(publisher, "prepare", points, after="topics ready")
    watch(publisher, "last_published", points, after="place found")
    watch(publisher, "waiting", points, after="rows read")
    watch(publisher, "message_of", points, after="message made")
    watch(publisher, "send", points, after="messages kept")
    watch(publisher, "remember", points, after="place kept")
    watch(KafkaBroker, "publish", points, after="message handed over")
    watch(app, "settle", points, before="answer read", after="answer settled")
    watch(answers, "load_case", points, after="case loaded")
    watch(AIOKafkaConsumer, "commit", points, before="before offset", after="offset kept")


async def take(ledger: Ledger, step: FeedStep, _journal: Journal) -> None:
    """Take one step."""
    feeds = Feeds.of(Settings())
    await ledger.caught_up()
    match step:
        case Publish():
            await publish_all(ledger, feeds)
        case AnswerOutside():
            await answer_outside(ledger, feeds)
        case TakeAnswers():
            await take_all(ledger, feeds)
        case _:
            assert_never(step)


async def publish_all(ledger: Ledger, feeds: Feeds) -> None:
    """Publish until there is nothing more."""
    waiting, nothing_more = publisher.waiting, asyncio.Event()

    async def looking(ledger: Ledger, last: int) -> list[FeedRow]:
        rows = await waiting(ledger, last)
        if not rows:
            nothing_more.set()
        return rows

    setattr(publisher, "waiting", looking)  # noqa: B010 (mypy takes no assignment to a module's function)
    await during(publisher.publish(ledger, feeds), nothing_more)


async def answer_outside(ledger: Ledger, feeds: Feeds) -> None:
    """Answer whoever waits as an outside system does that got every message twice."""
    await prepare(feeds)
    async with ledger.pool.acquire() as connection:
        waiting = await statuses(connection, status="Q")
    async with make_broker(feeds) as outside:
        await outside.connect()
        for one in waiting * 2:
            named = {name: getattr(one, name) for name in ("bssy", "certified_at", "record", "identity")}
            said = {"answer": "rendered", "by": BY, "ref": str(one.ref), "sha256": SHA256, **named}
            await outside.publish(said, feeds.results)


async def take_all(ledger: Ledger, feeds: Feeds) -> None:
    """Take answers until the group's offset is behind the last of them."""
    await prepare(feeds)
    kept, end = await progress(feeds)
    if kept >= end:
        return
    settled = asyncio.Event()
    commit = AIOKafkaConsumer.commit

    @functools.wraps(commit)
    async def committing(self: AIOKafkaConsumer, *args: Any) -> None:
        await commit(self, *args)
        if await self.position(TopicPartition(feeds.results, PARTITION)) >= end:
            settled.set()

    AIOKafkaConsumer.commit = committing
    let_the_dead_member_go()
    await during(take_answers(ledger, feeds), settled)


def let_the_dead_member_go() -> None:
    """Make consumers of this process the same member as the killed one: else the group waits ten seconds for that."""
    begin = AIOKafkaConsumer.__init__

    @functools.wraps(begin)
    def named(self: AIOKafkaConsumer, *topics: str, **options: Any) -> None:
        begin(self, *topics, **options | ({"group_instance_id": "one"} if options.get("group_id") else {}))

    aiokafka.AIOKafkaConsumer.__init__ = named


async def during(work: Any, until: asyncio.Event) -> None:
    """Do endless work until something has happened; raise what the work failed with, or TimeoutError."""
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(until.wait())
    await asyncio.wait([working, waiting], timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if working.done():
        working.result()
    await stop(working)
    if not until.is_set():
        raise TimeoutError(f"not done in {PATIENCE} s")


async def progress(feeds: Feeds) -> tuple[int, int]:
    """Return how many answers are settled for good, and how many there are."""
    partition = TopicPartition(feeds.results, PARTITION)
    consumer = AIOKafkaConsumer(**feeds.kafka.options, group_id=feeds.group, enable_auto_commit=False)
    consumer.assign([partition])
    await consumer.start()
    try:
        ends = await consumer.end_offsets([partition])
        return await consumer.committed(partition) or 0, ends[partition]
    finally:
        await consumer.stop()
