"""The registry in PostgreSQL: several processes, wrong keys and databases, lost connections, nothing readable."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest

from events.registry import postgres
from events.registry.contract import Key, RegistryUnavailable, RegistryUnfit
from events.registry.master_key import MasterKey
from events.registry.postgres import VIEWS_SCHEMA, PostgresRegistry, place_of

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

pytestmark = pytest.mark.postgres

MATERIAL = bytes(range(32))
MASTER = MasterKey.of(MATERIAL)
CANARY = "CANARY-7203114488"

ENROL_AND_TELL = """
import asyncio, json, sys
from events.registry.master_key import MasterKey
from events.registry.postgres import PostgresRegistry

async def main(dsn, ids):
    registry = await PostgresRegistry.open(dsn, master=MasterKey.of(bytes(range(32))))
    print("ready", flush=True)
    sys.stdin.readline()
    keys = await registry.enrol(ids)
    await registry.close()
    print(json.dumps({state_id: [key.serial, str(key.owner), key.material.hex()] for state_id, key in keys.items()}))

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
"""


@pytest.fixture
async def database(registry_dsn: str) -> AsyncIterator[Connection]:
    """An administrator's connection to the registry's database."""
    connection = await asyncpg.connect(registry_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def registry(registry_dsn: str) -> AsyncIterator[PostgresRegistry]:
    opened = await PostgresRegistry.open(registry_dsn, master=MASTER)
    yield opened
    await opened.close()


async def refusal_of_opening(dsn: str, *, master: MasterKey = MASTER, ledger: UUID | None = None) -> str:
    with pytest.raises(RegistryUnfit) as refused:
        await PostgresRegistry.open(dsn, master=master, ledger=ledger)
    return str(refused.value)


# Several processes


async def test_processes_that_enrol_the_same_students_at_once_agree(
    registry_dsn: str, registry: PostgresRegistry
) -> None:
    ids = [f"90000{number:05}" for number in range(3000)]
    orders = [ids[:2500], ids[:499:-1], ids[::2] + ids[1::2]]
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", ENROL_AND_TELL, registry_dsn, json.dumps(order),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )
        for order in orders
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
    told = [json.loads(out) for out, _ in await asyncio.gather(*(one.communicate(b"go\n") for one in processes))]

    everybody = {state_id: key for answer in told for state_id, key in answer.items()}
    assert [len(answer) for answer in told] == [2500, 2500, 3000]
    assert all(everybody[state_id] == key for answer in told for state_id, key in answer.items())
    assert sorted(serial for serial, _, _ in everybody.values()) == list(range(1, 3001))
    assert {state_id: str(key.owner) for state_id, key in (await registry.find(ids)).items()} == {
        state_id: owner for state_id, (_, owner, _) in everybody.items()
    }


async def test_many_may_open_an_empty_database_at_once(registry_dsn: str) -> None:
    opened = await asyncio.gather(*(PostgresRegistry.open(registry_dsn, master=MASTER) for _ in range(8)))
    keys = await asyncio.gather(*(one.enrol(["1"]) for one in opened))
    await asyncio.gather(*(one.close() for one in opened))

    assert all(key == keys[0] for key in keys)


async def test_the_first_of_two_ledgers_wins(registry_dsn: str) -> None:
    first, second = uuid4(), uuid4()
    await (await PostgresRegistry.open(registry_dsn, master=MASTER, ledger=first)).close()

    assert f"belongs to ledger {first}, not to {second}" in await refusal_of_opening(registry_dsn, ledger=second)


async def test_a_key_erased_elsewhere_is_dropped_here_when_the_log_says_so(
    registry_dsn: str, registry: PostgresRegistry
) -> None:
    key = (await registry.enrol(["1"]))["1"]
    assert key.serial in await registry.keys([key.serial])
    other = await PostgresRegistry.open(registry_dsn, master=MASTER)
    await other.erase(key.owner)
    await other.close()

    await registry.erase(key.owner)
    assert await registry.keys([key.serial]) == {}


# What is kept


async def test_it_is_the_same_after_reopening(registry_dsn: str) -> None:
    ledger = uuid4()
    first = await PostgresRegistry.open(registry_dsn, master=MASTER, ledger=ledger)
    keys = await first.enrol(["1", "2", "3"])
    await first.erase(keys["3"].owner)
    await first.close()
    second = await PostgresRegistry.open(registry_dsn, master=MASTER, ledger=ledger)

    assert await second.find(["1", "2", "3"]) == {"1": keys["1"], "2": keys["2"]}
    assert await second.last_serial() == 3
    await second.close()


async def test_a_failure_between_keys_and_students_leaves_neither(
    registry: PostgresRegistry, database: Connection
) -> None:
    await database.execute("""
        create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
        create trigger refuse before insert on registry.students execute function refuse();
    """)
    with pytest.raises(RegistryUnavailable, match=r"no\. Nothing was lost"):
        await registry.enrol(["1", "2"])

    assert await database.fetchval("select count(*) from registry.keys") == 0
    assert await registry.last_serial() == 0
    await database.execute("drop trigger refuse on registry.students")
    assert {key.serial for key in (await registry.enrol(["1", "2"])).values()} == {1, 2}


async def test_commits_are_flushed_whatever_the_databases_default_says(registry_dsn: str, database: Connection) -> None:
    name = await database.fetchval("select current_database()")
    await database.execute(f'alter database "{name}" set synchronous_commit = off')
    registry = await PostgresRegistry.open(registry_dsn, master=MASTER)
    async with registry._transaction() as connection:
        assert await connection.fetchval("show synchronous_commit") == "on"
    await registry.close()


async def test_no_state_id_and_no_key_lies_readable_in_the_database(
    registry: PostgresRegistry, database: Connection
) -> None:
    canaries = [f"{CANARY}-{number}" for number in range(20)]
    keys = await registry.enrol(canaries)
    await registry.find(canaries)
    folder = Path(await database.fetchval("show data_directory"))
    materials = [key.material for key in keys.values()]

    assert not await found_in_tables(database, CANARY)
    assert await found_in_files(database, folder, [CANARY.encode(), MATERIAL, *materials]) == set()
    # The same search finds what is there.
    await database.execute("create table readable as select $1::text as id, $2::bytea as key", CANARY, materials[0])
    assert await found_in_tables(database, CANARY)
    assert await found_in_files(database, folder, [CANARY.encode(), *materials]) == {CANARY.encode(), materials[0]}


async def found_in_tables(database: Connection, text: str) -> bool:
    tables = await database.fetch("""
        select format('%I.%I', schemaname, tablename) as name from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema')
    """)
    rows = [row[0] for table in tables for row in await database.fetch(f"select t::text from {table['name']} t")]
    assert len(rows) > 40
    return any(text in row for row in rows)


async def found_in_files(database: Connection, folder: Path, needles: list[bytes]) -> set[bytes]:
    """Search tables, write-ahead log and the server's own log, as they lie on the disk."""
    await database.execute("checkpoint")
    name = await database.fetchval("select oid::text from pg_database where datname = current_database()")
    files = [*(folder / "base" / name).iterdir(), *(folder / "pg_wal").glob("0*"), *folder.glob("*.log")]
    return {needle for file in files for needle in needles if needle in file.read_bytes()}


# What is refused


async def test_a_wrong_master_key_is_refused_and_the_message_shows_no_key(registry_dsn: str, registry: object) -> None:
    message = await refusal_of_opening(registry_dsn, master=MasterKey.of(bytes(32)))

    assert f"made with the master key of fingerprint {MASTER.fingerprint}" in message
    assert MATERIAL.hex() not in message


async def test_another_state_systems_ids_are_refused(registry_dsn: str) -> None:
    await (await PostgresRegistry.open(registry_dsn, master=MASTER, state_system="louisiana-sts")).close()

    assert "holds the ids of state system 'louisiana-sts', not of ''" in await refusal_of_opening(registry_dsn)


async def test_the_views_database_is_refused_and_left_as_it_is(registry_dsn: str, database: Connection) -> None:
    await database.execute(f"create schema {VIEWS_SCHEMA}")

    assert "Give the registry a database of its own" in await refusal_of_opening(registry_dsn)
    assert await database.fetchval("select to_regnamespace('registry') is null")


async def test_a_newer_format_is_refused(registry_dsn: str, registry: object, database: Connection) -> None:
    await database.execute("update registry.meta set format = 2")
    assert "has format 2; this program knows 1" in await refusal_of_opening(registry_dsn)


async def test_a_server_that_does_not_flush_is_refused(registry_dsn: str, database: Connection) -> None:
    async def set_fsync(value: str) -> None:
        await database.execute(f"alter system set fsync = {value}")
        await database.execute("select pg_reload_conf()")
        while await database.fetchval("show fsync") != value:
            pass

    await set_fsync("off")
    try:
        assert "runs with fsync=off" in await refusal_of_opening(registry_dsn)
    finally:
        await set_fsync("on")


async def test_keys_that_were_exchanged_in_the_database_do_not_open(
    registry: PostgresRegistry, database: Connection
) -> None:
    await registry.enrol(["1", "2"])
    await database.execute("update registry.keys set wrapped = (select wrapped from registry.keys where serial = 2)")

    assert (await registry.keys([2])).keys() == {2}
    with pytest.raises(RegistryUnfit, match="Key 1 in the registry does not open"):
        await registry.keys([1])


async def test_a_table_that_was_dropped_is_named(registry: PostgresRegistry, database: Connection) -> None:
    await database.execute("drop table registry.students")
    with pytest.raises(RegistryUnfit, match=r'"registry.students" does not exist\. Correct'):
        await registry.find(["1"])


@pytest.mark.parametrize(
    "dsn",
    [
        pytest.param("postgresql://ann:PASSWORD@127.0.0.1:1/registry", id="nobody listens"),
        pytest.param("postgresql:///registry?host=/nowhere&user=ann&password=PASSWORD", id="no socket"),
    ],
)
async def test_a_server_that_is_not_there_is_named_without_the_password(dsn: str) -> None:
    with pytest.raises(RegistryUnavailable, match="cannot be reached now") as refused:
        await PostgresRegistry.open(dsn, master=MASTER)
    assert "/registry" in str(refused.value)
    assert "PASSWORD" not in str(refused.value)


@pytest.mark.parametrize(
    "dsn",
    [
        "mysql://ann:PASSWORD@host/registry",
        "PASSWORD",
        "postgresql://ann:PASSWORD@[bad/x",
        "postgresql://ann:PASSWORD@host:port/x",
    ],
)
async def test_a_dsn_that_is_none_is_refused_without_showing_it(dsn: str) -> None:
    assert "PASSWORD" not in await refusal_of_opening(dsn)


async def test_a_database_that_is_missing_is_refused(registry_dsn: str) -> None:
    nowhere = registry_dsn.replace("/registry_", "/missing_")
    assert "does not exist. Correct the database, or the DSN" in await refusal_of_opening(nowhere)


def test_the_place_of_a_dsn_tells_neither_user_nor_password() -> None:
    assert place_of("postgresql://ann:secret@db.local:5433/registry?sslmode=require") == "db.local:5433/registry"
    assert place_of("postgresql://ann:secret@/registry?host=/tmp/pg&password=x") == "/tmp/pg/registry"
    assert place_of("postgresql:///registry") == "this machine/registry"


# Lost connections


async def test_a_connection_lost_in_mid_call_is_told_and_the_next_call_works(
    registry: PostgresRegistry, database: Connection
) -> None:
    async with database.transaction():
        await database.execute("select from registry.meta for update")
        enrolment = asyncio.create_task(registry.enrol(["1"]))
        while not await database.fetch("select pg_terminate_backend(pid) from pg_locks where not granted"):
            pass
        with pytest.raises(RegistryUnavailable, match="terminating connection due to administrator command"):
            await enrolment

    assert (await registry.enrol(["1"]))["1"].serial == 1


async def test_idle_connections_that_were_cut_are_replaced(registry: PostgresRegistry, database: Connection) -> None:
    key = (await registry.enrol(["1"]))["1"]
    await database.execute("""
        select pg_terminate_backend(pid, 5000) from pg_stat_activity
        where pid != pg_backend_pid() and datname = current_database()
    """)
    with suppress(RegistryUnavailable):  # the cut need not have been noticed yet
        await registry.find(["1"])
    assert await registry.find(["1"]) == {"1": key}


async def test_a_process_that_stops_in_mid_enrolment_does_not_keep_the_others_waiting(
    registry_dsn: str, registry: PostgresRegistry
) -> None:
    other = await PostgresRegistry.open(registry_dsn, master=MASTER)

    async def stop_in_mid_enrolment() -> None:
        async with registry._transaction() as connection:
            await connection.execute(postgres._LOCK)
            keys.update(await other.enrol(["1"]))  # answers after 5 s, when the server has given up on the first
            await connection.execute(postgres._LOCK)

    keys: dict[str, Key] = {}
    with pytest.raises(RegistryUnavailable, match="connection is closed"):
        await stop_in_mid_enrolment()
    assert keys["1"].serial == 1
    await other.close()


async def test_a_closed_registry_says_so(registry: PostgresRegistry) -> None:
    await registry.close()
    with pytest.raises(RegistryUnavailable, match="pool is closed"):
        await registry.last_serial()
