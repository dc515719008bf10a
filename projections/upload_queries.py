"""What is asked of the uploads: their history, their tallies, and the files that belong to them."""

from datetime import datetime
from uuid import UUID

import msgspec

from projections.database import Connection
from projections.transcript_queries import as_struct


class UploadRow(msgspec.Struct, frozen=True):
    """One upload. `state` is received, checked, refused or closed; the numbers of students are null until then.

    `overwritten` counts students who were edited between the check and their turn.
    """

    upload: UUID
    position: int
    state: str
    mode: str
    bssy: str
    sponsor: str
    file_name: str
    size: int
    received_at: datetime
    done_at: datetime | None
    actor: str
    rows: int | None
    planned_store: int | None
    planned_unchanged: int | None
    planned_held: int | None
    planned_remove: int | None
    stored: int | None
    unchanged: int | None
    held: int | None
    removed: int | None
    overwritten: int | None


class Finding(msgspec.Struct, frozen=True):
    """How often a code was found in an upload."""

    code: str
    findings: int


class BlobUse(msgspec.Struct, frozen=True):
    """A blob that the log names: an upload's file, report or manifest, an official transcript's document, a table.

    `owner` is the upload's id, the student's ref, or an id made of the table's stream.
    """

    digest: str
    kind: str
    owner: UUID


async def list_uploads(connection: Connection, *, sponsor: str | None, limit: int) -> tuple[UploadRow, ...]:
    """Return at most `limit` uploads, the newest first."""
    rows = await connection.fetch(
        "select * from uploads where $1::text is null or sponsor = $1 order by position desc limit $2", sponsor, limit
    )
    return tuple(as_struct(row, UploadRow) for row in rows)


async def find_uploads(connection: Connection, beginning: str) -> tuple[UploadRow, ...]:
    """Return the uploads whose id begins so, the newest first; all of them for an empty beginning."""
    rows = await connection.fetch(
        "select * from uploads where starts_with(upload::text, $1) order by position desc", beginning.lower()
    )
    return tuple(as_struct(row, UploadRow) for row in rows)


async def open_uploads(connection: Connection) -> list[UUID]:
    """Return the uploads that are not done, in the order received."""
    rows = await connection.fetch("select upload from uploads where state in ('received', 'checked') order by position")
    return [row["upload"] for row in rows]


async def findings_of(connection: Connection, upload: UUID) -> tuple[Finding, ...]:
    """Return an upload's findings by code, the most frequent first."""
    rows = await connection.fetch(
        "select code, findings from upload_codes where upload = $1 and not undecided order by findings desc, code",
        upload,
    )
    return tuple(as_struct(row, Finding) for row in rows)


async def report_of(connection: Connection, upload: UUID) -> str | None:
    """Return the digest of an upload's report, None before it is checked."""
    digest: str | None = await connection.fetchval("select report from uploads where upload = $1", upload)
    return digest


async def upload_positions(connection: Connection, uploads: list[UUID]) -> dict[UUID, int]:
    """Return at which positions some uploads were received."""
    rows = await connection.fetch("select upload, position from uploads where upload = any($1::uuid[])", uploads)
    return {row["upload"]: row["position"] for row in rows}


async def blobs_used(connection: Connection) -> list[BlobUse]:
    """Return every blob that the log names, in its order."""
    rows = await connection.fetch(
        "select digest, kind, owner from ("
        " select digest, kind, upload as owner, position from uploads,"
        " lateral (values (blob, 'upload'), (report, 'report'), (manifest, 'manifest')) as used (digest, kind)"
        " union all select pdf, 'official transcript', ref, position from official_answers"
        " union all select blob, 'reference table', owner, position from reference_tables) as used "
        "where digest <> '' order by position, kind"
    )
    return [as_struct(row, BlobUse) for row in rows]
