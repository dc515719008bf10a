"""The registry in memory: for tests, examples and the reading of the contract. It ends with the process."""

import os
from collections.abc import Sequence
from uuid import UUID, uuid4

from events.registry.contract import Key, check_ledger
from events.registry.master_key import MasterKey
from events.sealing import KEY_BYTES


class MemoryRegistry:
    """`Registry` without a database. No method waits, so no two calls interleave."""

    def __init__(self, master: MasterKey | None = None, *, state_system: str = "") -> None:
        self._master = master or MasterKey.random()
        self._state_system = state_system
        self._ledger: UUID | None = None
        self._refs: dict[bytes, UUID] = {}
        self._keys: dict[UUID, Key] = {}
        self._owners: dict[int, UUID] = {}
        self._last_serial = 0

    async def bind(self, ledger: UUID) -> None:
        self._ledger = self._ledger or ledger
        check_ledger(self._ledger, ledger)

    async def enrol(self, state_ids: Sequence[str]) -> dict[str, Key]:
        for identifier in [self._identifier(state_id) for state_id in state_ids]:
            if identifier not in self._refs:
                self._refs[identifier] = self._new_key(uuid4()).owner
        return await self.find(state_ids)

    async def find(self, state_ids: Sequence[str]) -> dict[str, Key]:
        refs = {state_id: self._refs.get(self._identifier(state_id)) for state_id in state_ids}
        return {state_id: self._keys[ref] for state_id, ref in refs.items() if ref is not None}

    async def issue(self, owner: UUID) -> Key:
        return self._keys.get(owner) or self._new_key(owner)

    async def keys(self, serials: Sequence[int]) -> dict[int, Key]:
        return {serial: self._keys[self._owners[serial]] for serial in serials if serial in self._owners}

    async def erase(self, owner: UUID) -> None:
        self._refs = {identifier: ref for identifier, ref in self._refs.items() if ref != owner}
        if key := self._keys.pop(owner, None):
            del self._owners[key.serial]

    async def last_serial(self) -> int:
        return self._last_serial

    async def close(self) -> None:
        """Nothing is held open."""

    def _identifier(self, state_id: str) -> bytes:
        return self._master.identifier_of(self._state_system, state_id)

    def _new_key(self, owner: UUID) -> Key:
        self._last_serial += 1
        key = Key(self._last_serial, owner, os.urandom(KEY_BYTES))
        self._keys[owner] = key
        self._owners[key.serial] = owner
        return key
