"""`ledger serve`: the ledger as a process that stays."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.cli.errors import CommandRefused

if TYPE_CHECKING:
    from services.cli.session import Session
    from services.ledger import Ledger


def serve(
    roles: Annotated[
        list[str] | None, typer.Argument(metavar="[ROLE]...", help="projector, intake, ots, feeds; without one, all.")
    ] = None,
    inbox: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The watched folder; default LEDGER_HOME/inbox.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where the health pages listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Their port; 0 takes a free one and says which.")] = 8080,
) -> None:
    """Follow the log, take files from a watched folder, answer the OTS queue, feed other systems; until SIGTERM.

    /healthz, /readyz (positions and progress) and /metrics (Prometheus) are on HOST:PORT. Any number of these
    processes may run, each with all roles or some. The role feeds needs LEDGER_LOG=kafka: it tells on the topic
    feeds.ots what was certified and what became of it, and takes an outside OTS's answers from feeds.ots.results.
    """
    from services.cli.session import with_ledger
    from services.feeds.topics import Feeds
    from services.serving.logs import log_to_stderr
    from services.serving.process import serve as serve_roles
    from services.settings import Settings

    settings = Settings()
    played = roles_to_play(roles or [], on_kafka=settings.log == "kafka")

    async def work(ledger: "Ledger", session: "Session") -> None:
        session.on_signal = "Every role has stopped; what was under way goes on with the next `ledger serve`."
        log_to_stderr()
        folder = inbox or settings.home / "inbox"
        await serve_roles(
            ledger,
            played,
            inbox=folder,
            feeds=Feeds.of(settings),
            host=host,
            port=port,
            told=lambda real: typer.echo(f"serving {', '.join(played)} on {host}:{real}, inbox {folder}"),
        )

    with_ledger(work)


def roles_to_play(asked: list[str], *, on_kafka: bool) -> tuple[str, ...]:
    """Return the roles asked for, or all that this log allows, saying which it does not. Raises CommandRefused."""
    from services.serving.process import ROLES

    unknown = sorted(set(asked) - set(ROLES))
    if unknown:
        raise CommandRefused(f"unknown role {', '.join(unknown)}. Roles: {', '.join(ROLES)}.")
    if on_kafka:
        return tuple(asked or ROLES)
    if "feeds" in asked:
        raise CommandRefused(
            "the role feeds publishes on Kafka, and this ledger's log is SQLite. Set LEDGER_LOG=kafka."
        )
    if not asked:
        typer.echo("without feeds: they are published on Kafka, and this ledger's log is SQLite", err=True)
    return tuple(asked or [role for role in ROLES if role != "feeds"])
