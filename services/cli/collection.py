"""`ledger collection`: in which school years districts may write, and who may in an earlier one."""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from services.cli.codes import school_year, sponsor_code
from services.cli.errors import CommandRefused, ExitCode
from services.cli.options import AsJson, CommandId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rich.console import Console

    from services.cli.session import Session
    from services.cli.year_answers import CollectionsAnswer
    from services.commands import Stored, Unchanged
    from services.ledger import Ledger

Year = Annotated[str, typer.Argument(metavar="BSSY", help="School year, by its first calendar year.")]

collection = typer.Typer(
    help="Open and close school years for writing, and grant access to them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

STATUS = """

Exit status: 0 done, or nothing to change; 2 refused; 75 outcome unknown: repeat with the same --command-id.
"""


@collection.command("open", help="Let every sponsor write in a school year." + STATUS)
def open_year(bssy: Year, command_id: CommandId = None, as_json: AsJson = False) -> None:
    from services import collecting

    year = school_year(bssy)
    carry_out(
        lambda ledger, command: collecting.open_year(ledger, year, command_id=command),
        f"{year} is open: every sponsor may write in it.",
        command_id,
        as_json=as_json,
    )


@collection.command(
    "close", help="Let nobody write in a school year any more, but for sponsors that hold a grant." + STATUS
)
def close_year(bssy: Year, command_id: CommandId = None, as_json: AsJson = False) -> None:
    from services import collecting

    year = school_year(bssy)
    carry_out(
        lambda ledger, command: collecting.close_year(ledger, year, command_id=command),
        f"{year} is closed: only sponsors that hold a grant may write in it.",
        command_id,
        as_json=as_json,
    )


@collection.command(
    help="Let one sponsor write in a school year that is not open, up to and with a day. A later grant replaces an "
    "earlier one; one that ends yesterday withdraws it." + STATUS
)
def grant(
    bssy: Year,
    sponsor: Annotated[str, typer.Argument(metavar="SPONSOR", help="Who may write.")],
    until: Annotated[str, typer.Option(metavar="DATE", help="The last day, as YYYY-MM-DD.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why, from the request form; kept sealed in the log.")],
    command_id: CommandId = None,
    as_json: AsJson = False,
) -> None:
    from services import collecting

    year, code, day = school_year(bssy), sponsor_code(sponsor), read_day(until)
    if not reason.strip():
        raise CommandRefused("a grant needs its --reason: what is to be changed, and why it was not before (R-027).")
    carry_out(
        lambda ledger, command: collecting.grant(ledger, year, code, day, reason.strip(), command_id=command),
        f"Sponsor {code} may write in {year} up to and with {day}.",
        command_id,
        as_json=as_json,
    )


def read_day(text: str) -> date:
    """Read a day. Raises CommandRefused."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CommandRefused(f"{text!r} is no day: write it as YYYY-MM-DD.") from None


def carry_out(
    act: "Callable[[Ledger, UUID], Awaitable[Stored | Unchanged]]",
    told: str,
    command_id: UUID | None,
    *,
    as_json: bool,
) -> None:
    """Carry a decision of the department out and print its outcome."""
    from uuid import uuid4

    from services.cli.output import at, console, print_json
    from services.cli.session import with_ledger
    from services.cli.year_answers import CollectionAnswer
    from services.commands import Stored

    command = command_id or uuid4()

    async def work(ledger: "Ledger", session: "Session") -> "tuple[str, Stored | Unchanged]":
        session.on_signal = f"Whether it took effect tells `ledger verdict {command}`."
        await ledger.caught_up()
        return ledger.short_id, await act(ledger, command)

    ledger_id, outcome = with_ledger(work)
    stored = outcome if isinstance(outcome, Stored) else None
    word = "unchanged" if stored is None else "repeated" if stored.repeated else "stored"
    if as_json:
        position = stored.position if stored else None
        print_json(
            CollectionAnswer(
                ledger=ledger_id, position=position, outcome=word, command=command, version=outcome.version
            )
        )
    elif stored is None:
        console().print("Nothing to change: it is so already.")
    else:
        console().print(f"{told} Stored at {at(ledger_id, stored.position)} (command {command})")


@collection.command("list")
def list_collections(as_json: AsJson = False) -> None:
    """List the school years that were opened or closed, and the grants.

    Before the first opening or closing no period is in force, and every year is writable.
    """
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "CollectionsAnswer":
        from projections import collection_queries
        from services.cli.session import reading
        from services.cli.year_answers import CollectionsAnswer

        async with reading(ledger, "collections") as (connection, head):
            return CollectionsAnswer(
                ledger=ledger.short_id,
                position=head.next_position - 1,
                in_force=await collection_queries.periods_in_force(connection),
                periods=await collection_queries.list_periods(connection),
                grants=await collection_queries.list_grants(connection),
            )

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        print_collections(console(), answer)
    raise typer.Exit(ExitCode.DONE)


def print_collections(out: "Console", answer: "CollectionsAnswer") -> None:
    """Print periods and grants."""
    from services.cli.output import at, table, when

    if not answer.in_force:
        out.print("No collection was ever opened or closed: no period is in force, and every year is writable.")
    if answer.periods:
        periods = [
            (one.bssy, "open" if one.opened else "closed", when(one.changed_at), at(answer.ledger, one.position))
            for one in answer.periods
        ]
        out.print(table(("year", "collection", "since", "at"), periods))
    if answer.grants:
        grants = [
            (one.bssy, one.sponsor, one.until.isoformat(), at(answer.ledger, one.position), one.actor)
            for one in answer.grants
        ]
        out.print(table(("year", "granted to", "until", "at", "by"), grants))
