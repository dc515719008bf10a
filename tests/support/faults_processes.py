"""Processes under test, seen from the test that kills them."""

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import psutil

from tests.support.faults_job import Happened, Job

ROOT = Path(__file__).parents[2]
MAX_LINE = 1 << 20


class Child:
    """One process. `stopped` and `ended` wait for what the kernel says of it, `told` for what it says itself."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._stopped = asyncio.Event()
        self._words: Counter[str] = Counter()
        self._told = asyncio.Condition()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def kill(self) -> None:
        """End it at once (SIGKILL)."""
        self.signal(signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended; that it has may not have been heard yet."""
        if self._ended.done():
            return
        with suppress(psutil.NoSuchProcess):
            psutil.Process(self.pid).send_signal(number)

    def go_on(self) -> None:
        """Let it run again after it was stopped."""
        self._stopped.clear()
        self.signal(signal.SIGCONT)

    async def stopped(self) -> None:
        """Wait until it stands still. Raises RuntimeError when it ends instead."""
        await self._stopped.wait()
        if self._ended.done():
            raise RuntimeError(f"process {self.pid} ended with {self._ended.result()} and never stopped")

    async def told(self, word: str, times: int = 1) -> None:
        """Wait until it has told its journal a word so many times. Raises RuntimeError when it ends before."""
        async with self._told:
            await self._told.wait_for(lambda: self._words[word] >= times or self._ended.done())
        if self._words[word] < times:
            raise RuntimeError(f"process {self.pid} ended with {self._ended.result()} and never told {word!r}")

    async def ended(self) -> int:
        """Wait for its end: the exit code, or minus the number of the signal that killed it."""
        return await asyncio.shield(self._ended)

    async def hear(self, happened: Happened) -> None:
        """Take note of what happened to it."""
        match happened.what:
            case "stopped":
                self._stopped.set()
            case "exited":
                self._end(happened.number)
            case "killed":
                self._end(-happened.number)
            case "told":
                self._words[happened.word] += 1
        async with self._told:
            self._told.notify_all()

    def _end(self, code: int) -> None:
        self._ended.set_result(code)
        self._stopped.set()


class Nursery:
    """Starts processes, and hears of their ends."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._starting: asyncio.Queue[Child] = asyncio.Queue()
        self._children: dict[int, Child] = {}
        self._one_start = asyncio.Lock()

    async def start(self, job: Job) -> Child:
        """Start a process on a job."""
        assert self._process.stdin is not None
        async with self._one_start:
            self._process.stdin.write(msgspec.json.encode(job) + b"\n")
            await self._process.stdin.drain()
            return await self._starting.get()

    async def run(self, job: Job) -> int:
        """Start a process on a job and wait for its end."""
        return await (await self.start(job)).ended()

    async def listen(self) -> None:
        """Hear what the nursery tells, until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            happened = msgspec.json.decode(line, type=Happened)
            if happened.what == "started":
                child = self._children[happened.pid] = Child(happened.pid)
                self._starting.put_nowait(child)
            else:
                await self._children[happened.pid].hear(happened)


@asynccontextmanager
async def open_nursery(*modules: str) -> AsyncIterator[Nursery]:
    """Run a nursery that has imported some modules more; at the end, or when we are killed, all its processes are."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.support.faults_child", *modules),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=MAX_LINE,
        start_new_session=True,
    )
    nursery = Nursery(process)
    listening = asyncio.create_task(nursery.listen())
    try:
        yield nursery
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
        await listening
