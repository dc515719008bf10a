"""Checks a second: many lines at once, beside the same rules line by line, a pydantic model per record, and `wc -l`.

All rules are asked, the reference tables and those of persons given; every contestant runs on one core in a process of
its own, and its core's time counts (`wc` by the clock). The pydantic models hold what a field's row of the layout says
(width, digits, listed values, required or not): rules over several fields, tables, duplicates and orphans are left
out, so the peer does less than the checks do.
"""

import asyncio
import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figures import Figure, Target
from benchmarks.plan import Plan, interleaved, output_of
from schemas.louisiana_sts.reference_csv import demonstration_set
from services.generate import Spec, generate
from services.generate.tables import write_tables

STUDENTS, MEDIUM, LARGE = 12_000, 36_000, 120_000
"""260,000 rows; 780,000; and with `--large` 2.6 million."""
FAULTS, UNREADY = 0.03, 0.05
ROWS_A_SECOND = 800_000
TIMES_LINES, TIMES_PYDANTIC = 4, 10
GROWTH = 1.2
MEMORY = 250
WHAT = "check: all rules and tables, many lines at once"


@dataclass(frozen=True, slots=True)
class Made:
    """A generated file, and the folder of the tables that go with it."""

    file: Path
    tables: Path


async def measure(plan: Plan) -> list[Figure]:
    """Check one file in turns, and a larger one."""
    small, large = (made(plan, plan.size(students)) for students in (STUDENTS, LARGE if plan.large else MEDIUM))
    rows = small.file.read_bytes().count(b"\n")
    plan.said(f"check: {rows:,} rows, {FAULTS:.0%} of the students at fault")

    async def ours() -> float:
        return rate(await run("columns", small))

    async def lines() -> float:
        return rate(await run("lines", small))

    async def pydantic() -> float:
        return rate(await run("pydantic", small))

    async def pydantic_rules() -> float:
        return rate(await run("pydantic-rules", small))

    async def floor() -> float:
        began = time.perf_counter()
        counting = await asyncio.create_subprocess_exec("wc", "-l", str(small.file), stdout=asyncio.subprocess.DEVNULL)
        await counting.wait()
        return rows / (time.perf_counter() - began)

    contestants = {"ours": ours, "lines": lines, "pydantic": pydantic, "pydantic-rules": pydantic_rules}
    contestants |= {"wc": floor} if shutil.which("wc") else {}
    rates = await interleaved(contestants, plan.runs)
    note = f"{rows:,} rows; one core's time"

    def beside(peer_name: str, peer: str, target: Target | None) -> Figure:
        return Figure("check", WHAT, "rows/s", rates["ours"], peer_name, rates.get(peer, []), target, note)

    return [
        Figure("check", WHAT, "rows/s", rates["ours"], target=Target(ROWS_A_SECOND, "", at_most=False), note=note),
        beside("the same rules line by line", "lines", Target(TIMES_LINES, "x", at_most=False, of_ratio=True)),
        beside("a pydantic model a record, fields and rules", "pydantic-rules",
               Target(TIMES_PYDANTIC, "x", at_most=False, of_ratio=True)),
        beside("a pydantic model a record, fields only", "pydantic", None),
        beside("wc -l, the floor", "wc", None),
        *await growth(plan, small, large),
    ]  # fmt: skip


async def growth(plan: Plan, small: Made, large: Made) -> list[Figure]:
    """What a row of a large file costs as a multiple of a small one's, and the memory that it takes."""
    plan.said("check: a larger file")
    runs = [(await run("columns", small), await run("columns", large)) for _ in range(plan.runs)]
    cost = [[each["seconds"] / each["rows"] * 1e6 for each in some] for some in zip(*runs, strict=True)]
    rows = runs[0][1]["rows"]
    memory = [each["check_mb"] for _, each in runs]
    return [
        Figure("check", f"check: a row of {rows:,}", "us", cost[1], f"a row of {runs[0][0]['rows']:,}", cost[0],
               Target(GROWTH, "x", of_ratio=True)),
        Figure("check", f"check: memory for {rows:,} rows beyond the mapped file and the tables", "MiB", memory,
               target=Target(MEMORY, " MiB"), note=f"{median_of(runs, 'peak_mb'):.0f} MiB with interpreter and tables"),
    ]  # fmt: skip


def median_of(runs: list[tuple[dict[str, Any], dict[str, Any]]], name: str) -> float:
    return median(float(each[name]) for _, each in runs)


def made(plan: Plan, students: int) -> Made:
    """A file in which every table is used, made once a run."""
    made = Made(plan.folder / f"check-{students}.txt", plan.folder / f"check-{students}")
    if not made.file.exists():
        plan.said(f"making a file of {students:,} students, and their tables")
        spec = Spec(students, sites=4, seed=17, faults=FAULTS, unready=UNREADY, reference=demonstration_set())
        generate(spec).write(made.file)
        write_tables(spec, made.tables)
    return made


def rate(done: dict[str, Any]) -> float:
    return float(done["rows"] / done["seconds"])


async def run(way: str, of: Made) -> dict[str, Any]:
    """Let a process check a file; return what it says."""
    command = (sys.executable, "-m", "benchmarks.check_process", way, str(of.file), str(of.tables))
    return dict(json.loads(await output_of(*command)))
