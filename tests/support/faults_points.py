"""Named points in the code where a process can be made to kill or to stop itself, exactly and repeatably.

A point is one side of a call that awaits something outside: the log, the registry, the blobs, the views. `install`
wraps those calls in this process; nothing else in them changes.
"""

import functools
import inspect
import os
import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec
from aiokafka.conn import AIOKafkaConnection

import projections.advance
import projections.follower
import projections.index
from events.fold import Judged
from events.log import sqlite_file
from events.log.kafka import KafkaLog
from events.log.sqlite import SqliteLog
from events.registry.postgres import PostgresRegistry
from projections.database import Connection
from projections.index import Head
from services.blobs import BlobStore
from tests.support.faults_journal import Journal

SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}
PRODUCE = 0


class Fault(msgspec.Struct, frozen=True):
    """What happens at the `at`-th time that a point is reached: any point, or the one named."""

    at: int
    point: str = ""
    act: Literal["kill", "stop"] = "kill"


class Points:
    """Counts the points reached while armed, and carries the fault out."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._fault: Fault | None = None
        self._left = 0
        self._lock = threading.Lock()

    def arm(self, fault: Fault | None) -> None:
        """Count from here on."""
        self._fault, self._left = fault, fault.at if fault else 0

    def reach(self, name: str) -> None:
        """Say that a point is reached. The signal takes this thread before the call returns."""
        with self._lock:  # points lie in threads, too
            if self._fault is None or self._fault.point not in ("", name):
                return
            self._left -= 1
            if self._left == 0:
                self._journal.tell("fault", point=name, act=self._fault.act)
                os.kill(os.getpid(), SIGNALS[self._fault.act])


def install(points: Points) -> None:
    """Make the points known in this process."""
    for log in (SqliteLog, KafkaLog):
        watch(log, "append", points, before="before append", after="acknowledged")
    watch(sqlite_file, "insert", points, after="stored, not told")
    watch_produce(points)
    for name in ("bind", "enrol", "find", "issue", "keys", "last_serial"):
        watch(PostgresRegistry, name, points, after=f"registry {name}")
    watch(BlobStore, "_put", points, before="before blob", after="blob put")
    watch(BlobStore, "_publish", points, before="blob written, not named")
    watch(projections.index, "write", points, after="index rows")
    watch(projections.advance, "apply_or_park", points, after="projection rows")
    watch(projections.advance, "move", points, after="projection position")
    watch(projections.follower, "advance", points, after="advanced")


def watch(owner: object, name: str, points: Points, *, before: str = "", after: str = "") -> None:
    """Wrap a function of a class or a module."""
    original: Callable[..., Any] = getattr(owner, name)

    def reach(point: str) -> None:
        if point:
            points.reach(point)

    @functools.wraps(original)
    async def waiting(*args: Any, **kwargs: Any) -> Any:
        reach(before)
        result = await original(*args, **kwargs)
        reach(after)
        return result

    @functools.wraps(original)
    def blocking(*args: Any, **kwargs: Any) -> Any:
        reach(before)
        result = original(*args, **kwargs)
        reach(after)
        return result

    setattr(owner, name, waiting if inspect.iscoroutinefunction(original) else blocking)


def tell_folded(journal: Journal) -> None:
    """Let the journal know which positions this process has folded into the views, once that is committed."""
    write, advance = projections.index.write, vars(projections.follower)["advance"]
    folding: list[int] = []

    async def writing(connection: Connection, judged: Sequence[Judged], head: Head) -> Head:
        folding[:] = [one.record.position for one in judged]
        return await write(connection, judged, head)

    async def advancing(*args: Any, **kwargs: Any) -> int:
        folding.clear()
        reached: int = await advance(*args, **kwargs)
        if folding:
            journal.tell("folded", pid=os.getpid(), positions=folding)
        return reached

    setattr(projections.index, "write", writing)  # noqa: B010 (mypy takes no assignment to a module's function)
    setattr(projections.follower, "advance", advancing)  # noqa: B010


def watch_produce(points: Points) -> None:
    """Make a point of the moment when a batch was handed to the socket and no broker has answered."""
    original = AIOKafkaConnection.send

    @functools.wraps(original)
    def send(self: AIOKafkaConnection, request: Any, *args: Any, **kwargs: Any) -> Any:
        answer = original(self, request, *args, **kwargs)
        if request.API_KEY == PRODUCE:
            points.reach("sent, no answer")
        return answer

    AIOKafkaConnection.send = send
