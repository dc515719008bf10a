"""`ledger edit`, `add` and `delete`: online edits of one student's set, checked by the rules of a batch."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID

import typer

from services.cli.errors import ExitCode
from services.cli.options import (
    AsJson,
    Assignments,
    Bssy,
    CommandId,
    ExpectVersion,
    Number,
    Reason,
    Sponsor,
    StateId,
)

if TYPE_CHECKING:
    from events.student import GraduationDateRemoved
    from events.student_commands import Refused, StudentCommand
    from schemas.layout import Layout
    from services.cli.session import Session
    from services.commands import Conflict, Outcome, Stored, Unchanged
    from services.ledger import Ledger

Verb = Literal["edit", "add", "delete"]
Kind = Literal["student", "course", "credential"]

STATUS = """

Exit status: 0 stored, or nothing to change; 1 no such student; 2 refused, with the problems that it would bring in;
3 the stated version is not the student's any more; 75 outcome unknown: repeat with the same --command-id.
"""


@dataclass(frozen=True, slots=True)
class Request:
    """An edit as the operator typed it."""

    verb: Verb
    kind: Kind
    state_id: str
    bssy: str | None
    sponsor: str | None
    reason: str
    expect_version: int | None
    command_id: UUID | None
    as_json: bool
    number: int = 0
    assignments: tuple[str, ...] = ()


def command_of(request: Request, layout: "Layout") -> "StudentCommand":
    """Return what is asked for. Raises CommandRefused for a field that the record does not have."""
    from events import student_commands as commands
    from schemas.louisiana_sts.records import stored_fields
    from services.cli.fields import KINDS, read_assignments

    code = KINDS[request.kind]
    fields = read_assignments(request.assignments, layout[code])
    whole = stored_fields(code, {name: value for name, value in fields.items() if value})
    match request.verb, request.kind:
        case "edit", "student":
            return commands.EditStudent(fields)
        case "edit", "course":
            return commands.EditCourse(request.number, fields)
        case "edit", "credential":
            return commands.EditCredential(request.number, fields)
        case "add", "course":
            return commands.AddCourse(whole)
        case "add", "credential":
            return commands.AddCredential(whole)
        case "delete", "course":
            return commands.DeleteCourse(request.number)
        case "delete", "credential":
            return commands.DeleteCredential(request.number)
    return commands.RemoveStudent("request")


# --- The commands: three groups, four shapes of arguments ---------------------------------------------------------


def group(text: str) -> typer.Typer:
    """A group of commands that share their options."""
    return typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)


edit = group("Change fields of a student, a course or a credential.")
add = group("Add a course or a credential.")
delete = group("Delete a course, a credential, or a student's set.")


def takes_number_and_fields(into: typer.Typer, verb: Verb, kind: Kind, text: str) -> None:
    """Register a command on one numbered record."""

    @into.command(kind, help=text + STATUS)
    def _(
        state_id: StateId,
        number: Number,
        assignments: Assignments,
        bssy: Bssy = None,
        sponsor: Sponsor = None,
        reason: Reason = "",
        expect_version: ExpectVersion = None,
        command_id: CommandId = None,
        as_json: AsJson = False,
    ) -> None:
        stated = (state_id, bssy, sponsor, reason, expect_version, command_id, as_json)
        carry_out(Request(verb, kind, *stated, number=number, assignments=tuple(assignments)))


def takes_fields(into: typer.Typer, verb: Verb, kind: Kind, text: str) -> None:
    """Register a command on the student's own record, or one that adds a record."""

    @into.command(kind, help=text + STATUS)
    def _(
        state_id: StateId,
        assignments: Assignments,
        bssy: Bssy = None,
        sponsor: Sponsor = None,
        reason: Reason = "",
        expect_version: ExpectVersion = None,
        command_id: CommandId = None,
        as_json: AsJson = False,
    ) -> None:
        stated = (state_id, bssy, sponsor, reason, expect_version, command_id, as_json)
        carry_out(Request(verb, kind, *stated, assignments=tuple(assignments)))


def takes_number(into: typer.Typer, verb: Verb, kind: Kind, text: str) -> None:
    """Register a command that deletes a numbered record."""

    @into.command(kind, help=text + STATUS)
    def _(
        state_id: StateId,
        number: Number,
        bssy: Bssy = None,
        sponsor: Sponsor = None,
        reason: Reason = "",
        expect_version: ExpectVersion = None,
        command_id: CommandId = None,
        as_json: AsJson = False,
    ) -> None:
        stated = (state_id, bssy, sponsor, reason, expect_version, command_id, as_json)
        carry_out(Request(verb, kind, *stated, number=number))


def takes_nothing_more(into: typer.Typer, verb: Verb, kind: Kind, text: str) -> None:
    """Register a command on the whole set."""

    @into.command(kind, help=text + STATUS)
    def _(
        state_id: StateId,
        bssy: Bssy = None,
        sponsor: Sponsor = None,
        reason: Reason = "",
        expect_version: ExpectVersion = None,
        command_id: CommandId = None,
        as_json: AsJson = False,
    ) -> None:
        carry_out(Request(verb, kind, state_id, bssy, sponsor, reason, expect_version, command_id, as_json))


takes_fields(edit, "edit", "student", "Change fields of the student's record (020).")
takes_number_and_fields(edit, "edit", "course", "Change fields of one course (030).")
takes_number_and_fields(edit, "edit", "credential", "Change fields of one credential (050).")
takes_fields(add, "add", "course", "Add a course (030) under the set's next number.")
takes_fields(add, "add", "credential", "Add a credential (050) under the set's next number.")
takes_number(delete, "delete", "course", "Delete one course (030). Its number is not given again within the set.")
takes_number(
    delete, "delete", "credential", "Delete one credential (050). Its number is not given again within the set."
)
takes_nothing_more(
    delete, "delete", "student", "Remove the student's whole set of a year. History keeps it; an upload brings it back."
)


# --- One way for all of them ------------------------------------------------------------------------------------


def carry_out(request: Request) -> None:
    """Carry an edit out, print its outcome, and end with its exit code."""
    from uuid import uuid4

    from services.cli.session import with_ledger

    command_id = request.command_id or uuid4()

    async def work(ledger: "Ledger", session: "Session") -> "tuple[str, Outcome]":
        session.on_signal = f"Whether the edit took effect tells `ledger verdict {command_id}`."
        return ledger.short_id, await ask(ledger, request, command_id)

    ledger_id, outcome = with_ledger(work)
    raise typer.Exit(show(ledger_id, command_id, outcome, as_json=request.as_json))


async def ask(ledger: "Ledger", request: Request, command_id: UUID) -> "Outcome":
    """Find whose set is meant, and execute the command on it."""
    from services.commands import execute, layout_of, loaded
    from services.targets import find_target

    repeats = request.command_id is not None  # a repeated removal finds its set gone
    target = await find_target(ledger, request.state_id, bssy=request.bssy, sponsor=request.sponsor, ever=repeats)
    layout = layout_of(loaded(await ledger.events_of(target.stream)).layout, request.state_id)
    return await execute(
        ledger,
        target,
        command_of(request, layout),
        command_id=command_id,
        stated=request.expect_version,
        reason=request.reason,
    )


def show(ledger: str, command: UUID, outcome: "Outcome", *, as_json: bool) -> ExitCode:
    """Print what became of an edit and return its exit code."""
    from services.commands import Conflict, Stored, Unchanged

    match outcome:
        case Stored() | Unchanged():
            show_done(ledger, command, outcome, as_json=as_json)
            return ExitCode.DONE
        case Conflict():
            return show_conflict(ledger, outcome)
    return show_refusal(outcome)


def show_done(ledger: str, command: UUID, outcome: "Stored | Unchanged", *, as_json: bool) -> None:
    """Say where an edit stands, and under which version."""
    from services.cli.answers import EditAnswer
    from services.cli.output import at, console, print_json
    from services.commands import Unchanged
    from services.history import RemovedDate

    word = "unchanged" if isinstance(outcome, Unchanged) else "repeated" if outcome.repeated else "stored"
    position = None if isinstance(outcome, Unchanged) else outcome.position
    removed = None if isinstance(outcome, Unchanged) else outcome.removed
    if as_json:
        answer = EditAnswer(
            ledger=ledger,
            position=position,
            outcome=word,
            command=command,
            version=outcome.version,
            graduation_date_removed=RemovedDate(removed.date, removed.codes) if removed else None,
        )
        print_json(answer)
    elif position is None:
        console().print(f"Nothing to change: version {outcome.version} already is so.")
    else:
        verb = "Had already been stored" if word == "repeated" else "Stored"
        console().print(f"{verb} at {at(ledger, position)}, version {outcome.version} (command {command})")
        for line in removal_lines(removed):
            console().print(line, style="yellow")


def removal_lines(removed: "GraduationDateRemoved | None") -> "list[str]":
    """Say that a graduation date was cleared, for which codes, and how each is repaired (R-142)."""
    from schemas.louisiana_sts.graduates import meaning

    if removed is None:
        return []
    lines = [f"The graduation date {removed.date} was removed; the rest is stored:"]
    for code in removed.codes:
        problem = meaning(code)
        lines.append(f"  {problem.code} {problem.message.rstrip('.')}. {problem.hint}")
    return lines


def show_conflict(ledger: str, conflict: "Conflict") -> ExitCode:
    """Say which version stands now."""
    from services.cli.output import at

    typer.echo(
        f"ledger: refused: version {conflict.stated} was expected, but {conflict.found} stands since "
        f"{at(ledger, conflict.position)}. `ledger history` shows what changed; decide anew and state that version.",
        err=True,
    )
    return ExitCode.CONFLICT


def show_refusal(refused: "Refused") -> ExitCode:
    """Say which problems an edit would bring in, and how each is repaired."""
    typer.echo("ledger: refused, nothing was stored:", err=True)
    for problem in refused.problems:
        place = " ".join(part for part in (problem.record, problem.field) if part)
        found = f" ({problem.found.decode('latin-1').strip()!r})" if problem.found else ""
        typer.echo(f"  {problem.code} {problem.message}  {place}{found}. {problem.hint}", err=True)
    return ExitCode.REFUSED
