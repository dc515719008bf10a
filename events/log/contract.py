"""What every log promises: bytes in, one position out, one total order, nothing ever changed.

A *position* is one integer that only grows: the list index, the SQLite row, the Kafka offset. The first record has
position 0. Positions may have gaps; a reader must not count on the next one being `position + 1`.

Nobody is ever carried over a hole: to read from beyond the end, or from before the first record that is still there,
is an error (LogUnfit), since both mean that records were taken away.
"""

from collections.abc import AsyncGenerator, Sequence
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


def refuse_oversize(data: bytes) -> None:
    """Raise AppendRefused where a record is above MAX_RECORD_BYTES, before anything is sent."""
    if len(data) > MAX_RECORD_BYTES:
        raise AppendRefused(
            f"the record has {len(data)} bytes and a log takes at most {MAX_RECORD_BYTES}: "
            "nothing was stored; make the command smaller"
        )


class Log(Protocol):
    """An append-only sequence of records. One object serves one event loop."""

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        """Append one record durably and return its position.

        Concurrent calls are pipelined (batched into few writes) and land in the order in which they were called.
        Raises AppendRefused, or AppendUnknown when the outcome cannot be told within `deadline` seconds. A
        cancelled call is an unknown outcome too. After any error the next append works.
        """
        ...

    def read(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        """Yield non-empty batches of at most `limit` records from position `start` to the end as of the first step.

        Raises LogUnfit where `start` lies beyond the end or before the first record kept, LogUnavailable where the
        log cannot be read now.
        """
        ...

    def follow(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        """Like `read`, but wait for more at the end; ends only when the consumer stops iterating or is cancelled.

        A lost connection is waited out and reading goes on at the next position; nothing is skipped or repeated.
        Raises as `read` does, LogUnfit where the last record yielded is not there any more, and LogUnavailable once
        the log is closed.
        """
        ...

    async def end(self) -> int:
        """Return the position that the next record will get at the earliest (0 for an empty log)."""
        ...

    async def close(self) -> None:
        """Release connections and files. Safe to call twice."""
        ...
