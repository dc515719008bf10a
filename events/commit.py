"""The commit record and its bytes.

A commit is one self-contained record: one command's whole outcome on one stream, atomic because one record is atomic.
Its bytes are JSON; they are written once and never re-encoded. There are no floats: credits and quality points are
hundredths. Fields unknown to this code are ignored, so that a later writer may add some.
"""

import re
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated
from uuid import UUID

import msgspec

from events.log.contract import MAX_RECORD_BYTES
from events.streams import is_well_formed

RULE = 1

MAX_NESTING = 64
"""Arrays and objects inside one another in a record: a bound of our own, since a parser's depends on its call stack."""

JSON_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.?)*+"?|[\[\]{}]', re.DOTALL)  # linear, whatever the bytes are

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


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
    if len(data) > MAX_RECORD_BYTES or is_nested_too_deep(data):
        return None
    try:
        data.decode("utf-8")  # the parser looks at what it decodes only, not at what it skips
        entry: Entry = _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    if not MINYEAR < entry.time.year < MAXYEAR:  # else it might be no instant of UTC
        return None
    if isinstance(entry, Commit) and not is_well_formed(entry.stream):
        return None
    return entry


def is_nested_too_deep(data: bytes) -> bool:
    """Tell whether JSON text is nested deeper than MAX_NESTING; nearly always a count of its brackets is enough."""
    if data.count(b"[") + data.count(b"{") <= MAX_NESTING:
        return False
    depth = 0
    for token in JSON_TOKEN.finditer(data):
        if token[0] in b"[{":
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif token[0] in b"]}":
            depth -= 1
    return False


def short(ledger: UUID) -> str:
    """Return the short id that is printed beside positions, so that two ledgers' positions are not confused."""
    return ledger.hex[:8]
