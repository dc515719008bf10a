"""fsck: it finds nothing where all is well, everything that is not, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from uuid import UUID

import pytest

from events.log.contract import Record
from events.log.memory import MemoryLog, MemoryStore
from events.registry.memory import MemoryRegistry
from events.student import CourseAdded, StudentEdited, StudentRemoved
from events.upload import UploadReceived, UploadRefused
from projections import fsck as fsck_module
from projections.catch_up import begin_building, catch_up, drop_building, rebuild
from projections.current_transcripts import CurrentTranscripts
from projections.database import SERVER_TROUBLE, Connection
from projections.fsck import Difference, ViewsReplacedError, fsck
from projections.opening import KeyMissing, Keyring
from services.wiring import stop
from tests.support.ledgers import House
from tests.support.student_sets import FRENCH, WELDING, full, submitted
from tests.support.views import Gated, Rows, dump, head_of, until, with_transcripts

RECEIVED = UploadReceived("b" * 64, 600, "replace", "2025", "017", "public", "file.txt", "f" * 64)


async def write_history(house: House) -> None:
    """Write students and uploads, and one void attempt."""
    for each in range(6):
        await house.pen.student(f"100000000{each}", submitted(full(credentials=(WELDING,))))
    await house.pen.student("1000000001", CourseAdded(2, FRENCH))
    await house.pen.student("1000000002", StudentRemoved("request"))
    for number in (1, 2):
        await house.pen.upload(UUID(int=number), RECEIVED)
    await house.pen.upload(UUID(int=2), UploadRefused({"F03": 1}, "e" * 64))
    stream = next(iter(house.pen.versions))
    key = (await house.registry.enrol(["1000000000"]))["1000000000"]
    await house.pen.write(stream, [(StudentEdited({"sex_code": "M"}), None)], key, expected=0)


@pytest.fixture
async def written(house: House) -> House:
    """A ledger with some history, folded."""
    await write_history(house)
    await house.fold()
    return house


async def schemas(connection: Connection) -> list[str]:
    """Return the names of all schemas."""
    return [row[0] for row in await connection.fetch("select nspname from pg_namespace order by 1")]


async def test_sound_views_have_no_differences(written: House) -> None:
    finding = await written.check()
    async with written.views() as connection:
        rows = sum(len(rows) for rows in (await dump(connection)).values())
    assert finding.differences == ()
    assert finding.position == await written.log.end()
    assert finding.rows == rows > 30


async def test_empty_views_of_a_new_ledger_have_no_differences(house: House) -> None:
    assert (await house.check()).differences == ()


async def test_views_that_are_behind_are_compared_where_they_are(written: House) -> None:
    position = await written.log.end()
    await written.pen.student("1000000001", StudentEdited({"sex_code": "M"}))
    finding = await written.check()
    assert (finding.position, finding.differences) == (position, ())


@pytest.mark.parametrize(
    ("damage", "table", "only_live", "only_folded"),
    [
        ("update transcript_students set grade = '99' where position = 1", "transcript_students", 1, 1),
        ("update transcript_students set changed_at = now()", "transcript_students", 5, 5),
        ("delete from transcript_courses where number = 2", "transcript_courses", 0, 1),
        ("update transcript_credentials set pass_fail = 'F'", "transcript_credentials", 5, 5),
        ("insert into erasures values (gen_random_uuid(), 1)", "erasures", 1, 0),
        ("update uploads set file_name = 'another.txt' where state = 'received'", "uploads", 1, 1),
        ("delete from upload_codes", "upload_codes", 0, 1),
        ("update commits set verdict = 'stale-version' where position = 4", "commits", 1, 1),
        ("update commits set verdict = 'stands', command = null where verdict = 'stale-version'", "commits", 1, 1),
        ("update commits set data = data || '\\x20' where position = 4", "commits", 1, 1),
        ("update commits set version = version + 1 where position = 4", "commits", 1, 1),
        ("delete from commits where position = 4", "commits", 0, 1),
        ("update head set last_digest = sha256('x')", "head", 1, 1),
        ("update head set last_key = last_key + 1", "head", 1, 1),
        ("update projections set version = 0 where name = 'uploads'", "projections", 1, 1),
        ("update projections set error = 'x' where name = 'uploads'", "projections", 1, 1),
    ],
)  # fmt: skip
async def test_every_changed_row_is_found(
    written: House, damage: str, table: str, only_live: int, only_folded: int
) -> None:
    written.is_sound = False
    async with written.views() as connection:
        schema = await connection.fetchval(
            "select nspname from pg_class join pg_namespace on pg_namespace.oid = relnamespace "
            "where pg_class.oid = $1::regclass",
            table,
        )
        await connection.execute(damage)
    finding = await written.check()
    assert finding.differences == (Difference(f"{schema}.{table}", only_live, only_folded),)


async def test_a_row_more_is_found(written: House) -> None:
    written.is_sound = False
    async with written.views() as connection:
        await connection.execute("insert into transcript_students select gen_random_uuid(), bssy, sponsor, state_id, "
            "local_id, site, first_name, last_name, grade, grade_9_entry_year, graduation_date, diploma_pathway, "
            "career_option, consent, courses, credentials, record, version, position, changed_at "
            "from transcript_students limit 1")  # fmt: skip
    finding = await written.check()
    assert finding.differences == (Difference("current_transcripts.transcript_students", 1, 0),)


async def test_a_head_set_back_is_found(written: House) -> None:
    """Rows are then ahead of the position that they claim."""
    written.is_sound = False
    async with written.views() as connection:
        await connection.execute("update head set next_position = 5")
    tables = {difference.table for difference in (await written.check()).differences}
    assert {"ledger_index.head", "ledger_index.commits", "current_transcripts.transcript_students"} <= tables


async def test_a_log_that_lost_records_is_found(written: House) -> None:
    """Cases 15 and 32, by an auditor and not at a start."""
    cut = MemoryStore()
    cut.records = written.log.store.records[:-3]
    async with written.views() as connection:
        finding = await fsck(connection, MemoryLog(cut), written.keyring)
    assert {"ledger_index.head", "ledger_index.commits"} <= {difference.table for difference in finding.differences}


async def test_a_changed_record_is_found(written: House) -> None:
    """Case 16: one byte, below every checksum of the log."""
    changed = MemoryStore()
    changed.records = list(written.log.store.records)
    old = changed.records[7]
    changed.records[7] = Record(old.position, old.data.replace(b'"actor":"pen"', b'"actor":"hen"'))
    async with written.views() as connection:
        finding = await fsck(connection, MemoryLog(changed), written.keyring)
    assert finding.differences == (Difference("ledger_index.commits", 1, 1),)


async def test_a_key_that_is_missing_is_told_as_such(written: House) -> None:
    async with written.views() as connection:
        before = await schemas(connection)
        with pytest.raises(KeyMissing, match="restore the registry"):
            await fsck(connection, written.log, Keyring(MemoryRegistry(), written.log))
        assert await schemas(connection) == before


async def test_a_view_that_stopped_is_no_difference_to_code_that_stops_there_too(house: House) -> None:
    async def fail(_: Connection) -> None:
        raise ValueError

    await write_history(house)
    broken = with_transcripts(Gated(fail))
    await house.fold(broken)
    assert (await house.check(broken)).differences == ()
    assert {difference.table for difference in (await house.check()).differences} == {
        "ledger_index.projections",
        *(f"current_transcripts.{table}" for table in CurrentTranscripts.tables),
    }
    async with house.views() as connection:
        assert await catch_up(connection, CurrentTranscripts(), house.keyring)


async def test_it_tells_how_far_it_is(written: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fsck_module, "BATCH", 4)
    told: list[tuple[int, int]] = []
    async with written.views() as connection:
        await fsck(connection, written.log, written.keyring, told=lambda *said: told.append(said))
    end = await written.log.end()
    assert [of for _, of in told] == [end] * len(told)
    assert [done for done, _ in told] == [4, 8, 12, 13][: len(told)]
    assert told[-1] == (end, end)


class Slow(MemoryLog):
    """A log that waits before each batch but the first."""

    def __init__(self, store: MemoryStore) -> None:
        super().__init__(store)
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    async def read(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
        first = True
        async for records in super().read(start, limit=limit):
            if not first:
                self.reached.set()
                await self.go_on.wait()
            first = False
            yield records


@pytest.fixture
def slow(written: House, monkeypatch: pytest.MonkeyPatch) -> Slow:
    """The log, read slowly and in small batches."""
    monkeypatch.setattr(fsck_module, "BATCH", 4)
    return Slow(written.log.store)


async def test_nothing_is_stopped_and_the_rows_are_compared_as_of_one_position(written: House, slow: Slow) -> None:
    """The follower goes on under it; what it writes is not what is looked at."""
    position = await written.log.end()
    follower = asyncio.create_task(written.follower().run())
    try:
        async with written.views() as connection, written.views() as other:
            work = asyncio.create_task(fsck(connection, slow, written.keyring))
            await slow.reached.wait()
            for each in range(6):
                await written.pen.student(f"100000000{each}", submitted(full(FRENCH)))
            end = await written.log.end()

            async def follows() -> bool:
                return await head_of(other) == end

            await until(follows)
            slow.go_on.set()
            finding = await work
    finally:
        await stop(follower)
    assert (finding.position, finding.differences) == (position, ())


async def test_a_view_rebuilt_meanwhile_is_never_told_as_different(written: House, slow: Slow) -> None:
    """Its rows are younger than what fsck sees, so nothing can be said."""
    async with written.views() as connection, written.views() as other:
        work = asyncio.create_task(fsck(connection, slow, written.keyring))
        await slow.reached.wait()
        assert await rebuild(other, CurrentTranscripts(), written.keyring)
        slow.go_on.set()
        with pytest.raises(ViewsReplacedError, match="run `ledger fsck` again"):
            await work


async def test_a_view_that_is_being_built_is_nobodys_yet(written: House) -> None:
    async with written.views() as connection:
        await begin_building(connection, CurrentTranscripts(), "current_transcripts__next")
        assert (await written.check()).differences == ()
        await drop_building(connection, "current_transcripts__next")


async def everything(house: House) -> tuple[list[str], Rows]:
    """Return all schemas and rows."""
    async with house.views() as connection:
        return await schemas(connection), await dump(connection)


async def test_it_leaves_nothing_behind(written: House) -> None:
    before = await everything(written)
    await written.check()
    assert await everything(written) == before


async def test_cancelled_it_leaves_nothing_behind_and_the_connection_serves_on(written: House, slow: Slow) -> None:
    before = await everything(written)
    async with written.views() as connection:
        work = asyncio.create_task(fsck(connection, slow, written.keyring))
        await slow.reached.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert (await fsck(connection, written.log, written.keyring)).differences == ()
    assert await everything(written) == before


async def test_killed_it_leaves_nothing_behind(written: House, slow: Slow) -> None:
    before = await everything(written)
    async with written.views() as connection:
        work = asyncio.create_task(fsck(connection, slow, written.keyring))
        await slow.reached.wait()
        async with written.views() as other:
            await other.execute("select pg_terminate_backend($1)", connection.get_server_pid())
        slow.go_on.set()
        with pytest.raises(SERVER_TROUBLE):
            await work
    assert await everything(written) == before
