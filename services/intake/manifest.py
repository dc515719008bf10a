"""The manifest: what is going to happen to each student of an upload, frozen before the first of it happens."""

from collections import Counter
from typing import Literal
from uuid import UUID

import msgspec

Action = Literal["store", "unchanged", "held", "remove"]


class Row(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One student. `version` is the stream's version when the plan was made."""

    ref: UUID
    action: Action
    version: int


class Manifest(msgspec.Struct, frozen=True):
    """All rows in the file's order, removals last. `held_unknown` counts held students who never had a ref."""

    rows: tuple[Row, ...]
    held_unknown: int = 0

    def count(self, action: Action) -> int:
        """Count the students to whom something is going to happen."""
        unknown = self.held_unknown if action == "held" else 0
        return Counter(row.action for row in self.rows)[action] + unknown


def encode(manifest: Manifest) -> bytes:
    """Return the manifest's bytes."""
    return msgspec.json.encode(manifest)


def decode(data: bytes) -> Manifest:
    """Read a manifest back."""
    return msgspec.json.decode(data, type=Manifest)
