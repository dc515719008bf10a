"""What the registry promises. It is kept and backed up with the log and the blobs; it is never rebuilt."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Key:
    """An owner's AES-256-GCM key. The owner is a student's ref or an upload's id; serials only grow."""

    serial: int
    owner: UUID
    material: bytes = field(repr=False)


class RegistryError(Exception):
    """Base of all registry errors. The message says what was refused, why, and what to do next."""


class RegistryUnavailable(RegistryError):
    """The registry cannot be reached now."""


class RegistryUnfit(RegistryError):
    """The registry must not be used as it is: wrong master key, wrong ledger, the views' own database."""


class Registry(Protocol):
    """State ids to refs, and owners to keys. A key is durable before it is returned.

    Every method may be repeated with the same arguments after RegistryUnavailable: nothing is made twice.
    """

    async def bind(self, ledger: UUID) -> None:
        """Tie the registry to a ledger: the first call wins. Raises RegistryUnfit when it belongs to another one."""
        ...

    async def enrol(self, state_ids: Sequence[str]) -> dict[str, Key]:
        """Return the key of each student, `key.owner` being the ref; unknown ids get a new random ref and key.

        An id stands as it is written, so " 12" and "12" are two students. Raises ValueError for an empty one.
        """
        ...

    async def find(self, state_ids: Sequence[str]) -> dict[str, Key]:
        """Return the keys of those ids that are known; never create one."""
        ...

    async def issue(self, owner: UUID) -> Key:
        """Return the key of an owner that is no student (an upload); create it at the first call."""
        ...

    async def keys(self, serials: Sequence[int]) -> dict[int, Key]:
        """Return those of the keys that are still held, by serial."""
        ...

    async def erase(self, owner: UUID) -> None:
        """Delete the owner's key and the way from the state id to the ref. Safe to repeat.

        Another process may hold the key in memory until it calls `erase` itself, as every follower does when it
        meets StudentErased in the log.
        """
        ...

    async def last_serial(self) -> int:
        """Return the highest serial ever issued, erased ones included; 0 when there is none."""
        ...

    async def close(self) -> None:
        """Release connections. Safe to call twice."""
        ...


def check_ledger(bound: UUID, asked: UUID) -> None:
    """Raise RegistryUnfit when a registry that is bound to one ledger is asked to serve another."""
    if bound != asked:
        raise RegistryUnfit(
            f"This registry belongs to ledger {bound}, not to {asked}: its keys open nothing there. "
            "Name the registry that was kept together with this log."
        )
