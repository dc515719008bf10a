"""How a command works with an open ledger: one event loop, closed properly on a signal."""

import asyncio
import logging
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from threading import Event
from typing import Any, TypeVar

from projections import index
from projections.database import Connection
from projections.index import Head
from services.cli.errors import Interrupted, SettingsUnfit
from services.ledger import Ledger
from services.settings import Settings

T = TypeVar("T")

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Session:
    """What a signal leaves to say: `on_signal` is told to the operator, and threads ask `check`."""

    def __init__(self) -> None:
        self.on_signal = ""
        self.signalled = 0
        self._stopping = Event()

    def stop(self, number: int) -> None:
        """Remember the signal; long work in threads ends at its next `check`."""
        self.signalled = number
        self._stopping.set()

    def check(self) -> None:
        """Raise Interrupted once a signal has come."""
        if self._stopping.is_set():
            raise Interrupted(self.signalled, self.on_signal)


def with_ledger(work: Callable[[Ledger, Session], Awaitable[T]]) -> T:
    """Open the ledger that the settings name, do the work, close everything, and return what came of it."""

    async def main(session: Session) -> T:
        from services.wiring import open_ledger

        async with open_ledger(read_settings(), told=say) as ledger:
            return await work(ledger, session)

    return run(main)


def read_settings() -> Settings:
    """Read the environment. Raises SettingsUnfit, or pydantic's ValidationError."""
    settings = Settings()
    if settings.log == "kafka" and not settings.kafka:
        raise SettingsUnfit("LEDGER_LOG=kafka needs LEDGER_KAFKA: set it to the brokers, host:port,host:port.")
    return settings


def run(main: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
    """Run one coroutine. SIGINT and SIGTERM cancel it, so that it closes what it opened; a second one ends at once."""
    quiet_logging()
    session = Session()

    async def guarded() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(number: int) -> None:
            session.stop(number)
            task.cancel()
            for each in SIGNALS:
                loop.remove_signal_handler(each)

        for number in SIGNALS:
            loop.add_signal_handler(number, stop, number)
        try:
            return await main(session)
        except BaseException:
            session.check()
            raise

    try:
        return asyncio.run(guarded())
    except asyncio.CancelledError:
        session.check()
        raise


def say(message: str) -> None:
    """Tell the operator something beside the command's output."""
    sys.stderr.write(message + "\n")


@asynccontextmanager
async def reading(ledger: Ledger, *views: str, patience: float | None = None) -> AsyncIterator[tuple[Connection, Head]]:
    """Yield a connection that sees all views as of one position, and that position.

    Everything that lies in the log at the call is already seen, unless `patience` (seconds) ends first. Raises
    ViewStopped for a view that stopped.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await ledger.caught_up()
    async with (
        ledger.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        for view in views:
            await ledger.require(connection, view)
        yield connection, await index.read_head(connection)


def quiet_logging() -> None:
    """Let warnings out, one line each; never a traceback, whose exception might quote a row."""
    handler = logging.StreamHandler()
    handler.setFormatter(OneLine("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class OneLine(logging.Formatter):
    """A record without its exception and stack."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        return ei[0].__name__ if ei and ei[0] else ""

    def formatStack(self, stack_info: str) -> str:  # noqa: N802, ARG002 - the name is logging's
        return ""
