"""The same commits in eventsourcing's PostgreSQL recorder: its own tables, its own insert."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from eventsourcing.application import Application
from eventsourcing.persistence import StoredEvent, Transcoder
from eventsourcing.utils import get_topic

from events.commit import Commit, decode
from events.log.contract import Record

PAGE = 100


@dataclass(frozen=True)
class CommitAppended:
    """A commit's bytes as an event of eventsourcing's."""

    originator_id: str
    originator_version: int
    data: bytes


class AsStored(Transcoder):
    """Keeps the commit's bytes as they are, so that the peer pays for no second encoding."""

    def encode(self, obj: Any) -> bytes:
        """Return the bytes of an event's state."""
        return bytes(obj["data"])

    def decode(self, data: bytes) -> Any:
        """Return an event's state."""
        return {"data": data}


class Commits(Application[str]):
    """The application whose sequence holds the commits."""

    def construct_transcoder(self) -> Transcoder:
        """Return the cheapest transcoder there is."""
        return AsStored()


def settings(dsn: str) -> dict[str, str]:
    """The environment of eventsourcing's PostgreSQL module for a database of the embedded server.

    Database functions are on: without them the recorder's pipeline hangs on a Unix socket (psycopg issue 685).
    """
    parts = urlsplit(dsn)
    where = parse_qs(parts.query)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.removeprefix("/"),
        "POSTGRES_HOST": where["host"][0],
        "POSTGRES_PORT": where["port"][0],
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": "none",
        "POSTGRES_ENABLE_DB_FUNCTIONS": "y",
        "ORIGINATOR_ID_TYPE": "text",
    }


def fill(dsn: str, records: Sequence[Record]) -> int:
    """Insert the records in their order; return the last notification's id (positions are one less)."""
    with Commits(env=settings(dsn)) as application:
        for first in range(0, len(records), PAGE):
            application.recorder.insert_events([stored(record) for record in records[first : first + PAGE]])
        return application.recorder.max_notification_id() or 0


def stored(record: Record) -> StoredEvent:
    """One record as a stored event of its stream, the genesis in a stream of its own."""
    entry = decode(record.data)
    stream, version = (entry.stream, entry.version) if isinstance(entry, Commit) else ("genesis", 1)
    return StoredEvent(stream, version, get_topic(CommitAppended), record.data)
