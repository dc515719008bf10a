"""Certification: a person with the right to do so says that a site's graduates are complete and right (R-170).

One stream per site and school year. What was shown is what is certified: each graduate by the digests of record and
identity at that moment. A graduate who changes afterwards no longer agrees with the list, so nothing is ever certified
unseen, whatever lands between the showing and the commit.
"""

from dataclasses import dataclass
from uuid import UUID

import msgspec

from events.stored import Event


class Graduate(msgspec.Struct, frozen=True, array_like=True):
    """A graduate as the certifier saw them: the stream's version, the record's and the identity's keyed digest."""

    ref: UUID
    version: int
    record: str
    identity: str


class SiteCertified(Event, frozen=True):
    """The site's graduates of a year were certified, exactly these. It replaces the site's earlier list."""

    stored_name = "site-certified"
    clear_fields = frozenset({"graduates"})

    graduates: tuple[Graduate, ...]


class SiteUncertified(Event, frozen=True):
    """The certification was withdrawn, because wrong data were sent (R-172). Why is sealed: it may name a person."""

    stored_name = "site-uncertified"

    reason: str


CertificationEvent = SiteCertified | SiteUncertified


@dataclass(frozen=True, slots=True)
class NotCertified:
    """No list counts: none was ever certified, or the last one was withdrawn."""


@dataclass(frozen=True, slots=True)
class Certified:
    """The list that counts."""

    graduates: tuple[Graduate, ...]


CertificationState = NotCertified | Certified


def evolve(_state: CertificationState, event: CertificationEvent) -> CertificationState:
    """Fold one event."""
    return Certified(event.graduates) if isinstance(event, SiteCertified) else NotCertified()


def decide(proposed: CertificationEvent, state: CertificationState) -> tuple[CertificationEvent, ...]:
    """Certifying the same list again, or withdrawing what does not count, changes nothing."""
    if isinstance(proposed, SiteUncertified):
        return () if isinstance(state, NotCertified) else (proposed,)
    same = isinstance(state, Certified) and set(state.graduates) == set(proposed.graduates)
    return () if same else (proposed,)
