"""Collections: which school years are open for writing, and to whom else (R-020, R-026, R-027)."""

from collections.abc import Sequence
from datetime import date

from events.collection import CollectionClosed, CollectionOpened, PriorYearAccessGranted
from projections.database import Connection
from projections.opening import OpenCommit
from projections.projection import History

DDL = """
create table collections (
    bssy text primary key, opened boolean not null, position bigint not null, changed_at timestamptz not null
);

create table prior_year_grants (
    bssy text, sponsor text, until date not null, position bigint not null, granted_at timestamptz not null,
    actor text not null,
    primary key (bssy, sponsor)
);
"""


class Collections:
    """The projection."""

    name = "collections"
    version = 1
    tables: Sequence[str] = ("collections", "prior_year_grants")
    ddl = DDL
    categories = frozenset({"collection"})

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], _history: History) -> None:
        """Fold a batch; these events are few."""
        for commit in commits:
            for event in commit.events:
                await fold(connection, commit, event)


async def fold(connection: Connection, commit: OpenCommit, event: object) -> None:
    """Fold one event."""
    bssy = commit.commit.stream.split("/")[1]
    match event:
        case CollectionOpened() | CollectionClosed():
            await connection.execute(
                "insert into collections values ($1, $2, $3, $4) on conflict (bssy) do update "
                "set opened = excluded.opened, position = excluded.position, changed_at = excluded.changed_at",
                bssy,
                isinstance(event, CollectionOpened),
                commit.position,
                commit.as_of,
            )
        case PriorYearAccessGranted(sponsor=sponsor, until=until):
            await connection.execute(
                "insert into prior_year_grants values ($1, $2, $3, $4, $5, $6) on conflict (bssy, sponsor) do update "
                "set until = excluded.until, position = excluded.position, granted_at = excluded.granted_at, "
                "actor = excluded.actor",
                bssy,
                sponsor,
                date.fromisoformat(until),
                commit.position,
                commit.as_of,
                commit.commit.actor,
            )
