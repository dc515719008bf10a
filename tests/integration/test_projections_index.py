"""What is asked of the index: streams, positions, and the ledger as of a time."""

from datetime import timedelta

from events.student import StudentEdited
from projections.index import erased_since, position_at, read_head, standing_from, stood, stream_commits, versions
from tests.support.ledgers import House
from tests.support.student_sets import full, submitted
from tests.support.views import records_of


async def write(house: House) -> tuple[str, str]:
    """Write two students by turns, and one void attempt; return their streams."""
    await house.pen.student("1000000001", submitted(full()))
    await house.pen.student("1000000002", submitted(full()))
    await house.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
    first, second = list(house.pen.versions)
    key = (await house.registry.find(["1000000001"]))["1000000001"]
    await house.pen.write(first, [(StudentEdited({"sex_code": "F"}), None)], key, expected=0)
    await house.fold()
    return first, second


async def test_a_streams_commits_are_those_that_stand_in_log_order(house: House) -> None:
    first, second = await write(house)
    async with house.views() as connection:
        assert [one.position for one in await stream_commits(connection, [first])] == [1, 3]
        assert [one.position for one in await stream_commits(connection, [first], below=3)] == [1]
        assert [one.position for one in await stream_commits(connection, [second, first])] == [1, 2, 3]
        assert await stream_commits(connection, [first.replace("2025", "1999")]) == []


async def test_versions_and_commands_are_known_of_what_stands_alone(house: House) -> None:
    first, second = await write(house)
    async with house.views() as connection:
        assert await versions(connection, [first, second, "upload/none"]) == {first: 2, second: 1}
        commits = await standing_from(connection, 0, 100)
        commands = [one.commit.command for one in commits]
        assert await stood(connection, commands) == set(commands)
        assert [one.position for one in await standing_from(connection, 2, 1)] == [2]
        assert [one.position for one in commits] == [1, 2, 3]


async def test_as_of_a_time_is_behind_the_last_commit_that_is_not_later(house: House) -> None:
    await write(house)
    async with house.views() as connection:
        head = await read_head(connection)
        assert head.as_of is not None
        times = [one.as_of for one in await standing_from(connection, 0, 100)]
        assert await position_at(connection, times[0] - timedelta(days=1)) == 0
        assert await position_at(connection, times[0]) == 2
        assert await position_at(connection, times[1] - timedelta(microseconds=1)) == 2
        assert await position_at(connection, times[1]) == 3
        assert await position_at(connection, head.as_of + timedelta(days=1)) == await house.log.end()


async def test_the_kept_bytes_are_the_logs_own(house: House) -> None:
    await write(house)
    async with house.views() as connection:
        rows = await connection.fetch("select data from commits order by position")
        assert await erased_since(connection, 0) == []
    assert [row["data"] for row in rows] == [record.data for record in await records_of(house.log)]
