"""One step of the follower: a batch of records becomes verdicts and rows, in one transaction."""

import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from events.fold import Judged, fold, read_records
from events.log.contract import Record
from events.sealing import SealBroken
from events.stored import UnknownEventError
from projections import index
from projections.database import OUTSIDE_TROUBLE, Connection
from projections.index import Kept
from projections.opening import Keyring, OpenCommit, owners
from projections.projection import History, Projection


class PositionMoved(Exception):
    """Somebody else moved the head meanwhile, or back. Read it again and go on from there."""


@dataclass(frozen=True, slots=True)
class Parked:
    """A projection that stopped at an event, and why. The others went on."""

    name: str
    position: int
    error: str


async def advance(
    connection: Connection,
    start: int,
    records: Sequence[Record],
    projections: Sequence[Projection],
    keyring: Keyring,
) -> int:
    """Fold the records read from position `start` on, and return the next position to read from.

    Raises PositionMoved when the head lies before `start`. Records that the head has passed are dropped: of two
    followers with the same records the second does nothing.
    """
    async with connection.transaction():
        head = await index.read_head(connection, lock=True)
        if head.next_position < start:
            raise PositionMoved(f"the index is at {head.next_position}, the records begin at {start}")
        batch = read_records(record for record in records if record.position >= head.next_position)
        if not batch:
            return head.next_position
        judged, _ = fold(batch, await index.look_up(connection, batch, head.genesis))
        moved = await index.write(connection, judged, head)
        commits = standing(judged, head)
        opened = await keyring.open(commits, await index.erased_among(connection, owners(commits)))
        names = await running(connection, head.next_position)
        history = History(connection, keyring)
        beside: list[str] = []
        for projection in projections:
            if (projection.name, projection.version) in names:
                parked = await apply_or_park(connection, projection, opened, history)
                if parked is None:
                    beside.append(projection.name)
                else:
                    await park(connection, projection.name, parked)
        await move(connection, beside, moved.next_position)
        await connection.execute("select pg_notify($1, $2)", index.CHANNEL, str(moved.next_position))
    return moved.next_position


def standing(judged: Sequence[Judged], head: index.Head) -> list[Kept]:
    """Return the commits of a batch that stand, each with the running maximum of commit times."""
    commits, as_of = [], head.as_of
    for item in judged:
        if item.entry is None or not item.stands:
            continue
        as_of = item.entry.time if as_of is None else max(as_of, item.entry.time)
        if item.commit is not None:
            commits.append(Kept(item.record.position, as_of, item.commit))
    return commits


async def running(connection: Connection, position: int) -> set[tuple[str, int]]:
    """Return name and version of the projections that stand at the head's position.

    A parked or a younger one catches up by itself; rows of another version are for the code of that version.
    """
    rows = await connection.fetch(
        "select name, version from projections where next_position = $1 and error is null for update", position
    )
    return {(row["name"], row["version"]) for row in rows}


async def apply_or_park(
    connection: Connection, projection: Projection, commits: Sequence[OpenCommit], history: History
) -> Parked | None:
    """Fold a batch; if that fails, fold as many commits as can be and say at which one the projection stopped."""
    wanted = [commit for commit in commits if commit.category in projection.categories]
    if not wanted or await applies(connection, projection, wanted, history) is None:
        return None
    for commit in wanted:
        error = await applies(connection, projection, [commit], history)
        if error is not None:
            return Parked(projection.name, commit.position, describe(error))
    return None


def describe(error: Exception) -> str:
    """Say what stopped a projection. A foreign error's text may quote a row, so only its kind and place are told."""
    if isinstance(error, UnknownEventError | SealBroken):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).parent.name in {"projections", "events"}]
    place = f" at {Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else ""
    return f"{type(error).__name__}{place}"


async def applies(
    connection: Connection, projection: Projection, commits: Sequence[OpenCommit], history: History
) -> Exception | None:
    """Fold commits inside a savepoint; on a fault of the projection roll back to it and return the fault."""
    try:
        async with connection.transaction():
            await projection.apply(connection, commits, history)
    except OUTSIDE_TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 - one projection's fault must not stop the others, whatever it is
        return error
    return None


async def move(connection: Connection, names: Sequence[str], after: int) -> None:
    """Move projections behind the batch."""
    await connection.execute(
        "update projections set next_position = $2, error_position = null, error = null where name = any($1::text[])",
        names,
        after,
    )


async def park(connection: Connection, name: str, parked: Parked) -> None:
    """Leave a projection at the event it cannot fold."""
    await connection.execute(
        "update projections set next_position = $2, error_position = $2, error = $3 where name = $1",
        name,
        parked.position,
        parked.error,
    )
