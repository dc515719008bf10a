"""`python -m benchmarks`: measure, and print a table of ratios to named peers of the same run.

Everything happens in temporary folders and on loopback; servers that are started end with the run. The exit status is 0
whether targets are met or not: this is a measurement, not a test.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from importlib import import_module
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figure
from benchmarks.plan import Plan
from benchmarks.show import save, show

BENCHES = ("startup", "check", "append", "upload", "follower", "kafka_limit", "render", "official", "feed")
RESULTS = Path(__file__).with_name("results.json")
WIDTH = 150


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHES, help="one benchmark (may be repeated)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes: to see that it works")
    parser.add_argument("--large", action="store_true", help="also an upload of 100,000 students")
    parser.add_argument("--runs", type=int, default=3, help="runs of each contestant; medians count")
    parser.add_argument("--save", action="store_true", help=f"write {RESULTS.name}")
    return parser.parse_args()


async def measure(options: argparse.Namespace, console: Console) -> list[Figure]:
    """Run the chosen benchmarks one after the other."""
    figures: list[Figure] = []
    folder = Path(tempfile.mkdtemp(prefix="ledger-bench-"))
    began = time.perf_counter()

    def said(what: str) -> None:
        console.print(f"[dim]{time.perf_counter() - began:6.0f} s  load {os.getloadavg()[0]:4.1f}  {what}[/dim]")

    try:
        async with AsyncExitStack() as servers:
            plan = Plan(folder, servers, said, runs=options.runs, quick=options.quick, large=options.large)
            for name in options.only or BENCHES:
                try:
                    figures += await import_module(f"benchmarks.{name}").measure(plan)
                except ModuleNotFoundError as missing:
                    said(f"no figures of {name}: {missing}; install the development requirements")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    said("done")
    return figures


def main() -> None:
    """Measure and tell."""
    options = arguments()
    for name in [name for name in os.environ if name.startswith("LEDGER_") and not name.startswith("LEDGER_BENCH_")]:
        del os.environ[name]  # nobody's own ledger is measured
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    figures = asyncio.run(measure(options, console))
    show(figures, console)
    if options.save:
        save(figures, RESULTS)
        console.print(f"saved in {RESULTS}")


if __name__ == "__main__":
    main()
