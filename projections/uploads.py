"""Uploads: the history of every file, its place in the sponsor's queue, its tallies and what became of it (R-044)."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from events.streams import owner_of
from events.upload import UploadChecked, UploadClosed, UploadReceived, UploadRefused
from projections.database import Connection
from projections.opening import OpenCommit
from projections.projection import History

DDL = """
create table uploads (
    upload uuid primary key, position bigint not null unique, version integer not null,
    sponsor text not null, bssy text not null, variant text not null, mode text not null,
    blob text not null, size bigint not null, file_name text not null, sha256 text not null,
    received_at timestamptz not null, actor text not null,
    state text not null check (state in ('received', 'checked', 'refused', 'closed')),
    today text, rules text, layout text, rows bigint, report text, manifest text,
    planned_store integer, planned_unchanged integer, planned_held integer, planned_remove integer,
    stored integer, unchanged integer, held integer, removed integer, overwritten integer,
    done_at timestamptz
);
create index uploads_queue on uploads (sponsor, position) where state in ('received', 'checked');

create table upload_codes (
    upload uuid, code text, findings integer not null, undecided boolean not null,
    primary key (upload, code, undecided)
);
"""


class Uploads:
    """The projection."""

    name = "uploads"
    version = 1
    tables: Sequence[str] = ("uploads", "upload_codes")
    ddl = DDL
    categories = frozenset({"upload"})

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], _history: History) -> None:
        """Fold a batch; uploads are few, so a statement an event is fast enough."""
        for commit in commits:
            for event in commit.events:
                await self.fold(connection, commit, event)

    async def fold(self, connection: Connection, commit: OpenCommit, event: object) -> None:
        """Fold one event."""
        upload = owner_of(commit.commit.stream)
        match event:
            case UploadReceived():
                await received(connection, upload, commit, event)
            case UploadRefused(codes=codes, report=report):
                await settle(connection, upload, commit, state="refused", report=report, done_at=commit.as_of)
                await count(connection, upload, codes, undecided=False)
            case UploadChecked():
                await checked(connection, upload, commit, event)
            case UploadClosed():
                await settle(
                    connection,
                    upload,
                    commit,
                    state="closed",
                    stored=event.stored,
                    unchanged=event.unchanged,
                    held=event.held,
                    removed=event.removed,
                    overwritten=event.overwritten,
                    done_at=commit.as_of,
                )


async def received(connection: Connection, upload: UUID, commit: OpenCommit, event: UploadReceived) -> None:
    """A new upload takes its place in the queue."""
    values: dict[str, Any] = {
        "upload": upload,
        "position": commit.position,
        "version": commit.commit.version,
        "sponsor": event.sponsor,
        "bssy": event.bssy,
        "variant": event.variant,
        "mode": event.mode,
        "blob": event.blob,
        "size": event.size,
        "file_name": event.file_name,
        "sha256": event.sha256,
        "received_at": commit.as_of,
        "actor": commit.commit.actor,
        "state": "received",
    }
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await connection.execute(f"insert into uploads ({', '.join(values)}) values ({places})", *values.values())


async def checked(connection: Connection, upload: UUID, commit: OpenCommit, event: UploadChecked) -> None:
    """The verdict on the file."""
    await settle(
        connection,
        upload,
        commit,
        state="checked",
        today=event.today,
        rules=commit.commit.rules,
        layout=commit.commit.layout,
        rows=event.rows,
        report=event.report,
        manifest=event.manifest,
        planned_store=event.store,
        planned_unchanged=event.unchanged,
        planned_held=event.held,
        planned_remove=event.remove,
    )
    await count(connection, upload, event.codes, undecided=False)
    await count(connection, upload, dict.fromkeys(event.undecided, 0), undecided=True)


async def settle(connection: Connection, upload: UUID, commit: OpenCommit, **values: object) -> None:
    """Set columns of one upload."""
    columns = {**values, "version": commit.commit.version}
    sets = ", ".join(f"{name} = ${n}" for n, name in enumerate(columns, start=2))
    await connection.execute(f"update uploads set {sets} where upload = $1", upload, *columns.values())


async def count(connection: Connection, upload: UUID, codes: dict[str, int], *, undecided: bool) -> None:
    """Keep the tallies by code."""
    rows = [(upload, code, findings, undecided) for code, findings in codes.items()]
    await connection.copy_records_to_table("upload_codes", records=rows)
