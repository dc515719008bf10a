"""Ledgers with graduates in them: uploads of invented sponsors, edits, and a log that lets others in between."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from uuid import UUID, uuid4

from events.commit import Commit, decode
from events.identity import StudentIdentified
from events.log.memory import MemoryLog, MemoryStore
from events.streams import category
from events.student_commands import EditStudent, RemoveStudent, StudentCommand
from schemas.louisiana_sts.escholar import Identity, read_extract
from services.commands import Outcome, Stored, execute
from services.generate import Spec, generate
from services.generate.extract import GeneratedExtract
from services.identities import identify, identity_of
from services.identity_load import load, plan
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.ledger import Ledger
from services.targets import find_key, find_target

Act = Callable[[], Awaitable[object]]

SITE, BSSY = "017001", "2025"
SCHOOL = Spec(60, sites=1, seed=3)
"""Sixty public students at one site; several of them graduate."""


async def upload(ledger: Ledger, folder: Path, spec: Spec) -> UUID:
    """Upload an invented sponsor's file."""
    path = folder / f"{uuid4().hex}.txt"
    generate(spec).write(path)
    received = await receive(ledger, path, "replace")
    assert isinstance(received, Received)
    await work_queue(ledger, received.upload)
    return received.upload


def extract_of(ledger: Ledger, spec: Spec) -> tuple[Identity, ...]:
    """The extract of an invented sponsor's students."""
    read = read_extract(GeneratedExtract(spec).data, today=ledger.today())
    assert isinstance(read, tuple)
    return read


async def school(ledger: Ledger, folder: Path, spec: Spec = SCHOOL) -> list[str]:
    """Upload a sponsor, load its extract, and return the state ids of its graduates."""
    await upload(ledger, folder, spec)
    await load(ledger, await plan(ledger, extract_of(ledger, spec)), uuid4())
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch(
            "select state_id from transcript_students where graduation_date is not null order by state_id"
        )
    return [row["state_id"] for row in rows]


async def command(ledger: Ledger, state_id: str, asked: StudentCommand, *, stated: int | None = None) -> Outcome:
    """Carry an online edit out."""
    return await execute(ledger, await find_target(ledger, state_id), asked, command_id=uuid4(), stated=stated)


async def edit(ledger: Ledger, state_id: str, **changes: str) -> Stored:
    """Change fields of a 020."""
    outcome = await command(ledger, state_id, EditStudent(changes))
    assert isinstance(outcome, Stored)
    return outcome


async def remove(ledger: Ledger, state_id: str) -> Stored:
    """Take a student's set out."""
    outcome = await command(ledger, state_id, RemoveStudent("request"))
    assert isinstance(outcome, Stored)
    return outcome


async def rename(ledger: Ledger, state_id: str) -> None:
    """Let eScholar say another suffix."""
    key = await find_key(ledger, state_id)
    known = (await identity_of(ledger, key.owner)).state
    assert isinstance(known, StudentIdentified)
    changed = StudentIdentified(
        known.first_name, known.last_name, known.middle_name, "IX", known.birth_date, known.ssn, known.sex
    )
    assert await identify(ledger, key, changed, command=uuid4())


class Interrupted(Exception):
    """The process dies here."""


class GateLog(MemoryLog):
    """A log that does something before, or after, the next commit of a kind lies in it."""

    def __init__(self, store: MemoryStore, kind: str) -> None:
        super().__init__(store)
        self.kind = kind
        self.before: Act | None = None
        self.after: Act | None = None

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        entry = decode(data)
        is_one = isinstance(entry, Commit) and category(entry.stream) == self.kind
        if is_one and (act := self.before):
            self.before = None
            await act()
        position = await super().append(data, deadline=deadline)
        if is_one and (act := self.after):
            self.after = None
            await act()
        return position


class DyingLog(MemoryLog):
    """A log whose process dies at the n-th commit of a kind."""

    def __init__(self, store: MemoryStore, kind: str, lives: int) -> None:
        super().__init__(store)
        self.kind = kind
        self.lives = lives

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        entry = decode(data)
        if isinstance(entry, Commit) and category(entry.stream) == self.kind:
            self.lives -= 1
            if self.lives < 0:
                raise Interrupted
        return await super().append(data, deadline=deadline)
