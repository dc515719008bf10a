"""A projection that cannot fold an event stops alone, says so, and goes on from there once it is repaired."""

import asyncio
from collections.abc import Callable, Sequence
from uuid import UUID

import pytest

from events.commit import Commit, StoredEvent, encode
from events.log.contract import LogUnavailable
from events.registry.contract import Key, RegistryUnavailable
from events.registry.memory import MemoryRegistry
from events.streams import upload_stream
from events.student import StudentEdited
from events.upload import UploadReceived
from projections import catch_up as catch_up_module
from projections.advance import advance
from projections.catch_up import bring_forward, catch_up
from projections.current_transcripts import CurrentTranscripts
from projections.database import Connection
from projections.follower import advance_to_end
from projections.opening import Keyring, OpenCommit
from projections.projection import History
from projections.views import PROJECTIONS
from services.ledger import Draft, ViewStopped, Written
from services.wiring import stop
from tests.support.ledgers import House
from tests.support.student_sets import FRENCH, STUDENT, full, submitted
from tests.support.views import OTHERS, Broken, Gated, dump, error_of, head_of, records_of, until, with_transcripts

NAME = "Vorimquendazylthaaaab"
RECEIVED = UploadReceived("b" * 64, 600, "replace", "2025", "017", "public", "file.txt", "f" * 64)
TRANSCRIPTS = "current_transcripts"


def at(position: int, error: Exception) -> Callable[[OpenCommit], None]:
    """Raise this at the commit of a position."""

    def raises(commit: OpenCommit) -> None:
        if commit.position == position:
            raise error

    return raises


async def write_students(house: House, number: int = 6) -> None:
    """Write some students, and an upload among them."""
    for each in range(number):
        await house.pen.student(f"100000000{each}", submitted(full()))
        if each == number // 2:
            await house.pen.upload(UUID(int=each + 1), RECEIVED)
    await house.pen.student("1000000000", StudentEdited({"first_name": NAME}))


async def fold_broken(house: House, position: int, error: Exception | None = None) -> None:
    """Fold the log with current transcripts that raise at a position."""
    broken = Broken(at(position, error or ValueError(f"cannot fold {NAME}")))
    await house.fold(with_transcripts(broken))


async def repaired(house: House) -> bool:
    """Let the current transcripts catch up with working code."""
    async with house.views() as connection:
        return await catch_up(connection, CurrentTranscripts(), house.keyring)


async def test_it_stops_alone_at_the_event_and_keeps_what_came_before(house: House) -> None:
    """Case 24."""
    await write_students(house)
    await fold_broken(house, 3)
    async with house.views() as connection:
        assert await head_of(connection) == await house.log.end()
        stopped = await error_of(connection, TRANSCRIPTS)
        assert stopped is not None
        assert stopped[0] == 3
        assert await connection.fetchval("select next_position from projections where name = $1", TRANSCRIPTS) == 3
        assert sorted(
            row["position"] for row in await connection.fetch("select position from transcript_students")
        ) == [
            1,
            2,
        ]
        assert await connection.fetchval("select count(*) from uploads") == 1
        assert await error_of(connection, "uploads") is None
    assert await repaired(house)


async def test_it_stays_where_it_stopped_while_the_others_go_on(house: House) -> None:
    await write_students(house)
    await fold_broken(house, 3)
    async with house.views() as connection:
        rows = await dump(connection, only=TRANSCRIPTS)
    await house.pen.student("1000000009", submitted(full()))
    await house.pen.upload(UUID(int=99), RECEIVED)
    await house.fold()
    async with house.views() as connection:
        assert await dump(connection, only=TRANSCRIPTS) == rows
        assert await connection.fetchval("select count(*) from uploads") == 2
    assert await repaired(house)


@pytest.mark.parametrize("position", [1, 2, 3, 4, 6, 7, 8])
async def test_after_the_repair_nothing_is_skipped_and_nothing_done_twice(house: House, position: int) -> None:
    """Wherever it stopped, and although the log went on meanwhile."""
    await write_students(house)
    await fold_broken(house, position)
    await house.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
    await house.fold()
    assert await repaired(house)
    async with house.views() as connection:
        assert await error_of(connection, TRANSCRIPTS) is None
        assert await connection.fetchval("select count(*) from transcript_students") == 6


async def test_a_retry_begins_at_the_event_where_it_stopped(house: House) -> None:
    """Not at the beginning, and not behind it."""
    await write_students(house)
    await fold_broken(house, 6)
    seen: list[int] = []

    def note(commit: OpenCommit) -> None:
        seen.append(commit.position)

    async with house.views() as connection:
        assert await catch_up(connection, Broken(note), house.keyring)
    assert seen == [6, 7, 8]


async def test_a_retry_that_fails_again_stops_again_at_the_same_event_or_a_later_one(house: House) -> None:
    await write_students(house)
    await fold_broken(house, 2)
    async with house.views() as connection:
        for position in (2, 6):
            assert not await catch_up(connection, Broken(at(position, KeyError("x"))), house.keyring)
            stopped = await error_of(connection, TRANSCRIPTS)
            assert stopped is not None
            assert stopped[0] == position
            assert stopped[1].startswith("KeyError at ")
    assert await repaired(house)


async def test_the_error_that_is_kept_quotes_nothing_of_the_event(house: House) -> None:
    await write_students(house)
    await fold_broken(house, 8)
    async with house.views() as connection:
        stopped = await error_of(connection, TRANSCRIPTS)
        assert stopped is not None
        assert stopped[1].startswith("ValueError at views.py:") or stopped[1].startswith("ValueError at advance.py:")
        assert NAME not in stopped[1]
    assert await repaired(house)


class Twice(CurrentTranscripts):
    """Current transcripts that insert one row twice: PostgreSQL's own error quotes the row."""

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], history: History) -> None:
        await super().apply(connection, commits, history)
        await connection.execute("insert into transcript_students select * from transcript_students")


async def test_a_databases_error_is_kept_without_the_row_that_it_quotes(house: House) -> None:
    await house.pen.student("1000000000", submitted(full(student=STUDENT | {"first_name": NAME})))
    await house.fold(with_transcripts(Twice()))
    async with house.views() as connection:
        stopped = await error_of(connection, TRANSCRIPTS)
        assert stopped is not None
        assert stopped[1].startswith("UniqueViolationError at ")
        assert "1000000017" not in stopped[1]
    assert await repaired(house)


@pytest.mark.parametrize("event", [StoredEvent("student-edited", 2), StoredEvent("student-praised", 1)])
async def test_an_event_newer_than_the_code_stops_and_is_never_skipped(house: House, event: StoredEvent) -> None:
    await write_students(house, 2)
    stream = next(iter(house.pen.versions))
    commit = Commit(house.genesis.ledger, stream, 2, UUID(int=7), (event,), "later code", house.clock())
    position = await house.log.append(encode(commit))
    house.pen.versions[stream] = 3
    await house.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
    await house.fold()
    house.is_sound = False  # by then no code here can read it
    async with house.views() as connection:
        stopped = await error_of(connection, TRANSCRIPTS)
        assert stopped is not None
        assert stopped[0] == position
        assert f"'{event.name}' v{event.version}" in stopped[1]
        assert "install the version that wrote it" in stopped[1]
        assert not await catch_up(connection, CurrentTranscripts(), house.keyring)
        assert await error_of(connection, TRANSCRIPTS) == stopped
    assert (await house.check()).differences == ()


class AbsentRegistry(MemoryRegistry):
    """A registry that cannot be reached."""

    async def keys(self, _serials: Sequence[int]) -> dict[int, Key]:
        raise RegistryUnavailable("the registry cannot be reached now")


async def test_what_lies_outside_stops_everybody_and_parks_nobody(house: House) -> None:
    """A registry or a log that is down is no projection's fault, also where a projection meets it first."""
    await write_students(house)
    records = await records_of(house.log)
    async with house.views() as connection:
        with pytest.raises(RegistryUnavailable):
            await advance(connection, 0, records, PROJECTIONS, Keyring(AbsentRegistry(), house.log))
        raises = at(3, LogUnavailable("the log cannot be reached now"))
        with pytest.raises(LogUnavailable):
            await advance(connection, 0, records, with_transcripts(Broken(raises)), house.keyring)
        assert await head_of(connection) == 0
        assert await error_of(connection, TRANSCRIPTS) is None


async def test_a_stopped_view_answers_nobody_and_says_how_to_go_on(house: House) -> None:
    await write_students(house)
    await fold_broken(house, 3)
    async with house.open(follows=False) as ledger, ledger.pool.acquire() as connection:
        await ledger.require(connection, "uploads")
        with pytest.raises(
            ViewStopped, match=r"stopped at position 3: ValueError.*ledger projections retry"
        ) as stopped:
            await ledger.require(connection, TRANSCRIPTS)
        assert NAME not in str(stopped.value)
    assert await repaired(house)


async def test_a_view_that_is_behind_answers_nobody_either(house: House) -> None:
    """Whoever retried it died half-way: no error stands, but its rows are old."""
    await write_students(house)
    await fold_broken(house, 3)
    async with house.open(follows=False) as ledger, ledger.pool.acquire() as connection:
        await connection.execute("update projections set error = null, error_position = null")
        with pytest.raises(ViewStopped, match="being brought forward: it is at 3, the others are at 9"):
            await ledger.require(connection, TRANSCRIPTS)
    assert await repaired(house)


async def test_a_follower_tries_a_stopped_view_once_when_it_starts(house: House) -> None:
    await write_students(house)
    await fold_broken(house, 3)
    async with house.open() as ledger:
        assert await ledger.caught_up() == await house.log.end()

        async def follows() -> bool:
            async with house.views() as connection:
                return await error_of(connection, TRANSCRIPTS) is None

        await until(follows)
        await ledger.caught_up()
        async with ledger.pool.acquire() as connection:
            await ledger.require(connection, TRANSCRIPTS)


async def test_a_follower_takes_on_what_a_dead_process_left_behind(house: House) -> None:
    """Somebody retried a stopped view and died; the leader, which knew it as stopped, must not leave it there."""
    await write_students(house)
    tries = 0

    def fails_twice(commit: OpenCommit) -> None:
        nonlocal tries
        if commit.position == 3:
            tries += 1
            if tries <= 2:
                raise ValueError

    follower = house.follower(projections=with_transcripts(Broken(fails_twice)))
    task = asyncio.create_task(follower.run())
    try:
        async with house.views() as connection:

            async def has_stopped() -> bool:
                return await error_of(connection, TRANSCRIPTS) is not None

            await until(has_stopped)
            await connection.execute("update projections set error = null, error_position = null")

            async def goes_on() -> bool:
                return bool(
                    await connection.fetchval("select next_position = 9 from projections where name = $1", TRANSCRIPTS)
                )

            await until(goes_on)
    finally:
        await stop(task)


async def test_a_view_that_joins_later_catches_up_beside_the_others(house: House) -> None:
    await write_students(house)
    await house.fold(OTHERS)
    async with house.views() as connection:
        assert await connection.fetchval("select next_position from projections where name = $1", TRANSCRIPTS) == 0
        await connection.execute("select 1")
    async with house.open() as ledger:
        assert await ledger.caught_up() == await house.log.end()
        async with ledger.pool.acquire() as connection:
            await ledger.require(connection, TRANSCRIPTS)


async def test_while_a_view_catches_up_verdicts_are_given(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes: the index does not wait for it."""
    monkeypatch.setattr(catch_up_module, "BATCH", 3)
    await write_students(house)
    await house.fold(OTHERS)
    waits, go_on = asyncio.Event(), asyncio.Event()

    async def gate(_connection: Connection) -> None:
        waits.set()
        await go_on.wait()

    async with house.open(projections=with_transcripts(Gated(gate))) as ledger:
        await waits.wait()
        upload = UUID(int=50)
        key = await house.registry.issue(upload)
        settled = await ledger.append(Draft(upload_stream(upload), 0, UUID(int=7), [Written(RECEIVED)], key))
        assert settled.stands
        go_on.set()
        assert await ledger.caught_up() == await house.log.end()


class Newer(CurrentTranscripts):
    """Current transcripts of the next version of the program: another column."""

    version = 2
    ddl = CurrentTranscripts.ddl + "alter table transcript_students add column is_new boolean default true;"

    async def apply(self, connection: Connection, commits: Sequence[OpenCommit], history: History) -> None:
        """Fold nothing: the rows then tell whose they are."""


async def test_rows_of_an_older_version_are_rebuilt_when_the_newer_code_starts(house: House) -> None:
    await write_students(house)
    await house.fold()
    async with house.views() as connection:
        assert await bring_forward(connection, Newer(), house.keyring)
        row = await connection.fetchrow("select version, next_position from projections where name = $1", TRANSCRIPTS)
        assert tuple(row or ()) == (2, await house.log.end())
        assert await connection.fetch("select is_new from transcript_students") == []
    await rebuilt(house)


async def test_rows_of_a_newer_version_are_left_alone_by_the_older_code(house: House) -> None:
    """Both run while a new version is rolled out."""
    await write_students(house)
    await house.fold()
    async with house.views() as connection:
        assert await bring_forward(connection, Newer(), house.keyring)
        rows = await dump(connection, only=TRANSCRIPTS)
        await house.pen.student("1000000001", submitted(full(FRENCH)))
        await advance_to_end(connection, house.log, house.keyring, PROJECTIONS)
        assert not await bring_forward(connection, CurrentTranscripts(), house.keyring)
        assert await dump(connection, only=TRANSCRIPTS) == rows
        assert await error_of(connection, TRANSCRIPTS) is None
    await rebuilt(house)


async def rebuilt(house: House) -> None:
    """Go back to today's version."""
    async with house.views() as connection:
        await connection.execute(f"drop schema {TRANSCRIPTS} cascade")
        await connection.execute("delete from projections where name = $1", TRANSCRIPTS)
    assert await repaired(house)


async def test_catching_up_and_following_never_wait_for_each_other_in_a_circle(house: House) -> None:
    """Both take the head first. PostgreSQL would end one of two that do not, after a second."""
    await write_students(house)
    await house.fold()

    async def follow() -> None:
        async with house.views() as connection:
            for _ in range(60):
                await house.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
                await advance_to_end(connection, house.log, house.keyring, PROJECTIONS)

    async def keep_up() -> None:
        async with house.views() as connection:
            for _ in range(60):
                for projection in PROJECTIONS:
                    assert await catch_up(connection, projection, house.keyring)

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for each in (follow, keep_up, keep_up):
            group.create_task(each())
