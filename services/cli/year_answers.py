"""What `ledger reassign`, `rollover` and `collection` answer as JSON."""

from uuid import UUID

import msgspec

from projections.collection_queries import GrantRow, PeriodRow
from services.cli.answers import Answer
from services.history import RemovedDate


class ReassignAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A reassignment: `how` is moved or copied, `outcome` stored, repeated or unchanged, `notes` told beside."""

    ledger: str
    position: int | None
    outcome: str
    how: str
    bssy: str
    from_sponsor: str
    from_site: str
    to_site: str
    command: UUID
    version: int
    notes: tuple[str, ...]
    graduation_date_removed: RemovedDate | None = None


class RolloverAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A rollover: how many students began the new year (or would), held a set there, stayed as graduates, were left.

    `left` had been rolled over before and were removed since.
    """

    ledger: str
    sponsor: str
    site: str | None
    from_bssy: str
    to_bssy: str
    dry_run: bool
    rolled: int
    held: int
    graduates: int
    left: int


class CollectionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of opening, closing or granting: stored, repeated or unchanged."""

    ledger: str
    position: int | None
    outcome: str
    command: UUID
    version: int


class CollectionsAnswer(Answer, frozen=True, kw_only=True):
    """All periods and grants. `in_force` is false before the first opening or closing: then every year is writable."""

    in_force: bool
    periods: tuple[PeriodRow, ...]
    grants: tuple[GrantRow, ...]
