"""Collection periods: in which school year districts may write, and who may in an earlier one (R-020, R-026, R-027)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from events.stored import Event


class CollectionOpened(Event, frozen=True):
    """Districts may write in this year."""

    stored_name = "collection-opened"
    clear_fields = frozenset({"bssy"})

    bssy: str


class CollectionClosed(Event, frozen=True):
    """Districts may write in this year no more."""

    stored_name = "collection-closed"
    clear_fields = frozenset({"bssy"})

    bssy: str


class PriorYearAccessGranted(Event, frozen=True):
    """One sponsor may write in a closed year, up to and with a day. Why is sealed: a request names students (R-027)."""

    stored_name = "prior-year-access-granted"
    clear_fields = frozenset({"sponsor", "until"})

    sponsor: str
    until: str
    reason: str


CollectionEvent = CollectionOpened | CollectionClosed | PriorYearAccessGranted


@dataclass(frozen=True, slots=True)
class Collection:
    """A year's collection. `opened` is None before the first decision about it; `grants` end with their days."""

    opened: bool | None = None
    grants: Mapping[str, date] = field(default_factory=dict)

    def admits(self, sponsor: str, today: date) -> bool:
        """Whether a sponsor may write on a day."""
        return bool(self.opened) or self.grants.get(sponsor, date.min) >= today


def evolve(state: Collection, event: CollectionEvent) -> Collection:
    """Fold one event."""
    match event:
        case CollectionOpened():
            return replace(state, opened=True)
        case CollectionClosed():
            return replace(state, opened=False)
        case PriorYearAccessGranted(sponsor=sponsor, until=until):
            return replace(state, grants={**state.grants, sponsor: date.fromisoformat(until)})


def decide(proposed: CollectionEvent, state: Collection) -> tuple[CollectionEvent, ...]:
    """Opening what is open, or granting what is granted, changes nothing."""
    return () if evolve(state, proposed) == state else (proposed,)
