"""One step of the follower: guarded, all or nothing, and blind to how the log is cut."""

import asyncio
from collections.abc import Sequence
from random import Random
from uuid import UUID, uuid4

import pytest

from events.commit import Commit, StoredEvent, encode
from events.fold import NOTHING_KNOWN, fold, read_records
from events.log.contract import Record
from events.student import CourseAdded, CourseDeleted, CourseEdited, CredentialsReplaced, StudentEdited, StudentRemoved
from events.upload import UploadChecked, UploadClosed, UploadReceived, UploadRefused
from projections.advance import PositionMoved, advance
from projections.database import SERVER_TROUBLE, SESSION, Connection
from projections.index import read_head
from projections.views import PROJECTIONS, drop_views
from tests.support.ledgers import House
from tests.support.student_sets import ALGEBRA, FRENCH, NURSING, STUDENT, WELDING, full, submitted
from tests.support.views import Gated, Rows, dump, head_of, records_of, with_transcripts

UPLOAD, REFUSED = UUID(int=1), UUID(int=2)


async def write_history(house: House) -> None:
    """Write a log with every kind of event and of verdict, in which most streams come up again and again."""
    pen = house.pen
    received = UploadReceived("b" * 64, 600, "replace", "2025", "017", "public", "file.txt", "f" * 64)
    await pen.upload(UPLOAD, received)
    await pen.upload(REFUSED, received)
    for number in range(6):
        held = submitted(full(ALGEBRA, FRENCH, student=STUDENT | {"site_code": f"01700{number % 2}"}))
        await pen.student(f"100000000{number}", held)
    await pen.upload(REFUSED, UploadRefused({"F03": 1}, "e" * 64))
    await pen.upload(UPLOAD, UploadChecked("2026-06-15", 9, {"305": 1}, ("U01",), "e" * 64, "c" * 64, 6, 0, 1, 0))
    await house.log.append(b"noise")
    await pen.student("1000000000", StudentEdited({"sex_code": "M"}), CourseAdded(3, FRENCH))
    await pen.student("1000000001", CourseEdited(2, {"letter_grade_code": "C"}))
    await pen.student("1000000000", CourseDeleted(1), CredentialsReplaced((WELDING, NURSING)))
    await pen.student("1000000002", StudentRemoved("request"))
    await pen.student("1000000003", submitted(full(FRENCH)), sponsor="018")
    await pen.student("1000000003", submitted(full(FRENCH)), bssy="2024")
    await pen.upload(UPLOAD, UploadClosed(6, 0, 1, 0, 0))
    for commit in voids(house):
        await house.log.append(encode(commit))
    await pen.student("1000000002", submitted(full(ALGEBRA)))
    await pen.student("1000000000", StudentRemoved("request"))


def voids(house: House) -> Sequence[Commit]:
    """Return a commit for each way to be void."""
    event = (StoredEvent("student-removed", 1),)
    stream, ledger = f"upload/{UPLOAD}", house.genesis.ledger
    return (
        Commit(ledger, stream, 0, uuid4(), event, "late", house.clock()),
        Commit(uuid4(), stream, 3, uuid4(), event, "another ledger's", house.clock()),
    )


async def fold_cut(house: House, connection: Connection, cuts: Sequence[int]) -> None:
    """Fold the whole log in batches that end at these positions."""
    records = await records_of(house.log)
    start = await head_of(connection)
    for cut in [*cuts, len(records)]:
        start = await advance(connection, start, records[start:cut], PROJECTIONS, house.keyring)


async def in_fresh_views(house: House, cuts: Sequence[int]) -> Rows:
    """Fold the log into empty tables, in a transaction that is rolled back, and return the rows."""
    async with house.views() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            await fold_cut(house, connection, cuts)
            return await dump(connection)
        finally:
            await transaction.rollback()


async def test_rows_do_not_depend_on_how_the_log_is_cut(house: House) -> None:
    await write_history(house)
    end, random = await house.log.end(), Random(7)
    whole = await in_fresh_views(house, [])
    assert whole["current_transcripts.transcript_students"]
    assert await in_fresh_views(house, range(1, end)) == whole
    for _ in range(5):
        assert await in_fresh_views(house, sorted(random.sample(range(1, end), 4))) == whole


async def test_the_index_keeps_every_record_with_the_verdict_of_rule_1(house: House) -> None:
    await write_history(house)
    records = await records_of(house.log)
    judged, _ = fold(read_records(records), NOTHING_KNOWN)
    await house.fold()
    async with house.views() as connection:
        kept = await connection.fetch("select position, verdict, version, data from commits order by position")
    assert [(row["position"], row["verdict"], row["version"] or 0, row["data"]) for row in kept] == [
        (item.record.position, item.verdict, item.version, item.record.data) for item in judged
    ]
    assert {item.verdict for item in judged} == {"stands", "malformed", "other-ledger", "stale-version"}


async def test_records_that_were_folded_already_do_nothing(house: House) -> None:
    await write_history(house)
    records = await records_of(house.log)
    async with house.views() as connection:
        end = await advance(connection, 0, records, PROJECTIONS, house.keyring)
        rows = await dump(connection)
        for start in (0, 3, end - 1):
            assert await advance(connection, start, records[start:], PROJECTIONS, house.keyring) == end
        assert await advance(connection, end, [], PROJECTIONS, house.keyring) == end
        assert await dump(connection) == rows


async def test_a_batch_that_begins_before_the_head_is_folded_from_the_head_on(house: House) -> None:
    await write_history(house)
    records = await records_of(house.log)
    async with house.views() as connection:
        await advance(connection, 0, records[:7], PROJECTIONS, house.keyring)
        assert await advance(connection, 2, records[2:], PROJECTIONS, house.keyring) == len(records)


async def test_a_batch_that_begins_behind_the_head_is_refused_so_that_no_gap_is_skipped(house: House) -> None:
    await write_history(house)
    records = await records_of(house.log)
    async with house.views() as connection:
        await advance(connection, 0, records[:5], PROJECTIONS, house.keyring)
        rows = await dump(connection)
        with pytest.raises(PositionMoved, match=r"index is at 5.*begin at 6"):
            await advance(connection, 6, records[6:], PROJECTIONS, house.keyring)
        assert await dump(connection) == rows


async def test_positions_may_have_gaps(house: House) -> None:
    """Kafka leaves some; the next position is that behind the last record, wherever it lies."""
    await house.pen.student("1000000001", submitted(full()))
    await house.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
    genesis, first, second = await records_of(house.log)
    gapped = [genesis, Record(5, first.data), Record(9, second.data)]
    async with house.views() as connection:
        assert await advance(connection, 0, gapped[:2], PROJECTIONS, house.keyring) == 6
        assert await advance(connection, 6, gapped[2:], PROJECTIONS, house.keyring) == 10
        assert await connection.fetchval("select version from transcript_students") == 2
        await drop_views(connection)


@pytest.mark.parametrize("seed", range(3))
async def test_two_followers_with_overlapping_records_fold_each_once(house: House, seed: int) -> None:
    """Case 20: two at once; the guarded position holds without any lock between them."""
    await write_history(house)
    records, random = await records_of(house.log), Random(seed)

    async def follow(connection: Connection) -> None:
        start = await head_of(connection)
        while start < len(records):
            start = await advance(
                connection, start, records[start : start + random.randint(1, 6)], PROJECTIONS, house.keyring
            )

    async with house.views() as one, house.views() as other:
        await asyncio.gather(follow(one), follow(other))
        assert await head_of(one) == len(records)
        rows = await dump(one)
    assert rows == (await in_rebuilt_views(house))


async def in_rebuilt_views(house: House) -> Rows:
    """Drop every view and fold the log anew."""
    async with house.views() as connection:
        await drop_views(connection)
    await house.fold()
    async with house.views() as connection:
        return await dump(connection)


@pytest.mark.parametrize("when", ["before", "after"], ids=["before its rows", "after its rows"])
async def test_a_follower_cut_off_in_mid_transaction_leaves_nothing_half_done(house: House, when: str) -> None:
    """Case 19: rows and position are one transaction."""
    await write_history(house)
    records = await records_of(house.log)

    async def cut(connection: Connection) -> None:
        async with house.views() as other:
            await other.execute("select pg_terminate_backend($1)", connection.get_server_pid())

    async def cut_off() -> None:
        if when == "before":
            await advance(connection, 9, records[9:], with_transcripts(Gated(cut)), house.keyring)
        async with connection.transaction():
            await advance(connection, 9, records[9:], PROJECTIONS, house.keyring)
            await cut(connection)

    async with house.views() as connection:
        await advance(connection, 0, records[:9], PROJECTIONS, house.keyring)
        rows = await dump(connection)
        with pytest.raises(SERVER_TROUBLE):
            await cut_off()
    async with house.views() as again:
        assert await dump(again) == rows


async def test_a_follower_cancelled_in_mid_transaction_leaves_nothing_half_done(house: House) -> None:
    await write_history(house)
    records = await records_of(house.log)
    reached = asyncio.Event()

    async def hang(_: Connection) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with house.views() as connection:
        work = asyncio.create_task(advance(connection, 0, records, with_transcripts(Gated(hang)), house.keyring))
        await reached.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await head_of(connection) == 0
        assert await advance(connection, 0, records, PROJECTIONS, house.keyring) == len(records)


async def test_everybody_is_told_when_the_views_have_moved_and_not_before(house: House) -> None:
    await write_history(house)
    records = await records_of(house.log)
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with house.views() as listening, house.views() as connection:
        await listening.add_listener("ledger_position", lambda *said: heard.put_nowait(str(said[-1])))
        async with connection.transaction():
            await advance(connection, 0, records, PROJECTIONS, house.keyring)
            await listening.fetchval("select 1")
            assert heard.empty()
        assert await heard.get() == str(len(records))


async def test_as_of_is_the_running_maximum_of_commit_times(house: House) -> None:
    """One writer's clock may be slow; a later position is never as of an earlier time."""
    await house.pen.student("1000000001", submitted(full()))
    late = house.clock.time
    house.clock.time = late.replace(year=2020)
    await house.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
    await house.fold()
    async with house.views() as connection:
        assert await connection.fetchval("select changed_at from transcript_students") == late
        assert (await read_head(connection)).as_of == late
        times = [row["as_of"] for row in await connection.fetch("select as_of from commits order by position")]
    assert times == sorted(times)
    house.clock.time = late


async def test_a_session_that_stands_idle_in_a_transaction_is_ended(house: House) -> None:
    """So that a stopped process does not hold the head for ever."""
    assert SESSION["idle_in_transaction_session_timeout"] == "5000"
    async with house.views() as connection:
        assert await connection.fetchval("show idle_in_transaction_session_timeout") == "5s"
