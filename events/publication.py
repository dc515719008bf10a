"""Reference tables: outside facts as the department published them. One stream a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from events.stored import Event


class ReferencePublished(Event, frozen=True):
    """A table is in force from the BSSY `effective` on, until the next publication of it.

    `blob` is the digest of its sealed content. `digest` is what reports and commits name: the SHA-256 of the content,
    or of the sealed blob where rows are persons' (the content of a small table could be guessed). The content's own
    digest is sealed. `demonstration` says that rows of it are invented.
    """

    stored_name = "reference-published"
    clear_fields = frozenset({"table", "effective", "digest", "rows", "demonstration", "blob"})

    table: str
    effective: int
    digest: str
    rows: int
    demonstration: bool
    blob: str
    content: str


@dataclass(frozen=True, slots=True)
class Published:
    """A table's publications by the BSSY from which they are in force; of two for one BSSY the later."""

    by_year: Mapping[int, ReferencePublished] = field(default_factory=dict)

    def in_force(self, bssy: int) -> ReferencePublished | None:
        """The publication for a year."""
        years = [year for year in self.by_year if year <= bssy]
        return self.by_year[max(years)] if years else None


NOTHING_PUBLISHED = Published()


def evolve(state: Published, event: ReferencePublished) -> Published:
    """Fold one event."""
    return replace(state, by_year={**state.by_year, event.effective: event})


def decide(proposed: ReferencePublished, state: Published) -> tuple[ReferencePublished, ...]:
    """Publishing what is in force already changes nothing."""
    held = state.in_force(proposed.effective)
    return () if held is not None and held.content == proposed.content else (proposed,)
