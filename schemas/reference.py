"""Reference tables: outside facts as dated data with a content hash. What a code means depends on the day it was used.

A table is text in columns. One publication of it is in force from a BSSY on, until the next one's; `in_force` picks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """One publication: in force from the BSSY `effective` on; `digest` is the SHA-256 of its content.

    `demonstration` is set where its rows are invented, so that no verdict is taken for the state's own.
    """

    name: str
    effective: int
    digest: str
    rows: Sequence[Row]
    demonstration: bool = False

    def by(self, *columns: str) -> dict[tuple[str, ...], Row]:
        """The rows by the texts of some columns, without trailing blanks; of two with one key the first."""
        found: dict[tuple[str, ...], Row] = {}
        for row in self.rows:
            found.setdefault(tuple(row[column] for column in columns), row)
        return found


@dataclass(frozen=True, slots=True)
class ReferenceTables(Mapping[str, ReferenceTable]):
    """The tables that a check was given, by name. A table that was not given decides nothing."""

    tables: Mapping[str, ReferenceTable] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, name: str) -> ReferenceTable:
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)

    @property
    def digests(self) -> dict[str, str]:
        """The content digest of each table, by name: what a report and a commit say they were checked against."""
        return {name: table.digest for name, table in sorted(self.tables.items())}

    @property
    def demonstrations(self) -> tuple[str, ...]:
        """The names of the tables that hold invented rows."""
        return tuple(sorted(name for name, table in self.tables.items() if table.demonstration))


NO_TABLES = ReferenceTables()


def in_force(publications: Iterable[ReferenceTable], bssy: int) -> ReferenceTables:
    """Of each table the newest publication that is effective in `bssy`; of two for one BSSY the later one given."""
    newest: dict[str, ReferenceTable] = {}
    for one in publications:
        if one.effective <= bssy and (one.name not in newest or newest[one.name].effective <= one.effective):
            newest[one.name] = one
    return ReferenceTables(MappingProxyType(newest))
