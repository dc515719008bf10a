"""The verdict on a file: by the rules, by the tables of its year, and by whether that year's collection is open."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import cast

from events.streams import is_code
from events.upload import UploadReceived
from schemas.layout import Variant
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import Findings, check_file, report
from schemas.louisiana_sts.table import problem
from schemas.problems import Problem
from schemas.reference import NO_TABLES, ReferenceTables
from schemas.report_json import report_as_dict
from services.check_tables import tables_for
from services.collections import refusal
from services.intake.receive import peek
from services.ledger import Ledger
from services.reference import tables_in_force

Told = Callable[[str, int, int], None]


def silent(_step: str, _done: int, _of: int) -> None:
    """Tell nobody."""


async def checked_file(
    ledger: Ledger, data: bytes, name: str, bssy: str, variant: Variant | None, today: date, told: Told
) -> tuple[Batch | None, Findings]:
    """Check a file with the tables of its year; no batch when it is refused, also by its year's collection."""
    tables = await tables_for_file(ledger, data, bssy, variant)
    batch, findings = await asyncio.to_thread(
        check_file,
        data,
        name,
        today=today,
        variant=variant,
        limit=ledger.max_upload_bytes,
        progress=lambda done, of: told("checking", done, of),
        tables=tables,
    )
    if batch is not None and not is_code(batch.sponsor):
        return None, replace(findings, refused=True, problems=(problem("F09", line=1),), held=frozenset())
    if batch is not None and (closed := await refusal(ledger, batch.bssy, batch.sponsor)):
        return None, refused(findings, closed)
    return batch, findings


async def tables_for_file(ledger: Ledger, data: bytes, bssy: str, variant: Variant | None) -> ReferenceTables:
    """Return the tables that a file is checked with: those in force in its year, and who its students are."""
    if not bssy or not await tables_in_force(ledger, int(bssy)):
        return NO_TABLES
    batch = await asyncio.to_thread(peek, data, variant, ledger.max_upload_bytes)
    return await tables_for(ledger, bssy, batch.state_ids) if batch else NO_TABLES


def variant_of(received: UploadReceived) -> Variant | None:
    """Return the layout that the sender named, None where it is to be told from the file."""
    return cast("Variant", received.variant) if received.variant else None


def refused(findings: Findings, why: Problem) -> Findings:
    """Return the findings on a file that is refused for a reason outside it: no record of it is processed."""
    return replace(findings, problems=(why,), held=frozenset(), undecided=(), students=0, refused=True)


def shown_report(findings: Findings, batch: Batch | None) -> bytes:
    """Return the report as it is kept."""
    runs = batch.runs if batch is not None else None
    return json.dumps(report_as_dict(report(findings, runs)), ensure_ascii=False).encode()
