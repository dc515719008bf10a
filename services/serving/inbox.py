"""The watched folder: a file that is put there is received as an upload, once, whatever crashes.

A sender writes under a name that begins with a dot or ends in `.part`, and renames when the file is whole. The upload's
id is derived from the file itself, so a file that was received just before a crash is found received. Taken files are
moved to `taken/`, those that are not taken in to `refused/`, with a note beside them.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid5

import structlog
from watchfiles import awatch

from services.intake.receive import NotReceived, Received, receive
from services.ledger import Ledger

INBOX = UUID("0d6a7e0c-3f6e-4f0a-9a8e-5b1f6f7f6d21")
LOOK_AGAIN_MS = 2_000
"""How often the folder is listed although nothing was heard of it: some file systems tell nothing."""

log = structlog.get_logger("ledger.inbox")


async def watch(ledger: Ledger, inbox: Path) -> None:
    """Receive every file that lies in the folder, now and later, until cancelled."""
    for folder in (inbox, inbox / "taken", inbox / "refused"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async for _ in changes(inbox):
        for path in sorted(inbox.iterdir()):
            if is_whole(path):
                await take(ledger, path)


async def changes(inbox: Path) -> AsyncIterator[None]:
    """Yield once at the start, then whenever something may have come."""
    yield
    async for _ in awatch(inbox, recursive=False, rust_timeout=LOOK_AGAIN_MS, yield_on_timeout=True):
        yield


def is_whole(path: Path) -> bool:
    """Whether a sender has finished with a file, by its name."""
    return path.is_file() and not path.name.startswith(".") and path.suffix != ".part"


async def take(ledger: Ledger, path: Path) -> None:
    """Receive one file and move it away. What cannot be received now stays and is tried again."""
    upload = await asyncio.to_thread(upload_id, path)
    outcome = await receive(ledger, path, "replace", upload=upload)
    if isinstance(outcome, Received):
        path.rename(path.parent / "taken" / f"{upload}-{path.name}")
        log.info("received", upload=str(upload), position=outcome.position)
    else:
        refuse(path, upload, outcome)


def refuse(path: Path, upload: UUID, outcome: NotReceived) -> None:
    """Put a file aside with the reason beside it."""
    aside = path.parent / "refused" / f"{upload}-{path.name}"
    problem = outcome.problem
    aside.with_name(f"{upload}.txt").write_text(f"{problem.code} {problem.message}\n{problem.hint}\n")
    path.rename(aside)
    log.warning("not received", upload=str(upload), code=problem.code)


def upload_id(path: Path) -> UUID:
    """Derive an upload's id from a file's name, time and content: the same file, found again after a crash."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return uuid5(INBOX, f"{path.name}/{path.stat().st_mtime_ns}/{digest}")
