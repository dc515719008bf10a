"""What is compared before a process goes on from the saved position: is this the log that the views came from?"""

import asyncio
from contextlib import aclosing
from hashlib import sha256

from events.commit import Genesis, short
from events.log.contract import Log, LogUnfit
from events.registry.contract import Registry
from projections.index import Head

RESTORE = (
    "Restore the log from its backup, or, if the shorter log is the truth, drop the views and rebuild them "
    "(`ledger projections rebuild --all`). Nothing was changed."
)


LATE_SECONDS = 1.0
"""How much later a Kafka broker that has just become the leader may know where the log ends."""


async def check_log_against_views(log: Log, head: Head) -> None:
    """Raise LogUnfit when the log was truncated, or was truncated and has grown again."""
    if head.last_position is None:
        return
    end = await log.end()
    if end <= head.last_position:
        await asyncio.sleep(LATE_SECONDS)
        end = await log.end()
    if end <= head.last_position:
        raise LogUnfit(
            f"the log of {name_of(head)} ends at {end}, but the views have folded it up to position "
            f"{head.last_position}: records {end} to {head.last_position} are missing. {RESTORE}"
        )
    if await digest_at(log, head.last_position) != head.last_digest:
        raise LogUnfit(
            f"the log of {name_of(head)} holds another record at position {head.last_position} than the "
            f"one the views have folded: it was truncated and has grown again. {RESTORE}"
        )


def refuse_another_ledger(head: Head, genesis: Genesis) -> None:
    """Raise LogUnfit when the views have folded another ledger's genesis than the log's."""
    if head.genesis is not None and head.genesis.ledger != genesis.ledger:
        raise LogUnfit(
            f"the views belong to {name_of(head)}, the log to ledger {short(genesis.ledger)}; "
            "name the log and the views of one ledger"
        )


def name_of(head: Head) -> str:
    """Name the ledger whose views these are."""
    return f"ledger {short(head.genesis.ledger)}" if head.genesis is not None else "this ledger"


async def check_registry(registry: Registry, head: Head) -> None:
    """Raise LogUnfit when the log names keys that the registry has not issued: it is an older one, or another."""
    issued = await registry.last_serial()
    if issued < head.last_key:
        raise LogUnfit(
            f"the log names key {head.last_key}, the registry has issued only {issued}: it is older than the log, or "
            "another log's. Restore the registry that was backed up together with this log."
        )


async def digest_at(log: Log, position: int) -> bytes | None:
    """Return the SHA-256 of the record at a position, None where there is none."""
    async with aclosing(log.read(position, limit=1)) as reading:
        async for batch in reading:
            return sha256(batch[0].data).digest() if batch[0].position == position else None
    return None
