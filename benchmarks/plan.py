"""What a run of the benchmarks has at hand: a folder, its sizes, and the servers that several of them share."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.embedded import postgres
from services.embedded.kafka_jars import KafkaMissing
from services.embedded.local_kafka import LocalKafka
from services.generate import Spec, generate
from services.settings import Settings

ROOT = Path(__file__).parent.parent


@dataclass
class Plan:
    """One run. `said` hears what is going on; servers that are started live in `servers` until the run ends."""

    folder: Path
    servers: AsyncExitStack
    said: Callable[[str], None]
    runs: int = 3
    quick: bool = False
    large: bool = False
    _kafka: list[str] | None = field(default=None)

    def size(self, full: int) -> int:
        """A number of students, a tenth of it in a quick run."""
        return max(200, full // 10) if self.quick else full

    async def kafka(self) -> list[str] | None:
        """Start one broker at the first call and return its address; None where Java or the jars are missing."""
        if self._kafka is None:
            self._kafka = []
            try:
                self.said("starting one Kafka broker")
                broker = await self.servers.enter_async_context(LocalKafka(1))
                self._kafka = broker.bootstrap
            except KafkaMissing as missing:
                self.said(f"no Kafka figures: {missing}")
        return self._kafka or None

    async def logs(self) -> list[str]:
        """The logs that can be measured here."""
        return ["sqlite", "kafka"] if await self.kafka() else ["sqlite"]

    @asynccontextmanager
    async def home(self, log: str) -> AsyncIterator[Settings]:
        """A new ledger's settings, and its PostgreSQL kept running until the block ends."""
        home = self.folder / f"home-{uuid4().hex[:8]}"
        async with await postgres.start(home):
            if log == "sqlite":
                yield Settings(home=home)
            else:
                brokers, topic = await self.kafka() or [], f"bench-{uuid4()}"
                yield Settings(home=home, log="kafka", kafka=brokers, topic=topic, replication=1, min_insync=1)

    def students_file(self, students: int, *, sponsor: str = "017", faults: float = 0.0) -> Path:
        """A synthetic sponsor's file, made once a run."""
        path = self.folder / f"{sponsor}-{students}-{faults}.txt"
        if not path.exists():
            self.said(f"making a file of {students:,} students")
            generate(Spec(students, sites=4, seed=int(sponsor), faults=faults, sponsor=sponsor)).write(path)
        return path


def environment(settings: Settings) -> Mapping[str, str]:
    """The environment in which another process opens the same ledger."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")} | {
        "LEDGER_HOME": str(settings.home),
        "LEDGER_LOG": settings.log,
        "LEDGER_KAFKA": ",".join(settings.kafka),
        "LEDGER_TOPIC": settings.topic,
        "LEDGER_REPLICATION": str(settings.replication),
        "LEDGER_MIN_INSYNC": str(settings.min_insync),
    }


async def output_of(*command: str, env: Mapping[str, str] | None = None, ends: Container[int] = (0,)) -> bytes:
    """Run a program to its end and return what it says. Raises RuntimeError for an exit status not in `ends`."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=env, cwd=ROOT)
    try:
        said, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode not in ends:
        raise RuntimeError(f"{' '.join(command[:3])} ended with {process.returncode}")
    return said


async def in_a_process(module: str, settings: Settings, *arguments: str) -> dict[str, Any]:
    """Run a module of ours as a process of its own and return the JSON object that it prints last."""
    said = await output_of(sys.executable, "-m", module, *arguments, env=environment(settings))
    return dict(json.loads(said.splitlines()[-1]))


async def interleaved(contestants: Mapping[str, Callable[[], Awaitable[float]]], runs: int) -> dict[str, list[float]]:
    """Let the contestants run in turns, so that a slow spell of the machine meets all of them."""
    values: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(runs):
        for name, run in contestants.items():
            values[name].append(await run())
    return values
