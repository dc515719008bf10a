"""The department's part in collections: it opens and closes school years and grants access to them."""

from datetime import date
from uuid import UUID

from events.collection import (
    Collection,
    CollectionClosed,
    CollectionEvent,
    CollectionOpened,
    PriorYearAccessGranted,
    decide,
    evolve,
)
from events.streams import collection_stream, owner_of
from services.commands import Stored, Unchanged, look_up
from services.ledger import Draft, Ledger, Written


async def open_year(ledger: Ledger, bssy: str, *, command_id: UUID) -> Stored | Unchanged:
    """Let every sponsor write in a school year."""
    return await append(ledger, bssy, CollectionOpened(bssy), command_id)


async def close_year(ledger: Ledger, bssy: str, *, command_id: UUID) -> Stored | Unchanged:
    """Let nobody write in a school year any more, but for those who hold a grant."""
    return await append(ledger, bssy, CollectionClosed(bssy), command_id)


async def grant(
    ledger: Ledger, bssy: str, sponsor: str, until: date, reason: str, *, command_id: UUID
) -> Stored | Unchanged:
    """Let one sponsor write in a school year, up to and with a day. It replaces the sponsor's earlier grant."""
    return await append(ledger, bssy, PriorYearAccessGranted(sponsor, until.isoformat(), reason), command_id)


async def append(ledger: Ledger, bssy: str, proposed: CollectionEvent, command_id: UUID) -> Stored | Unchanged:
    """Append an event to a collection's stream; a lost race is decided again."""
    stream = collection_stream(bssy)
    while True:
        version, state = await load(ledger, stream)
        if (earlier := await look_up(ledger, command_id)) and earlier.stands:
            return Stored(command_id, earlier.position, earlier.version, repeated=True)
        events = decide(proposed, state)
        if not events:
            return Unchanged(version)
        key = await ledger.registry.issue(owner_of(stream))
        settled = await ledger.append(Draft(stream, version, command_id, [Written(one) for one in events], key))
        if settled.stands:
            return Stored(command_id, settled.position, settled.version, settled.repeated)


async def load(ledger: Ledger, stream: str) -> tuple[int, Collection]:
    """Load a collection: its stream's version, and how it stands."""
    version, state = 0, Collection()
    for commit in await ledger.events_of(stream):
        version = commit.commit.version
        for event in commit.events:
            assert isinstance(event, CollectionEvent)
            state = evolve(state, event)
    return version, state
