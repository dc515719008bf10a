"""The plan of an upload: compare each clean set with what is held, and say what is going to happen to whom."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import TypeVar
from uuid import UUID

from events.registry.contract import Key
from events.streams import student_stream
from events.student import (
    ABSENT,
    Absent,
    GraduationDateRemoved,
    Present,
    StudentEvent,
    StudentState,
    fold,
    record_digest,
    record_set,
    with_removal,
)
from events.student_commands import submission
from events.upload import Mode
from projections import index
from projections.database import Connection
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import Findings
from schemas.louisiana_sts.graduates import meaning
from schemas.louisiana_sts.table import problem
from schemas.problems import Problem
from services.commands import Loaded, loaded
from services.intake.manifest import Manifest, Row
from services.ledger import Ledger

CHUNK = 500
MAX_SET_BYTES = 600_000
"""A larger set might not fit into one commit even when nothing of it compresses; it is held, never split."""

SET_TOO_LARGE = Problem(
    code="S04",
    message="THE STUDENT'S SET IS LARGER THAN ONE COMMIT MAY BE",
    effect="reject_student",
    hint="No transcript has thousands of records. Look for one state id that was given to many students.",
)
SEND_WHOLE_SET = "No set of this student is held in this year. Send the 020 and 030 records first."

T = TypeVar("T")
Held = Mapping[UUID, tuple[int, str]]
"""Of each ref that holds a set: the stream's version, and the set's digest."""


async def plan(
    ledger: Ledger, batch: Batch, findings: Findings, mode: Mode, *, enrol: bool = True
) -> tuple[Manifest, Findings]:
    """Return the manifest, and the findings with those that only the ledger can make.

    With `enrol`, students who are to be stored get a ref; validating only enrols nobody.
    """
    findings = holding(findings, await asyncio.to_thread(too_large, batch, findings))
    findings = holding(findings, await strangers(ledger, batch, findings))
    enrol = enrol and mode != "validate-only"
    rows: list[Row] = []
    for state_ids in chunks([s for s in batch.state_ids if s not in findings.held], CHUNK):
        planned = await plan_chunk(ledger, batch, state_ids, enrol=enrol)
        rows += planned.rows
        findings = replace(findings, problems=(*findings.problems, *planned.problems))
    known = await ledger.registry.find(sorted(findings.held))
    rows += [Row(key.owner, "held", 0) for key in known.values()]
    if mode == "delete-all-and-replace":
        rows += await removals(ledger, batch, findings, {row.ref for row in rows})
    return Manifest(tuple(rows), held_unknown=len(findings.held) - len(known)), findings


@dataclass(frozen=True, slots=True)
class Planned:
    """What is going to happen to some students, and what the ledger alone could find about them."""

    rows: Sequence[Row]
    problems: Sequence[Problem]


async def plan_chunk(ledger: Ledger, batch: Batch, state_ids: Sequence[str], *, enrol: bool) -> Planned:
    """Plan some clean students: whoever holds an equal set stays as they are."""
    registry = ledger.registry
    keys = await registry.enrol(state_ids) if enrol else await registry.find(state_ids)
    refs = [key.owner for key in keys.values()]
    async with ledger.pool.acquire() as connection:
        held = await held_sets(connection, batch, refs)
        versions = await index.versions(connection, [stream_of(batch, ref) for ref in refs if ref not in held])
    rows: list[Row] = []
    problems: list[Problem] = []
    for state_id in state_ids:
        await asyncio.sleep(0)  # cutting and digesting sets must not hold the follower up
        key = keys.get(state_id)
        if key is None:  # nobody was to be enrolled; the nil ref stands for a student still unknown
            rows.append(Row(UUID(int=0), "store", 0))
            continue
        version, digest = held.get(key.owner) or (versions.get(stream_of(batch, key.owner), 0), "")
        same = False
        if digest:
            records = batch.record_set(state_id)
            state = ABSENT if records.kind == "full" else (await load(ledger, batch, key)).state
            removed_meanwhile = records.kind == "credentials" and isinstance(state, Absent)
            events = () if removed_meanwhile else with_removal((submission(records),), state)
            same = bool(events) and digest == digest_after(state, events, key)
            problems += removal_problems(batch, state_id, events) if records.kind == "credentials" else ()
        rows.append(Row(key.owner, "unchanged" if same else "store", version))
    return Planned(rows, problems)


def digest_after(state: StudentState, events: Sequence[StudentEvent], key: Key) -> str:
    """Return the digest that a student's set has after some events."""
    after = fold(state, events)
    assert isinstance(after, Present)
    return record_digest(key.material, record_set(after))


def removal_problems(batch: Batch, state_id: str, events: Sequence[StudentEvent]) -> list[Problem]:
    """Tell for which codes new credentials alone make a graduate lose the date; of a whole set the checks told."""
    codes = [code for event in events if isinstance(event, GraduationDateRemoved) for code in event.codes]
    return [place_problem(batch, state_id, meaning(code)) for code in codes]


async def load(ledger: Ledger, batch: Batch, key: Key) -> Loaded:
    """Load a student's stream of the batch's sponsor and year."""
    return loaded(await ledger.events_of(stream_of(batch, key.owner)))


def stream_of(batch: Batch, ref: UUID) -> str:
    """Name a student's stream at the batch's sponsor in its year."""
    return student_stream(batch.sponsor, ref, batch.bssy)


async def held_sets(connection: Connection, batch: Batch, refs: Sequence[UUID]) -> Held:
    """Return what the current transcripts say of some students."""
    rows = await connection.fetch(
        "select ref, version, record from transcript_students "
        "where bssy = $1 and sponsor = $2 and ref = any($3::uuid[])",
        batch.bssy,
        batch.sponsor,
        refs,
    )
    return {row["ref"]: (row["version"], row["record"]) for row in rows}


async def removals(ledger: Ledger, batch: Batch, findings: Findings, in_file: set[UUID]) -> list[Row]:
    """Return who goes when all is replaced: the others at the file's sites, in its year (R-040).

    A student of the file who is held keeps what was held before; their site counts for nothing, since it may be what
    is wrong. Nor does that of a student sent with 050 alone, which leave 020 and 030 as they are (R-042).
    """
    replaced = [one for one in batch.state_ids if one not in findings.held and not is_alone(batch, one)]
    sites = sorted({batch.site_of(state_id) for state_id in replaced} - {""})
    async with ledger.pool.acquire() as connection:
        rows = await connection.fetch(
            "select ref, version from transcript_students "
            "where bssy = $1 and sponsor = $2 and site = any($3::text[]) order by ref",
            batch.bssy,
            batch.sponsor,
            sites,
        )
    return [Row(row["ref"], "remove", row["version"]) for row in rows if row["ref"] not in in_file]


def too_large(batch: Batch, findings: Findings) -> dict[str, Problem]:
    """Find the students whose set is larger than one commit may be."""
    return {
        state_id: place_problem(batch, state_id, SET_TOO_LARGE)
        for state_id in batch.state_ids
        if state_id not in findings.held and sum(len(line.raw) for line in batch.lines_of(state_id)) > MAX_SET_BYTES
    }


async def strangers(ledger: Ledger, batch: Batch, findings: Findings) -> dict[str, Problem]:
    """Find those who are sent with 050 alone but hold no set here (507: no student with this id in STS)."""
    alone = await asyncio.to_thread(those_alone, batch, findings)
    known = await ledger.registry.find(alone)
    async with ledger.pool.acquire() as connection:
        held = await held_sets(connection, batch, [key.owner for key in known.values()])
    return {
        state_id: place_problem(batch, state_id, problem("507", hint=SEND_WHOLE_SET))
        for state_id in alone
        if state_id not in known or known[state_id].owner not in held
    }


def place_problem(batch: Batch, state_id: str, found: Problem) -> Problem:
    """Place a problem at the state id of the student's first line."""
    line = next(iter(batch.lines_of(state_id)))
    field = batch.layout[line.code]["state_identification_number"]
    return replace(
        found, line=line.number, record=line.code, field=field.name, columns=field.columns, found=line.raw[field.span]
    )


def those_alone(batch: Batch, findings: Findings) -> list[str]:
    """Return the students who are not held and are sent with 050 records only."""
    return [one for one in batch.state_ids if one not in findings.held and is_alone(batch, one)]


def is_alone(batch: Batch, state_id: str) -> bool:
    """Whether the student is sent with 050 records only."""
    return all(line.code == "050" for line in batch.lines_of(state_id))


def holding(findings: Findings, more: Mapping[str, Problem]) -> Findings:
    """Add findings that hold their students."""
    if not more:
        return findings
    return replace(findings, problems=(*findings.problems, *more.values()), held=findings.held | more.keys())


def chunks(items: Sequence[T], size: int) -> Iterator[list[T]]:
    """Cut a sequence into lists of at most `size`."""
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
