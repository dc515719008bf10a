"""Append with its verdict: alone, and while another process uploads 10,000 students into the same ledger."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from benchmarks.figures import Figure, Target, percentile
from benchmarks.plan import Plan, in_a_process
from benchmarks.signals import Signals
from services.settings import Settings

EDITED, UPLOADED = "017", 100
STUDENTS = 1_000
"""Students who hold a set before the first edit."""
ALONE_MS, BUSY_MS = 20.0, 250.0
WAYS = {"append": "append with verdict", "edit": "whole edit", "bare": "bare append"}
BARE = "a bare record to log and PostgreSQL"


@dataclass
class Samples:
    """Of each run its p50 and p99 in milliseconds, of whole edits and of their appends alone."""

    p50: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    p99: dict[str, list[float]] = field(default_factory=lambda: {way: [] for way in WAYS})
    number: int = 0

    def add(self, said: dict[str, Any]) -> None:
        """Take in what an editing process said."""
        for way in WAYS:
            self.p50[way].append(percentile(said[way], 0.5))
            self.p99[way].append(percentile(said[way], 0.99))
        self.number += len(said["append"])

    def figures(self, log: str, when: str, bound: float) -> list[Figure]:
        """The rows of the table; the target is for the append with its verdict."""
        rows = []
        for way in ("append", "edit"):
            target = Target(bound, " ms") if way == "append" else None
            for share, values, its_target in (("p50", self.p50, None), ("p99", self.p99, target)):
                what = f"{log}, {when}: {WAYS[way]}, {share}"
                note = f"{self.number} samples" if its_target else ""
                rows.append(Figure("append", what, "ms", values[way], BARE, values["bare"], its_target, note))
        return rows


async def measure(plan: Plan) -> list[Figure]:
    """Measure on every log that runs here."""
    figures: list[Figure] = []
    for log in await plan.logs():
        async with plan.home(log) as settings:
            await in_a_process("benchmarks.upload_process", settings, str(plan.students_file(STUDENTS)))
            plan.said(f"{log}: edits alone")
            figures += (await alone(plan, settings)).figures(log, "alone", ALONE_MS)
            for leader in ("uploader", "editor"):
                plan.said(f"{log}: edits during an upload, the {leader} follows the log")
                samples = await during_uploads(plan, settings, leader)
                figures += samples.figures(log, f"during an upload, the {leader} follows", BUSY_MS)
    return figures


async def alone(plan: Plan, settings: Settings) -> Samples:
    """Edit in a process of its own while nothing else happens."""
    samples = Samples()
    for _ in range(plan.runs):
        said = await in_a_process("benchmarks.edit_process", settings, EDITED, "--edits", str(plan.size(200)))
        samples.add(said)
    return samples


async def during_uploads(plan: Plan, settings: Settings, leader: str) -> Samples:
    """Edit in one process from the beginning to the end of an upload of 10,000 students in another one."""
    samples = Samples()
    for run in range(plan.runs):
        sponsor = f"{UPLOADED + run + (plan.runs if leader == 'editor' else 0)}"
        file = plan.students_file(plan.size(10_000), sponsor=sponsor)
        signals = Signals(plan.folder / f"signals-{uuid4().hex[:8]}")
        signals.folder.mkdir()
        samples.add(await edit_during(settings, str(file), signals, leader))
        file.unlink()
    return samples


async def edit_during(settings: Settings, file: str, signals: Signals, leader: str) -> dict[str, Any]:
    """Start both processes, the one that shall follow the log first; return what the editing one said."""
    calls = {
        "uploader": ("benchmarks.upload_process", settings, file),
        "editor": ("benchmarks.edit_process", settings, EDITED),
    }
    running: dict[str, asyncio.Task[dict[str, Any]]] = {}
    async with asyncio.TaskGroup() as group:
        for name in sorted(calls, key=lambda name: name != leader):
            module, home, argument = calls[name]
            call = in_a_process(module, home, argument, "--signals", str(signals.folder))
            running[name] = group.create_task(call)
            await signals.wait(name)
    return running["editor"].result()
