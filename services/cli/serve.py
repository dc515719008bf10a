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
        list[str] | None, typer.Argument(metavar="[ROLE]...", help="projector, intake, ots; without one, all of them.")
    ] = None,
    inbox: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The watched folder; default LEDGER_HOME/inbox.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where the health pages listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Their port; 0 takes a free one and says which.")] = 8080,
) -> None:
    """Follow the log, take files from a watched folder, answer the OTS queue; until SIGTERM or Ctrl-C.

    /healthz, /readyz (positions and progress) and /metrics (Prometheus) are on HOST:PORT. Any number of these
    processes may run, each with all roles or some.
    """
    from services.cli.session import with_ledger
    from services.serving.logs import log_to_stderr
    from services.serving.process import ROLES
    from services.serving.process import serve as serve_roles
    from services.settings import Settings

    unknown = sorted(set(roles or ()) - set(ROLES))
    if unknown:
        raise CommandRefused(f"unknown role {', '.join(unknown)}. Roles: {', '.join(ROLES)}.")

    async def work(ledger: "Ledger", session: "Session") -> None:
        session.on_signal = "Every role has stopped; what was under way goes on with the next `ledger serve`."
        log_to_stderr()
        folder = inbox or Settings().home / "inbox"
        await serve_roles(
            ledger,
            tuple(roles or ROLES),
            inbox=folder,
            host=host,
            port=port,
            told=lambda real: typer.echo(f"serving {', '.join(roles or ROLES)} on {host}:{real}, inbox {folder}"),
        )

    with_ledger(work)
