"""How answers are printed: text for a person, one JSON object with `--json`, progress on the error stream."""

import sys
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def console() -> "Console":
    """The console on standard output."""
    from rich.console import Console

    return Console(highlight=False)


def print_json(answer: msgspec.Struct) -> None:
    """Print an answer as one JSON object."""
    data = msgspec.json.format(msgspec.json.encode(answer), indent=2)
    sys.stdout.write(data.decode() + "\n")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Container[str] = (),
    folding: Container[str] = (),
    header: bool = True,
) -> "Table":
    """A plain table; the columns named in `right` hold numbers. Where it is too wide those in `folding` are folded."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, header_style="bold", show_header=header)
    for name in columns:
        made.add_column(name, justify="right" if name in right else "left", no_wrap=name not in folding)
    for row in rows:
        made.add_row(*map(safe, row))
    return made


def safe(text: str) -> str:
    """Text out of a file or from a person, safe for a terminal: no markup, and a dot for each control character."""
    from rich.markup import escape

    return escape("".join(char if char.isprintable() else "\N{MIDDLE DOT}" for char in text))


def at(ledger: str, position: int) -> str:
    """A position with its ledger's short id, so that two ledgers' positions are not confused."""
    return f"{ledger}@{position}"


def when(time: datetime) -> str:
    """A time in UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def units(hundredths: int | None) -> str:
    """Carnegie units or quality points, which are kept in hundredths."""
    return "" if hundredths is None else f"{hundredths / 100:.2f}"


def plural(number: int, one: str, more: str = "") -> str:
    """`1 row`, `2 rows`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


class Told(Protocol):
    """Hears how far long work has come."""

    def __call__(self, step: str, done: int, of: int, /) -> None: ...


@contextmanager
def progress() -> Iterator[Told]:
    """A bar a step on the error stream; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _step, _done, _of: None
        return
    from rich.console import Console
    from rich.progress import Progress

    tasks: dict[str, Any] = {}
    with Progress(console=Console(stderr=True), transient=True) as bar:

        def told(step: str, done: int, of: int) -> None:
            if step not in tasks:
                for task in bar.tasks:
                    bar.update(task.id, completed=task.total)  # the steps before are done, told so or not
                tasks[step] = bar.add_task(step, total=None)
            bar.update(tasks[step], completed=done, total=of)

        yield told
