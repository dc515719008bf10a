"""The first step of an upload: the file is safe, whole and sealed, before anything is said about it."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from uuid import UUID, uuid4, uuid5

from events.streams import is_code, upload_stream
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
    expected_plan: str = "",
    told: Callable[[str], None] = lambda _: None,
) -> Received | NotReceived:
    """Store a file and append UploadReceived. Raises OSError when the file cannot be read.

    `upload` is the upload's id where the sender has one: receiving it again changes nothing. `expected_plan` is the
    plan that the sender was shown: unless it holds when the file has its turn, nothing of it is stored. A file that
    will be refused is received all the same, so that its refusal has a history; only one that is too large, or no file
    at all, is not. What counts is what was stored: whose file it is, is read from there.
    """
    if not path.is_file():
        path.stat()  # a missing one says so itself
        return NotReceived(NO_FILE)
    size = path.stat().st_size
    if size > ledger.max_upload_bytes:
        return NotReceived(too_large(size, ledger.max_upload_bytes))
    told("storing the file")
    upload = upload or uuid4()
    key = await ledger.registry.issue(upload)
    with Digested(path) as file:
        blob = await ledger.blobs.put(key, file, kind="upload")
    if blob.size > ledger.max_upload_bytes:
        await ledger.blobs.delete(blob)
        return NotReceived(too_large(blob.size, ledger.max_upload_bytes))
    data = await ledger.blobs.get(blob, key)
    batch = await asyncio.to_thread(peek, data, variant, ledger.max_upload_bytes)
    event = UploadReceived(
        blob=blob.digest,
        size=blob.size,
        mode=mode,
        bssy=batch.bssy if batch else "",
        sponsor=batch.sponsor if batch else "",
        variant=variant or "",
        file_name=path.name.encode("utf-8", "replace").decode(),
        sha256=file.sha256.hexdigest(),
        expected_plan=expected_plan,
    )
    draft = Draft(upload_stream(upload), 0, uuid5(upload, "received"), [Written(event)], key)
    settled = await ledger.append(draft)
    return Received(upload, settled.position)


class Digested(FileIO):
    """A file that digests what is read from it, so that the digest is of those bytes and no others."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.sha256 = hashlib.sha256()

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.sha256.update(data)
        return data


def peek(data: bytes, variant: Variant | None, limit: int) -> Batch | None:
    """Read whose file this is; None where the file does not tell."""
    unpacked = unpack(data, limit=limit)
    if isinstance(unpacked, Problem):
        return None
    batch = read_batch(unpacked.data, variant=variant)
    return batch if isinstance(batch, Batch) and is_code(batch.sponsor) else None


NO_FILE = Problem(
    code="S06",
    message="NOT A FILE",
    effect="reject_file",
    hint="Name a file of batch records or a zip of one; a folder, a pipe or a device cannot be uploaded.",
)


def too_large(size: int, limit: int) -> Problem:
    """Say that a file is above the limit."""
    return Problem(
        code="S05",
        message=f"FILE OF {size:,} BYTES: AT MOST {limit:,} ARE TAKEN",
        effect="reject_file",
        hint="Send it zipped, or one file a site. LEDGER_MAX_UPLOAD_BYTES sets the limit.",
    )
