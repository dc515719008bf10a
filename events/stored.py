"""Events as values, and their stored form: a name, a version, a clear part and a sealed part.

The stored name and version are data written at the class, never derived from an import path. Old versions are brought
forward by upcasters on the opened plaintext, one function a step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import msgspec

from events.commit import StoredEvent
from events.sealing import seal, unseal


class Event(msgspec.Struct, frozen=True):
    """Base of all events. `clear_fields` lie readable in the log; every other field is sealed."""

    stored_name: ClassVar[str]
    stored_version: ClassVar[int] = 1
    clear_fields: ClassVar[frozenset[str]] = frozenset()


class Standing(msgspec.Struct, frozen=True):
    """Base of what an event says in clear about its stream as it stands afterwards."""


class UnknownEventError(Exception):
    """The log holds an event that this code is too old to read. Stop; never skip it."""


S = TypeVar("S", bound=msgspec.Struct)
Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Catalogue:
    """The events this code can read, by stored name, and the upcasters by (name, version they start from)."""

    events: Mapping[str, type[Event]]
    upcasters: Mapping[tuple[str, int], Upcaster]

    def event_type(self, stored: StoredEvent) -> type[Event]:
        """Find an event's class. Raises UnknownEventError for an unknown name or a newer version."""
        found = self.events.get(stored.name)
        if found is None or stored.version > found.stored_version:
            raise UnknownEventError(
                f"the log holds the event {stored.name!r} v{stored.version}, which this version of the ledger cannot "
                "read; install the version that wrote it, or a later one"
            )
        return found

    def bring_forward(self, name: str, version: int, content: dict[str, Any]) -> dict[str, Any]:
        """Apply one upcaster a step until the content has the shape of the class."""
        for step in range(version, self.events[name].stored_version):
            content = self.upcasters[name, step](content)
        return content


def plaintext(event: Event) -> bytes:
    """Return the bytes of the sealed part before sealing; empty when every field is clear."""
    if not event.clear_fields:
        return msgspec.json.encode(event)
    sealed = {k: v for k, v in msgspec.to_builtins(event).items() if k not in event.clear_fields}
    return msgspec.json.encode(sealed) if sealed else b""


def clear_part(event: Event, standing: Standing | None) -> msgspec.Raw:
    """Return the readable part: the event's clear fields and the stream's standing."""
    clear: dict[str, Any] = {}
    if event.clear_fields:
        clear = {k: v for k, v in msgspec.to_builtins(event).items() if k in event.clear_fields}
    if standing is not None:
        clear |= msgspec.to_builtins(standing)
    return msgspec.Raw(msgspec.json.encode(clear))


def store(event: Event, standing: Standing | None, key: bytes, context: bytes) -> StoredEvent:
    """Give an event its stored form; `context` binds the sealed part to ledger, stream and version."""
    opened = plaintext(event)
    return StoredEvent(
        name=event.stored_name,
        version=event.stored_version,
        clear=clear_part(event, standing),
        sealed=seal(key, opened, context=context) if opened else b"",
    )


def restore(stored: StoredEvent, key: bytes, context: bytes, catalogue: Catalogue) -> Event:
    """Read an event back. Raises UnknownEventError, or SealBroken when the sealed part does not open."""
    event_type = catalogue.event_type(stored)
    opened = unseal(key, stored.sealed, context=context) if stored.sealed else b"{}"
    if stored.version == event_type.stored_version and not event_type.clear_fields:
        return msgspec.json.decode(opened, type=event_type)
    content = msgspec.json.decode(stored.clear) | msgspec.json.decode(opened)
    return msgspec.convert(catalogue.bring_forward(stored.name, stored.version, content), event_type)


def read_clear(stored: StoredEvent, shape: type[S]) -> S:
    """Read what an event says in clear, in the shape of a standing or of an event that seals nothing. Needs no key."""
    return msgspec.json.decode(stored.clear, type=shape)
