"""What the feeds' rows say to a publisher and to whoever takes answers."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from projections.database import Connection


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One message to send. `versions` is how many versions of the transcript had been sent before it."""

    sequence: int
    position: int
    event_id: UUID
    time: datetime
    kind: str
    ref: UUID
    bssy: str
    sponsor: str
    site: str
    sector: str
    version: int
    record: str
    identity: str
    certified_at: int
    number: int
    reasons: tuple[str, ...]
    by: str
    versions: int


async def rows_after(connection: Connection, sequence: int, limit: int) -> list[FeedRow]:
    """Return the messages that come after a sequence number."""
    rows = await connection.fetch(
        "select f.*, (select coalesce(max(b.number), 0) from feed_ots as b where b.ref = f.ref "
        "and b.sequence < f.sequence) as versions from feed_ots as f where sequence > $1 order by sequence limit $2",
        sequence,
        limit,
    )
    return [FeedRow(**{**dict(row), "reasons": tuple(row["reasons"])}) for row in rows]


async def last_sequence(connection: Connection) -> int:
    """Return the number of the newest message, 0 for none."""
    found: int = await connection.fetchval("select coalesce(max(sequence), 0) from feed_ots")
    return found


async def was_certified(
    connection: Connection, ref: UUID, *, bssy: str, certified_at: int, record: str, identity: str
) -> bool:
    """Whether the feed ever told of just this certification."""
    found: bool = await connection.fetchval(
        "select exists (select from feed_ots where kind = 'certified' and (ref, bssy, certified_at, record, identity) "
        "= ($1, $2, $3, $4, $5))",
        *(ref, bssy, certified_at, record, identity),
    )
    return found
