"""The table, and the file in which it is saved."""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figures import Figure
from benchmarks.machine import machine, versions

VERDICTS = {True: "[green]met[/green]", False: "[red]not met[/red]", None: ""}


def show(figures: Sequence[Figure], console: Console) -> None:
    """Print one row a figure, then the machine and the versions."""
    table = Table(title="Medians; a ratio is ours to the peer's", title_justify="left")
    for heading in ("what", "ours", "peer", "its", "ratio", "target", ""):
        table.add_column(heading, justify="right" if heading in {"ours", "its", "ratio"} else "left", overflow="fold")
    last = ""
    for figure in figures:
        if figure.bench != last:
            table.add_section()
            last = figure.bench
        table.add_row(*cells(figure))
    console.print(table)
    console.print(f"{machine()}; load now {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    console.print(", ".join(f"{name} {version}" for name, version in versions().items()))


def cells(figure: Figure) -> list[str]:
    """One row of the table."""
    return [
        f"{figure.what} [dim]{figure.note}[/dim]" if figure.note else figure.what,
        f"{number(figure.value)} {figure.unit}",
        figure.peer_name,
        number(figure.peer_value) if figure.peer_value is not None else "",
        f"{figure.ratio:.2f}x" if figure.ratio is not None else "",
        str(figure.target) if figure.target else "",
        VERDICTS[figure.met],
    ]


def number(value: float) -> str:
    """A number with the digits that mean something."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def save(figures: Sequence[Figure], path: Path) -> None:
    """Write everything that was measured, runs and not only medians, as JSON."""
    content = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load": os.getloadavg(),
        "versions": versions(),
        "figures": [figure.as_dict() for figure in figures],
    }
    path.write_text(json.dumps(content, indent=1) + "\n")
