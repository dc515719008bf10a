"""What `ledger reference load` does: plan a table, say what would change, publish it, and say what became of it."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import typer

from services.cli.errors import CommandRefused

if TYPE_CHECKING:
    from schemas.problems import Problem
    from services.cli.table_answers import Loaded, TablesLoadAnswer
    from services.commands import Stored, Unchanged
    from services.ledger import Ledger
    from services.reference_load import LoadPlan


def known(table: str) -> str:
    """Return a table's name. Raises CommandRefused for one that no table has."""
    from schemas.louisiana_sts.reference_csv import NAMES

    if table not in NAMES:
        raise CommandRefused(f"there is no table {table!r}. There are: {', '.join(NAMES)}.")
    return table


async def planned_tables(
    ledger: "Ledger", table: str | None, file: Path | None, effective: int
) -> "Sequence[LoadPlan | Problem]":
    """Plan the load of one file, or of the demonstration set; or return the file's faults."""
    import asyncio
    from dataclasses import replace

    from schemas.louisiana_sts.reference_csv import demonstration_set
    from services.reference_load import LoadPlan, plan, plan_table

    if table is None or file is None:
        published = [replace(one, effective=effective) for one in (await asyncio.to_thread(demonstration_set)).values()]
        return [await plan_table(ledger, one) for one in published]
    if (size := file.stat().st_size) > ledger.max_upload_bytes:
        raise CommandRefused(f"{file} has {size:,} bytes, at most {ledger.max_upload_bytes:,} are taken.")
    planned = await plan(ledger, known(table), await asyncio.to_thread(file.read_bytes), effective)
    return [planned] if isinstance(planned, LoadPlan) else planned


async def load_tables(
    ledger: "Ledger", plans: "Sequence[LoadPlan]", command: UUID, *, dry_run: bool, quiet: bool
) -> "TablesLoadAnswer":
    """Say what is planned, and publish it."""
    from uuid import uuid5

    from services.cli.table_answers import TablesLoadAnswer
    from services.reference_load import publish

    done = []
    for one in plans:
        if not quiet:
            typer.echo(planned_words(one))
        this = command if len(plans) == 1 else uuid5(command, one.table.name)
        done.append(loaded(one, this, None if dry_run else await publish(ledger, one.table, command_id=this)))
    position = await ledger.caught_up() - 1
    return TablesLoadAnswer(ledger=ledger.short_id, position=position, dry_run=dry_run, tables=tuple(done))


def planned_words(plan: "LoadPlan") -> str:
    """Say what a load would change."""
    table, difference = plan.table, plan.difference
    against = f"against the one in force since {plan.held.effective}" if plan.held else "none is in force before it"
    mark = " (DEMONSTRATION)" if table.demonstration else ""
    return (
        f"{table.name}{mark} from {table.effective}: {len(table.rows):,} rows; {len(difference.added):,} added, "
        f"{len(difference.removed):,} removed, {len(difference.changed):,} changed, {against}"
    )


def loaded(plan: "LoadPlan", command: UUID, outcome: "Stored | Unchanged | None") -> "Loaded":
    """Return what became of one table."""
    from schemas.louisiana_sts.reference_csv import is_personal
    from services.cli.table_answers import Loaded
    from services.commands import Stored

    stored = outcome if isinstance(outcome, Stored) else None
    word = "planned" if outcome is None else "unchanged" if stored is None else "stored"
    return Loaded(
        name=plan.table.name,
        effective=plan.table.effective,
        outcome="repeated" if stored and stored.repeated else word,
        position=stored.position if stored else None,
        command=command,
        digest="" if is_personal(plan.table.name) else plan.table.digest,
        demonstration=plan.table.demonstration,
        rows=len(plan.table.rows),
        added=len(plan.difference.added),
        removed=len(plan.difference.removed),
        changed=len(plan.difference.changed),
    )


def show_load(answer: "TablesLoadAnswer", *, as_json: bool) -> None:
    """Say what was published."""
    from services.cli.output import at, console, print_json

    if as_json:
        print_json(answer)
        return
    out = console()
    for one in answer.tables:
        if one.position is not None:
            out.print(f"{one.name}: {one.outcome} at {at(answer.ledger, one.position)} (command {one.command})")
        else:
            out.print(f"{one.name}: {'nothing was stored (dry run)' if answer.dry_run else 'nothing to change'}")
    if any(one.demonstration for one in answer.tables):
        typer.echo("These are demonstration tables: no verdict taken with them is the state's.", err=True)
