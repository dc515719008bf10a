"""What `ledger ots` and `ledger official` answer, and how it is printed."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import msgspec

from events.official_reasons import explain
from services.cli.answers import Answer
from services.cli.errors import CommandRefused

if TYPE_CHECKING:
    from rich.console import Console

    from services.ledger import Ledger
    from services.ots import archive

LATE = timedelta(hours=24)
"""A Q that is older is reported (R-183)."""

MEANING = {"Q": "queued", "S": "sent", "R": "rejected"}


class Waiting(msgspec.Struct, frozen=True):
    """One graduate's status. `since` is the certifying commit's time; `late` marks a Q older than 24 hours."""

    ref: UUID
    state_id: str
    bssy: str
    site: str
    status: str
    since: datetime
    age_seconds: int
    late: bool
    version: int | None
    reasons: tuple[str, ...]


class OtsAnswer(Answer, frozen=True, kw_only=True):
    """Statuses, counted over all that fit; the first ones listed."""

    queued: int
    sent: int
    rejected: int
    late: int
    graduates: tuple[Waiting, ...]


class OneAnswer(msgspec.Struct, frozen=True):
    """One answer of the OTS about a student. `changes` is what differs from the version before."""

    status: str
    position: int
    answered_at: datetime
    bssy: str
    site: str
    certified_at: int
    version: int | None
    content_digest: str
    sha256: str
    reasons: tuple[str, ...]
    changes: tuple[tuple[str, str, str], ...]


class RerenderAnswer(msgspec.Struct, frozen=True):
    """Whether today's template gives the archived bytes."""

    version: int
    same: bool
    made_by: str
    here: str


class OfficialAnswer(Answer, frozen=True, kw_only=True):
    """Every answer about a student, oldest first."""

    state_id: str
    answers: tuple[OneAnswer, ...]
    written: str
    rerendered: RerenderAnswer | None


async def read_status(ledger: "Ledger", *, status: str | None, site: str | None, limit: int) -> OtsAnswer:
    """Read the statuses as of one position."""
    from projections.ots_status import statuses
    from projections.transcript_queries import state_ids_of
    from services.cli.session import reading

    async with reading(ledger, "certifications", "official_transcripts") as (connection, head):
        found = await statuses(connection, status=status, site=site)
        names = await state_ids_of(connection, [one.ref for one in found[:limit]])
    now = ledger.clock()
    late = {one.ref for one in found if one.status == "Q" and now - one.since > LATE}
    return OtsAnswer(
        ledger=ledger.short_id,
        position=head.next_position - 1,
        queued=sum(one.status == "Q" for one in found),
        sent=sum(one.status == "S" for one in found),
        rejected=sum(one.status == "R" for one in found),
        late=len(late),
        graduates=tuple(
            Waiting(
                ref=one.ref,
                state_id=names.get(one.ref, ""),
                bssy=one.bssy,
                site=one.site,
                status=one.status,
                since=one.since,
                age_seconds=int((now - one.since).total_seconds()),
                late=one.ref in late,
                version=one.number - 1 if one.number else None,
                reasons=one.reasons,
            )
            for one in found[:limit]
        ),
    )


def print_status(out: "Console", answer: OtsAnswer) -> None:
    """One row a graduate, and below it each reason with its repair."""
    from services.cli.output import at, table, when

    rows = []
    for one in answer.graduates:
        mark = "" if one.version is None else f"[{one.version}]" if one.version else "first"
        status = f"{one.status} {MEANING[one.status]}" + (", longer than a day" if one.late else "")
        rows.append((one.state_id, one.site, one.bssy, status, when(one.since), mark))
    if rows:
        out.print(table(("state id", "site", "year", "status", "since", "version"), rows))
    for code in sorted({code for one in answer.graduates for code in one.reasons}):
        rejected = [one.state_id for one in answer.graduates if code in one.reasons]
        out.print(f"R {code}: {explain(code).message} {explain(code).repair}")
        out.print("  " + ", ".join(rejected))
    counts = f"{answer.queued:,} queued ({answer.late:,} longer than a day), {answer.sent:,} sent"
    out.print(f"{counts}, {answer.rejected:,} rejected, as of {at(answer.ledger, answer.position)}")


async def read_official(
    ledger: "Ledger", state_id: str, number: int | None, out: Path | None, *, rerender: bool
) -> OfficialAnswer:
    """Read every answer about a student; write or render again the version that is asked for."""
    import asyncio

    from services.ots import archive
    from services.targets import find_key

    position = await ledger.caught_up() - 1
    key = await find_key(ledger, state_id)
    answers = await archive.answers_of(ledger, key.owner)
    written, again = "", None
    if out is not None or rerender:
        version = archive.pick(answers, number)
        if out is not None:
            written = write(out, await archive.document_of(ledger, version))
        if rerender:
            made = await asyncio.to_thread(archive.rerender, ledger, version.event)
            again = RerenderAnswer(version.event.number - 1, made.same, made.made_by, made.here)
    return OfficialAnswer(
        ledger=ledger.short_id,
        position=position,
        state_id=state_id,
        answers=described(answers),
        written=written,
        rerendered=again,
    )


def write(path: Path, pdf: bytes) -> str:
    """Write a document that only its owner may read. Raises CommandRefused."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.chmod(0o600)
        path.write_bytes(pdf)
    except OSError as error:
        raise CommandRefused(f"{path} cannot be written: {error.strerror}. Name another file by --out.") from error
    return str(path)


def described(answers: "list[archive.Version | archive.Rejection]") -> tuple[OneAnswer, ...]:
    """Describe each answer, each version with what changed since the one before."""
    from services.ots import archive

    told, before = [], None
    for answer in answers:
        event = answer.event
        shared = (answer.position, answer.answered_at, event.bssy, event.site, event.certified_at)
        if isinstance(answer, archive.Rejection):
            told.append(OneAnswer("R", *shared, None, "", "", answer.event.reasons, ()))
            continue
        rendered = answer.event
        changes = tuple(archive.changes(before, rendered.content)) if before else ()
        before = rendered.content
        digests = (rendered.content_digest, rendered.sha256)
        told.append(OneAnswer("S", *shared, rendered.number - 1, *digests, (), changes))
    return tuple(told)


def print_official(out: "Console", answer: OfficialAnswer) -> None:
    """Print each answer with its place; reasons with their repair, versions with what changed."""
    from services.cli.output import at, when

    for one in answer.answers:
        what = f"version \\[{one.version}]" if one.version else "first version"
        head = f"{at(answer.ledger, one.position)}  {when(one.answered_at)}  {one.status} {MEANING[one.status]}"
        out.print(f"{head}{': ' + what if one.status == 'S' else ''}  site {one.site}, year {one.bssy}")
        for code in one.reasons:
            out.print(f"    {code}: {explain(code).message} {explain(code).repair}", markup=False)
        if one.status == "S":
            out.print(f"    content {one.content_digest}")
        for what_changed, old, new in one.changes:
            out.print(f"    {what_changed}: {old!r} -> {new!r}", markup=False)
    if not answer.answers:
        out.print("The OTS has not answered about this student yet. `ledger ots` shows who waits.")
    if answer.written:
        out.print(f"written to {answer.written}", markup=False, soft_wrap=True)
    if answer.rerendered is not None:
        again = answer.rerendered
        same = "gives the archived bytes again" if again.same else f"gives other bytes: made by {again.made_by}"
        out.print(f"rendered again: {again.here} {same}")
