"""A serving process: the roles it plays, each restarted when a server it needs was away, all ended by a signal."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import structlog
import uvicorn

from events.log.contract import LogUnavailable
from events.registry.contract import RegistryUnavailable
from projections.follower import TRANSIENT
from services.blobs import BlobRefused, BlobUnavailable
from services.feeds.publisher import publish
from services.feeds.results import take_answers
from services.feeds.topics import Feeds
from services.ledger import Ledger, OutcomeUnknown, ViewStopped
from services.ots import worker
from services.serving.health import Health
from services.serving.inbox import watch
from services.serving.intake import work_uploads

ROLES = ("projector", "intake", "ots", "feeds")
AGAIN_SECONDS = 2.0
PASSING = (*TRANSIENT, LogUnavailable, RegistryUnavailable, BlobRefused, BlobUnavailable, OutcomeUnknown, ViewStopped)
"""Failures that pass: the role is taken up again, from what the log says was done."""

log = structlog.get_logger("ledger.serve")


class Quiet(uvicorn.Server):
    """uvicorn without its own signal handlers: the process has one place for signals."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


async def serve(
    ledger: Ledger,
    roles: tuple[str, ...],
    *,
    inbox: Path,
    feeds: Feeds,
    host: str,
    port: int,
    told: Callable[[int], None],
) -> None:
    """Play the roles until cancelled. Raises what only a person can repair. `told` hears the port once it listens.

    The follower runs in every process, so the role `projector` alone adds nothing to it. `feeds` needs Kafka.
    """
    works: dict[str, list[Callable[[], Awaitable[None]]]] = {
        "projector": [],
        "intake": [lambda: watch(ledger, inbox), lambda: work_uploads(ledger)],
        "ots": [lambda: worker.run(ledger)],
        "feeds": [lambda: publish(ledger, feeds), lambda: take_answers(ledger, feeds)],
    }
    async with asyncio.TaskGroup() as group:
        group.create_task(http(Health(ledger, roles), host, port, told))
        group.create_task(follower_of(ledger))
        for role in roles:
            for work in works[role]:
                group.create_task(again_and_again(role, work))


async def follower_of(ledger: Ledger) -> None:
    """End everything when the follower ends: without it nothing that is written can be read."""
    assert ledger.following is not None
    await asyncio.shield(ledger.following)


async def again_and_again(role: str, work: Callable[[], Awaitable[None]]) -> None:
    """Do a role's work; after a failure that passes, take it up again."""
    while True:
        try:
            await work()
        except PASSING as error:
            log.warning("taken up again soon", role=role, failure=type(error).__name__)
            await asyncio.sleep(AGAIN_SECONDS)


async def http(health: Health, host: str, port: int, told: Callable[[int], None]) -> None:
    """Serve the three pages until cancelled."""
    config = uvicorn.Config(
        health.app(),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = Quiet(config)
    serving = asyncio.create_task(server.serve())
    try:
        while not (server.started or serving.done()):
            await asyncio.wait([serving], timeout=0.01)  # uvicorn says by a flag alone that it listens
        if server.started:
            told(server.servers[0].sockets[0].getsockname()[1])
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await asyncio.wait([serving], timeout=5)
