"""A nursery of processes to be killed: `python -m tests.support.faults_child`.

It has imported everything, also what its arguments name, and forks one process for each job that comes as a line on
its input, so that a process starts in a moment; on its output it tells what the kernel says of each. When its input
ends, its children are killed.
"""

import asyncio
import importlib
import os
import selectors
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

import projections.follower
from tests.support.faults_clients import feed_steps, work_off
from tests.support.faults_job import Certify, FeedStep, Follow, Happened, Job, RunOts
from tests.support.faults_journal import Journal
from tests.support.faults_official import install_official
from tests.support.faults_points import Points, install, tell_folded


def main() -> None:
    """Fork what is asked for, and tell what becomes of it, until the input ends."""
    for module in sys.argv[1:]:
        importlib.import_module(module)
    woken, wakes = os.pipe()
    for end in (woken, wakes):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    children: set[int] = set()
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(0, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            serve(selector, woken, children)
    finally:
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def serve(selector: selectors.BaseSelector, woken: int, children: set[int]) -> None:
    """Answer each line and each signal of a child."""
    rest = b""
    while True:
        for key, _ in selector.select():
            if key.fd == woken:
                os.read(woken, 4096)
                for happened in changes():
                    if happened.what in {"exited", "killed"}:
                        children.discard(happened.pid)
                    tell(happened)
            else:
                data = os.read(0, 1 << 20)
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    children.add(fork(line))


def fork(line: bytes) -> int:
    """Start the job in a process of its own; return its id."""
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        job = msgspec.json.decode(line, type=Job)
        news = os.dup(1)
        out = os.open(job.out, os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(out, 2)
        run(job, news)
    tell(Happened("started", pid))
    return pid


def changes() -> Iterator[Happened]:
    """Yield what became of the children since the last look."""
    with suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            if pid == 0:
                return
            if os.WIFSTOPPED(status):
                yield Happened("stopped", pid, os.WSTOPSIG(status))
            elif os.WIFCONTINUED(status):
                yield Happened("continued", pid)
            elif os.WIFSIGNALED(status):
                yield Happened("killed", pid, os.WTERMSIG(status))
            else:
                yield Happened("exited", pid, os.WEXITSTATUS(status))


def tell(happened: Happened, to: int = 1) -> None:
    """Write one line to whoever asked."""
    os.write(to, msgspec.json.encode(happened) + b"\n")


def run(job: Job, news: int) -> None:
    """Do the job as a program of its own would, and end the process."""
    os.environ.update(job.environment)
    journal = Journal(Path(job.journal), lambda word: tell(Happened("told", os.getpid(), word=word), news))
    points = Points(journal)
    install(points)
    if any(isinstance(step, Certify | RunOts | FeedStep) for step in job.steps):
        install_official(points)
    if any(isinstance(step, FeedStep) for step in job.steps):
        feed_steps().install_feed(points)
    for step in job.steps:
        if isinstance(step, Follow):
            tell_folded(journal)
            projections.follower.BATCH = step.batch
            projections.follower.FOLLOWER_LOCK = step.lock or projections.follower.FOLLOWER_LOCK
    code = 1
    try:
        asyncio.run(work_off(job, journal, points))
        code = 0
    finally:
        if code:
            sys.excepthook(*sys.exc_info())
        sys.stderr.flush()
        os._exit(code)  # what belongs to the nursery is not ours to close


if __name__ == "__main__":
    main()
