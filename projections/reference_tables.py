"""Reference tables: every publication, whose content lies in a blob. Rows of a table are never here."""

from collections.abc import Sequence

from events.publication import ReferencePublished
from events.streams import owner_of
from projections.database import Connection
from projections.opening import OpenCommit
from projections.projection import History

DDL = """
create table reference_tables (
    name text, effective integer, position bigint, digest text not null, rows bigint not null,
    demonstration boolean not null, blob text not null, owner uuid not null,
    published_at timestamptz not null, actor text not null,
    primary key (name, position)
);
"""


class ReferenceTablesView:
    """The projection."""

    name = "reference_tables"
    version = 1
    tables: Sequence[str] = ("reference_tables",)
    ddl = DDL
    categories = frozenset({"reference"})

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], _history: History) -> None:
        """Fold a batch; publications are few."""
        for commit in commits:
            for event in commit.events:
                assert isinstance(event, ReferencePublished)
                await publish(connection, commit, event)


async def publish(connection: Connection, commit: OpenCommit, event: ReferencePublished) -> None:
    """One publication is one row."""
    await connection.execute(
        "insert into reference_tables values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        event.table,
        event.effective,
        commit.position,
        event.digest,
        event.rows,
        event.demonstration,
        event.blob,
        owner_of(commit.commit.stream),
        commit.as_of,
        commit.commit.actor,
    )
