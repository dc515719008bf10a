"""`ledger ots` and `ledger official`: who waits for an official transcript, who has one, and every version."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import CommandRefused, ExitCode
from services.cli.options import AsJson, Limit, StateId

if TYPE_CHECKING:
    from services.cli.ots_answers import OfficialAnswer, OtsAnswer
    from services.cli.session import Session
    from services.ledger import Ledger
    from services.ots.worker import Answered

ots = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@ots.callback()
def list_status(
    context: typer.Context,
    status: Annotated[str | None, typer.Option(metavar="Q|S|R", help="Only these.")] = None,
    site: Annotated[str | None, typer.Option(metavar="CODE", help="Only this site's.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List who waits (Q, with its age), has an official transcript (S) or was rejected (R, and why).

    Exit status: 0; 1 when somebody was rejected or waits longer than a day.
    """
    if context.invoked_subcommand is not None:
        return
    if status not in {None, "Q", "S", "R"}:
        raise CommandRefused(f"--status {status}: it is Q (queued), S (sent) or R (rejected).")
    from services.cli.ots_answers import print_status
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "OtsAnswer":
        from services.cli.ots_answers import read_status

        return await read_status(ledger, status=status, site=site, limit=limit)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_status(console(), answer)
    raise typer.Exit(ExitCode.PROBLEMS if answer.rejected or answer.late else ExitCode.DONE)


@ots.command("run")
def run_worker(
    forever: Annotated[
        bool, typer.Option("--forever", help="Go on for whoever comes to wait, until a signal.")
    ] = False,
) -> None:
    """Answer everybody who waits: render the document, or reject with reasons.

    Any number of workers may run at once; each certification of a student is answered once.

    Exit status: 0; 1 when somebody was rejected.
    """
    from services.cli.output import console, plural, progress
    from services.cli.session import with_ledger

    counts = {"S": 0, "R": 0}

    async def work(ledger: "Ledger", session: "Session") -> None:
        from events.official_transcript import OfficialTranscriptRendered
        from services.ots.worker import run, work_off

        session.on_signal = "Every answer given so far stands; the others still wait."
        await ledger.caught_up()
        with progress() as told:

            def heard(answered: "Answered") -> None:
                if answered.event is not None:
                    counts["S" if isinstance(answered.event, OfficialTranscriptRendered) else "R"] += 1
                told("answering", sum(counts.values()), 0)

            await (run(ledger, told=heard) if forever else work_off(ledger, told=heard))

    with_ledger(work)
    console().print(f"{plural(counts['S'], 'transcript')} sent, {counts['R']:,} rejected (`ledger ots --status R`)")
    raise typer.Exit(ExitCode.PROBLEMS if counts["R"] else ExitCode.DONE)


def official(
    state_id: StateId,
    version: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, help="The version that shows [N]; 0 is the first. Default: newest."),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the archived document (PDF) there.")] = None,
    rerender: Annotated[
        bool, typer.Option("--rerender", help="Render it again, and compare with the archived document.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show every answer of the OTS about a student, what changed between versions; write or render one again.

    Exit status: 0; 1 when there is no version yet, or --rerender gives other bytes; 2 when FILE cannot be written.
    """
    from services.cli.ots_answers import print_official
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "OfficialAnswer":
        from services.cli.ots_answers import read_official

        return await read_official(ledger, state_id, version, out, rerender=rerender)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_official(console(), answer)
    differs = answer.rerendered is not None and not answer.rerendered.same
    has_version = any(each.status == "S" for each in answer.answers)
    raise typer.Exit(ExitCode.DONE if has_version and not differs else ExitCode.PROBLEMS)
