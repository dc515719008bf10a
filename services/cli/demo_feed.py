"""The demo on Kafka: an outside system hears on `feeds.ots` what was certified, and what became of it."""

import asyncio
import logging
from contextlib import suppress
from typing import NamedTuple

import typer

from services.cli.demo_story import check, headline, listen

SHOWN = 5
WITHIN = 60.0


class Heard(NamedTuple):
    """What the outside system keeps of a message: nothing of a person."""

    sequence: int
    kind: str
    event_id: str


def tell_feed() -> None:
    """Tell it. Raises StoryBroken."""
    headline("An outside system hears each certified transcript and what became of it, and sees that none is missing")
    typer.secho("\n$ python examples/ots_consumer.py BROKERS", fg=typer.colors.CYAN)
    heard = asyncio.run(hear())
    listen()
    for one in heard[-SHOWN:]:
        typer.echo(f"{one.sequence:>6}  {one.kind:<9}  {one.event_id}")
    kinds = {kind: sum(one.kind == kind for one in heard) for kind in sorted({one.kind for one in heard})}
    told = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    typer.echo(f"{len(heard):,} messages ({told}): no gap, no repeat")
    check([one.sequence for one in heard] == list(range(1, len(heard) + 1)), "the feed has no gap and no repeat")
    check({"certified", "sent", "rejected"} <= kinds.keys(), "the feed tells of certified, sent and rejected")


async def hear() -> list[Heard]:
    """Publish all there is, and return it as the outside system has it."""
    import structlog

    from projections.feed_queries import last_sequence
    from services.feeds.publisher import publish
    from services.feeds.topics import Feeds, prepare
    from services.settings import Settings
    from services.wiring import open_ledger

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = Settings()
    feeds = Feeds.of(settings)
    async with open_ledger(settings) as ledger:
        await ledger.caught_up()
        async with ledger.pool.acquire() as connection:
            last = await last_sequence(connection)
        await prepare(feeds)
        publishing = asyncio.create_task(publish(ledger, feeds))
        try:
            return await consume(list(feeds.bootstrap), feeds.ots, last)
        finally:
            publishing.cancel()
            with suppress(asyncio.CancelledError):
                await publishing


async def consume(brokers: list[str], topic: str, last: int) -> list[Heard]:
    """Read a topic up to a sequence number."""
    from faststream.kafka import KafkaBroker, KafkaMessage

    heard: list[Heard] = []
    done = asyncio.Event()
    broker = KafkaBroker(brokers, logger=None, allow_auto_create_topics=False)

    @broker.subscriber(topic, auto_offset_reset="earliest")
    async def hear_one(message: KafkaMessage) -> None:
        said = message.headers
        heard.append(Heard(int(said["ce_sequence"]), said["ce_type"].rsplit(".", 1)[1], said["ce_id"]))
        if heard[-1].sequence >= last:
            done.set()

    async with broker, asyncio.timeout(WITHIN):
        await broker.start()
        await done.wait()
    return heard
