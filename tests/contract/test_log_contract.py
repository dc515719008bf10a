"""What every log promises (events/log/contract.py), asked of all three."""

import asyncio
from contextlib import aclosing

import pytest

from events.log.contract import (
    MAX_RECORD_BYTES,
    AppendRefused,
    Log,
    LogUnavailable,
    LogUnfit,
    Record,
)
from tests.support.logs import LogMaker, follow_some, read_all

ODD_BYTES = [b"", b"\x00", b"\xff\xfe\xed", bytes(range(256)), "Ñ".encode("latin-1"), b"{}\r\n", b"x" * 100_000]


async def append_all(log: Log, *records: bytes) -> list[int]:
    return list(await asyncio.gather(*(log.append(record) for record in records)))


async def test_the_first_record_has_position_0_and_positions_rise(new_log: LogMaker) -> None:
    log = await new_log()
    positions = [await log.append(b"record") for _ in range(5)]
    assert positions[0] == 0
    assert positions == sorted(set(positions))


async def test_the_end_is_0_at_first_and_then_beyond_the_last_record(new_log: LogMaker) -> None:
    log = await new_log()
    assert await log.end() == 0
    position = await log.append(b"record")
    assert await log.end() == position + 1


async def test_an_empty_log_yields_nothing(new_log: LogMaker) -> None:
    assert await read_all(await new_log()) == []


async def test_bytes_come_back_exactly_as_they_were(new_log: LogMaker) -> None:
    log = await new_log()
    positions = await append_all(log, *ODD_BYTES)
    assert await read_all(log) == [Record(*pair) for pair in zip(positions, ODD_BYTES, strict=True)]


async def test_a_record_of_the_greatest_size_fits(new_log: LogMaker) -> None:
    log = await new_log()
    greatest = bytes(MAX_RECORD_BYTES)
    await log.append(greatest)
    assert [record.data for record in await read_all(log)] == [greatest]


async def test_a_record_too_large_is_refused_and_its_neighbours_are_not(new_log: LogMaker) -> None:
    log = await new_log()
    outcomes = await asyncio.gather(
        log.append(b"before"), log.append(bytes(MAX_RECORD_BYTES + 1)), log.append(b"after"), return_exceptions=True
    )
    assert isinstance(outcomes[1], AppendRefused)
    assert "at most 921600" in str(outcomes[1])
    await log.append(b"later")
    assert [record.data for record in await read_all(log)] == [b"before", b"after", b"later"]


async def test_concurrent_appends_land_in_the_order_of_their_calls(new_log: LogMaker) -> None:
    log = await new_log()
    records = [b"%d" % number for number in range(3_000)]
    positions = await append_all(log, *records)
    assert positions == sorted(set(positions))
    assert [record.data for record in await read_all(log)] == records


async def test_order_holds_across_batches_of_very_different_sizes(new_log: LogMaker) -> None:
    log = await new_log()
    records = [bytes([number]) * (600_000 if number % 7 == 3 else number) for number in range(40)]
    positions = await append_all(log, *records)
    assert positions == sorted(set(positions))
    assert [record.data for record in await read_all(log)] == records


@pytest.mark.parametrize("limit", [1, 2, 7, 500])
async def test_reading_gives_batches_of_at_most_the_limit(new_log: LogMaker, limit: int) -> None:
    log = await new_log()
    positions = await append_all(log, *[b"%d" % number for number in range(20)])
    sizes = [len(batch) async for batch in log.read(limit=limit)]
    assert all(1 <= size <= limit for size in sizes)
    assert [record.position for record in await read_all(log, limit=limit)] == positions


async def test_reading_starts_where_it_is_told(new_log: LogMaker) -> None:
    log = await new_log()
    positions = await append_all(log, *[b"%d" % number for number in range(20)])
    assert [record.data for record in await read_all(log, positions[13])] == [b"%d" % n for n in range(13, 20)]
    assert await read_all(log, await log.end()) == []


async def test_reading_ends_at_the_end_as_of_its_first_step(new_log: LogMaker) -> None:
    log = await new_log()
    await append_all(log, b"a", b"b", b"c")
    async with aclosing(log.read(limit=1)) as batches:
        found = [*await anext(batches)]
        await log.append(b"too late")
        found += [record async for batch in batches for record in batch]
    assert [record.data for record in found] == [b"a", b"b", b"c"]


async def test_one_may_stop_in_the_middle_and_read_again(new_log: LogMaker) -> None:
    log = await new_log()
    await append_all(log, b"a", b"b", b"c")
    async for batch in log.read(limit=1):
        assert batch[0].data == b"a"
        break
    assert [record.data for record in await read_all(log)] == [b"a", b"b", b"c"]


async def test_reading_from_beyond_the_end_is_refused(new_log: LogMaker) -> None:
    log = await new_log()
    await log.append(b"record")
    beyond = await log.end() + 1
    with pytest.raises(LogUnfit, match="cannot be read from"):
        await read_all(log, beyond)
    with pytest.raises(LogUnfit, match="cannot be read from"):
        await follow_some(log, 1, beyond)


async def test_following_gives_what_is_there_and_then_what_comes(new_log: LogMaker) -> None:
    log = await new_log()
    await append_all(log, b"a", b"b")
    following = asyncio.create_task(follow_some(log, 4))
    await append_all(log, b"c", b"d")
    assert [record.data for record in await following] == [b"a", b"b", b"c", b"d"]


async def test_a_follower_at_the_end_waits_and_wakes_for_each_append(new_log: LogMaker) -> None:
    log = await new_log()
    async with aclosing(log.follow()) as batches:
        for number in range(5):
            waiting = asyncio.ensure_future(anext(batches))
            done, _ = await asyncio.wait([waiting], timeout=0.05)
            assert not done
            position = await log.append(b"%d" % number)
            assert list(await waiting) == [Record(position, b"%d" % number)]


async def test_following_from_the_middle_keeps_to_the_limit(new_log: LogMaker) -> None:
    log = await new_log()
    positions = await append_all(log, *[b"%d" % number for number in range(10)])
    found: list[int] = []
    async for batch in log.follow(positions[4], limit=2):
        assert 1 <= len(batch) <= 2
        found += [record.position for record in batch]
        if len(found) == 6:
            break
    assert found == positions[4:]


async def test_many_followers_see_the_same(new_log: LogMaker) -> None:
    log = await new_log()
    following = [asyncio.create_task(follow_some(log, 50)) for _ in range(3)]
    await append_all(log, *[b"%d" % number for number in range(50)])
    first, *others = await asyncio.gather(*following)
    assert [record.data for record in first] == [b"%d" % number for number in range(50)]
    assert all(other == first for other in others)


async def test_a_cancelled_follower_leaves_the_log_usable(new_log: LogMaker) -> None:
    log = await new_log()
    following = asyncio.create_task(follow_some(log, 1))
    done, _ = await asyncio.wait([following], timeout=0.05)
    assert not done
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
    await log.append(b"record")
    assert len(await read_all(log)) == 1


async def test_a_cancelled_append_lands_once_or_not_at_all_and_the_next_works(new_log: LogMaker) -> None:
    log = await new_log()
    for number in range(20):
        appending = asyncio.create_task(log.append(b"cancelled %d" % number))
        await asyncio.wait([appending], timeout=0.0005 * (number % 5))
        appending.cancel()
        await asyncio.gather(appending, return_exceptions=True)
        await log.append(b"kept %d" % number)
    found = [record.data for record in await read_all(log)]
    assert [data for data in found if data.startswith(b"kept")] == [b"kept %d" % number for number in range(20)]
    assert len(set(found)) == len(found)


async def test_cancelling_one_append_does_not_touch_those_beside_it(new_log: LogMaker) -> None:
    log = await new_log()
    tasks = [asyncio.create_task(log.append(b"%d" % number)) for number in range(100)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    by_position = {record.position: record.data for record in await read_all(log)}
    for number, outcome in list(enumerate(outcomes))[1::2]:
        assert isinstance(outcome, int)
        assert by_position[outcome] == b"%d" % number


async def test_two_openers_of_one_log_see_each_others_appends(new_log: LogMaker) -> None:
    one = await new_log()
    other = await new_log.again(one)
    following = asyncio.create_task(follow_some(other, 2))
    assert await one.append(b"from one") < await other.append(b"from the other")
    expected = [b"from one", b"from the other"]
    assert [record.data for record in await following] == expected
    assert [record.data for record in await read_all(one)] == expected
    assert await one.end() == await other.end()


async def test_two_openers_that_append_at_once_share_one_order(new_log: LogMaker) -> None:
    one = await new_log()
    other = await new_log.again(one)
    ours = [b"one %d" % number for number in range(300)]
    theirs = [b"other %d" % number for number in range(300)]
    first, second = await asyncio.gather(append_all(one, *ours), append_all(other, *theirs))
    found = await read_all(one)
    assert found == await read_all(other)
    assert sorted(first + second) == [record.position for record in found]
    assert [record.data for record in found if record.data in set(ours)] == ours
    assert [record.data for record in found if record.data in set(theirs)] == theirs


async def test_what_was_appended_is_there_after_closing_and_opening_again(new_log: LogMaker) -> None:
    log = await new_log()
    position = await log.append(b"kept")
    await log.close()
    again = await new_log.again(log)
    assert await read_all(again) == [Record(position, b"kept")]
    assert await again.append(b"next") > position


async def test_a_closed_log_says_so(new_log: LogMaker) -> None:
    log = await new_log()
    await log.append(b"record")
    await log.close()
    await log.close()
    with pytest.raises(AppendRefused, match="was closed"):
        await log.append(b"record")
    with pytest.raises(LogUnavailable, match="was closed"):
        await log.end()
    with pytest.raises(LogUnavailable, match="was closed"):
        await read_all(log)


async def test_closing_ends_a_follower_that_waits(new_log: LogMaker) -> None:
    log = await new_log()
    following = asyncio.create_task(follow_some(log, 1))
    done, _ = await asyncio.wait([following], timeout=0.05)
    assert not done
    await log.close()
    with pytest.raises(LogUnavailable, match="was closed"):
        await following


async def test_closing_waits_for_appends_on_their_way(new_log: LogMaker) -> None:
    log = await new_log()
    tasks = [asyncio.create_task(log.append(b"%d" % number)) for number in range(50)]
    await asyncio.sleep(0)
    await log.close()
    positions = await asyncio.gather(*tasks)
    again = await new_log.again(log)
    assert [record.position for record in await read_all(again)] == positions
