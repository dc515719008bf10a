"""Working an upload: check, plan, carry out, close. Any process may do it, after any crash, any number of times.

Every command id is derived from the upload, so what was done already is found done, and what is done twice is void.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID, uuid5

from events.registry.contract import Key
from events.streams import student_stream, upload_stream
from events.student import ABSENT, Present
from events.student_commands import Refused, RemoveStudent, StudentCommand, SubmitSet, decide
from events.upload import (
    NotReceived,
    UploadChecked,
    UploadClosed,
    UploadEvent,
    UploadReceived,
    UploadRefused,
    UploadState,
    Waiting,
    Working,
    evolve,
)
from projections import index
from projections.index import Settled
from projections.index_queries import expected_versions
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import Findings
from services.commands import Loaded, Target, draft_of, loaded
from services.identities import follow_record
from services.intake.checking import Told, checked_file, refused, shown_report, silent, variant_of
from services.intake.expected_plan import broken_plan
from services.intake.manifest import Manifest, Row, decode, encode
from services.intake.plan import CHUNK, chunks, plan
from services.intake.receive import peek
from services.ledger import Draft, Ledger, Written

IN_FLIGHT = 100
"""Commits of one upload without a verdict, so that an online edit never waits behind a whole upload (limit: 500)."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload as its stream says, with the key of its file, and what it was checked against."""

    id: UUID
    state: UploadState
    version: int
    key: Key
    rules: str
    layout: str
    references: Mapping[str, str]


async def load(ledger: Ledger, upload: UUID) -> Upload:
    """Load an upload. Raises LookupError for an unknown one."""
    commits = await ledger.events_of(upload_stream(upload))
    state: UploadState = NotReceived()
    for commit in commits:
        for event in commit.events:
            assert isinstance(event, UploadEvent)
            state = evolve(state, event)
    if not commits:
        raise LookupError(f"there is no upload {upload}")
    key = commits[0].key
    assert key is not None
    last = commits[-1].commit
    return Upload(upload, state, last.version, key, last.rules, last.layout, last.references)


async def work_queue(ledger: Ledger, upload: UUID, *, told: Told = silent) -> Upload:
    """Work the sponsor's queue in the order received (R-033), up to and with this upload."""
    await ledger.caught_up()
    for earlier in await queue_before(ledger, upload):
        await work(ledger, earlier, told=told)
    return await work(ledger, upload, told=told)


async def queue_before(ledger: Ledger, upload: UUID) -> list[UUID]:
    """Return the sponsor's uploads that came earlier and are not done."""
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch(
            "select earlier.upload from uploads as earlier join uploads as this on earlier.sponsor = this.sponsor "
            "where this.upload = $1 and this.sponsor <> '' and earlier.position < this.position "
            "and earlier.state in ('received', 'checked') order by earlier.position",
            upload,
        )
    return [row["upload"] for row in rows]


async def work(ledger: Ledger, upload: UUID, *, told: Told = silent) -> Upload:
    """Bring one upload to its end from wherever it stands."""
    batch: Batch | None = None
    while True:
        current = await load(ledger, upload)
        match current.state:
            case Waiting(received=received):
                batch = await check_and_plan(ledger, current, received, told)
            case Working(received=received, checked=checked):
                await carry_out(ledger, current, received, checked, batch, told)
            case _:
                return current


async def append(ledger: Ledger, upload: Upload, name: str, event: UploadEvent) -> None:
    """Append the upload's next event. Whoever comes second is void, and goes on from what the first one said."""
    draft = Draft(
        stream=upload_stream(upload.id),
        expected=upload.version,
        command=uuid5(upload.id, name),
        events=[Written(event)],
        key=upload.key,
        rules=upload.rules,
        layout=upload.layout,
        references=upload.references,
    )
    await ledger.append(draft)


def checked_against(upload: Upload, findings: Findings) -> Upload:
    """Return the upload with what its file was checked against."""
    digests, mark = findings.digests, "reference/"
    references = {name.removeprefix(mark): digest for name, digest in digests.items() if name.startswith(mark)}
    return replace(upload, rules=digests.get("rules", ""), layout=digests.get("layout", ""), references=references)


async def read_back(
    ledger: Ledger, upload: Upload, received: UploadReceived, today: date, told: Told
) -> tuple[Batch | None, Findings]:
    """Check the file as it is stored; no batch when it is refused."""
    data = await ledger.blobs.get(received.blob, upload.key)
    return await checked_file(ledger, data, received.file_name, received.bssy, variant_of(received), today, told)


async def check_and_plan(ledger: Ledger, upload: Upload, received: UploadReceived, told: Told) -> Batch | None:
    """Give the verdict on the file and freeze it in one event."""
    today = ledger.today()
    batch, findings = await read_back(ledger, upload, received, today, told)
    manifest = Manifest(())
    if batch is not None:
        manifest, findings = await plan(ledger, batch, findings, received.mode)
    if batch is not None and received.expected_plan:
        expected = received.expected_plan
        if broken := await broken_plan(ledger, batch, findings, received.mode, manifest, expected):
            batch, findings = None, refused(findings, broken)
    shown = await asyncio.to_thread(shown_report, findings, batch)
    report_blob = await ledger.blobs.put(upload.key, shown, kind="report")
    codes = dict(sorted(Counter(problem.code for problem in findings.problems).items()))
    upload = checked_against(upload, findings)
    if batch is None:
        await append(ledger, upload, "checked", UploadRefused(codes, report_blob.digest))
        return None
    manifest_blob = await ledger.blobs.put(upload.key, encode(manifest), kind="manifest")
    event = UploadChecked(
        today=today.isoformat(),
        rows=batch.rows,
        codes=codes,
        undecided=tuple(item.code for item in findings.undecided),
        report=report_blob.digest,
        manifest=manifest_blob.digest,
        store=manifest.count("store"),
        unchanged=manifest.count("unchanged"),
        held=manifest.count("held"),
        remove=manifest.count("remove"),
    )
    await append(ledger, upload, "checked", event)
    return batch


async def carry_out(
    ledger: Ledger, upload: Upload, received: UploadReceived, checked: UploadChecked, batch: Batch | None, told: Told
) -> None:
    """Do what the manifest says, and close the upload when every row of it has its verdict."""
    manifest = decode(await ledger.blobs.get(checked.manifest, upload.key))
    if received.mode != "validate-only":
        if batch is None:
            batch = await reread(ledger, upload, received)
        await write_students(ledger, upload, manifest, batch, told, pinned=bool(received.expected_plan))
    event = await tally(ledger, upload, received, manifest)
    await append(ledger, upload, "closed", event)


async def reread(ledger: Ledger, upload: Upload, received: UploadReceived) -> Batch:
    """Read the stored file again after a crash. Its verdict stands and is not asked for again."""
    data = await ledger.blobs.get(received.blob, upload.key)
    batch = await asyncio.to_thread(peek, data, variant_of(received), ledger.max_upload_bytes)
    assert batch is not None
    return batch


async def write_students(
    ledger: Ledger, upload: Upload, manifest: Manifest, batch: Batch, told: Told, *, pinned: bool
) -> None:
    """Commit every student whom the manifest stores or removes and who has no verdict yet.

    With `pinned`, the sender saw the plan: whoever has moved since stays as they are.
    """
    planned = {row.ref: row for row in manifest.rows if row.action in {"store", "remove"}}
    room, done = asyncio.Semaphore(IN_FLIGHT), 0

    async def write(row: Row, key: Key, state_id: str) -> None:
        nonlocal done
        try:
            await write_student(ledger, upload, batch, row, target_of(batch, key, state_id), pinned=pinned)
        finally:
            room.release()
        done += 1
        told("storing", done, len(planned))

    try:
        async with asyncio.TaskGroup() as group:
            async for some in to_write(ledger, upload, batch, planned):
                for row, key, state_id in some:
                    await room.acquire()
                    group.create_task(write(row, key, state_id))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def to_write(
    ledger: Ledger, upload: Upload, batch: Batch, planned: Mapping[UUID, Row]
) -> AsyncIterator[list[tuple[Row, Key, str]]]:
    """Yield who is still to be written, chunk by chunk: row, key, and state id ("" for a removal)."""
    for state_ids in chunks(batch.state_ids, IN_FLIGHT):
        keys = await ledger.registry.find(state_ids)
        some = [(planned[key.owner], key, state_id) for state_id, key in keys.items() if key.owner in planned]
        yield await without_verdict(ledger, upload, some)
    removed = [row for row in planned.values() if row.action == "remove"]
    for rows in chunks(removed, IN_FLIGHT):
        held = [(row, await key_of(ledger, batch, row.ref)) for row in rows]
        yield await without_verdict(ledger, upload, [(row, key, "") for row, key in held if key is not None])


async def key_of(ledger: Ledger, batch: Batch, ref: UUID) -> Key | None:
    """Return the key that a student's commits are sealed with, None for one who was erased."""
    commits = await ledger.events_of(student_stream(batch.sponsor, ref, batch.bssy))
    return commits[-1].key if commits else None


async def without_verdict(
    ledger: Ledger, upload: Upload, some: list[tuple[Row, Key, str]]
) -> list[tuple[Row, Key, str]]:
    """Leave out whose command has stood already, before a crash or by another process."""
    async with ledger.pool.acquire() as connection:
        stood = await index.stood(connection, [student_command(upload.id, row.ref) for row, _, _ in some])
    return [item for item in some if student_command(upload.id, item[0].ref) not in stood]


def student_command(upload: UUID, ref: UUID) -> UUID:
    """Derive the id of storing one student of an upload; never from a state id, which could be guessed back."""
    return uuid5(upload, str(ref))


def target_of(batch: Batch, key: Key, state_id: str) -> Target:
    """Return whose stream is meant."""
    stream = student_stream(batch.sponsor, key.owner, batch.bssy)
    return Target(stream, key, state_id, batch.sponsor, batch.bssy)


async def write_student(
    ledger: Ledger, upload: Upload, batch: Batch, row: Row, target: Target, *, pinned: bool
) -> None:
    """Commit one student. Whoever was edited since the plan is decided again on what stands now, under the same id;
    or not at all where the plan's sender has pinned it.

    A nonpublic student's identity is written before the set, so that a stored set always has its identity.
    """
    if pinned and await version_of(ledger, target.stream) != row.version:
        return
    command = command_of(batch, row, target)
    replaces = isinstance(command, SubmitSet) and command.records.kind == "full"
    if isinstance(command, SubmitSet) and command.records.student is not None:
        identity = uuid5(upload.id, f"identity/{row.ref}")
        await follow_record(ledger, target.key, command.records.student, command=identity, cause=upload.id)
    current = Loaded(ABSENT, row.version, -1, "") if replaces else await load_student(ledger, upload, target)
    while current is not None and not (pinned and current.version != row.version):
        decision = decide(command, current.state, lambda _: ())
        if isinstance(decision, Refused) or not decision:
            return
        draft = draft_of(
            target,
            current,
            decision,
            student_command(upload.id, row.ref),
            cause=upload.id,
            rules=upload.rules,
            layout=upload.layout,
            references=upload.references,
        )
        if (await ledger.append(draft)).stands:
            return
        current = await load_student(ledger, upload, target)
    if current is not None and isinstance(current.state, Present):  # pinned and not stored: what stands says who it is
        stands = uuid5(upload.id, f"identity/{row.ref}/stands")
        await follow_record(ledger, target.key, current.state.student, command=stands, cause=upload.id)


async def version_of(ledger: Ledger, stream: str) -> int:
    """Return a stream's version, 0 before its first commit."""
    async with ledger.pool.acquire() as connection:
        return (await index.versions(connection, [stream])).get(stream, 0)


def command_of(batch: Batch, row: Row, target: Target) -> StudentCommand:
    """Return what the manifest's row asks for."""
    if row.action == "remove":
        return RemoveStudent("delete-all-and-replace")
    return SubmitSet(batch.record_set(target.state_id))


async def load_student(ledger: Ledger, upload: Upload, target: Target) -> Loaded | None:
    """Load the student's stream as it stands, to decide on it anew; None where this upload has no say in it any more.

    Whoever was stopped here for long may find that others closed the upload meanwhile: what stands now may be newer
    than this file, and every row has its verdict. Asked after loading, so that what comes later makes the decision
    stale. Nor is anything decided for an erased student.
    """
    current = loaded(await ledger.events_of(target.stream))
    async with ledger.pool.acquire() as connection:
        closed = await index.stood(connection, [closing_command(upload.id)])
    return None if closed or current.erased else current


def closing_command(upload: UUID) -> UUID:
    """Derive the id of closing an upload."""
    return uuid5(upload, "closed")


def more_than_one(found: Settled, row: Row) -> bool:
    """Whether the stream grew by more than one version since the plan: another commit came, or ours has two events."""
    return found.stands and found.version - 1 != row.version


async def tally(ledger: Ledger, upload: Upload, received: UploadReceived, manifest: Manifest) -> UploadClosed:
    """Count what became of the manifest's rows, from the verdicts alone, so that every process counts the same."""
    counts = Counter({"unchanged": manifest.count("unchanged")})
    rows = [row for row in manifest.rows if row.action in {"store", "remove"}]
    for some in chunks(rows if received.mode != "validate-only" else [], CHUNK):
        async with ledger.pool.acquire() as connection:
            settled = await index.verdicts(connection, [student_command(upload.id, row.ref) for row in some])
            stood = {row.ref: one for row in some if (one := settled.get(student_command(upload.id, row.ref)))}
            longer = [
                stood[row.ref].position for row in some if row.ref in stood and more_than_one(stood[row.ref], row)
            ]
            expected = await expected_versions(connection, longer)
        for row in some:
            found = stood.get(row.ref)
            stands = found is not None and found.stands
            counts[row.action if stands else "unchanged"] += 1
            counts["overwritten"] += found is not None and expected.get(found.position, row.version) != row.version
    return UploadClosed(
        stored=counts["store"],
        unchanged=counts["unchanged"],
        held=manifest.count("held"),
        removed=counts["remove"],
        overwritten=counts["overwritten"],
    )
