"""The steps of a process under test, as its clients see them: what they send and hear goes to the journal."""

import asyncio
import importlib
import os
import signal
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from typing import Any, assert_never
from uuid import UUID, uuid4

import asyncpg

from events.log.contract import LogError
from events.registry.contract import RegistryError
from events.streams import student_stream
from events.student_commands import EditStudent, Refused
from events.upload import Done, UploadClosed
from services.commands import Conflict, Outcome, Stored, Target, Unchanged, execute
from services.intake.receive import Received, receive
from services.intake.work import work, work_queue
from services.ledger import Ledger, OutcomeUnknown, ViewStopped
from services.settings import Settings
from services.wiring import open_ledger
from tests.support.faults_job import (
    BSSY,
    SPONSOR,
    AnswerOutside,
    Arm,
    Certify,
    Edit,
    Follow,
    Job,
    KeepEditing,
    Publish,
    Race,
    RunOts,
    Settle,
    Step,
    TakeAnswers,
    Upload,
)
from tests.support.faults_journal import Journal
from tests.support.faults_logs import ImpatientLog
from tests.support.faults_official import run_ots, show_and_certify
from tests.support.faults_points import Points
from tests.support.graduates import June

FAILURES = (
    OutcomeUnknown,
    ViewStopped,
    LogError,
    RegistryError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What a command may end with while a server is away. None of them is an answer: the command is to be repeated."""

PATIENCE = 1.0
BACKOFF = 0.05
POLL = 0.01


async def work_off(job: Job, journal: Journal, points: Points) -> None:
    """Open the ledger that the environment names, and take the job's steps."""
    if isinstance(job.steps[0], Arm):  # the opening, too, may be struck
        points.arm(job.steps[0].fault)
    async with open_ledger(Settings(), clock=June()) as ledger:
        for step in job.steps:
            await take(ledger, step, journal, points)
        points.arm(None)


async def take(ledger: Ledger, step: Step, journal: Journal, points: Points) -> None:
    """Take one step."""
    match step:
        case Arm(fault=fault):
            points.arm(fault)
        case Edit():
            await edit(ledger, step, journal)
        case Upload():
            await upload(ledger, step, journal)
        case Settle():
            await settle(ledger, journal)
        case Race(edits=edits):
            await ledger.caught_up()
            go = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, go.set)
            journal.tell("ready")
            await go.wait()
            async with asyncio.TaskGroup() as group:
                for each in edits:
                    group.create_task(edit(ledger, each, journal))
        case KeepEditing(state_ids=state_ids):
            await keep_editing(ledger, state_ids, journal)
        case Follow(for_ever=for_ever):
            journal.tell("follows", pid=os.getpid())
            await (follow_for_ever(ledger, journal) if for_ever else ledger.caught_up())
        case Certify():
            await certify(ledger, step, journal)
        case RunOts(for_ever=for_ever):
            await run_ots(ledger, journal, for_ever=for_ever)
        case Publish() | AnswerOutside() | TakeAnswers():
            await feed_steps().take(ledger, step, journal)
        case _:
            assert_never(step)


def feed_steps() -> Any:
    """Return the steps of the feed. FastStream takes half a second to import, which only their tests pay for."""
    return importlib.import_module("tests.support.faults_feed")


async def follow_for_ever(ledger: Ledger, journal: Journal) -> None:
    """Tell when the lock is ours, and follow until somebody ends us."""
    assert ledger.following is not None
    while not ledger.follower.progress.leading and not ledger.following.done():  # noqa: ASYNC110 (no event tells it)
        await asyncio.sleep(POLL)
    journal.tell("leads", pid=os.getpid())
    await ledger.following


async def edit(ledger: Ledger, wanted: Edit, journal: Journal) -> Outcome:
    """Send one edit, and tell its answer."""
    journal.tell("sent", wanted.command, state_id=wanted.state_id, local_id=wanted.local_id)
    change = EditStudent({"local_identification_number": wanted.local_id})
    whose = await target(ledger, wanted.state_id)
    outcome = await execute(ledger, whose, change, command_id=wanted.command, stated=wanted.stated)
    journal.tell("answered", wanted.command, **told(outcome))
    return outcome


async def target(ledger: Ledger, state_id: str) -> Target:
    """Return whose set is meant; the student must have been stored."""
    key = (await ledger.registry.find([state_id]))[state_id]
    return Target(student_stream(SPONSOR, key.owner, BSSY), key, state_id, SPONSOR, BSSY)


def told(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as the journal keeps it."""
    match outcome:
        case Stored(position=position, version=version, repeated=repeated):
            return {"outcome": "stored", "position": position, "version": version, "repeated": repeated}
        case Conflict(stated=stated, found=found, position=position):
            return {"outcome": "conflict", "stated": stated, "found": found, "position": position}
        case Unchanged(version=version):
            return {"outcome": "unchanged", "version": version}
        case Refused(problems=problems):
            return {"outcome": "refused", "codes": [problem.code for problem in problems]}
    assert_never(outcome)


async def upload(ledger: Ledger, wanted: Upload, journal: Journal) -> None:
    """Send one file, and tell its tallies."""
    journal.tell("sent", wanted.command, path=wanted.path, mode=wanted.mode)
    received = await receive(ledger, Path(wanted.path), wanted.mode)
    assert isinstance(received, Received)
    journal.tell("received", wanted.command, upload=str(received.upload), position=received.position)
    await work_queue(ledger, received.upload)
    await tell_tallies(ledger, received.upload, wanted.command, journal)


async def certify(ledger: Ledger, wanted: Certify, journal: Journal) -> None:
    """Certify a site, and tell the answer."""
    journal.tell("sent", wanted.command, site=wanted.site)
    outcome = await show_and_certify(ledger, wanted, journal)
    journal.tell("answered", wanted.command, **told(outcome))


async def tell_tallies(ledger: Ledger, upload_id: UUID, command: UUID, journal: Journal) -> None:
    """Tell what the ledger says of an upload that has come to its end."""
    done = (await work(ledger, upload_id)).state
    assert isinstance(done, Done)
    assert isinstance(done.last, UploadClosed)
    journal.tell("answered", command, upload=str(upload_id), stored=done.last.stored, unchanged=done.last.unchanged)


async def settle(ledger: Ledger, journal: Journal) -> None:
    """Work every upload that is still open, then repeat every command that was never answered, as clients do."""
    await ledger.caught_up()
    for upload_id in await open_uploads(ledger):
        await work(ledger, upload_id)
    received = {line.command: UUID(line.body["upload"]) for line in journal.lines("received")}
    for command, body in journal.unanswered().items():
        if "local_id" in body:
            await edit(ledger, Edit(command, body["state_id"], body["local_id"]), journal)
        elif "site" in body:
            await certify(ledger, Certify(command, body["site"]), journal)
        elif command in received:
            await tell_tallies(ledger, received[command], command, journal)
        else:
            await upload(ledger, Upload(command, body["path"], body["mode"]), journal)


async def open_uploads(ledger: Ledger) -> list[UUID]:
    """Return the uploads that were received and are neither refused nor closed, in the order received."""
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch(
            "select upload from uploads where state in ('received', 'checked') order by position"
        )
    return [row["upload"] for row in rows]


async def keep_editing(ledger: Ledger, state_ids: list[str], journal: Journal) -> None:
    """Edit the students in turn until SIGTERM; whatever fails or takes too long is repeated under its own id."""
    ledger = replace(ledger, log=ImpatientLog(ledger.log, PATIENCE))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    for number, state_id in zip(count(), cycle(state_ids), strict=False):
        if ended.is_set():
            return
        wanted = Edit(uuid4(), state_id, f"W{number:06d}")
        while True:
            try:
                await edit(ledger, wanted, journal)
                break
            except FAILURES as failure:
                journal.tell("failed", wanted.command, error=type(failure).__name__, said=str(failure))
                await asyncio.sleep(BACKOFF)
