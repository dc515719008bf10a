"""`ledger rollover`: non-graduates begin the next school year."""

from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.codes import school_year, site_code, sponsor_code
from services.cli.errors import CommandRefused, ExitCode
from services.cli.options import AsJson

if TYPE_CHECKING:
    from services.cli.session import Session
    from services.cli.year_answers import RolloverAnswer
    from services.ledger import Ledger


def rollover(
    sponsor: Annotated[str, typer.Option(metavar="CODE", help="Whose students.")],
    from_year: Annotated[str, typer.Option("--from", metavar="YEAR", help="The school year that ends.")],
    site: Annotated[str | None, typer.Option(metavar="CODE", help="Only this site's.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, and store nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Let non-graduates begin the next school year with the set that they ended the last one with.

    Afterwards only new and changed records need entry. Graduates are not rolled over, and who holds a set in the new
    year is left alone. A repeat changes nothing, so a rollover that was stopped is simply begun again.

    Exit status: 0 done; 1 nobody holds a set in that year; 2 refused.
    """
    from services.cli.session import with_ledger
    from services.rolling_over import Asked

    asked = Asked(sponsor_code(sponsor), school_year(from_year), site_code(site) if site else None)
    if asked.site is not None and not asked.site.startswith(asked.sponsor):
        raise CommandRefused(f"site {asked.site} is not one of sponsor {asked.sponsor}: its code starts otherwise.")

    async def work(ledger: "Ledger", session: "Session") -> "RolloverAnswer":
        from events.student_commands import Refused
        from services.cli.edits import show_refusal
        from services.cli.output import progress
        from services.cli.year_answers import RolloverAnswer
        from services.rolling_over import roll_students_over

        session.on_signal = "Who was rolled over stays so: repeat the command to go on."
        with progress() as told:

            def heard(step: str, done: int, of: int) -> None:
                session.check()
                told(step, done, of)

            done = await roll_students_over(ledger, asked, dry_run=dry_run, told=heard)
        if isinstance(done, Refused):
            raise typer.Exit(show_refusal(done))
        return RolloverAnswer(
            ledger=ledger.short_id,
            sponsor=asked.sponsor,
            site=asked.site,
            from_bssy=asked.from_bssy,
            to_bssy=asked.to_bssy,
            dry_run=dry_run,
            rolled=done.rolled,
            held=done.held,
            graduates=done.graduates,
            left=done.left,
        )

    answer = with_ledger(work)
    show(answer, as_json=as_json)
    nobody = not (answer.rolled or answer.held or answer.graduates or answer.left)
    raise typer.Exit(ExitCode.PROBLEMS if nobody else ExitCode.DONE)


def show(answer: "RolloverAnswer", *, as_json: bool) -> None:
    """Print what became of a rollover."""
    from services.cli.output import console, plural, print_json

    if as_json:
        print_json(answer)
        return
    verb = "would be rolled over" if answer.dry_run else "rolled over"
    first = f"{plural(answer.rolled, 'student')} {verb} into {answer.to_bssy}"
    rest = [f"{answer.held:,} held a set there already", f"{answer.graduates:,} graduates stay in {answer.from_bssy}"]
    rest += [f"{answer.left:,} were rolled over before and removed since"] if answer.left else []
    console().print("; ".join([first, *rest]) + ".")
