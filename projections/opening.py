"""Standing commits with their sealed parts opened, for the projections that want them."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from events.catalogue import CATALOGUE
from events.commit import Commit, decode
from events.identity import is_erasure
from events.log.contract import Log, LogUnfit
from events.registry.contract import Key, Registry
from events.sealing import event_context
from events.stored import Event, restore
from events.streams import category, owner_of
from projections.index import Kept

RESTORE = "restore the registry that was backed up together with this log, then start again"


class KeyMissing(LogUnfit):
    """The log names a key that the registry neither holds nor has erased: it is not this log's registry."""


class ErasedError(Exception):
    """The sealed parts cannot be read, because their owner was erased."""


@dataclass(slots=True)
class OpenCommit:
    """A standing commit. Its events are opened at the first look, so that nobody pays for what nobody reads."""

    position: int
    as_of: datetime
    commit: Commit
    key: Key | None
    _events: tuple[Event, ...] | None = field(default=None, repr=False)

    @property
    def erased(self) -> bool:
        """Whether the sealed parts are gone for ever, because their owner was erased."""
        return self.commit.key != 0 and self.key is None

    @property
    def category(self) -> str:
        """The kind of stream."""
        return category(self.commit.stream)

    @property
    def events(self) -> tuple[Event, ...]:
        """The commit's events. Raises UnknownEventError, SealBroken, or ErasedError: look at `erased` first."""
        if self.erased:
            raise ErasedError(f"the owner of {self.commit.stream} was erased; what was sealed is gone for ever")
        if self._events is None:
            self._events = tuple(self._open(number) for number in range(len(self.commit.events)))
        return self._events

    def _open(self, number: int) -> Event:
        commit = self.commit
        context = event_context(commit.ledger, commit.stream, commit.expected + number + 1)
        return restore(commit.events[number], self.key.material if self.key else b"", context, CATALOGUE)


class Keyring:
    """Finds the keys of a batch at once, and tells an erased key from a lost one."""

    def __init__(self, registry: Registry, log: Log) -> None:
        self._registry = registry
        self._log = log
        self._erased: set[UUID] = set()
        self._searched = 0

    async def open(self, commits: Sequence[Kept], erased: AbstractSet[UUID] = frozenset()) -> list[OpenCommit]:
        """Return the commits with their keys, but for those of the `erased`, whose key may still lie in some memory.

        Raises KeyMissing for a key that is neither held nor erased.
        """
        serials = {kept.commit.key for kept in commits} - {0}
        keys = await self._registry.keys(sorted(serials)) if serials else {}
        missing = serials - keys.keys()
        if missing:
            await self._refuse_lost_keys([kept.commit for kept in commits if kept.commit.key in missing])
        for kept in commits:
            if is_erasure(kept.commit):  # an older registry, restored, forgets again what was to be forgotten
                await self._registry.erase(owner(kept.commit))
        return [
            OpenCommit(kept.position, kept.as_of, kept.commit, own_key(kept.commit, keys, erased)) for kept in commits
        ]

    async def _refuse_lost_keys(self, commits: Sequence[Commit]) -> None:
        await self._search_erasures()
        for commit in commits:
            if owner(commit) not in self._erased:
                raise KeyMissing(
                    f"the log names key {commit.key}, which the registry does not hold although nobody was erased; "
                    f"{RESTORE}"
                )

    async def _search_erasures(self) -> None:
        """Look for erasures in the whole log: a rebuild meets an erased student's commits long before the erasure."""
        async with aclosing(self._log.read(self._searched)) as batches:
            async for batch in batches:
                for record in batch:
                    entry = decode(record.data)
                    if isinstance(entry, Commit) and is_erasure(entry):
                        self._erased.add(owner(entry))
                self._searched = batch[-1].position + 1


def owner(commit: Commit) -> UUID:
    """Return whose key a commit's sealed parts need. Raises KeyMissing for a stream that names nobody."""
    try:
        return owner_of(commit.stream)
    except ValueError:
        raise KeyMissing(f"nobody's key can open {commit.stream!r}: no version of the ledger wrote that") from None


def owners(commits: Sequence[Kept]) -> set[UUID]:
    """Return whose keys some commits need."""
    return {owner(kept.commit) for kept in commits if kept.commit.key}


def own_key(commit: Commit, keys: Mapping[int, Key], erased: AbstractSet[UUID]) -> Key | None:
    """Return the key that a commit names. Raises KeyMissing when it is another owner's: it is another registry."""
    key = keys.get(commit.key)
    if key is None or key.owner in erased:
        return None
    if key.owner != owner(commit):
        raise KeyMissing(f"the registry gives key {key.serial} to another owner than the log does; {RESTORE}")
    return key
