"""How a ledger begins, and how a process makes sure that it opened the right one."""

from contextlib import aclosing
from datetime import datetime
from uuid import UUID

from events.commit import RULE, Genesis, decode, encode, short
from events.log.contract import Log, LogUnfit


async def adopt_genesis(log: Log, *, ledger: UUID, state_system: str, time: datetime) -> Genesis:
    """Return the log's genesis; into an empty log, append one first. The first well-formed genesis wins (rule 1).

    Raises LogUnfit when the log holds records but no genesis, another state system's ledger, or a newer rule.
    """
    if await log.end() == 0:
        await log.append(encode(Genesis(ledger=ledger, state_system=state_system, rule=RULE, time=time)))
    genesis = await find_genesis(log)
    if genesis is None:
        raise LogUnfit(
            "this log holds records but no genesis, so it is not a ledger's log; "
            "name another topic or file, or let the ledger create its own"
        )
    if genesis.state_system != state_system:
        raise LogUnfit(
            f"ledger {short(genesis.ledger)} belongs to {genesis.state_system!r}, but the settings say "
            f"{state_system!r}; set LEDGER_STATE_SYSTEM to its system, or name another log"
        )
    if genesis.rule > RULE:
        raise LogUnfit(
            f"ledger {short(genesis.ledger)} is folded by rule {genesis.rule}, this version knows rule {RULE}; "
            "install a later version"
        )
    return genesis


async def find_genesis(log: Log) -> Genesis | None:
    """Return the first well-formed genesis in log order, or None."""
    async with aclosing(log.read(0)) as reading:
        async for batch in reading:
            for record in batch:
                entry = decode(record.data)
                if isinstance(entry, Genesis):
                    return entry
    return None
