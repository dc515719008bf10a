"""The role that takes outside systems' answers from `feeds.ots.results`."""

import asyncio

from aiokafka.errors import KafkaError

from events.log.contract import LogUnavailable
from services.feeds.answers import take
from services.feeds.app import make_broker, subscribe
from services.feeds.topics import Feeds, prepare
from services.ledger import Ledger


async def take_answers(ledger: Ledger, feeds: Feeds) -> None:
    """Take what is answered, until cancelled. Raises LogUnavailable when the brokers are away; call it again then."""
    await prepare(feeds)
    broker = make_broker(feeds)
    subscribe(broker, feeds, lambda result: take(ledger, result))
    try:
        async with broker:
            await broker.start()
            await asyncio.Event().wait()
    except (KafkaError, TimeoutError) as error:
        raise LogUnavailable(f"answers cannot be read from {feeds.results} now ({error!r})") from error
