"""Sites with graduates in a world under test, and what their official transcripts must be in the end."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from uuid import UUID, uuid4

from events.official_reasons import REASONS
from projections.ots_status import statuses
from schemas.louisiana_sts.escholar import columns, read_extract
from services.auditing import audit
from services.generate.extract import GeneratedExtract
from services.generate.file import Spec, Writer, joined
from services.generate.people import Person
from services.identity_load import load, plan
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.ledger import Ledger
from services.ots.archive import Rejection, Version, answers_of, document_of
from services.targets import find_key
from tests.support.faults_job import BSSY, SPONSOR
from tests.support.faults_world import World

MANY = 100_000
"""More students than are ever looked through for graduates."""

NAMELESS = "identity-missing"
assert NAMELESS in REASONS


@dataclass(frozen=True)
class Site:
    """A site's graduates: whose transcripts are sent, and whose are rejected as nobody knows their names."""

    code: str
    sent: tuple[str, ...]
    rejected: tuple[str, ...] = ()

    @property
    def state_ids(self) -> tuple[str, ...]:
        """All of them."""
        return self.sent + self.rejected


def graduates_of(spec: Spec) -> Iterator[Person]:
    """Yield the graduates among a file's students."""
    writer = Writer(spec)
    return (person for person in map(writer.person, count()) if person.graduation)


def classes(spec: Spec, size: int) -> list[list[Person]]:
    """Return so many graduates of each site."""
    found: dict[str, list[Person]] = {f"{SPONSOR}{number:03d}": [] for number in range(1, spec.sites + 1)}
    for person in graduates_of(spec):
        if len(found[person.site]) < size:
            found[person.site].append(person)
        if all(len(each) == size for each in found.values()):
            break
    return list(found.values())


async def graduating(ledger: Ledger, world: World, sites: int, *, sent: int, rejected: int = 0) -> list[Site]:
    """Upload the graduates of some sites, and load who they are but for those who are to be rejected."""
    spec = Spec(MANY, sites=sites, sponsor=SPONSOR, bssy=int(BSSY))
    people = classes(spec, sent + rejected)
    path, writer = world.home / "graduates.txt", Writer(spec)
    path.write_bytes(b"".join(joined(writer.student(one.number).lines) for each in people for one in each))
    received = await receive(ledger, path, "replace")
    assert isinstance(received, Received)
    await work_queue(ledger, received.upload)
    identities = read_extract(extract_of(spec, [one for each in people for one in each[:sent]]), today=ledger.today())
    assert isinstance(identities, tuple)
    await load(ledger, await plan(ledger, identities), uuid4())
    ids = [[one.state_id for one in each] for each in people]
    return [Site(each[0].site, tuple(of[:sent]), tuple(of[sent:])) for each, of in zip(people, ids, strict=True)]


def extract_of(spec: Spec, people: Sequence[Person]) -> bytes:
    """Return an extract that lacks nobody's birth date."""
    text, extract = io.StringIO(newline=""), GeneratedExtract(spec)
    writer = csv.DictWriter(text, columns(), lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(extract.row(one) | {"birth_date": one.birth_date.isoformat()} for one in people)
    return text.getvalue().encode()


async def ref_of(ledger: Ledger, state_id: str) -> UUID:
    """Return who stands for a student."""
    return (await find_key(ledger, state_id)).owner


async def nobody_waits(ledger: Ledger) -> None:
    """Each graduate who was certified has an answer."""
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        assert await statuses(connection, status="Q") == []


async def nothing_differs(ledger: Ledger) -> None:
    """As `ledger fsck` finds it: no row, and no file that the log names."""
    assert (await audit(ledger)).differences == 0


async def has_versions(ledger: Ledger, state_id: str, number: int) -> None:
    """A student has just these versions, counted from 1 without a hole, each with its document, and no other answer."""
    answers = await answers_of(ledger, await ref_of(ledger, state_id))
    assert [isinstance(each, Version) and each.event.number for each in answers] == list(range(1, number + 1))
    for each in answers:
        assert isinstance(each, Version)
        assert (await document_of(ledger, each)).startswith(b"%PDF")  # and it has the digest that the event names


async def was_rejected(ledger: Ledger, state_id: str, times: int) -> None:
    """A student has no version, and was told so many times that nobody knows the name."""
    answers = await answers_of(ledger, await ref_of(ledger, state_id))
    assert [isinstance(each, Rejection) and each.event.reasons for each in answers] == [(NAMELESS,)] * times
