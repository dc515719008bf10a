"""Certifying and the OTS worker as processes under test do them, and the points at which they may be struck."""

import asyncio

import projections.verdicts
from services import certifying
from services.certifying import repeated, show
from services.commands import Conflict, Stored, Unchanged
from services.ledger import Ledger
from services.ots import worker
from services.ots.worker import Answered, waiting_now, work_off
from tests.support.faults_job import BSSY, Certify
from tests.support.faults_journal import Journal
from tests.support.faults_points import Points, watch


def install_official(points: Points) -> None:
    """Make the points known in this process, beside those of every process."""
    watch(certifying, "see", points, after="graduates seen")
    watch(worker, "waiting_now", points, after="queue read")
    watch(worker, "load_case", points, after="case loaded")
    watch(worker, "render", points, before="before render", after="rendered")
    watch(projections.verdicts.Verdicts, "of", points, before="before verdict", after="verdict known")


async def show_and_certify(ledger: Ledger, wanted: Certify, journal: Journal) -> Stored | Unchanged | Conflict:
    """Do as `ledger certify SITE --yes --command-id ID` does; tell the journal what was shown."""
    if stood := await repeated(ledger, wanted.site, BSSY, wanted.command):
        return stood
    shown = await show(ledger, wanted.site, BSSY)
    journal.tell("shown", wanted.command, graduates=shown.graduates)
    return await certifying.certify(ledger, shown, command_id=wanted.command)


async def run_ots(ledger: Ledger, journal: Journal, *, for_ever: bool) -> None:
    """Answer whoever waits, and tell the journal each answer of our own."""

    def tell(answered: Answered) -> None:
        if answered.event is not None:
            journal.tell("official", ref=str(answered.status.ref), number=getattr(answered.event, "number", 0))

    await ledger.caught_up()
    if for_ever:
        journal.tell("works")
        await worker.run(ledger, told=tell)
    while await waiting_now(ledger):
        await work_off(ledger, told=tell)
        await asyncio.sleep(0)
