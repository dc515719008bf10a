"""A ledger with certified graduates, made by the services themselves, in June of the school year."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from pydantic import SecretStr

from events.identity import StudentErased
from events.official_transcript import OfficialTranscriptRejected
from events.streams import identity_stream
from schemas.layout import Variant
from schemas.louisiana_sts.escholar import read_extract
from services import certifying
from services.generate import Spec, generate
from services.generate.extract import GeneratedExtract
from services.identities import identity_of
from services.identity_load import load, plan
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.ledger import Draft, Ledger, Written
from services.ots.naming import Namings
from services.ots.worker import SiteLists, append, load_case, rejected, waiting_now
from services.settings import Settings
from services.wiring import open_ledger

BSSY = "2025"


@dataclass
class June:
    """A clock in June that goes on by a second each time it is read."""

    time: datetime = datetime(2026, 6, 15, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.time += timedelta(seconds=1)
        return self.time


def settings_for(home: Path, views_dsn: str, registry_dsn: str, kafka: list[str] | None = None) -> Settings:
    """Settings of a ledger of its own: SQLite, or a new topic where brokers are given."""
    name = f"test-{uuid4()}"
    on_kafka: dict[str, object] = {"log": "kafka", "kafka": kafka, "topic": name, "feeds_prefix": f"{name}."}
    return Settings.model_validate(
        {
            "home": home,
            "views_dsn": SecretStr(views_dsn),
            "registry_dsn": SecretStr(registry_dsn),
            "replication": 1,
            "min_insync": 1,
            **(on_kafka if kafka else {}),
        }
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """The same settings for a process."""
    assert settings.views_dsn is not None
    assert settings.registry_dsn is not None
    return {
        "LEDGER_HOME": str(settings.home),
        "LEDGER_VIEWS_DSN": settings.views_dsn.get_secret_value(),
        "LEDGER_REGISTRY_DSN": settings.registry_dsn.get_secret_value(),
        "LEDGER_LOG": settings.log,
        "LEDGER_KAFKA": ",".join(settings.kafka),
        "LEDGER_TOPIC": settings.topic,
        "LEDGER_FEEDS_PREFIX": settings.feeds_prefix,
        "LEDGER_REPLICATION": "1",
        "LEDGER_MIN_INSYNC": "1",
    }


@asynccontextmanager
async def in_june(settings: Settings) -> AsyncIterator[Ledger]:
    """Open the ledger in June, when graduates are certified."""
    async with open_ledger(settings, clock=June()) as ledger:
        yield ledger


async def upload(
    ledger: Ledger, folder: Path, *, students: int = 100, seed: int = 1, layout: Variant = "public"
) -> None:
    """Send an invented sponsor's file and store it; of public students load who they are, too."""
    spec = Spec(students, seed=seed, layout=layout, sponsor="017" if layout == "public" else "501")
    file = generate(spec)
    file.write(folder / "students.txt")
    received = await receive(ledger, folder / "students.txt", "replace")
    assert isinstance(received, Received)
    await work_queue(ledger, received.upload)
    if layout == "public":
        extract = read_extract(GeneratedExtract(spec).data, today=ledger.today())
        assert isinstance(extract, tuple)
        await load(ledger, await plan(ledger, extract), uuid4())


def social_security_numbers(students: int = 100, seed: int = 1) -> list[str]:
    """Those that `upload` loads with the identities of a public sponsor."""
    rows = GeneratedExtract(Spec(students, seed=seed)).rows()
    return [row["social_security_number"] for row in rows if row["social_security_number"]]


async def certify_all(ledger: Ledger) -> list[UUID]:
    """Certify each public site; return the graduates' refs, site by site in their lists' order."""
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch("select distinct site from graduates where sector = 'public' order by site")
    refs = []
    for row in rows:
        shown = await certifying.show(ledger, row["site"], BSSY)
        await certifying.certify(ledger, shown, command_id=uuid4())
        refs += [graduate.ref for graduate in shown.graduates]
    return refs


async def reject_everybody(ledger: Ledger) -> int:
    """Answer whoever waits with a rejection, and return how many were answered."""
    answered = 0
    for status in await waiting_now(ledger):
        case = await load_case(ledger, status, SiteLists(ledger), Namings(ledger))
        assert case is not None
        event = await append(ledger, case, rejected(status, ("too-few-credits",)))
        assert isinstance(event, OfficialTranscriptRejected)
        answered += 1
    return answered


async def erase(ledger: Ledger, ref: UUID) -> None:
    """Erase a student."""
    identity = await identity_of(ledger, ref)
    commits = await ledger.events_of(identity_stream(ref))
    erased = Written(StudentErased(order="D-1"))
    await ledger.append(Draft(identity_stream(ref), identity.version, uuid4(), [erased], commits[-1].key))
