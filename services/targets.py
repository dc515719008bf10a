"""Whose set is meant: a state id, and the year and sponsor where they are stated."""

from uuid import UUID

from events.registry.contract import Key
from events.streams import parse_student_stream, student_stream
from projections.index_queries import streams_of
from projections.transcript_queries import SetKey, sets_held
from services.commands import Target
from services.ledger import Ledger


class NotHeld(Exception):
    """The ledger holds no such student, or no such set of theirs."""


class NoSuchVersion(Exception):
    """The student has no such version of the official transcript. The message says which there are."""


class SeveralSets(Exception):
    """More than one set fits, and the caller must say which."""


async def find_target(
    ledger: Ledger,
    state_id: str,
    *,
    bssy: str | None = None,
    sponsor: str | None = None,
    ever: bool = False,
    option: str = "--sponsor",
) -> Target:
    """Find the set of the newest year that fits; with `ever`, also among those that are held no more.

    `option` is how the caller lets the sponsor be named.

    Raises NotHeld, SeveralSets where two sponsors hold one in that year, and ViewStopped.
    """
    key = await find_key(ledger, state_id)
    held = await sets_ever(ledger, key.owner) if ever else await sets_now(ledger, key.owner)
    fitting = [one for one in held if bssy in {None, one.bssy} and sponsor in {None, one.sponsor}]
    if not fitting:
        known = ", ".join(f"{one.bssy} at sponsor {one.sponsor}" for one in held)
        raise NotHeld(
            f"this student's sets: {known}. Name one by --bssy and {option}."
            if known
            else "this student holds no transcript set now. `ledger history` shows what was held before."
        )
    newest = [one for one in fitting if one.bssy == max(each.bssy for each in fitting)]
    if len(newest) > 1:
        sponsors = ", ".join(sorted(one.sponsor for one in newest))
        raise SeveralSets(f"sponsors {sponsors} each hold a set of this student in {newest[0].bssy}: add {option}.")
    chosen = newest[0]
    stream = student_stream(chosen.sponsor, key.owner, chosen.bssy)
    return Target(stream, key, state_id, chosen.sponsor, chosen.bssy)


async def find_key(ledger: Ledger, state_id: str) -> Key:
    """Return the student's key. Raises NotHeld for an id that was never stored, or was erased."""
    found = await ledger.registry.find([state_id]) if state_id else {}
    if state_id not in found:
        raise NotHeld("no student with this state id was ever stored here. `ledger students` lists those who are.")
    return found[state_id]


async def sets_now(ledger: Ledger, ref: UUID) -> list[SetKey]:
    """Return the sets that a student holds now."""
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "current_transcripts")
        return await sets_held(connection, ref)


async def sets_ever(ledger: Ledger, ref: UUID) -> list[SetKey]:
    """Return the sets that a student ever held."""
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        streams = [parse_student_stream(stream) for stream in await streams_of(connection, ref)]
    return [SetKey(stream.bssy, stream.sponsor) for stream in streams]
