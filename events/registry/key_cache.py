"""Opened keys, by serial: the most recently used ones only, so that memory does not grow with the ledger."""

from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from events.registry.contract import Key


class KeyCache:
    """At most `size` keys. For one event loop; not for several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._keys: OrderedDict[int, Key] = OrderedDict()
        self.erasures = 0
        """How often a key was forgotten: read it before the database is asked, and hand it to `put`."""

    def get(self, serials: Iterable[int]) -> dict[int, Key]:
        """Return those of the keys that are here."""
        found = {serial: self._keys[serial] for serial in serials if serial in self._keys}
        for serial in found:
            self._keys.move_to_end(serial)
        return found

    def put(self, keys: Iterable[Key], erasures: int) -> None:
        """Hold these keys, unless one was erased since `erasures` was read: it may be among them."""
        if erasures != self.erasures:
            return
        for key in keys:
            self._keys[key.serial] = key
            self._keys.move_to_end(key.serial)
        while len(self._keys) > self._size:
            self._keys.popitem(last=False)

    def forget(self, owner: UUID) -> None:
        """Drop the owner's key. Looks through all of them: erasures are rare."""
        self.erasures += 1
        for serial in [serial for serial, key in self._keys.items() if key.owner == owner]:
            del self._keys[serial]

    def __len__(self) -> int:
        return len(self._keys)
