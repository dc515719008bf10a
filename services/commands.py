"""The only way to write to a student's stream: load, decide, append, await the verdict, decide again if it moved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID, uuid5

from events.registry.contract import Key
from events.student import ABSENT, Absent, GraduationDateRemoved, StudentEvent, StudentState, evolve, fold, standing
from events.student_commands import Checks, Refused, StudentCommand, decide, fields_of, unknown_field
from projections import index
from projections.index import Settled
from projections.opening import OpenCommit
from schemas.layout import Layout, load_layout
from schemas.louisiana_sts.checks import check_set
from schemas.louisiana_sts.records import RecordSet
from schemas.louisiana_sts.table import table
from schemas.problems import Problem
from schemas.reference import ReferenceTables
from services.check_tables import tables_for
from services.collections import refusal
from services.identities import follow_record
from services.ledger import Draft, Ledger, Written


@dataclass(frozen=True, slots=True)
class Stored:
    """The command took effect: where, and which version the stream has since. `repeated`: it had already.

    `removed` is the graduation date that was cleared with it, and for which codes (R-142).
    """

    command: UUID
    position: int
    version: int
    repeated: bool = False
    removed: GraduationDateRemoved | None = None


@dataclass(frozen=True, slots=True)
class Unchanged:
    """There was nothing to change; nothing was appended."""

    version: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """The caller stated a version that is not the stream's any more. Final: look at what changed, then decide anew."""

    stated: int
    found: int
    position: int


Outcome = Stored | Unchanged | Conflict | Refused


@dataclass(frozen=True, slots=True)
class Target:
    """Whose set is meant."""

    stream: str
    key: Key
    state_id: str
    sponsor: str
    bssy: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A student's stream as it stands. An erased student holds no set: what there was cannot be read."""

    state: StudentState
    version: int
    position: int
    layout: str
    erased: bool = False


def loaded(commits: list[OpenCommit]) -> Loaded:
    """Fold a stream's commits."""
    state: StudentState = ABSENT
    erased = any(commit.erased for commit in commits)
    for commit in commits if not erased else ():
        for event in commit.events:
            assert isinstance(event, StudentEvent)
            state = evolve(state, event)
    if not commits:
        return Loaded(state, 0, -1, "")
    last = commits[-1]
    return Loaded(state, last.commit.version, last.position, last.commit.layout, erased)


def layout_of(digest: str, state_id: str) -> Layout:
    """Return the layout that a set was checked against; the one its id fits where that layout is no longer kept."""
    layouts = [load_layout("public"), load_layout("nonpublic")]
    by_digest = {layout.digest: layout for layout in layouts}
    return by_digest.get(digest, layouts[0] if len(state_id) == 10 else layouts[1])


async def execute(
    ledger: Ledger,
    target: Target,
    command: StudentCommand,
    *,
    command_id: UUID,
    stated: int | None = None,
    reason: str = "",
) -> Outcome:
    """Carry a command out. Repeating it under the same id is safe and gives the same answer.

    Where the caller states a version, another one is a Conflict; where not, a lost race is decided again. Outside an
    open collection it is Refused. The log arbitrates what is appended; every other answer is given only by views that
    have reached the log's end.
    """
    at_the_end = False
    while True:
        current = loaded(await ledger.events_of(target.stream))
        # Looked up after loading: had the command stood before, what it did would pass for somebody else's doing.
        if (earlier := await look_up(ledger, command_id)) and earlier.stands:
            return await stored_before(ledger, earlier)
        layout = layout_of(current.layout, target.state_id)
        closed = await refusal(ledger, target.bssy, target.sponsor)
        tables = await tables_for(ledger, target.bssy, [target.state_id])
        checks = checks_for(ledger, target, layout, tables)
        decision = Refused((closed,)) if closed else decide_on(command, current, stated, layout, checks)
        if not isinstance(decision, tuple):
            if at_the_end:
                return decision
            await ledger.caught_up()
            at_the_end = True
            continue
        rules = table("public" if layout.variant == "public" else "nonpublic").digest
        draft = draft_of(
            target,
            current,
            decision,
            command_id,
            reason=reason,
            rules=rules,
            layout=layout.digest,
            references=tables.digests,
        )
        named = await name(ledger, target, fold(current.state, decision), uuid5(command_id, f"{current.version}/after"))
        settled = await ledger.append(draft)
        if settled.stands:
            return Stored(command_id, settled.position, settled.version, settled.repeated, removed=removal_in(decision))
        if named:  # for an edit that was not stored: what is stored names the student
            current = loaded(await ledger.events_of(target.stream))
            await name(ledger, target, current.state, uuid5(command_id, f"{current.version}/stands"))


async def stored_before(ledger: Ledger, earlier: Settled) -> Stored:
    """Return what a command did that stood already."""
    commits = await ledger.events_of(earlier.stream)
    this = [commit for commit in commits if commit.position == earlier.position and not commit.erased]
    events = [event for commit in this for event in commit.events]
    return Stored(earlier.command, earlier.position, earlier.version, repeated=True, removed=removal_in(events))


def removal_in(events: Iterable[object]) -> GraduationDateRemoved | None:
    """Find the removal of a graduation date among some events."""
    return next((event for event in events if isinstance(event, GraduationDateRemoved)), None)


async def name(ledger: Ledger, target: Target, state: StudentState, command_id: UUID) -> bool:
    """Let a nonpublic student's identity follow the set, and return whether that changed it.

    It is written before the set, so that a stored set always has its identity.
    """
    if isinstance(state, Absent):
        return False
    return await follow_record(ledger, target.key, state.student, command=command_id)


def decide_on(
    command: StudentCommand, current: Loaded, stated: int | None, layout: Layout, checks: Checks
) -> tuple[StudentEvent, ...] | Conflict | Unchanged | Refused:
    """Return the events to append, or what the caller is told instead."""
    if stated is not None and stated != current.version:
        return Conflict(stated, current.version, current.position)
    record, fields = fields_of(command)
    if unknown := sorted(fields.keys() - layout[record].by_name.keys()):
        return Refused(tuple(unknown_field(record, name) for name in unknown))
    return decide(command, current.state, checks) or Unchanged(current.version)


def checks_for(ledger: Ledger, target: Target, layout: Layout, tables: ReferenceTables) -> Checks:
    """Return the batch checks as they apply to one set today, with the tables that are in force."""
    today = ledger.today()

    def checks(records: RecordSet) -> list[Problem]:
        return check_set(layout, target.bssy, target.sponsor, target.state_id, records, today=today, tables=tables)

    return checks


def draft_of(
    target: Target,
    current: Loaded,
    events: tuple[StudentEvent, ...],
    command_id: UUID,
    *,
    reason: str = "",
    cause: UUID | None = None,
    rules: str = "",
    layout: str = "",
    references: Mapping[str, str] = MappingProxyType({}),
) -> Draft:
    """Draft a commit of events on the stream as loaded, each with how the set stands after it."""
    written, state = [], current.state
    for event in events:
        state = evolve(state, event)
        written.append(Written(event, standing(state, target.key.material)))
    return Draft(
        stream=target.stream,
        expected=current.version,
        command=command_id,
        events=written,
        key=target.key,
        reason=reason,
        cause=cause,
        rules=rules,
        layout=layout,
        references=references,
    )


async def look_up(ledger: Ledger, command: UUID) -> Settled | None:
    """Return what became of a command, None when the index has not seen it (it may still arrive)."""
    async with ledger.pool.acquire() as connection:
        return (await index.verdicts(connection, [command])).get(command)
