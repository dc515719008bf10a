"""What a projection is: tables, the streams it folds, and `apply`. Same log in, same rows out.

A projection reads no clock, no randomness, no network, no reference table and no blob.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from events.stored import Event
from projections.database import Connection
from projections.index import stream_commits
from projections.opening import Keyring, OpenCommit


class History:
    """What stood on some streams before a position; the index keeps it, so no projection keeps it again."""

    def __init__(self, connection: Connection, keyring: Keyring) -> None:
        self._connection = connection
        self._keyring = keyring

    async def before(self, streams: Iterable[str], position: int) -> Mapping[str, Sequence[Event]]:
        """Return the events of each stream below a position, oldest first."""
        commits = await stream_commits(self._connection, streams, below=position)
        events: dict[str, list[Event]] = {}
        for opened in await self._keyring.open(commits):
            if not opened.erased:
                events.setdefault(opened.commit.stream, []).extend(opened.events)
        return events


class Projection(Protocol):
    """One read model. `name` is also its PostgreSQL schema; a new `version` means that the rows must be rebuilt."""

    name: str
    version: int
    tables: Sequence[str]
    ddl: str
    categories: frozenset[str]

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], history: History) -> None:
        """Fold a batch of standing commits, in log order, into the rows. Called inside a transaction."""
        ...
