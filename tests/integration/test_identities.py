"""Who the students are: loads of the extract, identities of nonpublic 020s, and who is missing."""

import asyncio
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest

from events.identity import StudentErased, StudentIdentified, identity_in_record
from events.streams import identity_stream
from events.student_commands import EditStudent
from projections.identity_queries import Lacking, students_held
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import check_file
from schemas.louisiana_sts.records import Fields
from services.commands import Conflict, Stored
from services.generate import Spec, generate
from services.generate.extract import GeneratedExtract
from services.identities import identify, identity_of
from services.identities_missing import lacking
from services.identity_load import event_of, load, plan
from services.intake.receive import Received, receive
from services.intake.work import work_queue
from services.ledger import Ledger
from services.targets import find_key
from tests.support.ledgers import House
from tests.support.schools import DyingLog, GateLog, Interrupted, command, edit, extract_of, upload

pytestmark = pytest.mark.postgres

PUBLIC = Spec(40, sites=1, seed=5)
NONPUBLIC = Spec(12, sites=1, seed=6, layout="nonpublic", sponsor="506")


async def known(ledger: Ledger, state_id: str) -> object:
    """Who a student is."""
    return (await identity_of(ledger, (await find_key(ledger, state_id)).owner)).state


async def missing(ledger: Ledger) -> tuple[Lacking, ...]:
    """The no-PII list."""
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        held = await students_held(connection, site=None, bssy=None)
    return await lacking(ledger, held)


def records(spec: Spec) -> dict[str, Fields]:
    """The 020 of each student of an invented file."""
    batch, _ = check_file(generate(spec).data, "made.txt", today=date(2026, 6, 15))
    assert isinstance(batch, Batch)
    return {state_id: batch.record_set(state_id).student or {} for state_id in batch.state_ids}


# --- Loads ----------------------------------------------------------------------------------------------------------


async def test_a_plan_writes_nothing_and_enrols_nobody(house: House) -> None:
    async with house.open() as ledger:
        extract = extract_of(ledger, PUBLIC)
        before = await ledger.log.end(), await ledger.registry.last_serial()
        planned = await plan(ledger, extract)

        assert (planned.new, planned.changed, planned.unchanged) == (extract, (), 0)
        assert (await ledger.log.end(), await ledger.registry.last_serial()) == before


async def test_a_load_says_who_everybody_is_and_a_second_one_nothing_new(house: House) -> None:
    async with house.open() as ledger:
        extract = extract_of(ledger, PUBLIC)
        assert await load(ledger, await plan(ledger, extract), uuid4()) == 40
        for one in extract:
            assert await known(ledger, one.state_id) == event_of(one)

        end = await ledger.log.end()
        again = await plan(ledger, extract)
        assert (again.new, again.changed, again.unchanged) == ((), (), 40)
        assert await load(ledger, again, uuid4()) == 0
        assert await ledger.log.end() == end


async def test_only_what_changed_is_stored(house: House) -> None:
    async with house.open() as ledger:
        first, second, *rest = extract_of(ledger, PUBLIC)
        await load(ledger, await plan(ledger, [first, *rest]), uuid4())
        renamed = replace(first, last_name="Quendamarope")
        planned = await plan(ledger, [renamed, second, *rest])

        assert (planned.new, planned.changed, planned.unchanged) == ((second,), (renamed,), 38)
        assert await load(ledger, planned, uuid4()) == 2
        assert await known(ledger, first.state_id) == event_of(renamed)
        ref = (await find_key(ledger, first.state_id)).owner
        assert len(await ledger.events_of(identity_stream(ref))) == 2


async def test_a_load_that_dies_is_completed_by_repeating_it(house: House) -> None:
    load_id = uuid4()
    async with house.open(log=DyingLog(house.log.store, "identity", 17)) as ledger:
        planned = await plan(ledger, extract_of(ledger, PUBLIC))
        with pytest.raises(Interrupted):
            await load(ledger, planned, load_id)
    async with house.open() as ledger:
        assert (await plan(ledger, extract_of(ledger, PUBLIC))).unchanged == 17
        assert await load(ledger, planned, load_id) == 23
        assert (await plan(ledger, extract_of(ledger, PUBLIC))).unchanged == 40


async def test_two_loads_at_once_leave_each_student_one_of_their_identities(house: House) -> None:
    async with house.open() as ledger, house.open() as other:
        extract = extract_of(ledger, PUBLIC)
        renamed = [replace(one, suffix="IX") for one in extract]
        plans = await plan(ledger, extract), await plan(other, renamed)
        await asyncio.gather(load(ledger, plans[0], uuid4()), load(other, plans[1], uuid4()))

        for one, another in zip(extract, renamed, strict=True):
            assert await known(ledger, one.state_id) in {event_of(one), event_of(another)}


async def test_an_identity_that_changed_since_it_was_read_is_decided_again(house: House) -> None:
    gate = GateLog(house.log.store, "identity")
    async with house.open(log=gate) as ledger, house.open() as other:
        first, *_ = extract_of(ledger, PUBLIC)
        planned, renamed = await plan(ledger, [first]), replace(first, suffix="IX")

        async def sooner() -> None:
            assert await load(other, await plan(other, [renamed]), uuid4()) == 1

        gate.before = sooner
        assert await load(ledger, planned, uuid4()) == 1
        assert await known(ledger, first.state_id) == event_of(first)


async def test_no_value_of_an_extract_lies_readable_in_the_log(house: House) -> None:
    made = GeneratedExtract(PUBLIC)
    async with house.open() as ledger:
        await load(ledger, await plan(ledger, extract_of(ledger, PUBLIC)), uuid4())
    log = b"".join(record.data for record in house.log.store.records)

    canaries = made.canaries
    assert not [one for one in (*canaries.names, *canaries.birth_dates, *canaries.state_ids) if one.encode() in log]


async def test_nobody_says_who_the_erased_were(house: House) -> None:
    async with house.open() as ledger:
        first, *_ = extract_of(ledger, PUBLIC)
        await load(ledger, await plan(ledger, [first]), uuid4())
        planned = await plan(ledger, [replace(first, suffix="IX")])
        key = await find_key(ledger, first.state_id)
        house.pen.versions[identity_stream(key.owner)] = 1
        await house.pen.identity(first.state_id, StudentErased("docket 17"))
        await ledger.caught_up()

        assert not await identify(ledger, key, event_of(planned.changed[0]), command=uuid4())


# --- Nonpublic ------------------------------------------------------------------------------------------------------


async def test_a_nonpublic_upload_says_who_its_students_are_before_it_stores_them(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await upload(ledger, tmp_path, NONPUBLIC)
        for state_id, student in records(NONPUBLIC).items():
            assert await known(ledger, state_id) == identity_in_record(student)
            ref = (await find_key(ledger, state_id)).owner
            (named,) = await ledger.events_of(identity_stream(ref))
            (stored,) = await ledger.events_of(f"student/506/{ref}/2025")
            assert named.position < stored.position
            assert named.commit.cause == stored.commit.cause


async def test_a_public_upload_says_nothing_of_identities(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await upload(ledger, tmp_path, PUBLIC)
        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from identities") == 0


@pytest.mark.parametrize("kind", ["identity", "student"])
@pytest.mark.parametrize("lives", [0, 5])
async def test_an_upload_that_dies_between_identity_and_set_is_completed(
    house: House, tmp_path: Path, kind: str, lives: int
) -> None:
    path = tmp_path / "made.txt"
    generate(NONPUBLIC).write(path)
    async with house.open(log=DyingLog(house.log.store, kind, lives)) as ledger:
        received = await receive(ledger, path, "replace")
        assert isinstance(received, Received)
        with pytest.raises(Interrupted):
            await work_queue(ledger, received.upload)
    async with house.open() as ledger:
        await ledger.caught_up()
        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from transcript_students") <= lives
            stored = await connection.fetch(
                "select ref from transcript_students where ref not in (select ref from identities)"
            )
        assert stored == []
        await work_queue(ledger, received.upload)
        for state_id, student in records(NONPUBLIC).items():
            assert await known(ledger, state_id) == identity_in_record(student)
        async with ledger.pool.acquire() as connection:
            assert await connection.fetchval("select count(*) from transcript_students") == 12
            assert await connection.fetchval("select count(*) from commits where stream like 'identity/%'") == 12


async def test_an_online_edit_of_a_name_is_the_identity_too(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await upload(ledger, tmp_path, NONPUBLIC)
        state_id, student = next(iter(records(NONPUBLIC).items()))
        await edit(ledger, state_id, last_name="Quendamarope", birth_date="03012009")
        await edit(ledger, state_id, local_identification_number="LC9999999")

        renamed = student | {"last_name": "Quendamarope", "birth_date": "03012009"}
        assert await known(ledger, state_id) == identity_in_record(renamed)
        ref = (await find_key(ledger, state_id)).owner
        assert len(await ledger.events_of(identity_stream(ref))) == 2


async def test_an_edit_that_loses_its_race_leaves_the_name_that_is_stored(house: House, tmp_path: Path) -> None:
    async with house.open() as other:
        await upload(other, tmp_path, NONPUBLIC)
    state_id, student = next(iter(records(NONPUBLIC).items()))
    gate = GateLog(house.log.store, "identity")
    async with house.open(log=gate) as ledger, house.open() as other:

        async def sooner() -> None:
            await edit(other, state_id, local_identification_number="LC9999999")

        gate.before = sooner
        outcome = await command(ledger, state_id, EditStudent({"last_name": "Quendamarope"}), stated=1)

        assert isinstance(outcome, Conflict)
        ref = (await find_key(ledger, state_id)).owner
        assert len(await ledger.events_of(identity_stream(ref))) == 3  # as uploaded, as edited, as stored
        assert await known(ledger, state_id) == identity_in_record(student)


async def test_an_edit_that_is_decided_again_names_by_what_is_stored_in_the_end(house: House, tmp_path: Path) -> None:
    async with house.open() as other:
        await upload(other, tmp_path, NONPUBLIC)
    state_id, student = next(iter(records(NONPUBLIC).items()))
    gate = GateLog(house.log.store, "student")
    async with house.open(log=gate) as ledger, house.open() as other:

        async def sooner() -> None:
            await edit(other, state_id, first_name="Tholmevorim")

        gate.before = sooner
        outcome = await command(ledger, state_id, EditStudent({"last_name": "Quendamarope"}))

        assert isinstance(outcome, Stored)
        renamed = student | {"first_name": "Tholmevorim", "last_name": "Quendamarope"}
        assert await known(ledger, state_id) == identity_in_record(renamed)


# --- Who is missing -------------------------------------------------------------------------------------------------


async def test_whoever_lacks_something_is_listed_and_nobody_else(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await upload(ledger, tmp_path, PUBLIC)
        complete = [replace(one, ssn="666010001", birth_date="2009-02-28") for one in extract_of(ledger, PUBLIC)]
        no_ssn, no_birth_date, no_name, unknown, *rest = complete
        extract = [
            replace(no_ssn, ssn=""),
            replace(no_birth_date, birth_date=""),
            replace(no_name, first_name=""),
            *rest,
        ]
        assert len(await missing(ledger)) == 40
        await load(ledger, await plan(ledger, extract), uuid4())

        found = {one.state_id: (one.ssn, one.name, one.birth_date) for one in await missing(ledger)}
        assert found == {
            no_ssn.state_id: (False, True, True),
            no_birth_date.state_id: (True, True, False),
            no_name.state_id: (True, False, True),
            unknown.state_id: (False, False, False),
        }


async def test_a_nonpublic_student_is_named_by_the_local_id_alone(house: House, tmp_path: Path) -> None:
    """The state id may be a social security number, and the list shows no value."""
    async with house.open() as ledger:
        await upload(ledger, tmp_path, NONPUBLIC)
        assert await missing(ledger) == ()
        async with ledger.pool.acquire() as connection:
            (one, *_) = await students_held(connection, site="506001", bssy="2025")
        blank = StudentIdentified("", "")
        house.pen.versions[identity_stream(one.ref)] = 1
        await house.pen.identity(one.state_id, blank)

        assert await missing(ledger) == (
            Lacking(
                state_id="", local_id=one.local_id, bssy="2025", site="506001", ssn=False, name=False, birth_date=False
            ),
        )
