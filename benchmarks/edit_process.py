"""`python -m benchmarks.edit_process SPONSOR`: edit students one after the other, and say what each edit took.

In turns, an edit goes the whole way through `services.commands.execute` (look up, load, decide, append, verdict), an
edit is prepared and only its append with its verdict counts, and a bare record takes the shortest way to the same two
disks (benchmarks/peers/bare_append.py). Prints one JSON object: milliseconds of each.
"""

import argparse
import asyncio
import json
import os
import time
from dataclasses import asdict, dataclass, field
from itertools import count, cycle
from pathlib import Path
from uuid import uuid4

from benchmarks.peers.bare_append import Append, bare_append
from benchmarks.signals import Signals
from events.streams import student_stream
from events.student import StudentEdited
from events.student_commands import EditStudent
from services.commands import Stored, Target, draft_of, execute, loaded
from services.ledger import Ledger
from services.settings import Settings
from services.wiring import open_ledger

FIELD = "parental_guardian_consent_flag"
BETWEEN = 0.01
"""Seconds from one edit to the next: it is the edit of one person that is measured, not a flood of them."""
WARM_UP = 10
RECORD = os.urandom(700)


@dataclass
class Took:
    """Milliseconds of each whole edit, of each append with its verdict, and of each bare append."""

    edit: list[float] = field(default_factory=list)
    append: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)


async def students(ledger: Ledger, sponsor: str, number: int) -> list[Target]:
    """Return some students who hold a set."""
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch(
            "select ref, bssy, state_id from transcript_students where sponsor = $1 order by ref limit $2",
            sponsor,
            number,
        )
    targets = []
    for row in rows:
        key = await ledger.registry.issue(row["ref"])
        stream = student_stream(sponsor, row["ref"], row["bssy"])
        targets.append(Target(stream, key, row["state_id"], sponsor, row["bssy"]))
    return targets


async def edit(ledger: Ledger, target: Target, consent: str) -> float:
    """Make one edit the way a person's goes; return its milliseconds."""
    began = time.perf_counter()
    outcome = await execute(ledger, target, EditStudent({FIELD: consent}), command_id=uuid4())
    took = time.perf_counter() - began
    assert isinstance(outcome, Stored), outcome
    return took * 1000


async def append(ledger: Ledger, target: Target, consent: str) -> float:
    """Append one prepared edit; return the milliseconds until its verdict."""
    current = loaded(await ledger.events_of(target.stream))
    draft = draft_of(target, current, (StudentEdited({FIELD: consent}),), uuid4(), layout=current.layout)
    began = time.perf_counter()
    settled = await ledger.append(draft)
    took = time.perf_counter() - began
    assert settled.stands, settled
    return took * 1000


async def append_bare(bare: Append) -> float:
    """Take a record of an edit's size the shortest way; return its milliseconds."""
    began = time.perf_counter()
    await bare(RECORD)
    return (time.perf_counter() - began) * 1000


async def edit_one(ledger: Ledger, bare: Append, target: Target, took: Took) -> None:
    """Turn one student's consent over twice, in both ways, and append a bare record."""
    consent = "N" if await held(ledger, target) == "Y" else "Y"
    took.edit.append(await edit(ledger, target, consent))
    await asyncio.sleep(BETWEEN)
    took.append.append(await append(ledger, target, "N" if consent == "Y" else "Y"))
    await asyncio.sleep(BETWEEN)
    took.bare.append(await append_bare(bare))
    await asyncio.sleep(BETWEEN)


async def held(ledger: Ledger, target: Target) -> str:
    """Return the field as the current transcript has it."""
    question = "select consent from transcript_students where ref = $1 and bssy = $2 and sponsor = $3"
    async with ledger.pool.acquire() as connection:
        return str(await connection.fetchval(question, target.key.owner, target.bssy, target.sponsor))


async def edit_all(ledger: Ledger, bare: Append, sponsor: str, edits: int, signals: Signals | None) -> Took:
    """Edit student after student: so many, or from the beginning of an upload to its end."""
    targets = cycle(await students(ledger, sponsor, 200))
    for _ in range(WARM_UP):
        await edit_one(ledger, bare, next(targets), Took())
    took = Took()
    if signals:
        signals.give("editor")
        await signals.wait("uploading")
    for number in count():
        if signals.given("uploaded") if signals else number == edits:
            break
        await edit_one(ledger, bare, next(targets), took)
    return took


async def main(sponsor: str, edits: int, signals: Signals | None) -> None:
    """Edit, then report."""
    settings = Settings()
    async with open_ledger(settings) as ledger, bare_append(settings, ledger.views_dsn) as bare:
        took = await edit_all(ledger, bare, sponsor, edits, signals)
        if signals:
            signals.give("edited")
    print(json.dumps(asdict(took)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("sponsor")
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--signals", type=lambda folder: Signals(Path(folder)))
    options = parser.parse_args()
    asyncio.run(main(options.sponsor, options.edits, options.signals))
