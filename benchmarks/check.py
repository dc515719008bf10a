"""Checks a second, beside a pydantic model per record and beside `wc -l` as the floor.

The pydantic models hold what a field's row of the layout says (width, digits, listed values, required or not); rules
over several fields, duplicates and orphans are left out, so the peer does less than the checks do.
"""

import asyncio
import shutil
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.peers import pydantic_records
from benchmarks.plan import Plan, interleaved
from schemas.louisiana_sts.checks import check_file
from schemas.louisiana_sts.table import table

STUDENTS = 5_000
FAULTS = 0.03


async def measure(plan: Plan) -> list[Figure]:
    """Check one file in turns."""
    file = plan.students_file(plan.size(STUDENTS), faults=FAULTS)
    rows = file.read_bytes().count(b"\n")
    today = datetime.now(UTC).date()
    models = pydantic_records.models(table("public").layout)

    async def ours() -> float:
        return rows / await seconds(lambda: check(file, today))

    async def pydantic() -> float:
        return rows / await seconds(lambda: pydantic_records.validate(file, models))

    async def floor() -> float:
        began = time.perf_counter()
        counting = await asyncio.create_subprocess_exec("wc", "-l", str(file), stdout=asyncio.subprocess.DEVNULL)
        await counting.wait()
        return rows / (time.perf_counter() - began)

    contestants = {"ours": ours, "pydantic": pydantic} | ({"wc": floor} if shutil.which("wc") else {})
    plan.said(f"check: {rows:,} rows, {FAULTS:.0%} of the students at fault")
    rates = await interleaved(contestants, plan.runs)
    what = "check: all rules, built-in kinds, report"
    note = f"{rows:,} rows; one process, one thread"
    return [
        Figure("check", what, "rows/s", rates["ours"], "a pydantic model a record, fields only", rates["pydantic"],
               note=note),
        Figure("check", what, "rows/s", rates["ours"], "wc -l, the floor", rates.get("wc", []), note=note),
    ]  # fmt: skip


def check(file: Path, today: date) -> None:
    """Check a file; it is one that is not refused."""
    batch, findings = check_file(file, file.name, today=today)
    assert batch is not None
    assert findings.problems


async def seconds(work: Callable[[], None]) -> float:
    """Run something in a thread; return how long it took."""
    began = time.perf_counter()
    await asyncio.to_thread(work)
    return time.perf_counter() - began
