"""`ledger reassign`: a student goes to another site of the LEA, or another LEA takes a copy over."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from services.cli.codes import school_year, site_code, sponsor_code
from services.cli.errors import ExitCode
from services.cli.options import AsJson, CommandId, Reason, StateId

if TYPE_CHECKING:
    from services.cli.session import Session
    from services.commands import Stored, Unchanged
    from services.ledger import Ledger
    from services.reassigning import Asked, Reassigned


def reassign(
    state_id: StateId,
    to: Annotated[str, typer.Option(metavar="SITE", help="The receiving site; its code starts with its sponsor.")],
    from_sponsor: Annotated[
        str | None, typer.Option(metavar="CODE", help="The sending sponsor; needed only where two hold the student.")
    ] = None,
    from_site: Annotated[
        str | None, typer.Option(metavar="CODE", help="Refuse unless the student is at this site there.")
    ] = None,
    bssy: Annotated[
        str | None,
        typer.Option(metavar="YEAR", help="School year last attended; if it holds no set, the year before is tried."),
    ] = None,
    reason: Reason = "",
    command_id: CommandId = None,
    as_json: AsJson = False,
) -> None:
    """Reassign a student to another site.

    Within the LEA the student is moved. From another LEA the set is copied as it stands there: the sending LEA keeps
    its own, and both histories stay readable. Public goes to public only, and nonpublic to nonpublic. A site that
    gains or loses a graduate needs recertification.

    Exit status: 0 stored, or nothing to change; 1 no such student; 2 refused; 75 outcome unknown: repeat with the same
    --command-id.
    """
    from uuid import uuid4

    from services.cli.session import with_ledger
    from services.reassigning import Asked, reassign_student

    asked = Asked(
        state_id,
        site_code(to),
        sponsor_code(from_sponsor) if from_sponsor else None,
        site_code(from_site) if from_site else None,
        school_year(bssy) if bssy else None,
    )
    command = command_id or uuid4()

    async def work(ledger: "Ledger", session: "Session") -> "tuple[str, Reassigned]":
        session.on_signal = f"Whether the student was reassigned tells `ledger verdict {command}`."
        return ledger.short_id, await reassign_student(ledger, asked, command_id=command, reason=reason)

    ledger_id, done = with_ledger(work)
    raise typer.Exit(show(ledger_id, command, asked, done, as_json=as_json))


def show(ledger: str, command: UUID, asked: "Asked", done: "Reassigned", *, as_json: bool) -> ExitCode:
    """Print what became of a reassignment and return its exit code."""
    from services.cli import edits
    from services.cli.output import console
    from services.commands import Stored, Unchanged

    outcome = done.outcome
    if as_json and isinstance(outcome, Stored | Unchanged):
        show_json(ledger, command, asked, done, outcome)
        return ExitCode.DONE
    if not as_json:
        for note in done.notes:
            console().print(note)
    code = edits.show(ledger, command, outcome, as_json=False)
    if isinstance(outcome, Stored) and not as_json:
        console().print(told(asked, done))
    return code


def told(asked: "Asked", done: "Reassigned") -> str:
    """Say where the student now is, and what stays."""
    place = f"site {asked.to_site} in {done.bssy}"
    if done.how == "moved":
        return f"The student was moved to {place}."
    return f"The set was copied to {place}; sponsor {done.from_sponsor} keeps its own."


def show_json(ledger: str, command: UUID, asked: "Asked", done: "Reassigned", outcome: "Stored | Unchanged") -> None:
    """Print a reassignment as JSON."""
    from services.cli.output import print_json
    from services.cli.year_answers import ReassignAnswer
    from services.commands import Stored
    from services.history import RemovedDate

    stored = outcome if isinstance(outcome, Stored) else None
    removed = stored.removed if stored else None
    answer = ReassignAnswer(
        ledger=ledger,
        position=stored.position if stored else None,
        outcome="unchanged" if stored is None else "repeated" if stored.repeated else "stored",
        how=done.how,
        bssy=done.bssy,
        from_sponsor=done.from_sponsor,
        from_site=done.from_site,
        to_site=asked.to_site,
        command=command,
        version=outcome.version,
        notes=done.notes,
        graduation_date_removed=RemovedDate(removed.date, removed.codes) if removed else None,
    )
    print_json(answer)
