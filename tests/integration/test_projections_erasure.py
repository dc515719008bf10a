"""Keys and erasures: what is gone is gone from every row, and a key that is only lost stops everything."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from uuid import UUID, uuid5

import pytest

from events.identity import StudentErased, StudentIdentified, Unknown, standing
from events.log.contract import Record
from events.log.memory import MemoryLog
from events.registry.contract import Key
from events.registry.memory import MemoryRegistry
from events.sealing import SealBroken
from events.streams import identity_stream, student_stream
from events.student import CourseAdded, StudentEdited
from events.student_commands import EditStudent, Refused
from projections.advance import advance
from projections.database import Connection
from projections.follower import Follower, advance_to_end
from projections.index import stream_commits
from projections.opening import ErasedError, KeyMissing, Keyring
from projections.views import PROJECTIONS, drop_views
from services.commands import Target, execute
from services.ledger import Draft, Ledger, OutcomeUnknown, Written
from tests.support.ledgers import House
from tests.support.student_sets import FRENCH, STUDENT, WELDING, full, submitted
from tests.support.views import Rows, dump, until

ADA, BEN = "1000000001", "1000000002"
ORDER = StudentErased("docket 2026-17")


class Remembering(MemoryRegistry):
    """A registry as another process sees it, which has opened keys in its memory and has not heard of an erasure."""

    def __init__(self, registry: MemoryRegistry) -> None:
        super().__init__()
        self.registry = registry
        self.remembered: dict[int, Key] = {}
        self.forgotten: set[UUID] = set()

    async def keys(self, serials: Sequence[int]) -> dict[int, Key]:
        self.remembered |= await self.registry.keys(serials)
        return {serial: self.remembered[serial] for serial in serials if serial in self.remembered}

    async def erase(self, owner: UUID) -> None:
        """Forget nothing, as a reader may that has just asked; but note it."""
        self.forgotten.add(owner)
        await self.registry.erase(owner)

    async def last_serial(self) -> int:
        return await self.registry.last_serial()


class Restored(MemoryRegistry):
    """A registry as it was backed up: it does not know of what was erased or made since."""

    def __init__(self, backup: MemoryRegistry) -> None:
        super().__init__()
        self._keys, self._owners, self._refs = dict(backup._keys), dict(backup._owners), dict(backup._refs)
        self._last_serial, self._master, self._state_system = backup._last_serial, backup._master, backup._state_system


async def write_two(house: House) -> None:
    """Write two students with some history."""
    for state_id in (ADA, BEN):
        await house.pen.identity(state_id, StudentIdentified("Vorimquenda", "Zylthmarope"))
        await house.pen.student(state_id, submitted(full(credentials=(WELDING,))))
        await house.pen.student(state_id, CourseAdded(2, FRENCH))
    await house.pen.student(ADA, submitted(full()), bssy="2024")


async def fold_anew(house: House) -> Rows:
    """Drop the views, fold the log again and return every row."""
    async with house.views() as connection:
        await drop_views(connection)
    await house.fold()
    async with house.views() as connection:
        return await dump(connection)


async def rows_of(house: House, ref: UUID) -> int:
    """Count a student's rows."""
    async with house.views() as connection:
        return sum(
            [
                await connection.fetchval(f"select count(*) from {table} where ref = $1", ref)
                for table in ("transcript_students", "transcript_courses", "transcript_credentials", "graduates")
            ]
        )


async def ref_of(house: House, state_id: str) -> UUID:
    """Return a student's ref."""
    return (await house.registry.enrol([state_id]))[state_id].owner


async def test_an_erased_students_rows_go_and_a_rebuild_gives_the_same_rows(house: House) -> None:
    await write_two(house)
    await house.fold()
    ada, ben = await ref_of(house, ADA), await ref_of(house, BEN)
    assert await rows_of(house, ada) == 6
    before = await rows_of(house, ben)
    await house.pen.identity(ADA, ORDER)
    await house.fold()
    assert await rows_of(house, ada) == 0
    assert await rows_of(house, ben) == before == 4
    async with house.views() as connection:
        live = await dump(connection)
    assert await fold_anew(house) == live


async def test_the_key_and_the_way_to_the_ref_are_destroyed(house: House) -> None:
    await write_two(house)
    serial = (await house.registry.find([ADA]))[ADA].serial
    await house.pen.identity(ADA, ORDER)
    await house.fold()
    assert await house.registry.find([ADA]) == {}
    assert await house.registry.keys([serial]) == {}
    assert ADA not in str(await fold_anew(house))


async def test_an_erased_commit_cannot_be_opened_and_says_so(house: House) -> None:
    await write_two(house)
    stream = student_stream("017", await ref_of(house, ADA), "2025")
    await house.pen.identity(ADA, ORDER)
    await house.fold()
    async with house.views() as connection:
        opened = await house.keyring.open(await stream_commits(connection, [stream]))
    assert [commit.erased for commit in opened] == [True, True]
    with pytest.raises(ErasedError, match="gone for ever"):
        _ = opened[0].events


async def test_who_comes_back_after_an_erasure_is_somebody_new(house: House) -> None:
    await write_two(house)
    old = await ref_of(house, ADA)
    await house.pen.identity(ADA, ORDER)
    await house.fold()
    await house.pen.student(ADA, submitted(full()))
    await house.fold()
    new = await ref_of(house, ADA)
    assert new != old
    assert await rows_of(house, new) == 2
    assert await rows_of(house, old) == 0


@pytest.mark.parametrize("cut", ["one batch", "batch by batch"])
async def test_a_commit_that_comes_after_the_erasure_brings_no_row_back(house: House, cut: str) -> None:
    """A writer had not heard of it; and the process that folds it may still have the key in its memory."""
    await write_two(house)
    key = (await house.registry.find([ADA]))[ADA]
    elsewhere = Keyring(Remembering(house.registry), house.log)
    async with house.views() as connection:
        if cut == "batch by batch":
            await advance_to_end(connection, house.log, elsewhere, PROJECTIONS)
        await house.pen.identity(ADA, ORDER)
        if cut == "batch by batch":
            await house.fold()
        await house.pen.student(ADA, StudentEdited({"sex_code": "M"}), key=key)
        graduate = full(student=STUDENT | {"graduation_date": "05152026"})
        await house.pen.student(ADA, submitted(graduate), bssy="2023", key=key)
        await advance_to_end(connection, house.log, elsewhere, PROJECTIONS)
    assert await rows_of(house, key.owner) == 0


async def test_a_restored_registry_forgets_again_what_was_erased(house: House) -> None:
    """Case 33: the key comes back with the backup, and goes when the log is folded."""
    await write_two(house)
    backup = Restored(house.registry)
    ada = await ref_of(house, ADA)
    await house.pen.identity(ADA, ORDER)
    await house.fold()
    async with house.views() as connection:
        live = await dump(connection)
    house.registry = backup
    assert await backup.find([ADA]) != {}
    assert await fold_anew(house) == live
    assert await backup.find([ADA]) == {}
    assert await rows_of(house, ada) == 0


async def test_a_registry_restored_beside_the_views_forgets_too(house: House) -> None:
    """The views have passed the erasure long ago, so nobody folds it again."""
    await write_two(house)
    backup = Restored(house.registry)
    ada = (await house.registry.find([ADA]))[ADA]
    await house.pen.identity(ADA, ORDER)
    await house.fold()
    async with house.open(registry=backup) as ledger:

        async def has_forgotten() -> bool:
            return await backup.find([ADA]) == {} == await backup.keys([ada.serial])

        await until(has_forgotten)
        await ledger.caught_up()


async def test_every_process_forgets_the_key_also_those_that_only_stand_by(house: House) -> None:
    """A key that it has opened lies in its memory, and might open what history shows."""
    await write_two(house)
    ada = (await house.registry.find([ADA]))[ADA]
    elsewhere = Remembering(house.registry)
    await elsewhere.keys([ada.serial])
    async with house.open() as ledger, house.open(registry=elsewhere) as other:
        await until(leads_or_stands_by(ledger, other))
        await house.pen.identity(ADA, ORDER)
        await ledger.caught_up()

        async def has_forgotten() -> bool:
            return ada.owner in elsewhere.forgotten

        await until(has_forgotten)
        stream = student_stream("017", ada.owner, "2025")
        assert [commit.erased for commit in await other.events_of(stream)] == [True, True]


def leads_or_stands_by(ledger: Ledger, other: Ledger) -> Callable[[], Awaitable[bool]]:
    """Ask whether one of two leads."""

    async def asked() -> bool:
        return ledger.follower.progress.leading or other.follower.progress.leading

    return asked


async def test_a_lost_key_stops_the_follower_with_what_to_do(house: House) -> None:
    """Nobody was erased, so rows must not go missing as if somebody had been."""
    await write_two(house)
    await house.fold()
    lost = Restored(house.registry)
    await lost.erase(await ref_of(house, BEN))
    await house.pen.student(BEN, StudentEdited({"sex_code": "M"}))
    with pytest.raises(KeyMissing, match=r"names key 2, which the registry does not hold.*restore the registry"):
        await Follower(house.views_dsn, house.again(), lost).run()


async def test_a_writer_hears_why_the_follower_stopped(house: House) -> None:
    await write_two(house)
    await house.fold()
    lost = Restored(house.registry)
    await lost.erase(await ref_of(house, BEN))
    position = await house.pen.student(BEN, StudentEdited({"sex_code": "M"}))
    async with house.open(registry=lost) as ledger:
        with pytest.raises(OutcomeUnknown, match=rf"in the log at position {position}.*restore the registry"):
            await ledger.verdict(UUID(int=1), position)
        with pytest.raises(KeyMissing):
            await ledger.caught_up()


async def test_a_registry_that_gives_a_serial_to_somebody_else_is_refused(house: House) -> None:
    """An older registry, restored beside dropped views, would issue again what the log names already."""
    await write_two(house)
    older = MemoryRegistry()
    await older.enrol(["9999999999", "8888888888"])
    async with house.views() as connection:
        with pytest.raises(KeyMissing, match="to another owner than the log does"):
            await advance_to_end(connection, house.log, Keyring(older, house.log), PROJECTIONS)


async def test_a_commit_whose_sealed_part_was_moved_stops_the_view_and_opens_nowhere(house: House) -> None:
    """Somebody copied a student's sealed edit onto another year of theirs."""
    await house.pen.student(ADA, submitted(full()))
    await house.pen.student(ADA, submitted(full(FRENCH)), bssy="2024")
    await house.fold()
    house.is_sound = False
    data = house.log.store.records[1].data
    command = data.split(b'"command":"')[1][:36]
    moved = data.replace(b"/2025", b"/2023").replace(command, str(UUID(int=7)).encode())
    await house.log.append(moved)
    await house.fold()
    async with house.views() as connection:
        error = await connection.fetchval("select error from projections where name = 'current_transcripts'")
    assert error.startswith(SealBroken.__name__)


async def erase(ledger: Ledger, state_id: str) -> None:
    """Erase a student as a service does."""
    key = (await ledger.registry.find([state_id]))[state_id]
    written = Written(ORDER, standing(Unknown(), key.material))
    draft = Draft(identity_stream(key.owner), 0, uuid5(key.owner, "erase"), [written], None)
    assert (await ledger.append(draft)).stands


async def test_an_erasure_from_end_to_end(house: House) -> None:
    """Once it is answered, every row is gone; who still holds the key can store nothing that anybody reads."""
    await house.pen.student(ADA, submitted(full()))
    await house.pen.student(BEN, submitted(full()))
    async with house.open() as ledger, house.open() as other:
        await asyncio.gather(ledger.caught_up(), other.caught_up())
        key = (await ledger.registry.find([ADA]))[ADA]
        target = Target(student_stream("017", key.owner, "2025"), key, ADA, "017", "2025")
        await erase(ledger, ADA)
        assert await rows_of(house, key.owner) == 0
        assert await ledger.registry.find([ADA]) == {}
        outcome = await execute(other, target, EditStudent({"sex_code": "M"}), command_id=UUID(int=5))
        assert isinstance(outcome, Refused)
        assert [problem.code for problem in outcome.problems] == ["S01"]
    assert await rows_of(house, key.owner) == 0
    assert await rows_of(house, await ref_of(house, BEN)) == 2


async def test_erasures_are_looked_for_in_the_log_once(house: House) -> None:
    """A rebuild meets an erased student's commits long before the erasure, and reads ahead for it only then."""
    await write_two(house)
    await house.pen.identity(ADA, ORDER)
    await house.fold()
    reads: list[int] = []

    class Counting(MemoryLog):
        def read(self, start: int = 0, *, limit: int = 500) -> AsyncGenerator[Sequence[Record], None]:
            reads.append(start)
            return super().read(start, limit=limit)

    log = Counting(house.log.store)
    async with house.views() as connection:
        await drop_views(connection)
    async with house.views() as connection:
        await fold_one_by_one(connection, log, Keyring(house.registry, log))
    end = await log.end()
    assert reads[1:] == [0, *[end] * (len(reads) - 2)]


async def fold_one_by_one(connection: Connection, log: MemoryLog, keyring: Keyring) -> None:
    """Fold the log in batches of one record."""
    start = 0
    async for records in log.read(0, limit=1):
        start = await advance(connection, start, records, PROJECTIONS, keyring)
