"""Official transcripts rendered a second on one core, beside weasyprint on the same content.

weasyprint needs Pango from the system, so it is no dependency of ours: install it in an environment of its own
(`python -m venv W && W/bin/pip install weasyprint`) and let LEDGER_BENCH_WEASYPRINT name `W/bin/python`. Without it our
figure stands alone, and that is said. Both are pinned to one core, and what counts is that core's time spent on them,
so that neighbours on the machine take nothing away.
"""

import json
import os
import sys

from benchmarks.figures import Figure, Target
from benchmarks.plan import ROOT, Plan, interleaved, output_of

RENDERS = 200
"""Documents of one run. All are different; each is rendered once."""
PEERS_RENDERS = 20
PER_SECOND = 25.0
PEER = "LEDGER_BENCH_WEASYPRINT"


async def measure(plan: Plan) -> list[Figure]:
    """Measure both in turns, each in a process of its own on one core."""
    faces = plan.folder / "faces.json"

    async def ours() -> float:
        return await rate(
            sys.executable, "-m", "benchmarks.render_process", str(renders), str(PEERS_RENDERS), str(faces)
        )

    async def peer() -> float:
        return await rate(os.environ[PEER], str(ROOT / "benchmarks" / "peers" / "weasyprint_page.py"), str(faces))

    renders = RENDERS // 4 if plan.quick else RENDERS
    contestants = {"typst": ours}
    if PEER in os.environ:
        contestants["weasyprint"] = peer
    else:
        plan.said(f"no weasyprint beside our renders: {PEER} names no Python that has it (benchmarks/render.py)")
    plan.said("rendering official transcripts")
    values = await interleaved(contestants, plan.runs)
    return [figure(values["typst"], values.get("weasyprint", []))]


def figure(ours: list[float], peer: list[float]) -> Figure:
    return Figure(
        bench="render",
        what="official transcripts a second of one core's time",
        unit="documents/s",
        ours=ours,
        peer_name="weasyprint, PDF/A-2a" if peer else "",
        peer=peer,
        target=Target(PER_SECOND, "/s", at_most=False),
        note="24 to 30 courses each; ours is PDF/A-2a and PDF/UA-1 at once",
    )


async def rate(python: str, *arguments: str) -> float:
    """Run a program that prints its documents per second of its own time on the core."""
    return float(json.loads((await output_of(python, *arguments)).splitlines()[-1]))
