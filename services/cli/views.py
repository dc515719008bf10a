"""`ledger projections`, `verdict`, `follow` and `status`: where the log and its views stand."""

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from services.cli.errors import CommandRefused, ExitCode
from services.cli.options import AsJson

if TYPE_CHECKING:
    from events.log.contract import Record
    from projections.index_queries import ProjectionRow
    from services.cli.answers import LogLine, ProjectionsAnswer, StatusAnswer, VerdictAnswer
    from services.cli.session import Session
    from services.ledger import Ledger
    from services.settings import Settings

# --- projections ------------------------------------------------------------------------------------------------

projections = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The view, as `ledger projections` lists it.")]
PATIENCE = 2.0
"""Seconds that the views are given to reach the log's end before it is shown where they are."""


@projections.callback()
def list_projections(context: typer.Context, as_json: AsJson = False) -> None:
    """Show where each view stands; or rebuild one.

    Exit status: 0; 1 when a view stopped at an event.
    """
    if context.invoked_subcommand is not None:
        return
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "ProjectionsAnswer":
        return await read_projections(ledger)

    show_projections(with_ledger(work), as_json=as_json)


async def read_projections(ledger: "Ledger") -> "ProjectionsAnswer":
    """Read where each view stands."""
    from projections import index_queries
    from services.cli.answers import ProjectionsAnswer
    from services.cli.session import reading

    async with reading(ledger, patience=PATIENCE) as (connection, head):
        rows = await index_queries.list_projections(connection)
    return ProjectionsAnswer(ledger=ledger.short_id, position=head.next_position - 1, projections=rows)


def show_projections(answer: "ProjectionsAnswer", *, as_json: bool) -> None:
    """Print where each view stands; end with 1 when one stopped."""
    from services.cli.output import at, console, print_json, table

    if as_json:
        print_json(answer)
    else:
        rows = [
            (one.name, str(one.version), at(answer.ledger, one.next_position), state_of(one))
            for one in answer.projections
        ]
        console().print(table(("view", "version", "next position", "state"), rows, right=("version",)), soft_wrap=True)
    stopped = any(one.error is not None for one in answer.projections)
    raise typer.Exit(ExitCode.PROBLEMS if stopped else ExitCode.DONE)


def state_of(view: "ProjectionRow") -> str:
    """Whether a view follows, or where it stopped."""
    return "follows" if view.error is None else f"stopped at {view.error_position}: {view.error}"


@projections.command()
def rebuild(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The view, as `ledger projections` lists it.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Drop every view, verdicts included, and fold the log anew.")
    ] = False,
) -> None:
    """Build a view anew from the log.

    A single view is built beside the live one, which serves until the switch. With --all everything is dropped first,
    and other processes see the views fill again. Nothing is lost: the log, the registry and the files hold all there
    is.

    Exit status: 0; 1 when a view stopped at an event.
    """
    if everything == bool(name):
        raise CommandRefused("name one view, or give --all for every one. `ledger projections` lists them.")
    if everything:
        rebuild_everything()
    else:
        rebuild_one(name)


def rebuild_everything() -> None:
    """Drop all views and fold the log."""
    from events.commit import short
    from services.cli.answers import ProjectionsAnswer
    from services.cli.output import console, plural, progress
    from services.cli.session import read_settings, run
    from services.rebuilding import Rebuilt, rebuild_all

    async def main(session: "Session") -> Rebuilt:
        session.on_signal = "The views are half filled; the next command goes on filling them. Nothing is lost."
        with progress() as told:
            return await rebuild_all(read_settings(), told=told)

    built = run(main)
    console().print(f"Every view was dropped and built anew from {plural(built.next_position, 'record')}.")
    answer = ProjectionsAnswer(
        ledger=short(built.genesis.ledger), position=built.next_position - 1, projections=built.projections
    )
    show_projections(answer, as_json=False)


def rebuild_one(name: str) -> None:
    """Rebuild one view beside the live one."""
    from services.cli.output import console
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "tuple[bool, ProjectionsAnswer]":
        from services.cli.output import progress
        from services.rebuilding import rebuild_view

        with progress() as told:
            built = await rebuild_view(ledger, name, told=told)
        return built, await read_projections(ledger)

    built, answer = with_ledger(work)
    if not built:
        console().print(f"{name} stopped at an event; the rows that served before still do.")
        raise typer.Exit(ExitCode.PROBLEMS)
    console().print(f"{name} was built anew.")
    show_projections(answer, as_json=False)


@projections.command()
def retry(name: Name) -> None:
    """Let a view that stopped at an event try it again, after its cause was repaired.

    Exit status: 0 it follows again; 1 it stopped again.
    """
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "ProjectionsAnswer":
        from services.rebuilding import retry_view

        await retry_view(ledger, name)
        return await read_projections(ledger)

    show_projections(with_ledger(work), as_json=False)


# --- verdict ----------------------------------------------------------------------------------------------------


def verdict(
    command: Annotated[UUID, typer.Argument(metavar="COMMAND_ID", help="The id that the command was given.")],
    as_json: AsJson = False,
) -> None:
    """Say what became of a command whose outcome was unknown.

    Exit status: 0 it took effect; 1 it is void and did not; 75 it is not in the log, but may still arrive.
    """
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "VerdictAnswer":
        return await read_verdict(ledger, command)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
    else:
        console().print(verdict_text(answer), soft_wrap=True)
    raise typer.Exit(VERDICT_CODES.get(answer.verdict, ExitCode.PROBLEMS))


VERDICT_CODES = {"stands": ExitCode.DONE, "not-seen": ExitCode.UNKNOWN}


async def read_verdict(ledger: "Ledger", command: UUID) -> "VerdictAnswer":
    """Look a command up once the views have passed what lies in the log now."""
    from services.cli.answers import VerdictAnswer
    from services.commands import look_up

    await ledger.caught_up()
    found = await look_up(ledger, command)
    return VerdictAnswer(
        ledger=ledger.short_id,
        command=command,
        verdict=found.verdict if found else "not-seen",
        position=found.position if found else None,
        stream=found.stream if found else None,
        version=found.version if found else None,
    )


def verdict_text(answer: "VerdictAnswer") -> str:
    """One sentence."""
    from services.cli.output import at

    if answer.position is None:
        return "Not seen, may still arrive. Repeating the command with the same --command-id is safe."
    place = at(answer.ledger, answer.position)
    if answer.verdict == "stands":
        return f"It stands at {place} on {answer.stream}, version {answer.version}."
    return f"Void at {place}: {answer.verdict}. It changed nothing; decide anew and repeat it."


# --- follow -----------------------------------------------------------------------------------------------------


def follow(
    start: Annotated[
        int | None, typer.Option("--from", metavar="POSITION", min=0, help="Begin here. Without it, with what comes.")
    ] = None,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="End with what lies in the log now; without --from, begin at 0.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """Show the log as it grows, without anything personal.

    Of each record: position, time, stream, events and verdict. Ends with Ctrl-C.
    """
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> None:
        end = await ledger.log.end()
        begin = start if start is not None else 0 if until_end else end
        if begin > end:
            raise CommandRefused(f"position {begin} lies beyond the log's end, {end}.")
        await print_log(ledger, begin, until_end=until_end, as_json=as_json)

    with_ledger(work)


async def print_log(ledger: "Ledger", start: int, *, until_end: bool, as_json: bool) -> None:
    """Print record after record, each once the views have passed it."""
    from contextlib import aclosing

    import msgspec

    records = ledger.log.read(start) if until_end else ledger.log.follow(start)
    async with aclosing(records) as batches:
        async for batch in batches:
            for line in await log_lines(ledger, list(batch)):
                typer.echo(msgspec.json.encode(line).decode() if as_json else log_text(line))


async def log_lines(ledger: "Ledger", batch: "list[Record]") -> "list[LogLine]":
    """Return what may be shown of some records."""
    from projections.index_queries import verdicts_at

    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        verdicts = await verdicts_at(connection, [record.position for record in batch])
    return [log_line(ledger.short_id, record, verdicts[record.position]) for record in batch]


def log_line(ledger: str, record: "Record", verdict: str) -> "LogLine":
    """Return what may be shown of one record."""
    from events.commit import Commit, Genesis, decode
    from services.cli.answers import LogLine

    entry = decode(record.data)
    if isinstance(entry, Commit):
        names = tuple(event.name for event in entry.events)
        return LogLine(
            ledger=ledger,
            position=record.position,
            time=entry.time,
            stream=entry.stream,
            events=names,
            verdict=verdict,
        )
    time = entry.time if isinstance(entry, Genesis) else None
    name = ("genesis",) if isinstance(entry, Genesis) else ()
    return LogLine(ledger=ledger, position=record.position, time=time, stream="", events=name, verdict=verdict)


def log_text(line: "LogLine") -> str:
    """One line a record."""
    from services.cli.output import at, when

    time = when(line.time) if line.time else "-"
    void = "" if line.verdict == "stands" else f"  VOID: {line.verdict}"
    return f"{at(line.ledger, line.position)}  {time}  {line.stream or '-'}  {', '.join(line.events) or '-'}{void}"


# --- status -----------------------------------------------------------------------------------------------------


def status(as_json: AsJson = False) -> None:
    """Show which ledger this is, and where its parts lie."""
    from services.cli.output import console, print_json
    from services.cli.session import with_ledger

    async def work(ledger: "Ledger", _session: "Session") -> "StatusAnswer":
        return await read_status(ledger)

    answer = with_ledger(work)
    if as_json:
        print_json(answer)
        return
    from services.cli.output import at, table

    shown = {
        "ledger": f"{answer.ledger} ({answer.ledger_id}), {answer.state_system}",
        "log": f"{answer.log}, ends at {at(answer.ledger, answer.end)}",
        "views": f"{answer.views}, as of {at(answer.ledger, answer.position)}",
        "registry": answer.registry,
        "files": answer.blobs,
        "master key": answer.master_key,
        "version": answer.version,
    }
    console().print(table(("", ""), shown.items(), header=False), soft_wrap=True)


async def read_status(ledger: "Ledger") -> "StatusAnswer":
    """Say where everything lies, without passwords."""
    from services import __version__
    from services.cli.answers import StatusAnswer
    from services.cli.session import read_settings

    settings, views = read_settings(), await read_projections(ledger)
    return StatusAnswer(
        ledger=ledger.short_id,
        position=views.position,
        ledger_id=ledger.genesis.ledger,
        state_system=ledger.genesis.state_system,
        version=__version__,
        end=await ledger.log.end(),
        log=log_place(settings),
        views=database_place(settings.views_dsn.get_secret_value() if settings.views_dsn else ""),
        registry=database_place(settings.registry_dsn.get_secret_value() if settings.registry_dsn else ""),
        blobs=without_password(settings.blobs_url),
        master_key="given by LEDGER_MASTER_KEY" if settings.master_key else str(settings.key_file),
        projections=views.projections,
    )


def log_place(settings: "Settings") -> str:
    """Where the log lies."""
    if settings.log == "kafka":
        return f"Kafka topic {settings.topic} at {', '.join(settings.kafka)}"
    return str(settings.home / "ledger.sqlite")


def database_place(dsn: str) -> str:
    """Where a database lies: its URL without user and password; never a DSN of another form."""
    if not dsn:
        return "the embedded PostgreSQL"
    return without_password(dsn) if "://" in dsn else "the PostgreSQL that the environment names"


def without_password(url: str) -> str:
    """A URL without user, password and options; a path as it is."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    if not parts.scheme:
        return url
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
