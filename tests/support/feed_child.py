"""A publisher that kills itself: `python -m tests.support.feed_child MESSAGES acknowledged|sent`."""

import asyncio
import os
import signal
import sys
from typing import Any

from services.feeds.app import make_broker
from services.feeds.publisher import publish_from
from services.feeds.topics import Feeds, last_published, prepare
from services.settings import Settings
from services.wiring import open_ledger


async def main(messages: int, when: str) -> None:
    """Publish from where the topic ends; die once so many messages were handed to Kafka, acknowledged or not."""
    settings = Settings()
    feeds = Feeds.of(settings)
    left = messages
    async with open_ledger(settings) as ledger, make_broker(feeds) as broker:
        await prepare(feeds)
        await broker.connect()
        real = broker.publish

        async def deadly(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            future = await real(*arguments, **options)
            left -= 1
            if not left:
                if when == "acknowledged":
                    await future
                os.kill(os.getpid(), signal.SIGKILL)
            return future

        setattr(broker, "publish", deadly)  # noqa: B010 (mypy knows it as a method)
        await publish_from(ledger, feeds, broker, await last_published(feeds, ledger.genesis.ledger))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2]))
