"""From certified to official: a site's graduates certified and every one answered, with the commands an operator types.

The clock runs over two whole processes, `ledger certify` and `ledger ots run`: judging each graduate again, rendering,
sealing and storing each document, appending, and awaiting each verdict.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.figures import Figure, Target
from benchmarks.plan import Plan, environment, in_a_process, output_of
from services.generate import Spec, generate
from services.generate.extract import GeneratedExtract
from services.settings import Settings

STUDENTS = 15_000
"""Enough at one site for a thousand graduates and some."""
GRADUATES = 1_000
SECONDS = 60.0
SPONSOR, SITE, BSSY = "017", "017001", "2025"


async def measure(plan: Plan) -> list[Figure]:
    """Measure on every log that runs here."""
    figures = []
    for log in await plan.logs():
        async with plan.home(log) as settings:
            await prepare(plan, settings)
            plan.said(f"{log}: certify a site, then answer every graduate")
            seconds, sent = await certify_and_answer(settings)
        scaled = seconds * plan.size(GRADUATES) / sent
        target = Target(SECONDS * plan.size(GRADUATES) / GRADUATES, " s")
        what = f"{log}: {plan.size(GRADUATES):,} graduates certified and rendered"
        figures.append(Figure("official", what, "s", [scaled], target=target, note=f"measured on {sent:,}"))
    return figures


async def prepare(plan: Plan, settings: Settings) -> None:
    """Store one site's students and who they are."""
    spec = Spec(plan.size(STUDENTS), sites=1, sponsor=SPONSOR)
    file, extract = plan.folder / "one-site.txt", plan.folder / "one-site.csv"
    if not file.exists():
        plan.said(f"making a file of {spec.students:,} students and their extract")
        generate(spec).write(file)
        GeneratedExtract(spec).write(extract)
    plan.said("uploading and identifying them")
    await in_a_process("benchmarks.upload_process", settings, str(file))
    await ledger(settings, "identities", "load", str(extract))
    await ledger(settings, "collection", "open", BSSY)


async def certify_and_answer(settings: Settings) -> tuple[float, int]:
    """Return the seconds of both commands, and how many transcripts were sent."""
    began = perf_counter()
    await ledger(settings, "certify", SITE, "--bssy", BSSY, "--yes")
    await ledger(settings, "ots", "run", ends=(0, 1))
    seconds = perf_counter() - began
    status = json.loads(await ledger(settings, "ots", "--json", "--limit", "1", ends=(0, 1)))
    if status["queued"] or not status["sent"]:
        raise RuntimeError(f"{status['sent']} sent, but {status['queued']} still wait")
    return seconds, status["sent"]


async def ledger(settings: Settings, *arguments: str, ends: tuple[int, ...] = (0,)) -> str:
    """Run a command line as a process of its own, and return what it says."""
    program = str(Path(sys.executable).with_name("ledger"))
    return (await output_of(program, *arguments, env=environment(settings), ends=ends)).decode()
