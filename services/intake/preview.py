"""What an upload would do, told before anything is done: no event, no file kept, nobody enrolled."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import msgspec

from events.streams import owner_of
from events.student import ABSENT, Absent, StudentState, fold
from events.student_commands import Refused, SubmitSet, decide
from events.upload import Mode
from projections import index
from projections.database import Connection
from projections.opening import OpenCommit
from schemas.layout import Variant
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import Findings
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, RecordSet
from schemas.problems import Problem
from services.commands import loaded
from services.history import Change, changes, present
from services.intake.checking import Told, checked_file, silent
from services.intake.expected_plan import broken_plan, plan_digest
from services.intake.manifest import Manifest, Row
from services.intake.plan import CHUNK, chunks, plan, stream_of
from services.intake.receive import NO_FILE, peek, too_large
from services.ledger import Ledger

PlanAction = Literal["added", "changed", "unchanged", "held", "removed"]
WHAT = {"added": "added", "edited": "changed", "deleted": "dropped"}


class RecordCounts(msgspec.Struct, frozen=True):
    """How many courses, or credentials, would be added, changed and dropped."""

    added: int = 0
    changed: int = 0
    dropped: int = 0

    def plus(self, other: "RecordCounts") -> "RecordCounts":
        """Return the sums."""
        return RecordCounts(self.added + other.added, self.changed + other.changed, self.dropped + other.dropped)


class StudentPlan(msgspec.Struct, frozen=True):
    """What would happen to one student. `version` is the stream's now, 0 before its first commit.

    `changes` are told field by field for one who is changed; of one who is added or removed the counts say it.
    """

    state_id: str
    action: PlanAction
    version: int
    courses: RecordCounts = RecordCounts()
    credentials: RecordCounts = RecordCounts()
    changes: tuple[Change, ...] = ()


class Plan(msgspec.Struct, frozen=True):
    """What an upload of a file would do. `digest` covers whose stream becomes what from which version.

    `position` is the last one that lay in the log when the plan was begun. Students stand in the file's order, removals
    last; `held` counts those of whom nothing would be stored.
    """

    digest: str
    position: int
    mode: Mode
    sponsor: str
    bssy: str
    added: int
    changed: int
    unchanged: int
    held: int
    removed: int
    courses: RecordCounts
    credentials: RecordCounts
    students: tuple[StudentPlan, ...]

    @property
    def name(self) -> str:
        """How the plan is named to an upload."""
        return f"{self.digest}@{self.position}"


@dataclass(frozen=True, slots=True)
class Previewed:
    """The plan and what was found in the file; no plan, and no batch, for one that would be refused."""

    plan: Plan | None
    findings: Findings
    batch: Batch | None


@dataclass(frozen=True, slots=True)
class Planned:
    """A file as it would be worked now, and the position that nothing of this is older than."""

    position: int
    batch: Batch
    findings: Findings
    manifest: Manifest


async def planned(
    ledger: Ledger, path: Path, mode: Mode, variant: Variant | None, told: Told
) -> Planned | Findings | Problem:
    """Check and plan a file as its upload would: the findings alone where it would be refused, a problem where it would
    not be received.
    """
    if not path.is_file():
        return NO_FILE
    if (size := path.stat().st_size) > ledger.max_upload_bytes:
        return too_large(size, ledger.max_upload_bytes)
    position = await ledger.caught_up() - 1
    data = await asyncio.to_thread(path.read_bytes)
    peeked = await asyncio.to_thread(peek, data, variant, ledger.max_upload_bytes)
    bssy = peeked.bssy if peeked else ""
    batch, findings = await checked_file(ledger, data, path.name, bssy, variant, ledger.today(), told)
    if batch is None:
        return findings
    manifest, findings = await plan(ledger, batch, findings, mode, enrol=False)
    return Planned(position, batch, findings, manifest)


async def preview(
    ledger: Ledger, path: Path, mode: Mode, *, variant: Variant | None = None, told: Told = silent
) -> Previewed | Problem:
    """Plan the upload of a file, or say why it would not be received. Raises OSError when it cannot be read."""
    found = await planned(ledger, path, mode, variant, told)
    if isinstance(found, Problem):
        return found
    if isinstance(found, Findings):
        return Previewed(None, found, None)
    batch, held = found.batch, found.findings.held
    digest = await asyncio.to_thread(plan_digest, ledger.genesis.ledger, batch, held, mode, found.manifest)
    students = [one async for one in student_plans(ledger, batch, held, found.manifest, told)]
    return Previewed(plan_of(digest, found.position, mode, batch, students), found.findings, batch)


async def plan_is_broken(
    ledger: Ledger, path: Path, mode: Mode, expected: str, *, variant: Variant | None = None, told: Told = silent
) -> Problem | None:
    """Say why a file's upload would not be the expected plan, before anything of it is received; None where it would.

    Whether a file that is refused was planned is not asked: nothing of it is stored anyhow.
    """
    found = await planned(ledger, path, mode, variant, told)
    if isinstance(found, Problem):
        return found
    if isinstance(found, Findings):
        return None
    return await broken_plan(ledger, found.batch, found.findings, mode, found.manifest, expected)


def plan_of(digest: str, position: int, mode: Mode, batch: Batch, students: Sequence[StudentPlan]) -> Plan:
    """Count what would happen to the students."""
    counts = {action: sum(one.action == action for one in students) for action in PLAN_ACTIONS}
    return Plan(
        digest=digest,
        position=position,
        mode=mode,
        sponsor=batch.sponsor,
        bssy=batch.bssy,
        **counts,
        courses=total(one.courses for one in students),
        credentials=total(one.credentials for one in students),
        students=tuple(students),
    )


PLAN_ACTIONS: tuple[PlanAction, ...] = ("added", "changed", "unchanged", "held", "removed")


def total(counts: Iterable[RecordCounts]) -> RecordCounts:
    """Add counts up."""
    whole = RecordCounts()
    for one in counts:
        whole = whole.plus(one)
    return whole


async def student_plans(
    ledger: Ledger, batch: Batch, held: frozenset[str], manifest: Manifest, told: Told
) -> AsyncIterator[StudentPlan]:
    """Say of each student what would happen: the clean ones and the held of the file, then the removals."""
    clean = [one for one in batch.state_ids if one not in held]
    rows = dict(zip(clean, manifest.rows, strict=False))
    done = 0
    for state_ids in chunks(batch.state_ids, CHUNK):
        differing = [rows[one] for one in state_ids if one in rows and differs(rows[one])]
        held_now = await states_of(ledger, batch, [row.ref for row in differing])
        for state_id in state_ids:
            await asyncio.sleep(0)  # comparing sets must not hold the follower up
            done += 1
            told("planning", done, len(batch.state_ids))
            if state_id not in rows:
                yield StudentPlan(state_id, "held", 0)
                continue
            row = rows[state_id]
            yield student_plan(state_id, row, batch.record_set(state_id), held_now.get(row.ref, ABSENT))
    async for one in removal_plans(ledger, batch, [row for row in manifest.rows if row.action == "remove"]):
        yield one


async def states_of(ledger: Ledger, batch: Batch, refs: Sequence[UUID]) -> dict[UUID, StudentState]:
    """Return how the sets of some students stand at the batch's sponsor in its year; all in one reading."""
    async with ledger.pool.acquire() as connection:
        kept = await index.stream_commits(connection, [stream_of(batch, ref) for ref in refs])
        erased = await index.erased_among(connection, refs)
    commits: dict[UUID, list[OpenCommit]] = {}
    for commit in await ledger.keyring.open(kept, erased):
        commits.setdefault(owner_of(commit.commit.stream), []).append(commit)
    return {ref: loaded(some).state for ref, some in commits.items()}


def differs(row: Row) -> bool:
    """Whether what is held must be looked at to say what would change."""
    return row.action == "store" and row.version > 0


def student_plan(state_id: str, row: Row, records: RecordSet, before: StudentState) -> StudentPlan:
    """Say what storing a set would change."""
    decision = () if row.action == "unchanged" else decide(SubmitSet(records), before, lambda _: ())
    if isinstance(decision, Refused) or not decision:
        return StudentPlan(state_id, "unchanged", row.version)
    after = fold(before, decision)
    if isinstance(before, Absent):
        now = present(after)
        courses, credentials = RecordCounts(len(now.courses)), RecordCounts(len(now.credentials))
        return StudentPlan(state_id, "added", row.version, courses, credentials)
    found = changes(before, after)
    return StudentPlan(state_id, "changed", row.version, counted(found, COURSE), counted(found, CREDENTIAL), found)


def counted(found: Sequence[Change], record: str) -> RecordCounts:
    """Count the records of one kind among some changes of fields."""
    records = {(WHAT[one.what], one.number) for one in found if one.record == record}
    return RecordCounts(**{what: sum(one == what for one, _ in records) for what in WHAT.values()})


async def removal_plans(ledger: Ledger, batch: Batch, rows: Sequence[Row]) -> AsyncIterator[StudentPlan]:
    """Say whom replacing all would remove, with what they hold."""
    for some in chunks(rows, CHUNK):
        async with ledger.pool.acquire() as connection:
            held = await removed_students(connection, batch, [row.ref for row in some])
        for row in some:
            state_id, courses, credentials = held.get(row.ref, ("", 0, 0))
            dropped = RecordCounts(dropped=courses), RecordCounts(dropped=credentials)
            yield StudentPlan(state_id, "removed", row.version, *dropped)


async def removed_students(
    connection: Connection, batch: Batch, refs: Sequence[UUID]
) -> dict[UUID, tuple[str, int, int]]:
    """Return of some students the state id, and how many courses and credentials they hold."""
    rows = await connection.fetch(
        "select ref, state_id, courses, credentials from transcript_students "
        "where bssy = $1 and sponsor = $2 and ref = any($3::uuid[])",
        batch.bssy,
        batch.sponsor,
        refs,
    )
    return {row["ref"]: (row["state_id"], row["courses"], row["credentials"]) for row in rows}
