"""Reassignment: a student goes to another site of the LEA, or another LEA takes a copy over (R-200 to R-203)."""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from events.streams import parse_student_stream, student_stream
from events.student import Present, StudentReassignedIn, record_set, sector_of
from events.student_commands import MoveStudent, Refused
from events.student_reassignment import ReassignIn, Source, reassign
from projections.transcript_queries import sector_of_sponsor
from schemas.problems import Problem
from services.check_tables import tables_for
from services.collections import refusal
from services.commands import (
    Loaded,
    Outcome,
    Stored,
    Target,
    Unchanged,
    checks_for,
    draft_of,
    execute,
    layout_of,
    loaded,
    look_up,
    removal_in,
    stored_before,
)
from services.ledger import Ledger
from services.targets import NotHeld, find_target

How = Literal["moved", "copied"]


@dataclass(frozen=True, slots=True)
class Asked:
    """A reassignment as it is asked for; what is None is found where it is clear (R-202)."""

    state_id: str
    to_site: str
    from_sponsor: str | None = None
    from_site: str | None = None
    bssy: str | None = None

    @property
    def to_sponsor(self) -> str:
        """The receiving sponsor: a site's code starts with it (R-006)."""
        return self.to_site[:3]


@dataclass(frozen=True, slots=True)
class Reassigned:
    """What became of it: in which year, from where, and what there is to say beside it."""

    outcome: Outcome
    how: How
    bssy: str
    from_sponsor: str
    from_site: str
    notes: tuple[str, ...] = ()


async def reassign_student(ledger: Ledger, asked: Asked, *, command_id: UUID, reason: str = "") -> Reassigned:
    """Carry a reassignment out. Repeating it under the same id is safe and gives the same answer.

    Raises NotHeld, SeveralSets and ViewStopped.
    """
    if (earlier := await look_up(ledger, command_id)) and earlier.stands:
        return await repeated(ledger, earlier.stream, await stored_before(ledger, earlier))
    source, notes = await find_source(ledger, asked)
    current = loaded(await ledger.events_of(source.stream))
    site = current.state.student.get("site_code", "") if isinstance(current.state, Present) else ""
    if asked.from_site not in {None, site}:
        raise NotHeld(
            f"in {source.bssy} sponsor {source.sponsor} holds this student at site {site}, not at {asked.from_site}. "
            "Ask the sending school, or leave --from-site out."
        )
    if source.sponsor == asked.to_sponsor:
        outcome = await execute(ledger, source, MoveStudent(asked.to_site), command_id=command_id, reason=reason)
        return Reassigned(outcome, "moved", source.bssy, source.sponsor, site, notes)
    outcome, more = await copy(ledger, source, asked, command_id=command_id, reason=reason)
    return Reassigned(outcome, "copied", source.bssy, source.sponsor, site, (*notes, *more))


async def repeated(ledger: Ledger, stream: str, stored: Stored) -> Reassigned:
    """Answer a command that stood already."""
    commits = await ledger.events_of(stream)
    events = [event for one in commits if one.position == stored.position and not one.erased for event in one.events]
    copies = [event for event in events if isinstance(event, StudentReassignedIn)]
    source = parse_student_stream(copies[0].source if copies else stream)
    return Reassigned(stored, "copied" if copies else "moved", source.bssy, source.sponsor, "")


async def find_source(ledger: Ledger, asked: Asked) -> tuple[Target, tuple[str, ...]]:
    """Find whose set is meant; where the stated year holds none, the year before is tried (R-202)."""

    async def find(bssy: str | None) -> Target:
        return await find_target(ledger, asked.state_id, bssy=bssy, sponsor=asked.from_sponsor, option="--from-sponsor")

    try:
        return await find(asked.bssy), ()
    except NotHeld:
        if asked.bssy is None:
            raise
        prior = str(int(asked.bssy) - 1)
        found = await find(prior)
        return found, (f"No set is held in {asked.bssy}: the prior year was tried, and the set of {prior} is taken.",)


async def copy(
    ledger: Ledger, source: Target, asked: Asked, *, command_id: UUID, reason: str
) -> tuple[Outcome, tuple[str, ...]]:
    """Copy the source's set to the receiving sponsor's stream of the same year; the source stays as it is."""
    stream = student_stream(asked.to_sponsor, source.key.owner, source.bssy)
    target = replace(source, stream=stream, sponsor=asked.to_sponsor)
    while True:
        held = loaded(await ledger.events_of(source.stream))
        if not isinstance(held.state, Present):
            raise NotHeld("this student's set was removed just now. `ledger history` shows by whom.")
        wrong, notes = await against(ledger, held.state, target)
        if wrong:
            return Refused((wrong,)), ()
        current = loaded(await ledger.events_of(stream))
        if (earlier := await look_up(ledger, command_id)) and earlier.stands:
            return await stored_before(ledger, earlier), notes
        outcome = await copy_once(ledger, source, held, target, current, asked.to_site, command_id, reason)
        if outcome is not None:
            return outcome, notes


async def against(ledger: Ledger, state: Present, target: Target) -> tuple[Problem | None, tuple[str, ...]]:
    """Say what forbids a copy to the receiving sponsor, and what is to be told beside it (R-200)."""
    if closed := await refusal(ledger, target.bssy, target.sponsor):
        return closed, ()
    async with ledger.pool.acquire() as connection:
        await ledger.require(connection, "current_transcripts")
        sector = await sector_of_sponsor(connection, target.sponsor)
    if sector is None:
        return None, (f"Sponsor {target.sponsor} holds no student here yet, so its sector was not compared (R-200).",)
    own = sector_of(state.student)
    return (None if sector == own else other_sector(own, sector, target.sponsor)), ()


def other_sector(own: str, sector: str, sponsor: str) -> Problem:
    """Say that a student does not go from one sector to the other by reassignment."""
    return Problem(
        code="S08",
        message=f"A {own.upper()} STUDENT CANNOT BE REASSIGNED TO THE {sector.upper()} SPONSOR {sponsor}",
        effect="reject_student",
        record="020",
        field="site_code",
        hint="Public goes to public and nonpublic to nonpublic (R-200). Let the receiving school submit the student.",
    )


async def copy_once(
    ledger: Ledger,
    source: Target,
    held: Loaded,
    target: Target,
    current: Loaded,
    to_site: str,
    command_id: UUID,
    reason: str,
) -> Outcome | None:
    """Decide on both streams as they were read, and append; None where the receiving stream moved meanwhile."""
    assert isinstance(held.state, Present)
    layout = layout_of(held.layout, source.state_id)
    tables = await tables_for(ledger, target.bssy, [target.state_id])
    decision = reassign(
        ReassignIn(Source(source.stream, held.version, held.state), target.sponsor, to_site),
        current.state,
        before=checks_for(ledger, source, layout, tables)(record_set(held.state)),
        checks=checks_for(ledger, target, layout, tables),
    )
    if isinstance(decision, Refused):
        return decision
    if not decision:
        return Unchanged(current.version)
    draft = draft_of(
        target, current, decision, command_id, reason=reason, layout=layout.digest, references=tables.digests
    )
    settled = await ledger.append(draft)
    if not settled.stands:
        return None
    return Stored(command_id, settled.position, settled.version, settled.repeated, removal_in(decision))
