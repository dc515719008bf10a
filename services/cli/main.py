"""The console script `ledger`. It imports nothing heavy before it knows that it has to."""

import os
import sys
from collections.abc import Sequence

WIDTH = "120"
"""Columns where the output is no terminal."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Carry one command line out and return its exit code (services/cli/errors.py)."""
    if "--version" in arguments[:1]:
        print_version()
        return 0
    if not sys.stdout.isatty():
        os.environ.setdefault("COLUMNS", WIDTH)
    from services.cli.app import app
    from services.cli.errors import tell

    try:
        app(list(arguments), prog_name="ledger")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - the one place that turns any failure into a message and a code
        return tell(error)
    return 0


def print_version() -> None:
    """Say which version this is."""
    from services import __version__

    sys.stdout.write(f"transcript-ledger {__version__}\n")
