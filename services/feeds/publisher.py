"""The publisher of `feeds.ots`: sends what the projection numbers, in order, at least once.

Any number of publishers may run, and any may be killed at any point. The topic itself says how far the feed has come;
what is sent twice has the same event id.
"""

import asyncio

import structlog
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from events.log.contract import LogUnavailable
from projections.feed_queries import FeedRow, rows_after
from services.feeds.app import make_broker
from services.feeds.content import message_of
from services.feeds.messages import SEQUENCE, SOURCE, headers_of, source_of
from services.feeds.topics import PARTITION, Feeds, last_published, prepare
from services.ledger import Ledger
from services.ots.naming import Namings

PAGE = 50
IDLE_SECONDS = 0.05

log = structlog.get_logger("ledger.feeds")


async def publish(ledger: Ledger, feeds: Feeds) -> None:
    """Send what comes, until cancelled. Raises LogUnavailable when the brokers are away; call it again then."""
    await prepare(feeds)
    try:
        async with make_broker(feeds) as broker:
            await broker.connect()
            await publish_from(ledger, feeds, broker, await last_published(feeds, ledger.genesis.ledger))
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(f"the feed {feeds.ots} cannot be written now ({error!r})") from error


async def publish_from(ledger: Ledger, feeds: Feeds, broker: KafkaBroker, last: int) -> None:
    """Send everything after a sequence number, for ever."""
    log.info("publishing", topic=feeds.ots, after=last)
    while True:
        rows = await waiting(ledger, last)
        if not rows:
            await asyncio.sleep(IDLE_SECONDS)
            continue
        await send(ledger, feeds, broker, rows)
        last = rows[-1].sequence
        await remember(ledger, feeds, broker, last)
        log.debug("published", topic=feeds.ots, messages=len(rows), last=last)


async def waiting(ledger: Ledger, last: int) -> list[FeedRow]:
    """Return the next messages. Raises ViewStopped when the view cannot tell."""
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "feed_ots")
        return await rows_after(connection, last, PAGE)


async def remember(ledger: Ledger, feeds: Feeds, broker: KafkaBroker, last: int) -> None:
    """Keep how far the feed has come, for a day when retention has emptied its topic."""
    source = source_of(ledger.genesis.ledger)
    headers = {SOURCE: source, SEQUENCE: str(last)}
    await broker.publish(b"", feeds.reached, key=source.encode(), partition=PARTITION, headers=headers)


async def send(ledger: Ledger, feeds: Feeds, broker: KafkaBroker, rows: list[FeedRow]) -> None:
    """Send some messages in their order and wait until Kafka keeps them all.

    After a failure the producer is not used again; what it had on its way behind the failed message Kafka refuses,
    because the producer is idempotent and its numbers would have a hole.
    """
    sent, namings = [], Namings(ledger)
    messages = await asyncio.gather(*(message_of(ledger, row, namings) for row in rows))
    for row, message in zip(rows, messages, strict=True):
        future = await broker.publish(
            message,
            feeds.ots,
            key=str(row.ref).encode(),
            partition=PARTITION,
            headers=headers_of(ledger.genesis.ledger, row, message),
            no_confirm=True,
        )
        sent.append(future)
    await asyncio.gather(*sent)
