"""What every log promises: bytes in, one position out, one total order, nothing ever changed.

A *position* is one integer that only grows: the list index, the SQLite row, the Kafka offset. The first record has
position 0. Positions may have gaps; a reader must not count on the next one being `position + 1`.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

MAX_RECORD_BYTES = 900 * 1024
"""A commit above this is refused before it is sent (Kafka's own limit is set to 1 MiB)."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it lies in the log. A foreign producer's null value reads as empty bytes."""

    position: int
    data: bytes


class LogError(Exception):
    """Base of all log errors. The message says what was refused, why, and what to do next."""


class AppendRefused(LogError):
    """The record is certainly not in the log and never will be: too large, disk full, topic missing."""


class AppendUnknown(LogError):
    """The record may or may not be in the log, now or later. Look its command id up, or repeat it."""


class LogUnavailable(LogError):
    """The log cannot be read or reached now. Nothing was lost; try again."""


class LogUnfit(LogError):
    """The log must not be used as it is: weaker settings, several partitions, truncated, another ledger's."""


class Log(Protocol):
    """An append-only sequence of records. One object serves one event loop."""

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        """Append one record durably and return its position.

        Concurrent calls are pipelined (batched into few writes) and land in the order in which they were called.
        Raises AppendRefused, or AppendUnknown when the outcome cannot be told within `deadline` seconds. A
        cancelled call is an unknown outcome too. After any error the next append works.
        """
        ...

    def read(self, start: int = 0, *, limit: int = 500) -> AsyncIterator[Sequence[Record]]:
        """Yield non-empty batches of at most `limit` records from position `start` to the end as of this call."""
        ...

    def follow(self, start: int = 0, *, limit: int = 500) -> AsyncIterator[Sequence[Record]]:
        """Like `read`, but wait for more at the end; ends only when the consumer stops iterating or is cancelled."""
        ...

    async def end(self) -> int:
        """Return the position that the next record will get at the earliest (0 for an empty log)."""
        ...

    async def close(self) -> None:
        """Release connections and files. Safe to call twice."""
        ...
