"""The report of an upload as it was stored with it, and the lines that it speaks of."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from events.upload import NotReceived
from projections.upload_queries import report_of
from schemas.louisiana_sts.batch import Batch, Unpacked, read_batch, unpack
from schemas.louisiana_sts.causes import causes
from schemas.problems import Cause, Problem, Report, Undecided
from services.blobs import BlobMissing
from services.intake.checking import variant_of
from services.intake.work import load
from services.ledger import Ledger


@dataclass(frozen=True, slots=True)
class StoredReport:
    """A report, and the file it was made from where that is still kept and was not refused."""

    report: Report
    batch: Batch | None


async def read_report(ledger: Ledger, upload: UUID, *, with_lines: bool = True) -> StoredReport | None:
    """Read an upload's report; None when it is not checked yet. Raises BlobMissing or BlobDamaged."""
    async with ledger.pool.acquire() as connection:
        digest = await report_of(connection, upload)
    if digest is None:
        return None
    key = await ledger.registry.issue(upload)
    report = report_from(json.loads(await ledger.blobs.get(digest, key)))
    return StoredReport(report, await read_lines(ledger, upload) if with_lines and not report.refused else None)


async def read_lines(ledger: Ledger, upload: UUID) -> Batch | None:
    """Read the uploaded file again; None when its time of keeping is over."""
    found = await load(ledger, upload)
    if isinstance(found.state, NotReceived):
        return None
    received = found.state.received
    try:
        data = await ledger.blobs.get(received.blob, found.key)
    except BlobMissing:
        return None
    unpacked = unpack(data, limit=ledger.max_upload_bytes)
    if not isinstance(unpacked, Unpacked):
        return None
    batch = await asyncio.to_thread(read_batch, unpacked.data, variant=variant_of(received))
    return batch if isinstance(batch, Batch) else None


def report_from(content: dict[str, Any]) -> Report:
    """Read a report back from its JSON (schemas/report_json.py writes it).

    One that was stored before causes were is grouped now, without its students.
    """
    problems = tuple(problem_from(one) for one in content["problems"])
    return Report(
        file=content["file"],
        layout=content["layout"],
        refused=content["refused"],
        rows=content["rows"],
        clean=content["students"]["clean"],
        held=content["students"]["held"],
        digests=content["digests"],
        demonstration=tuple(content.get("demonstration", ())),
        problems=problems,
        undecided=tuple(Undecided(one["code"], one["needs"]) for one in content["undecided"]),
        causes=tuple(cause_from(one) for one in content["groups"]) if "groups" in content else causes(problems),
    )


def cause_from(content: dict[str, Any]) -> Cause:
    """Read one cause back."""
    return Cause(
        first=problem_from(content),
        times=content["times"],
        lines=tuple(content["lines"]),
        follows=content["follows"],
        touches=content["students"]["touched"],
        frees=content["students"]["freed"],
    )


def problem_from(content: dict[str, Any]) -> Problem:
    """Read one finding back."""
    return Problem(
        code=content["code"],
        message=content["message"],
        effect=content["effect"],
        hint=content["hint"],
        line=content["line"],
        record=content["record"],
        field=content["field"],
        columns=tuple(content["columns"]) if content["columns"] else None,
        found=content["found"].encode("latin-1"),
    )
