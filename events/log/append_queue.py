"""Appends on their way to a log: they wait in the order of their calls while the writer is busy with earlier ones."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from events.log.contract import AppendRefused, AppendUnknown, LogError, refuse_oversize

GRACE = 5.0
"""Seconds that closing waits for appends that are still on their way."""


@dataclass(slots=True, eq=False)
class Pending:
    """One record on its way, and the future its caller awaits. `sent` once it may have reached the log."""

    data: bytes
    expires: float
    outcome: asyncio.Future[int]
    sent: bool = False

    @property
    def given_up(self) -> bool:
        """Whether the caller no longer waits."""
        return self.outcome.done()


class AppendQueue:
    """Lets concurrent callers append, while one writer at a time takes as many of them together as it likes.

    `write` is called, again and again, as long as anything waits; it takes some from the queue, marks them as sent
    before anything can reach the log, and settles them or puts them back.
    """

    def __init__(self, write: Callable[[], Awaitable[None]], place: str, *, grace: float = 0.0) -> None:
        """`place` names the log in messages; `grace` is how long after its deadline a write may still answer."""
        self._write = write
        self._place = place
        self._grace = grace
        self.trouble = ""
        """What keeps the writer from writing at the moment, for the message to those who come too late."""
        self._waiting: deque[Pending] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._closed = False

    async def append(self, data: bytes, deadline: float) -> int:
        """Append one record; see `Log.append` (events/log/contract.py)."""
        refuse_oversize(data)
        if self._closed:
            raise AppendRefused(f"{self._place} was closed: nothing was stored; open it again")
        loop = asyncio.get_running_loop()
        pending = Pending(data, loop.time() + deadline, loop.create_future())
        self._waiting.append(pending)
        self._start_writing()
        try:
            async with asyncio.timeout_at(pending.expires + self._grace):
                return await pending.outcome
        except TimeoutError:
            raise self._late(pending) from None

    def take(self, fits: Callable[[bytes], bool] = lambda _: True) -> list[Pending]:
        """Take those whose callers still wait, from the first on, up to the first that does not fit."""
        taken: list[Pending] = []
        while self._waiting:
            if not self._waiting[0].given_up:
                if not fits(self._waiting[0].data):
                    break
                taken.append(self._waiting[0])
            self._waiting.popleft()
        return taken

    def put_back(self, group: Sequence[Pending]) -> None:
        """Let a group, certainly not in the log, wait again in its place; who is late is told so."""
        now = asyncio.get_running_loop().time()
        for pending in reversed(group):
            pending.sent = False
            if pending.expires > now:
                self._waiting.appendleft(pending)
            else:
                fail([pending], self._late(pending))

    @property
    def is_empty(self) -> bool:
        """Whether nobody waits any more."""
        while self._waiting and self._waiting[0].given_up:
            self._waiting.popleft()
        return not self._waiting

    async def close(self) -> None:
        """Take no more appends, and wait a while for those on their way. Safe to call twice."""
        self._closed = True
        if self._writing:
            await asyncio.wait([self._writing], timeout=GRACE)
            self._writing.cancel()
            await asyncio.wait([self._writing])
        fail(self.take(), AppendRefused(f"{self._place} was closed: nothing was stored; open it again"))

    def _start_writing(self) -> None:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.get_running_loop().create_task(self._write_all())

    async def _write_all(self) -> None:
        """Write until nothing waits. A fault of ours ends this with its traceback; those who wait are served anew."""
        try:
            while not self.is_empty:
                await self._write()
        except Exception:
            if not self._closed:
                asyncio.get_running_loop().call_soon(self._start_writing)
            raise

    def _late(self, pending: Pending) -> LogError:
        if pending.sent:
            return AppendUnknown(f"{self._place} gave no answer in time: look the command up, or repeat it")
        why = f" ({self.trouble})" if self.trouble else ""
        return AppendRefused(f"{self._place} could not be written in time{why}: nothing was stored; try again")


def succeed(group: Sequence[Pending], first: int) -> None:
    """Tell each its position, the group lying in one piece from `first` on."""
    for position, pending in enumerate(group, first):
        if not pending.given_up:
            pending.outcome.set_result(position)


def fail(group: Sequence[Pending], error: LogError) -> None:
    """Tell each the same error."""
    for pending in group:
        if not pending.given_up:
            pending.outcome.set_exception(type(error)(*error.args))
