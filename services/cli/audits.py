"""`ledger history`, `replay`, `diff` and `fsck`: what an auditor asks."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import ExitCode
from services.cli.options import AS_OF, AsJson, Bssy, Sponsor, StateId

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from schemas.louisiana_sts.records import Fields
    from services.cli.answers import DiffAnswer, FsckAnswer, HistoryAnswer, ReplayAnswer
    from services.cli.session import Session
    from services.commands import Target
    from services.history import Change, Entry
    from services.ledger import Ledger

SHOWN_RECORDS = 5


def history(
    state_id: StateId,
    bssy: Bssy = None,
    sponsor: Sponsor = None,
    show_all: Annotated[
        bool, typer.Option("--all", help="Also show void attempts, and every field of whole sets.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show who did what to a student's set, and when.

    Each commit is shown field by field, before and after, with the upload it came from, or the reason of an edit.

    Exit status: 0; 1 when the student never held such a set.
    """
    from services.cli.answers import HistoryAnswer
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> HistoryAnswer:
        from services.cli.session import reading
        from services.history import history as read_history
        from services.targets import find_target

        target = await find_target(ledger, state_id, bssy=bssy, sponsor=sponsor, ever=True)
        async with reading(ledger) as (_, head):
            position = head.next_position - 1
        entries = await read_history(ledger, target.stream, voids=show_all)
        return HistoryAnswer(ledger=ledger.short_id, position=position, **whose(target), entries=entries)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_history(console(), answer, show_all=show_all)


def whose(target: "Target") -> dict[str, str]:
    """The set that an answer speaks of."""
    return {"state_id": target.state_id, "bssy": target.bssy, "sponsor": target.sponsor}


def print_history(out: "Console", answer: "HistoryAnswer", *, show_all: bool) -> None:
    """Print each commit with what it changed."""
    from services.cli.output import at, safe, when

    for one in answer.entries:
        void = "" if one.verdict == "stands" else f"  [yellow]void: {one.verdict}[/]"
        out.print(f"[bold]{at(answer.ledger, one.position)}[/]  {when(one.time)}  {', '.join(one.events)}{void}")
        out.print(f"    by {safe(one.actor)}{came_from(answer.ledger, one)}")
        if one.reason:
            out.print(f"    because: {safe(one.reason)}")
        for line in beside(answer.ledger, one):
            out.print(f"    {line}")
        for line in change_lines(one.changes, whole=show_all):
            out.print(f"    {line}")


def came_from(ledger: str, one: "Entry") -> str:
    """Name the upload that a commit came from."""
    from services.cli.output import at

    if one.upload is None or one.upload_position is None:
        return ""
    return f", upload {str(one.upload)[:8]} received at {at(ledger, one.upload_position)}"


def beside(ledger: str, one: "Entry") -> "Iterator[str]":
    """Say which set was copied, and for what a graduation date was cleared."""
    from services.cli.output import at

    if source := one.copied_from:
        where = f" at {at(ledger, source.position)}" if source.position is not None else ""
        yield f"copied from sponsor {source.sponsor}, {source.bssy}, version {source.version}{where}"
    if answer := one.official:
        sent = f"version \\[{answer.version}] sent" if answer.version else "first version sent"
        what = sent if answer.status == "S" else f"rejected: {', '.join(answer.reasons)}"
        yield f"{what}, as certified at {at(ledger, answer.certified_at)}"
    if removed := one.graduation_date_removed:
        yield f"graduation date {removed.date} removed, code {', '.join(removed.codes)}"


def change_lines(changes: "Sequence[Change]", *, whole: bool) -> "list[str]":
    """A line a changed field. Without `whole`, a record that came or went is one line, and many are only counted."""
    from itertools import groupby

    if whole:
        return [field_line(one) for one in changes]
    lines: list[str] = []
    for (what, record), kind in groupby(changes, key=lambda one: (one.what, one.record)):
        if what == "edited":
            lines += [field_line(one) for one in kind]
            continue
        records = [list(fields) for _, fields in groupby(kind, key=lambda one: one.number)]
        if len(records) > SHOWN_RECORDS:
            lines.append(f"{record} {what}: {len(records)} records")
        else:
            lines += [record_line(fields) for fields in records]
    return lines


def field_line(one: "Change") -> str:
    """`030 number 3 letter_grade_code: 'B' -> 'A'`."""
    from services.cli.output import safe

    number = f" number {one.number}" if one.number is not None else ""
    before, after = safe(repr(one.before)), safe(repr(one.after))
    return f"{one.record}{number} {one.field}: [red]{before}[/] -> [green]{after}[/]"


TELLING = {
    "020": ("site_code", "grade_placement_code"),
    "030": ("course_beginning_school_session_year", "course_code", "transcript_course_name", "letter_grade_code"),
    "050": ("year_ibc_earned", "ibc_code", "pass_fail"),
}


def record_line(changes: "Sequence[Change]") -> str:
    """A record that came or went, by the fields that tell most."""
    from services.cli.output import safe

    one = changes[0]
    values = {change.field: change.after or change.before for change in changes}
    telling = " ".join(values[name] for name in TELLING[one.record] if name in values)
    number = f" number {one.number}" if one.number is not None else ""
    return f"{one.record}{number} [{'green' if one.what == 'added' else 'red'}]{one.what}[/]: {safe(telling)}"


# --- replay -----------------------------------------------------------------------------------------------------


def replay(
    state_id: StateId,
    as_of: Annotated[str, typer.Option(metavar="POSITION|TIME", help=AS_OF + " Without it, now.")] = "",
    bssy: Bssy = None,
    sponsor: Sponsor = None,
    show_fields: Annotated[bool, typer.Option("--fields", help="Show every field by its layout name.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a student's set as it stood at a position or a time.

    It is folded from the records of the log itself, from the first up to that position; no view is asked.

    Exit status: 0; 1 when no set was held then; 2 when the log does not reach there.
    """
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "ReplayAnswer":
        target, (position,) = await whose_and_when(ledger, state_id, bssy, sponsor, as_of)
        return await replayed(ledger, target, position)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_replay(console(), answer, show_fields=show_fields)
    raise typer.Exit(ExitCode.DONE if answer.held else ExitCode.PROBLEMS)


async def whose_and_when(
    ledger: "Ledger", state_id: str, bssy: str | None, sponsor: str | None, *times: str
) -> "tuple[Target, list[int]]":
    """Find the set, and the positions that were meant; "" means now."""
    from services.cli.asof import resolve
    from services.cli.session import reading
    from services.targets import find_target

    target = await find_target(ledger, state_id, bssy=bssy, sponsor=sponsor, ever=True)
    async with reading(ledger) as (connection, head):
        last = str(head.next_position - 1)
        return target, [await resolve(connection, head, ledger.short_id, time or last) for time in times]


async def replayed(ledger: "Ledger", target: "Target", position: int) -> "ReplayAnswer":
    """Fold the log and say how the set stood."""
    from events.student import Present
    from services.auditing import replay as fold_log
    from services.cli.answers import ReplayAnswer
    from services.cli.output import progress

    with progress() as told:
        stood = await fold_log(ledger, target.stream, position, told=told)
    held = isinstance(stood.state, Present)
    return ReplayAnswer(
        ledger=ledger.short_id,
        position=position,
        **whose(target),
        held=held,
        version=stood.version,
        changed_at=stood.time,
        changed_position=stood.position,
        student=dict(stood.state.student) if isinstance(stood.state, Present) else {},
        courses=dict(stood.state.courses) if isinstance(stood.state, Present) else {},
        credentials=dict(stood.state.credentials) if isinstance(stood.state, Present) else {},
    )


def print_replay(out: "Console", answer: "ReplayAnswer", *, show_fields: bool) -> None:
    """Print a set as it stood."""
    from services.cli.output import at, when

    out.print(f"as of {at(answer.ledger, answer.position)}, from the log:")
    if answer.changed_at is None or answer.changed_position is None:
        out.print("Nothing of this student was stored yet.")
        return
    changed = f"{when(answer.changed_at)} at {at(answer.ledger, answer.changed_position)}"
    if not answer.held:
        out.print(f"No set was held: it was removed on {changed}.")
        return
    print_fields(out, answer) if show_fields else print_set(out, answer)
    out.print(f"year {answer.bssy}, sponsor {answer.sponsor}: version {answer.version}, changed {changed}")


def print_set(out: "Console", answer: "ReplayAnswer") -> None:
    """Print a set as `ledger student` does."""
    from services.cli.output import safe
    from services.cli.transcript import course_rows, credential_rows, print_tables, student_lines

    first, second = map(safe, student_lines(answer.student))
    out.print(f"[bold]{safe(answer.state_id)}[/]  {first}\n{second}")
    print_tables(out, course_rows(answer.courses), credential_rows(answer.credentials))


def print_fields(out: "Console", answer: "ReplayAnswer") -> None:
    """Print every field of a set."""
    print_record(out, "020 student", answer.student)
    for number, fields in answer.courses.items():
        print_record(out, f"030 course number {number}", fields)
    for number, fields in answer.credentials.items():
        print_record(out, f"050 credential number {number}", fields)


def print_record(out: "Console", title: str, fields: "Fields") -> None:
    """Print a record's fields in one paragraph."""
    from services.cli.output import safe

    out.print(f"[bold]{title}[/]")
    out.print("  " + ", ".join(f"[dim]{name}[/]={safe(value)}" for name, value in fields.items()))


# --- diff -------------------------------------------------------------------------------------------------------


def diff(
    state_id: StateId,
    begin: Annotated[str, typer.Option("--from", metavar="POSITION|TIME", help=AS_OF)],
    end: Annotated[str, typer.Option("--to", metavar="POSITION|TIME", help="Likewise. Without it, now.")] = "",
    bssy: Bssy = None,
    sponsor: Sponsor = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed in a student's set, field by field.

    Both sets are folded from the log, as `ledger replay` does.

    Exit status, as diff(1): 0 when nothing changed; 1 when something did; 2 when the log does not reach there.
    """
    from services.cli.answers import DiffAnswer
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> DiffAnswer:
        from services.auditing import replay as fold_log
        from services.history import changes

        target, (first, last) = await whose_and_when(ledger, state_id, bssy, sponsor, begin, end)
        before = await fold_log(ledger, target.stream, first)
        after = await fold_log(ledger, target.stream, last)
        return DiffAnswer(
            ledger=ledger.short_id,
            position=last,
            **whose(target),
            from_position=first,
            from_version=before.version,
            to_version=after.version,
            changes=changes(before.state, after.state),
        )

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_diff(console(), answer)
    raise typer.Exit(ExitCode.PROBLEMS if answer.changes else ExitCode.DONE)


def print_diff(out: "Console", answer: "DiffAnswer") -> None:
    """Print a line a field."""
    from services.cli.output import at

    first, last = at(answer.ledger, answer.from_position), at(answer.ledger, answer.position)
    out.print(f"from {first} (version {answer.from_version}) to {last} (version {answer.to_version})")
    for line in change_lines(answer.changes, whole=True):
        out.print(f"  {line}")
    if not answer.changes:
        out.print("  nothing changed")


# --- fsck -------------------------------------------------------------------------------------------------------


def fsck(as_json: AsJson = False) -> None:
    """Compare every row and every stored file with the log.

    The log is folded anew into scratch tables, and every blob is read and compared with its digest. Nothing is
    stopped and nothing is changed.

    Exit status: 0 when there are 0 differences, else 1.
    """
    from services.cli.answers import FsckAnswer
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> FsckAnswer:
        from services.auditing import audit
        from services.cli.output import progress

        with progress() as told:
            found = await audit(ledger, told=told)
        return FsckAnswer(
            ledger=ledger.short_id,
            position=found.position,
            rows=found.rows,
            blobs=found.blobs,
            differences=found.differences,
            row_differences=found.row_differences,
            blob_differences=found.blob_differences,
        )

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_fsck(console(), answer)
    raise typer.Exit(ExitCode.PROBLEMS if answer.differences else ExitCode.DONE)


def print_fsck(out: "Console", answer: "FsckAnswer") -> None:
    """Print "0 differences", or the list."""
    from services.cli.output import at, plural

    compared = f"{plural(answer.rows, 'row')} and {plural(answer.blobs, 'file')}"
    out.print(f"{compared} compared with the log up to {at(answer.ledger, answer.position)}")
    style = "bold red" if answer.differences else "bold green"
    out.print(plural(answer.differences, "difference"), style=style)
    for row in answer.row_differences:
        out.print(f"  {row.table}: {row.only_live:,} rows only in the view, {row.only_folded:,} only in the log")
    for blob in answer.blob_differences:
        out.print(f"  {blob.kind} of {str(blob.owner)[:8]} is {blob.fault}: {blob.digest}", soft_wrap=True)
    if answer.row_differences:
        out.print("The log is the truth: `ledger projections rebuild --all` makes the rows anew.")
    if answer.blob_differences:
        out.print("Restore these files from the backup of the blobs.")
