"""The commit record and its bytes.

A commit is one self-contained record: one command's whole outcome on one stream, atomic because one record is atomic.
Its bytes are JSON; they are written once and never re-encoded. There are no floats: credits and quality points are
hundredths. Fields unknown to this code are ignored, so that a later writer may add some.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from events.log.contract import MAX_RECORD_BYTES
from events.streams import is_well_formed

RULE = 1

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0)]


class StoredEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event as it lies in a commit: its stored name and version, a clear part, a sealed part."""

    name: Annotated[str, msgspec.Meta(min_length=1)]
    version: Annotated[int, msgspec.Meta(ge=1)]
    clear: msgspec.Raw = msgspec.Raw(b"{}")
    sealed: bytes = b""


class Commit(msgspec.Struct, frozen=True, tag="commit", tag_field="kind", omit_defaults=True):
    """One command's outcome.

    `expected` is the stream's version before it; the version grows by `len(events)`. `key` is the serial of the key
    that opens the sealed parts (0: nothing is sealed). `cause` is the upload or command that brought it about.
    `rules`, `layout` and `references` are the digests of what it was checked against.
    """

    ledger: UUID
    stream: str
    expected: Count
    command: UUID
    events: Annotated[tuple[StoredEvent, ...], msgspec.Meta(min_length=1)]
    actor: str
    time: Instant
    key: Count = 0
    reason: str = ""
    sealed_reason: bytes = b""
    cause: UUID | None = None
    rules: str = ""
    layout: str = ""
    references: dict[str, str] = {}

    @property
    def version(self) -> int:
        """The stream's version once this commit stands."""
        return self.expected + len(self.events)


class Genesis(msgspec.Struct, frozen=True, tag="genesis", tag_field="kind"):
    """The first record of a ledger: which ledger, which state system, which fold rule."""

    ledger: UUID
    state_system: str
    rule: int
    time: Instant


Entry = Commit | Genesis

_decoder = msgspec.json.Decoder(Entry)
_encoder = msgspec.json.Encoder()


def encode(entry: Entry) -> bytes:
    """Return an entry's bytes, as they will lie in the log for ever."""
    return _encoder.encode(entry)


def decode(data: bytes) -> Entry | None:
    """Read a record's bytes; None when they are not a well-formed entry, whoever wrote them (rule 1)."""
    if len(data) > MAX_RECORD_BYTES:
        return None
    try:
        entry: Entry = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(entry, Commit) and not is_well_formed(entry.stream):
        return None
    return entry


def short(ledger: UUID) -> str:
    """Return the short id that is printed beside positions, so that two ledgers' positions are not confused."""
    return ledger.hex[:8]
