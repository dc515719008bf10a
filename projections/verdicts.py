"""Verdicts: a writer that knows its record's position waits here until the index has passed it."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

import asyncpg

from events.log.contract import LogUnfit
from projections import index
from projections.database import SERVER_TROUBLE, Connection, Pool, being_cancelled
from projections.index import Settled

POLL_SECONDS = 0.25
"""How often the head is read although no notification came: one may be lost with a connection."""

Waiter = tuple[int, UUID, "asyncio.Future[Settled]"]


class Verdicts:
    """Hears the follower's notifications and answers all who wait with one query."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._waiting: list[Waiter] = []
        self._news = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._listening = asyncio.create_task(self._listen(), name="verdicts")
        self._listening.add_done_callback(self._nobody_hears)

    async def close(self) -> None:
        """Stop listening; whoever still waits is cancelled."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def of(self, command: UUID, position: int) -> Settled:
        """Wait until the index has passed the command's record at `position`, and return what became of it.

        Raises LogUnfit where the log was cut there, and whatever ended the listening.
        """
        future: asyncio.Future[Settled] = asyncio.get_running_loop().create_future()
        self._waiting.append((position, command, future))
        self._news.set()
        if self._listening is not None and self._listening.done():
            self._nobody_hears(self._listening)
        return await future

    def _nobody_hears(self, listening: "asyncio.Task[None]") -> None:
        """Tell all who wait what ended the listening; without one they would wait in vain."""
        fault = None if listening.cancelled() else listening.exception()
        for _, _, future in self._waiting:
            if fault is None:
                future.cancel()
            elif not future.done():
                future.set_exception(fault)

    async def _listen(self) -> None:
        while not being_cancelled():
            try:
                async with self._pool.acquire() as connection:
                    await self._answer_for_ever(connection)
            except (asyncpg.PostgresError, *SERVER_TROUBLE):
                if not being_cancelled():
                    await asyncio.sleep(POLL_SECONDS)

    async def _answer_for_ever(self, connection: Connection) -> None:
        def heard(*_: object) -> None:
            self._news.set()

        await connection.add_listener(index.CHANNEL, heard)
        try:
            while True:
                await self._answer(connection)
                with suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS if self._waiting else None):
                        await self._news.wait()
                self._news.clear()
        finally:
            if not connection.is_closed():
                await connection.remove_listener(index.CHANNEL, heard)

    async def _answer(self, connection: Connection) -> None:
        self._waiting = [waiter for waiter in self._waiting if not waiter[2].done()]
        if not self._waiting:
            return
        reached = (await index.read_head(connection)).next_position
        due = [waiter for waiter in self._waiting if waiter[0] < reached]
        settled = await index.verdicts(connection, commands(due)) if due else {}
        for position, command, future in due:
            if not future.done():
                answer(future, position, settled.get(command))
        self._waiting = [waiter for waiter in self._waiting if not waiter[2].done()]


def commands(waiters: Iterable[Waiter]) -> list[UUID]:
    """Return whose verdicts are asked for."""
    return [command for _, command, _ in waiters]


def answer(future: "asyncio.Future[Settled]", position: int, settled: Settled | None) -> None:
    """Give a waiter its verdict. Where the index passed its position without it, the log was cut in between."""
    if settled is None:
        future.set_exception(
            LogUnfit(
                f"the views hold another record at position {position} than the one that was appended there: the log "
                "was truncated. Stop all writers and start again, which says from where"
            )
        )
    else:
        future.set_result(replace(settled, repeated=settled.stands and settled.position != position))
