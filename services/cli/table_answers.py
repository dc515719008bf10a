"""What `ledger reference` answers as JSON."""

from uuid import UUID

import msgspec

from projections.reference_queries import PublicationRow
from services.cli.answers import Answer


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a load: stored, repeated, unchanged or planned. `position` is that of its commit, if there is one.

    The numbers of rows are against the publication that was in force in that year.
    """

    name: str
    effective: int
    outcome: str
    position: int | None
    command: UUID
    digest: str
    demonstration: bool
    rows: int
    added: int
    removed: int
    changed: int


class TablesLoadAnswer(Answer, frozen=True, kw_only=True):
    """A load of reference tables."""

    dry_run: bool
    tables: tuple[Loaded, ...]


class TablesAnswer(Answer, frozen=True, kw_only=True):
    """Publications of reference tables: all of them, or those in force in the year `bssy`."""

    bssy: int | None
    publications: tuple[PublicationRow, ...]


class TableAnswer(Answer, frozen=True, kw_only=True):
    """One publication of a table with its rows. Those of a personal table are counted, never shown."""

    publication: PublicationRow
    personal: bool
    rows: tuple[dict[str, str], ...]


class RowChange(msgspec.Struct, frozen=True, kw_only=True):
    """A row that both sides have with other cells in some columns."""

    columns: tuple[str, ...]
    before: dict[str, str]
    after: dict[str, str]


class TableDiffAnswer(Answer, frozen=True, kw_only=True):
    """What differs between two tables of one name; the rows of a personal table are counted, never shown."""

    name: str
    before: str
    after: str
    personal: bool
    added_rows: int
    removed_rows: int
    changed_rows: int
    added: tuple[dict[str, str], ...]
    removed: tuple[dict[str, str], ...]
    changed: tuple[RowChange, ...]
