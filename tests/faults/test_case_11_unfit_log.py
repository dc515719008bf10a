"""Case 11: several partitions, weaker settings, another ledger's log: the start is refused, and says why."""

from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka.admin import NewTopic

from events.log.contract import LogUnfit
from events.log.kafka_topic import Wanted
from events.registry.contract import RegistryUnfit
from tests.support.faults_cli import UNFIT, ledger_says
from tests.support.faults_oracle import examine
from tests.support.faults_world import World, new_world, stored_students
from tests.support.kafka import admin_of, alter_topic

on_kafka = pytest.mark.parametrize("kind", [pytest.param("kafka", marks=pytest.mark.kafka)])


@on_kafka
async def test_a_topic_of_two_partitions_is_refused(world: World) -> None:
    async with admin_of(world.kafka) as admin:
        await admin.create_topics([NewTopic(world.topic, 2, 1, topic_configs=Wanted(1, 1).settings)])
    with pytest.raises(LogUnfit, match="it has 2 partitions, but one order needs one"):
        async with world.open():
            pass
    code, said = await ledger_says(world, "students")
    assert code == UNFIT
    assert "it has 2 partitions, but one order needs one: use another topic" in said


@on_kafka
@pytest.mark.parametrize("name", ["retention.ms", "cleanup.policy", "message.timestamp.type", "max.message.bytes"])
async def test_a_setting_weakened_since_the_last_start_is_refused_and_repaired_is_taken(
    world: World, name: str
) -> None:
    weak = {"retention.ms": "604800000", "cleanup.policy": "compact", "message.timestamp.type": "CreateTime"}
    async with world.open() as ledger:
        await stored_students(ledger, world, 1)
    await alter_topic(world.kafka, world.topic, Wanted(1, 1).settings | {name: weak.get(name, "1000")})
    with pytest.raises(LogUnfit, match=f"{name} is {weak.get(name, '1000')}, wanted is .*kafka-configs --alter"):
        async with world.open():
            pass
    await alter_topic(world.kafka, world.topic, Wanted(1, 1).settings)
    async with world.open() as ledger:
        await examine(ledger, world.journal)


async def test_the_log_of_another_ledger_is_refused_before_anything_is_written(world: World, tmp_path: Path) -> None:
    async with new_world(tmp_path / "another", world.server, world.kafka) as another:
        for one in (world, another):
            async with one.open() as ledger:
                await stored_students(ledger, one, 1)
        async with another.open() as ledger:
            end = await ledger.log.end()
        its_key = {"LEDGER_MASTER_KEY_FILE": str(world.home / "master.key")}
        for mixed, why in (
            (replace(another, views_dsn=world.views_dsn), "the views belong to ledger"),
            (replace(another, registry_dsn=world.registry_dsn), "was made with the master key of fingerprint"),
            (replace(another, registry_dsn=world.registry_dsn, more=its_key), "This registry belongs to ledger"),
        ):
            with pytest.raises((LogUnfit, RegistryUnfit), match=why):
                async with mixed.open():
                    pass
            code, said = await ledger_says(mixed, "students")
            assert code == UNFIT
            assert why in said
        for one in (world, another):
            async with one.open() as ledger:
                truth = await examine(ledger, one.journal)
                assert len(truth.judged) == end
