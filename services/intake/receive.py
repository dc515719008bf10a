"""The first step of an upload: the file is safe, whole and sealed, before anything is said about it."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4, uuid5

from events.streams import upload_stream
from events.upload import Mode, UploadReceived
from schemas.layout import Variant
from schemas.louisiana_sts.batch import Batch, read_batch, unpack
from schemas.problems import Problem
from services.ledger import Draft, Ledger, Written


@dataclass(frozen=True, slots=True)
class NotReceived:
    """The file was not taken in, and nothing of it is stored."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class Received:
    """The file lies in the blob store and has its place in the sponsor's queue."""

    upload: UUID
    position: int


async def receive(
    ledger: Ledger,
    path: Path,
    mode: Mode,
    *,
    variant: Variant | None = None,
    upload: UUID | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> Received | NotReceived:
    """Store a file and append UploadReceived. Raises OSError when the file cannot be read.

    `upload` is the upload's id where the sender has one: receiving it again changes nothing. A file that will be
    refused is received all the same, so that its refusal has a history; only one that is too large is not.
    """
    size = path.stat().st_size
    if size > ledger.max_upload_bytes:
        return NotReceived(too_large(size, ledger.max_upload_bytes))
    told("storing the file")
    batch = await asyncio.to_thread(peek, path, variant, ledger.max_upload_bytes)
    upload = upload or uuid4()
    key = await ledger.registry.issue(upload)
    with path.open("rb") as file:
        sha256 = (await asyncio.to_thread(hashlib.file_digest, file, "sha256")).hexdigest()
        file.seek(0)
        blob = await ledger.blobs.put(key, file, kind="upload")
    event = UploadReceived(
        blob=blob.digest,
        size=blob.size,
        mode=mode,
        bssy=batch.bssy if batch else "",
        sponsor=batch.sponsor if batch else "",
        variant=variant or "",
        file_name=path.name,
        sha256=sha256,
    )
    draft = Draft(upload_stream(upload), 0, uuid5(upload, "received"), [Written(event)], key)
    settled = await ledger.append(draft)
    return Received(upload, settled.position)


def peek(path: Path, variant: Variant | None, limit: int) -> Batch | None:
    """Read whose file this is; None where the file does not tell."""
    unpacked = unpack(path, limit=limit)
    if isinstance(unpacked, Problem):
        return None
    batch = read_batch(unpacked.data, variant=variant)
    return batch if isinstance(batch, Batch) else None


def too_large(size: int, limit: int) -> Problem:
    """Say that a file is above the limit."""
    return Problem(
        code="S05",
        message=f"FILE OF {size:,} BYTES: AT MOST {limit:,} ARE TAKEN",
        effect="reject_file",
        hint="Send it zipped, or one file a site. LEDGER_MAX_UPLOAD_BYTES sets the limit.",
    )
