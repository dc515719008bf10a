"""What the reference tables called schools, courses and credentials when a transcript was certified.

Not what they call them now: whoever renders or tells the same certification at another time says the same, and a table
that is published later changes no transcript that was certified before.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.louisiana_sts.labels import NAMING_TABLES, Names, names_from
from services.ledger import Ledger
from services.reference import tables_in_force


@dataclass(frozen=True, slots=True)
class Naming:
    """Names, and the digests of the tables that gave them."""

    names: Names
    references: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Namings:
    """Namings by school year and position, each found once: those whom one list certified share one."""

    ledger: Ledger
    found: dict[tuple[str, int], Naming] = field(default_factory=dict)
    made: dict[tuple[str, ...], Names] = field(default_factory=dict)

    async def at(self, bssy: str, certified_at: int) -> Naming:
        """Return what was in force for a school year when a position was written.

        Raises ViewStopped, and BlobMissing or BlobDamaged where a table's content is not what was published.
        """
        if (bssy, certified_at) not in self.found:
            tables = await tables_in_force(self.ledger, int(bssy), names=NAMING_TABLES, below=certified_at)
            digests = tuple(tables.digests.values())
            if digests not in self.made:
                self.made[digests] = names_from(tables)
            self.found[bssy, certified_at] = Naming(self.made[digests], tables.digests)
        return self.found[bssy, certified_at]
