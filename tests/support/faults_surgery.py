"""Logs that lose records, and get others in their place: what a restore from a backup or a lost disk does."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from uuid import uuid4

import msgspec
from aiokafka.admin import RecordsToDelete
from aiokafka.structs import TopicPartition

from events.commit import Commit, decode, encode
from events.log.kafka import KafkaLog
from events.log.sqlite_file import SCHEMA
from tests.support.faults_world import World
from tests.support.kafka import admin_of, delete_topic

TRIGGERS = ("nothing_changes", "nothing_goes")


async def replace_records(world: World, records: Sequence[bytes]) -> None:
    """Let the log hold these records and no others, under its own name."""
    if world.kafka:
        await delete_topic(world.kafka, world.topic)
        log = await KafkaLog.open(world.kafka, world.topic, replication=1, min_insync=1)
        await asyncio.gather(*(log.append(record) for record in records))
        await log.close()
    else:
        rewrite_file(world, records)


def rewrite_file(world: World, records: Sequence[bytes]) -> None:
    """Change the file in place, in one transaction, past its own guards."""
    with closing(sqlite3.connect(world.home / "ledger.sqlite", isolation_level=None)) as connection:
        connection.execute("begin immediate")
        for trigger in TRIGGERS:
            connection.execute(f"drop trigger {trigger}")
        connection.execute("delete from records")
        connection.executemany("insert into records (position, data) values (?, ?)", enumerate(records))
        for statement in SCHEMA:
            if "create trigger" in statement:
                connection.execute(statement)
        connection.execute("commit")


async def delete_first_records(world: World, below: int) -> None:
    """Let the topic begin later."""
    async with admin_of(world.kafka) as admin:
        await admin.delete_records({TopicPartition(world.topic, 0): RecordsToDelete(before_offset=below)})


def by_somebody_else(record: bytes) -> bytes:
    """Return a commit that could stand just as well in the place of another."""
    commit = decode(record)
    assert isinstance(commit, Commit)
    return encode(msgspec.structs.replace(commit, command=uuid4(), actor="somebody else"))
