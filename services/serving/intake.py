"""The intake role: works every upload that waits, whoever received it, in its sponsor's order."""

import asyncio
from uuid import UUID

import structlog

from events.upload import Done, UploadClosed
from projections.upload_queries import open_uploads
from services.intake.work import work_queue
from services.ledger import Ledger

IDLE_SECONDS = 0.5

log = structlog.get_logger("ledger.intake")


async def work_uploads(ledger: Ledger) -> None:
    """Work what waits, for ever. Another process may work the same upload: every id is derived, doubles are void."""
    while True:
        async with ledger.pool.acquire() as connection:
            await ledger.require(connection, "uploads")
            waiting = await open_uploads(connection)
        for upload in waiting:
            await work_one(ledger, upload)
        if not waiting:
            await asyncio.sleep(IDLE_SECONDS)


async def work_one(ledger: Ledger, upload: UUID) -> None:
    """Bring one upload to its end and say in the log what became of it, in numbers alone."""
    done = await work_queue(ledger, upload)
    if isinstance(done.state, Done) and isinstance(done.state.last, UploadClosed):
        closed = done.state.last
        log.info("closed", upload=str(upload), stored=closed.stored, unchanged=closed.unchanged, held=closed.held)
    else:
        log.info("refused", upload=str(upload))
