"""A load of the eScholar extract: who every public student is.

A load plans before it writes. Each student's command id is derived from the load, equal identities make no commit, and
who changed meanwhile is decided again: a load may be repeated, and stopped anywhere.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from events.identity import StudentIdentified, standing
from events.registry.contract import Key
from schemas.louisiana_sts.escholar import Identity
from services.identities import NOBODY, Identified, digests_held, identify, identities_of
from services.intake.plan import chunks
from services.ledger import Ledger

CHUNK = 500
IN_FLIGHT = 100
"""Commits of one load without a verdict, so that an online edit never waits behind a whole load (limit: 500)."""

Told = Callable[[str, int, int], None]


def silent(_step: str, _done: int, _of: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What a load would do: students who get their first identity, those whose identity changes, and the rest."""

    new: tuple[Identity, ...]
    changed: tuple[Identity, ...]
    unchanged: int


def event_of(identity: Identity) -> StudentIdentified:
    """Return the event that an extract's row would become."""
    return StudentIdentified(
        first_name=identity.first_name,
        last_name=identity.last_name,
        middle_name=identity.middle_name,
        suffix=identity.suffix,
        birth_date=identity.birth_date,
        ssn=identity.ssn,
        sex=identity.sex,
        ethnicity=identity.ethnicity,
    )


async def plan(ledger: Ledger, identities: Sequence[Identity], *, told: Told = silent) -> LoadPlan:
    """Compare an extract with what is known. Nothing is written and nobody is enrolled."""
    await ledger.caught_up()
    new, changed, done = list[Identity](), list[Identity](), 0
    for some in chunks(identities, CHUNK):
        keys = await ledger.registry.find([one.state_id for one in some])
        digests = await digests_held(ledger, [key.owner for key in keys.values()])
        for one in some:
            await asyncio.sleep(0)  # digesting must not hold the follower up
            key = keys.get(one.state_id)
            held = digests.get(key.owner, "") if key else ""
            if key is None or not held:
                new.append(one)
            elif held != standing(event_of(one), key.material).identity:
                changed.append(one)
        done += len(some)
        told("comparing", done, len(identities))
    return LoadPlan(tuple(new), tuple(changed), len(identities) - len(new) - len(changed))


async def load(ledger: Ledger, planned: LoadPlan, load_id: UUID, *, told: Told = silent) -> int:
    """Write what was planned, and return how many identities were stored by this call.

    Raises OutcomeUnknown, like every write; repeating the load under any id is safe.
    """
    todo = [*planned.new, *planned.changed]
    room, stored, done = asyncio.Semaphore(IN_FLIGHT), 0, 0

    async def write(one: Identity, key: Key, current: Identified) -> None:
        nonlocal stored, done
        try:
            command = load_command(load_id, key.owner)
            is_news = await identify(ledger, key, event_of(one), command=command, cause=load_id, current=current)
        finally:
            room.release()
        stored, done = stored + is_news, done + 1
        told("storing", done, len(todo))

    try:
        async with asyncio.TaskGroup() as group:
            for some in chunks(todo, CHUNK):
                keys = await ledger.registry.enrol([one.state_id for one in some])
                held = await identities_of(ledger, [key.owner for key in keys.values()])
                for one in some:
                    await room.acquire()
                    key = keys[one.state_id]
                    group.create_task(write(one, key, held.get(key.owner, NOBODY)))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return stored


def load_command(load_id: UUID, ref: UUID) -> UUID:
    """Derive the id of one student's identity in a load; never from a state id, which could be guessed back."""
    return uuid5(load_id, str(ref))
