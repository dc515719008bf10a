"""How a ledger begins: the first well-formed genesis wins, whoever else starts at the same time."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID, uuid4

import msgspec
import pytest

from events.commit import Commit, Genesis, StoredEvent, decode, encode
from events.genesis import adopt_genesis, find_genesis
from events.log.contract import AppendUnknown, Log, LogUnfit
from events.log.memory import MemoryLog

TIME = datetime(2026, 1, 1, tzinfo=UTC)
LEDGER = UUID(int=1)
OURS = Genesis(ledger=LEDGER, state_system="louisiana-sts", rule=1, time=TIME)


async def adopt(log: Log, *, ledger: UUID | None = None, state_system: str = "louisiana-sts") -> Genesis:
    """Start on a log."""
    return await adopt_genesis(log, ledger=ledger or uuid4(), state_system=state_system, time=TIME)


class Race(MemoryLog):
    """A log that both of two starters find empty."""

    def __init__(self) -> None:
        super().__init__()
        self.both = asyncio.Barrier(2)

    async def end(self) -> int:
        end = await super().end()
        await self.both.wait()
        return end


class LostAck(MemoryLog):
    """A log that takes a record and does not say so."""

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        await super().append(data, deadline=deadline)
        raise AppendUnknown("no answer")


async def test_an_empty_log_gets_its_genesis() -> None:
    log = MemoryLog()
    assert await adopt(log, ledger=LEDGER) == OURS
    assert [decode(record.data) for record in log.store.records] == [OURS]


async def test_who_starts_later_adopts_what_is_there() -> None:
    log = MemoryLog()
    await adopt(log, ledger=LEDGER)
    assert await adopt(log) == OURS
    assert len(log.store.records) == 1


async def test_of_two_who_find_the_log_empty_both_adopt_the_first() -> None:
    log = Race()
    first, second = await asyncio.gather(adopt(log), adopt(log))
    assert first == second == decode(log.store.records[0].data)
    assert len(log.store.records) == 2


async def test_who_loses_the_race_and_is_of_another_state_system_refuses() -> None:
    log = Race()
    outcomes = await asyncio.gather(adopt(log), adopt(log, state_system="vermont-sect"), return_exceptions=True)
    assert decode(log.store.records[0].data) in outcomes
    assert sum(isinstance(outcome, LogUnfit) for outcome in outcomes) == 1


async def test_a_start_whose_answer_was_lost_is_simply_repeated() -> None:
    log = LostAck()
    with pytest.raises(AppendUnknown):
        await adopt(log, ledger=LEDGER)
    assert await adopt(log) == OURS


async def test_another_state_systems_ledger_is_refused_and_nothing_is_written() -> None:
    log = MemoryLog()
    await adopt(log, state_system="vermont-sect")
    with pytest.raises(LogUnfit, match=r"belongs to 'vermont-sect'.*LEDGER_STATE_SYSTEM"):
        await adopt(log)
    assert len(log.store.records) == 1


async def test_a_newer_rule_is_refused() -> None:
    log = MemoryLog()
    await log.append(encode(msgspec.structs.replace(OURS, rule=2)))
    with pytest.raises(LogUnfit, match=r"rule 2.*knows rule 1.*later version"):
        await adopt(log)


async def test_a_foreign_log_is_refused_and_nothing_is_written() -> None:
    log = MemoryLog()
    await log.append(b"orders, of some shop")
    with pytest.raises(LogUnfit, match=r"no genesis.*name another topic"):
        await adopt(log)
    assert len(log.store.records) == 1


async def test_the_genesis_is_found_behind_noise_and_before_a_second_one() -> None:
    log = MemoryLog()
    early = Commit(LEDGER, "upload/a", 0, uuid4(), (StoredEvent("a", 1),), "somebody", TIME)
    for data in (b"noise", encode(early), encode(OURS), encode(msgspec.structs.replace(OURS, ledger=UUID(int=2)))):
        await log.append(data)
    assert await find_genesis(log) == OURS
    assert await adopt(log) == OURS


async def test_an_empty_log_holds_no_genesis() -> None:
    assert await find_genesis(MemoryLog()) is None
