"""What differs between two publications of a table, row by row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.reference import Row


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row before and after; `columns` are those whose cells differ."""

    before: Row
    after: Row
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableDiff:
    """Rows that only the second has, that only the first has, and that both have with other cells; by key."""

    added: tuple[Row, ...] = ()
    removed: tuple[Row, ...] = ()
    changed: tuple[ChangedRow, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not (self.added or self.removed or self.changed)


def diff(before: Sequence[Row], after: Sequence[Row], key: Sequence[str]) -> TableDiff:
    """Compare the rows of two publications by their key."""
    old, new = by_key(before, key), by_key(after, key)
    return TableDiff(
        added=tuple(new[place] for place in sorted(new.keys() - old.keys())),
        removed=tuple(old[place] for place in sorted(old.keys() - new.keys())),
        changed=tuple(
            ChangedRow(old[place], new[place], differing(old[place], new[place]))
            for place in sorted(old.keys() & new.keys())
            if old[place] != new[place]
        ),
    )


def by_key(rows: Sequence[Row], key: Sequence[str]) -> Mapping[tuple[str, ...], Row]:
    """The rows by their key."""
    return {tuple(row[column] for column in key): row for row in rows}


def differing(before: Row, after: Row) -> tuple[str, ...]:
    """The columns whose cells differ."""
    return tuple(column for column in after if before.get(column) != after[column])
