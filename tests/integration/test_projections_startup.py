"""What is compared before a process goes on from where the views stand."""

import pytest

from events.log.contract import LogUnfit
from events.log.memory import MemoryLog, MemoryStore
from events.registry.memory import MemoryRegistry
from events.student import StudentEdited
from projections.views import drop_views
from tests.support.ledgers import House
from tests.support.student_sets import full, submitted


@pytest.fixture
async def written(house: House) -> House:
    """A ledger of ten records, folded."""
    for each in range(5):
        await house.pen.student(f"100000000{each}", submitted(full()))
    for _ in range(4):
        await house.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
    assert await house.fold() == 10
    return house


def cut(house: House, end: int) -> MemoryLog:
    """The log as it was restored from a backup: it ends earlier."""
    store = MemoryStore()
    store.records = house.log.store.records[:end]
    return MemoryLog(store)


async def refused(house: House, log: MemoryLog) -> str:
    """Try to open the ledger on another log and return why that was refused; nothing may have changed."""
    before = await house.check()
    with pytest.raises(LogUnfit) as why:
        async with house.open(log=log):
            pass
    assert await house.check() == before
    return str(why.value)


async def test_the_log_that_the_views_came_from_is_taken(written: House) -> None:
    for _ in range(2):
        async with written.open() as ledger:
            assert await ledger.caught_up() == 10


async def test_a_log_that_went_on_is_taken(written: House) -> None:
    await written.pen.student("1000000001", StudentEdited({"sex_code": "F"}))
    async with written.open() as ledger:
        assert await ledger.caught_up() == 11


@pytest.mark.parametrize("end", [9, 5, 1])
async def test_a_truncated_log_is_refused_and_it_is_said_from_where(written: House, end: int) -> None:
    """Cases 15, 17 and 32."""
    why = await refused(written, cut(written, end))
    assert f"ends at {end}" in why
    assert f"records {end} to 9 are missing" in why
    assert "Restore the log" in why


async def test_an_empty_log_is_refused(written: House) -> None:
    assert "records 0 to 9 are missing" in await refused(written, MemoryLog())


@pytest.mark.parametrize("more", [1, 5])
async def test_a_log_that_was_truncated_and_has_grown_again_is_refused(written: House, more: int) -> None:
    """Case 15: it is as long as the views know it, or longer, but it is not the same."""
    log = cut(written, 9)
    for record in written.log.store.records[1 : 1 + more]:
        await log.append(record.data)
    why = await refused(written, log)
    assert "another record at position 9" in why
    assert "truncated and has grown again" in why


async def test_views_of_another_ledger_are_refused(written: House, registry_dsn: str) -> None:
    """Before anything is said of positions, which mean nothing then. (`registry_dsn` is just another database.)"""
    other = await House.build(registry_dsn)
    for _ in range(20):
        await other.pen.student("1000000001", submitted(full()))
    written.genesis, genesis = other.genesis, written.genesis
    try:
        why = await refused(written, other.log)
    finally:
        written.genesis = genesis
    assert "the views belong to ledger" in why
    assert genesis.ledger.hex[:8] in why
    assert other.genesis.ledger.hex[:8] in why


async def test_an_older_registry_is_refused(written: House) -> None:
    """It would issue serials again that the log already names."""
    older = MemoryRegistry()
    await older.enrol(["1000000000", "1000000001"])
    with pytest.raises(LogUnfit, match=r"names key 5.*issued only 2.*Restore the registry"):
        async with written.open(registry=older):
            pass


async def test_views_that_were_dropped_compare_nothing(written: House) -> None:
    """A shorter log is then the truth, and the views are folded from it."""
    async with written.views() as connection:
        await drop_views(connection)
    written.log = cut(written, 5)
    async with written.open() as ledger:
        assert await ledger.caught_up() == 5
