"""Rollover: non-graduates begin the next school year with what the last one ended with (R-025)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID, uuid5

from events.registry.contract import Key
from events.streams import student_stream
from events.student import Present
from events.student_commands import Refused
from events.student_reassignment import RollOver, Source, roll_over
from projections import index
from projections.database import Connection
from projections.opening import OpenCommit
from services.collections import refusal
from services.commands import Loaded, Target, draft_of, layout_of, loaded, look_up
from services.ledger import Ledger

IN_FLIGHT = 100
"""Commits without a verdict, so that an online edit never waits behind a whole rollover (limit: 500)."""

ROLLOVER = UUID("0d0a2f8e-2a54-4f3b-9b3c-6f1d5b0c7e25")
"""The name space of rollovers' command ids."""

Told = Callable[[str, int, int], None]


def silent(_step: str, _done: int, _of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose students go from which school year into the next."""

    sponsor: str
    from_bssy: str
    site: str | None = None

    @property
    def to_bssy(self) -> str:
        """The next school year."""
        return str(int(self.from_bssy) + 1)


@dataclass(frozen=True, slots=True)
class RolledOver:
    """How many students began the new year (or would), held a set there already, or stayed as graduates (R-024).

    `left` had been rolled over before and were removed since, or were removed just now.
    """

    rolled: int
    held: int
    graduates: int
    left: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is going to be rolled over, by ref, and how many are not."""

    refs: Sequence[UUID]
    held: int
    graduates: int


def rollover_command(stream: str, version: int) -> UUID:
    """Derive a rollover's command id from what is rolled over, so that a repeat changes nothing."""
    return uuid5(ROLLOVER, f"{stream}@{version}")


async def plan(ledger: Ledger, asked: Asked) -> Plan:
    """Look at who holds a set in the year that ends. Raises ViewStopped."""
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "current_transcripts")
        rows = await connection.fetch(
            "select this.ref, this.graduation_date is not null as graduate, following.ref is not null as held "
            "from transcript_students as this left join transcript_students as following "
            "on following.ref = this.ref and following.sponsor = this.sponsor and following.bssy = $3 "
            "where this.sponsor = $1 and this.bssy = $2 and ($4::text is null or this.site = $4) order by this.ref",
            asked.sponsor,
            asked.from_bssy,
            asked.to_bssy,
            asked.site,
        )
    rest = [row for row in rows if not row["graduate"]]
    return Plan(
        refs=[row["ref"] for row in rest if not row["held"]],
        held=sum(row["held"] for row in rest),
        graduates=len(rows) - len(rest),
    )


async def roll_students_over(
    ledger: Ledger, asked: Asked, *, dry_run: bool = False, told: Told = silent
) -> RolledOver | Refused:
    """Roll a sponsor's students over into the next year, which must be open to it. Safe to repeat after any crash."""
    if closed := await refusal(ledger, asked.to_bssy, asked.sponsor):
        return Refused((closed,))
    planned = await plan(ledger, asked)
    if dry_run:
        return RolledOver(len(planned.refs), planned.held, planned.graduates)
    done = await write(ledger, asked, planned.refs, told)
    return RolledOver(done["rolled"], planned.held + done["held"], planned.graduates + done["graduates"], done["left"])


async def write(ledger: Ledger, asked: Asked, refs: Sequence[UUID], told: Told) -> Counter[str]:
    """Commit every student, so many at once, and count what became of them."""
    room, done = asyncio.Semaphore(IN_FLIGHT), Counter[str]()

    async def one(source: Target, held: Loaded, current: Loaded) -> None:
        try:
            done[await write_student(ledger, asked, source, held, current)] += 1
        finally:
            room.release()
        told("rolling over", done.total(), len(refs))

    try:
        async with asyncio.TaskGroup() as group:
            for start in range(0, len(refs), IN_FLIGHT):
                for ready in await read(ledger, asked, refs[start : start + IN_FLIGHT]):
                    await room.acquire()
                    group.create_task(one(*ready))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return done


async def read(ledger: Ledger, asked: Asked, refs: Sequence[UUID]) -> list[tuple[Target, Loaded, Loaded]]:
    """Read some students' sets of both years at once; whoever was erased just now is left out."""
    sources = {student_stream(asked.sponsor, ref, asked.from_bssy): ref for ref in refs}
    targets = {ref: student_stream(asked.sponsor, ref, asked.to_bssy) for ref in refs}
    async with ledger.pool.acquire() as connection:
        streams = await read_streams(ledger, connection, [*sources, *targets.values()])
    ready = []
    for stream, ref in sources.items():
        held, key = streams.get(stream, NOTHING)
        if key is not None:
            ready.append((target_of(asked, stream, key, held), held, streams.get(targets[ref], NOTHING)[0]))
    return ready


NOTHING: tuple[Loaded, Key | None] = (loaded([]), None)


async def read_streams(
    ledger: Ledger, connection: Connection, streams: Sequence[str]
) -> Mapping[str, tuple[Loaded, Key | None]]:
    """Fold some streams as they stand, with their keys; those of an erased student are left out."""
    opened: dict[str, list[OpenCommit]] = {}
    for commit in await ledger.keyring.open(await index.stream_commits(connection, streams)):
        if not commit.erased:
            opened.setdefault(commit.commit.stream, []).append(commit)
    return {stream: (loaded(commits), commits[-1].key) for stream, commits in opened.items()}


def target_of(asked: Asked, stream: str, key: Key, held: Loaded) -> Target:
    """Return whose set is rolled over."""
    student = held.state.student if isinstance(held.state, Present) else {}
    return Target(stream, key, student.get("state_identification_number", ""), asked.sponsor, asked.from_bssy)


async def write_student(ledger: Ledger, asked: Asked, source: Target, held: Loaded, current: Loaded) -> str:
    """Commit one student, deciding again where the new year's stream moved meanwhile; say what became of them."""
    if not isinstance(held.state, Present):
        return "left"
    stream = student_stream(asked.sponsor, source.key.owner, asked.to_bssy)
    target = replace(source, stream=stream, bssy=asked.to_bssy)
    nonpublic = layout_of(held.layout, source.state_id).variant == "nonpublic"
    command = RollOver(Source(source.stream, held.version, held.state), asked.to_bssy, keeps_consent=nonpublic)
    command_id = rollover_command(source.stream, held.version)
    while True:
        decision = roll_over(command, current.state)
        if not decision:
            return "held" if isinstance(current.state, Present) else "graduates"
        if current.version and (earlier := await look_up(ledger, command_id)) and earlier.stands:
            return "left"
        settled = await ledger.append(draft_of(target, current, decision, command_id, layout=held.layout))
        if settled.stands:
            return "rolled"
        current = loaded(await ledger.events_of(stream))
