"""Who the students are: the identity streams, and the identity in a nonpublic 020."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from events.identity import (
    Erased,
    IdentityEvent,
    IdentityStanding,
    IdentityState,
    StudentIdentified,
    Unknown,
    decide,
    evolve,
    identity_in_record,
    standing,
)
from events.registry.contract import Key
from events.stored import read_clear
from events.streams import identity_stream, owner_of
from events.student import sector_of
from projections import index
from projections.opening import OpenCommit
from schemas.louisiana_sts.records import Fields
from services.ledger import Draft, Ledger, Written


@dataclass(frozen=True, slots=True)
class Identified:
    """Who a ref is, and the version of the identity's stream."""

    version: int
    state: IdentityState


NOBODY = Identified(0, Unknown())


def fold(commits: Iterable[OpenCommit], digest: str | None = None) -> Identified:
    """Fold an identity's stream; with `digest`, as of the last moment at which it had that keyed digest."""
    found, state = NOBODY, NOBODY.state
    for commit in commits:
        for event in () if commit.erased else commit.events:
            assert isinstance(event, IdentityEvent)
            state = evolve(state, event)
        if commit.erased:
            state = Erased("")  # the order stays readable in the log; nobody is left to decide about
        if digest is None or commit.erased or digest_after(commit) == digest:
            found = Identified(commit.commit.version, state)
    return found


def digest_after(commit: OpenCommit) -> str:
    """Return the identity's keyed digest as a commit says it in clear."""
    return read_clear(commit.commit.events[-1], IdentityStanding).identity


async def identity_of(ledger: Ledger, ref: UUID, digest: str | None = None) -> Identified:
    """Load who a ref is; with `digest`, as of the last moment at which the identity had that keyed digest."""
    return fold(await ledger.events_of(identity_stream(ref)), digest)


async def identities_of(ledger: Ledger, refs: Sequence[UUID]) -> dict[UUID, Identified]:
    """Load who some refs are, at once; whoever was never identified is left out."""
    async with ledger.pool.acquire() as connection:
        kept = await index.stream_commits(connection, [identity_stream(ref) for ref in refs])
    return by_owner(await ledger.keyring.open(kept))


async def digests_held(ledger: Ledger, refs: Sequence[UUID]) -> Mapping[UUID, str]:
    """Return the keyed digests of the identities that are known."""
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "certifications")
        rows = await connection.fetch("select ref, identity from identities where ref = any($1::uuid[])", refs)
    return {row["ref"]: row["identity"] for row in rows}


def by_owner(commits: Iterable[OpenCommit]) -> dict[UUID, Identified]:
    """Fold each of several identity streams."""
    streams: dict[UUID, list[OpenCommit]] = {}
    for commit in commits:
        streams.setdefault(owner_of(commit.commit.stream), []).append(commit)
    return {ref: fold(some) for ref, some in streams.items()}


async def identify(
    ledger: Ledger,
    key: Key,
    proposed: StudentIdentified,
    *,
    command: UUID,
    cause: UUID | None = None,
    current: Identified | None = None,
) -> bool:
    """Say who a ref is, and return whether that changed anything. `current` is the identity where it is at hand."""
    current = current or await identity_of(ledger, key.owner)
    while True:
        events = decide(proposed, current.state)
        if not events:
            return False
        written = [Written(event, standing(evolve(current.state, event), key.material)) for event in events]
        draft = Draft(identity_stream(key.owner), current.version, command, written, key, cause=cause)
        settled = await ledger.append(draft)
        if settled.verdict != "stale-version":
            return settled.stands
        current = await identity_of(ledger, key.owner)


async def follow_record(ledger: Ledger, key: Key, student: Fields, *, command: UUID, cause: UUID | None = None) -> bool:
    """Let a nonpublic student's identity follow the 020, and return whether that changed it.

    A public student's identity comes from the extract alone.
    """
    if sector_of(student) != "nonpublic":
        return False
    return await identify(ledger, key, identity_in_record(student), command=command, cause=cause)
