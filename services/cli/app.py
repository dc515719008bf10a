"""The command tree: which commands there are, in the order in which the help shows them."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from services.cli.audits import diff, fsck, history, replay
from services.cli.certify import certifications, certify, uncertify
from services.cli.check import check
from services.cli.collection import collection
from services.cli.demo import demo
from services.cli.edits import add, delete, edit
from services.cli.errors import MEANINGS
from services.cli.generate import generate
from services.cli.identities import identities
from services.cli.ots import official, ots
from services.cli.reassign import reassign
from services.cli.rollover import rollover
from services.cli.serve import serve
from services.cli.students import student, students
from services.cli.tables import tables
from services.cli.uploads import problems, upload, uploads
from services.cli.views import follow, projections, status, verdict

COMMANDS: dict[str, typer.Typer | Callable[..., None]] = {
    "demo": demo,
    "generate": generate,
    "check": check,
    "upload": upload,
    "uploads": uploads,
    "problems": problems,
    "students": students,
    "student": student,
    "edit": edit,
    "add": add,
    "delete": delete,
    "reassign": reassign,
    "rollover": rollover,
    "collection": collection,
    "reference": tables,
    "identities": identities,
    "certify": certify,
    "uncertify": uncertify,
    "certifications": certifications,
    "ots": ots,
    "official": official,
    "history": history,
    "replay": replay,
    "diff": diff,
    "verdict": verdict,
    "fsck": fsck,
    "projections": projections,
    "follow": follow,
    "status": status,
    "serve": serve,
}

SETTINGS = "Settings are environment variables LEDGER_*; everything lies under LEDGER_HOME (~/.transcript-ledger)."
EXIT_STATUS = "\b\nExit status:\n" + "\n".join(f"{code.value:>4}  {meaning}" for code, meaning in MEANINGS.items())


class InOrder(TyperGroup):
    """Lists the commands in the order above."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(super().list_commands(ctx), key=list(COMMANDS).index)


app = typer.Typer(
    cls=InOrder,
    help=f"The transcript ledger: files in, one immutable order, current transcripts out.\n\n{SETTINGS}",
    epilog=EXIT_STATUS,
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={"max_content_width": 110},
    rich_markup_mode=None,
)


@app.callback()
def ledger(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """`--version` has been answered already, before anything was imported (services/cli/main.py)."""


for name, command in COMMANDS.items():
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)
