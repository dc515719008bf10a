"""Case 15: the log loses records, and perhaps gets others: start refused; while running, the follower stops."""

from uuid import uuid4

import asyncpg
import pytest

from events.log.contract import AppendRefused, LogUnfit
from events.student_commands import EditStudent
from projections import index
from projections.database import connect
from projections.views import SCHEMAS
from services.commands import execute
from services.ledger import Ledger
from tests.support.faults_cli import UNFIT, ledger_says
from tests.support.faults_job import Arm, Edit
from tests.support.faults_oracle import examine, rows_of
from tests.support.faults_points import Fault
from tests.support.faults_processes import Nursery
from tests.support.faults_surgery import by_somebody_else, delete_first_records, replace_records
from tests.support.faults_world import World, stored_students
from tests.support.logs import read_all

CHANGE = EditStudent({"local_identification_number": "CHANGED"})
STUDENTS = 4
RECORDS = STUDENTS + 4
"""Genesis, three of the upload, one a student."""

on_kafka = pytest.mark.parametrize("kind", [pytest.param("kafka", marks=pytest.mark.kafka)])


async def records_of(ledger: Ledger) -> list[bytes]:
    return [record.data for record in await read_all(ledger.log)]


async def filled(world: World) -> list[bytes]:
    """Store some students, and return all records of the log."""
    async with world.open() as ledger:
        await stored_students(ledger, world, STUDENTS)
        records = await records_of(ledger)
    assert len(records) == RECORDS
    return records


async def refusal(world: World) -> str:
    """Open the ledger in vain; return what was said."""
    with pytest.raises(LogUnfit) as refused:
        async with world.open():
            pass
    return str(refused.value)


@pytest.mark.parametrize("lost", [1, 3, RECORDS - 1])
async def test_a_log_that_lost_its_last_records_is_refused_and_says_from_where(world: World, lost: int) -> None:
    records = await filled(world)
    await replace_records(world, records[:-lost])
    said = await refusal(world)
    assert f"ends at {RECORDS - lost}, but the views have folded it up to position {RECORDS - 1}" in said
    assert f"records {RECORDS - lost} to {RECORDS - 1} are missing" in said
    code, shown = await ledger_says(world, "students")
    assert (code, said in shown) == (UNFIT, True)

    await replace_records(world, records)
    async with world.open() as ledger:
        await examine(ledger, world.journal)


async def test_a_log_that_lost_all_its_records_is_refused_and_nothing_is_begun_in_it(world: World) -> None:
    records = await filled(world)
    await replace_records(world, [])
    said = await refusal(world)
    assert f"ends at 0, but the views have folded it up to position {RECORDS - 1}" in said
    await replace_records(world, records)
    async with world.open() as ledger:
        assert await records_of(ledger) == records
        await examine(ledger, world.journal)


@pytest.mark.parametrize("grown", [0, 5])
async def test_a_log_cut_and_grown_again_past_the_views_is_refused(world: World, grown: int) -> None:
    records = await filled(world)
    others = [by_somebody_else(record) for record in records[-2:]] + [by_somebody_else(records[-1])] * grown
    await replace_records(world, records[:-2] + others)
    said = await refusal(world)
    assert f"holds another record at position {RECORDS - 1} than the one the views have folded" in said
    assert (await ledger_says(world, "students"))[0] == UNFIT


async def test_where_the_shorter_log_is_the_truth_the_views_are_rebuilt_from_it_as_the_refusal_says(
    world: World,
) -> None:
    records = await filled(world)
    await replace_records(world, records[:-2])
    assert "`ledger projections rebuild --all`" in await refusal(world)
    code, said = await ledger_says(world, "projections", "rebuild", "--all")
    assert code == 0, said
    async with world.open() as ledger:
        await examine(ledger, world.journal)
        assert len(await rows_of(ledger, "select from transcript_students")) == STUDENTS - 1


@on_kafka
async def test_a_topic_whose_first_records_were_deleted_is_refused(world: World) -> None:
    await filled(world)
    await delete_first_records(world, 3)
    assert "begins at position 3: records were removed" in await refusal(world)


async def heads(world: World) -> list[asyncpg.Record]:
    """Return how far the views have come, without opening a ledger that would refuse it."""
    connection = await connect(world.views_dsn, SCHEMAS)
    try:
        return list(await connection.fetch("select * from head"))
    finally:
        await connection.close()


async def until_stopped(ledger: Ledger) -> str:
    """Wait until the follower gives up; return what it says."""
    assert ledger.following is not None
    with pytest.raises(LogUnfit) as stopped:
        await ledger.following
    return str(stopped.value)


async def test_while_running_a_log_that_lost_records_stops_the_follower_and_nothing_more_is_sent(
    world: World,
) -> None:
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        records = await records_of(ledger)
        await replace_records(world, records[:-2])
        assert "records were removed" in await until_stopped(ledger)
        with pytest.raises(AppendRefused, match=r"nothing was sent, since the views stopped: .*records were removed"):
            await execute(ledger, whose, CHANGE, command_id=uuid4())
        assert await records_of(ledger) == records[:-2]
        async with ledger.pool.acquire() as connection:
            assert (await index.read_head(connection)).next_position == len(records)


@pytest.mark.parametrize("grown", [0, 2, 5])
async def test_a_writer_stopped_while_the_log_is_cut_hears_that_its_outcome_is_unknown_and_folds_nothing_more(
    world: World, nursery: Nursery, grown: int
) -> None:
    """Cut by two records and grown again by none, as many, and more: past the position the views had reached."""
    async with world.open() as ledger:
        [whose] = await stored_students(ledger, world, 1)
        records = await records_of(ledger)
    edit = Edit(uuid4(), whose.state_id, "LOST")
    writer = await nursery.start(world.job(Arm(Fault(1, "before append", "stop")), edit))
    await writer.stopped()
    others = [*map(by_somebody_else, records[-2:]), *[by_somebody_else(records[-1])] * 3]
    await replace_records(world, records[:-2] + others[:grown])
    writer.go_on()
    assert await writer.ended() == 1
    assert "OutcomeUnknown" in world.said()
    assert world.journal.answers() == {}
    [head] = await heads(world)
    assert head["next_position"] == len(records)
