"""One ledger under test: where it lies, how a process opens it, and what its clients said."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from uuid import uuid4

from services.commands import Target
from services.embedded.postgres import EmbeddedPostgres
from services.generate import Spec, generate
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.ledger import Ledger
from services.settings import Settings
from services.wiring import open_ledger
from tests.support.faults_clients import target
from tests.support.faults_job import BSSY, SPONSOR, Job, Step
from tests.support.faults_journal import Journal
from tests.support.graduates import June
from tests.support.postgres import fresh_database


@dataclass
class World:
    """A ledger of its own: log, two databases, a home.

    `kafka` is empty for an SQLite log; `through` is the way of this process to Kafka where it is another one than
    that of the processes it starts.
    """

    home: Path
    server: EmbeddedPostgres
    views_dsn: str
    registry_dsn: str
    kafka: list[str] = field(default_factory=list)
    through: list[str] = field(default_factory=list)
    topic: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    numbers: "count[int]" = field(default_factory=count)

    @property
    def environment(self) -> dict[str, str]:
        """The settings as a process of its own reads them."""
        log = {"LEDGER_LOG": "kafka", "LEDGER_KAFKA": ",".join(self.kafka), "LEDGER_TOPIC": self.topic}
        return {
            "LEDGER_HOME": str(self.home),
            "LEDGER_VIEWS_DSN": self.views_dsn,
            "LEDGER_REGISTRY_DSN": self.registry_dsn,
            "LEDGER_REPLICATION": "1",
            "LEDGER_MIN_INSYNC": "1",
            **(log if self.kafka else {"LEDGER_LOG": "sqlite"}),
            **self.more,
        }

    @property
    def settings(self) -> Settings:
        """The same settings for this process."""
        values = {name.removeprefix("LEDGER_").lower(): value for name, value in self.environment.items()}
        through = {"kafka": ",".join(self.through)} if self.through else {}
        return Settings.model_validate(values | through)

    @cached_property
    def journal(self) -> Journal:
        """What the clients sent and heard."""
        return Journal(self.home / "journal.jsonl")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Ledger]:
        """Open the ledger in this process."""
        async with open_ledger(self.settings, clock=June()) as ledger:
            yield ledger

    def job(self, *steps: Step) -> Job:
        """Return a job on this ledger for a process of its own."""
        return Job(self.environment, str(self.journal.path), list(steps), str(self.out))

    @property
    def out(self) -> Path:
        """Where processes write what they have to say."""
        return self.home / "processes.out"

    def said(self) -> str:
        """Return what the processes had to say, for the message of a failed test."""
        return self.out.read_text() if self.out.exists() else "the processes said nothing"

    def file(self, students: int) -> "Sent":
        """Write a generated file without faults, whose students are in no other file."""
        number = next(self.numbers)
        made = generate(Spec(students, seed=number + 1, sponsor=SPONSOR, bssy=int(BSSY)))
        path = self.home / f"file-{number}.txt"
        made.write(path)
        return Sent(str(path), made.canaries.state_ids)


@dataclass(frozen=True)
class Sent:
    """A file to send, and whose sets are in it."""

    path: str
    state_ids: tuple[str, ...]


@asynccontextmanager
async def new_world(
    home: Path, server: EmbeddedPostgres, kafka: Sequence[str] = (), through: Sequence[str] = ()
) -> AsyncIterator[World]:
    """Make an empty ledger; its databases are dropped afterwards."""
    home.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        views = await stack.enter_async_context(fresh_database(server, "views"))
        registry = await stack.enter_async_context(fresh_database(server, "registry"))
        topic = f"faults-{uuid4()}" if kafka else ""
        yield World(home, server, views, registry, list(kafka), list(through), topic)


async def stored_students(ledger: Ledger, world: World, students: int) -> list[Target]:
    """Upload a file of some students, and return whose sets are held now."""
    file = world.file(students)
    received = await receive(ledger, Path(file.path), "replace")
    assert isinstance(received, Received)
    await work_queue(ledger, received.upload)
    return [await target(ledger, state_id) for state_id in file.state_ids]
