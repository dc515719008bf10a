"""How fast commands start, beside an empty Python."""

import asyncio
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, Target
from benchmarks.plan import ROOT, Plan, interleaved

TIMES = 15
WITHIN = 4.0


async def measure(plan: Plan) -> list[Figure]:
    """Start each command many times in turns."""
    ledger = Path(sys.executable).with_name("ledger")
    if not ledger.exists():
        plan.said("no start-up figures: the command `ledger` is not installed beside this Python")
        return []
    file = plan.students_file(50)
    commands = {
        "python": [sys.executable, "-c", "pass"],
        "version": [str(ledger), "--version"],
        "check": [str(ledger), "check", str(file)],
    }
    plan.said("start-up")
    contestants = {name: partial(asyncio.to_thread, milliseconds, command) for name, command in commands.items()}
    took = await interleaved(contestants, max(plan.runs, TIMES))
    return [
        Figure(
            "startup", "ledger --version", "ms", took["version"], "python -c pass", took["python"],
            Target(WITHIN, "x", of_ratio=True),
        ),
        Figure("startup", "ledger check, 50 students", "ms", took["check"], "python -c pass", took["python"]),
    ]  # fmt: skip


def milliseconds(command: list[str]) -> float:
    """Run a command to its end."""
    began = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, cwd=ROOT, env=os.environ)
    return (time.perf_counter() - began) * 1000
