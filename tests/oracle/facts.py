"""Outside facts: what the reference tables say of a code or a person. A table that is not given says nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = Mapping[str, str]
Index = dict[tuple[str, tuple[str, ...]], dict[tuple[str, ...], Row]]


@dataclass(frozen=True)
class Facts:
    """The tables by name, each as its rows."""

    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    indexes: Index = field(default_factory=dict, repr=False)

    def given(self, table: str) -> bool:
        return table in self.tables

    def row(self, table: str, **key: bytes) -> Row | None:
        """The row with these texts in these columns; None where there is none, or no such table."""
        names = (table, tuple(key))
        if names not in self.indexes:
            rows = self.tables.get(table, ())
            self.indexes[names] = {tuple(row[column] for column in key): row for row in rows}
        return self.indexes[names].get(tuple(value.decode("latin-1") for value in key.values()))

    def column(self, table: str, name: str, **where: str) -> frozenset[bytes]:
        """The texts of one column in the rows with these texts in others."""
        rows = [row for row in self.tables.get(table, ()) if all(row[column] == text for column, text in where.items())]
        return frozenset(row[name].encode() for row in rows)

    def lacks(self, table: str, **key: bytes) -> bool:
        """Whether the table is given and has no such row."""
        return self.given(table) and self.row(table, **key) is None


def is_active(row: Row, bssy: int) -> bool:
    """Whether a year lies in the row's first to last year, the last included; an empty last year never comes."""
    return int(row["first_bssy"]) <= bssy <= int(row["last_bssy"] or 9999)
