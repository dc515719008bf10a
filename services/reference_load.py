"""Publishing reference tables, by a plan: a faulty table is refused whole, an unchanged one makes no event."""

from dataclasses import dataclass
from uuid import UUID

from events.publication import ReferencePublished, decide
from events.streams import owner_of, reference_stream
from schemas.louisiana_sts.reference_csv import IDENTITIES, content_of, is_personal, read_table, table_file
from schemas.problems import Problem
from schemas.reference import ReferenceTable
from services.commands import Stored, Unchanged, look_up
from services.ledger import Draft, Ledger, Written
from services.reference import published, tables_in_force
from services.reference_diff import TableDiff, diff

NOT_PUBLISHED = Problem(
    code="T10",
    message="IDENTITIES ARE NOT A PUBLISHED TABLE",
    effect="reject_file",
    hint="Who the students are is kept student by student, each under a key of their own. Load the extract with "
    "`ledger identities load FILE`.",
)


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """What a load would do: the table, the one that is in force in its year now, and what differs between them."""

    table: ReferenceTable
    held: ReferenceTable | None
    difference: TableDiff


async def plan(ledger: Ledger, name: str, data: bytes, effective: int) -> LoadPlan | tuple[Problem, ...]:
    """Read a table and compare it with the one in force; every fault where it is refused. Nothing is written.

    Raises KeyError for a name that no table has.
    """
    if name == IDENTITIES:
        return (NOT_PUBLISHED,)
    table = read_table(name, data, effective=effective)
    if not isinstance(table, ReferenceTable):
        return table
    return await plan_table(ledger, table)


async def plan_table(ledger: Ledger, table: ReferenceTable) -> LoadPlan:
    """Compare a table with the one that is in force in its year."""
    held = (await tables_in_force(ledger, table.effective)).get(table.name)
    return LoadPlan(table, held, diff(held.rows if held else (), table.rows, table_file(table.name).key))


async def publish(ledger: Ledger, table: ReferenceTable, *, command_id: UUID) -> Stored | Unchanged:
    """Publish a table. Repeating it under the same id is safe; a lost race is decided again."""
    stream = reference_stream(table.name)
    key = await ledger.registry.issue(owner_of(stream))
    event: ReferencePublished | None = None
    while True:
        version, state = published(await ledger.events_of(stream))
        earlier, held = await look_up(ledger, command_id), state.in_force(table.effective)
        outcome: Stored | Unchanged | None = None
        if earlier and earlier.stands:
            outcome = Stored(command_id, earlier.position, earlier.version, repeated=True)
        elif held is not None and held.content == table.digest:
            outcome = Unchanged(version)
        if outcome is not None:
            if event is not None:  # whoever came first has stored the same
                await ledger.blobs.delete(event.blob)
            return outcome
        event = event or event_of(table, (await ledger.blobs.put(key, content_of(table), kind="reference")).digest)
        written = [Written(one) for one in decide(event, state)]
        settled = await ledger.append(Draft(stream, version, command_id, written, key))
        if settled.stands:
            return Stored(command_id, settled.position, settled.version, settled.repeated)


def event_of(table: ReferenceTable, blob: str) -> ReferencePublished:
    """Return the event of publishing a table. Of one that holds persons no digest of the content lies in clear."""
    return ReferencePublished(
        table=table.name,
        effective=table.effective,
        digest=blob if is_personal(table.name) else table.digest,
        rows=len(table.rows),
        demonstration=table.demonstration,
        blob=blob,
        content=table.digest,
    )
