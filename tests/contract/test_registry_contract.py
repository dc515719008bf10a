"""Every registry answers these questions alike: the one in memory and the one in PostgreSQL."""

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from events.registry.contract import Key, Registry, RegistryUnfit
from events.registry.master_key import MasterKey
from events.registry.memory import MemoryRegistry
from events.registry.postgres import PostgresRegistry

ANN, BEN, CAM = "9000000001", "9000000002", "9000000003"


class RegistryContract:
    """The suite. A subclass gives the fixture `registry`, which is empty and bound to no ledger."""

    async def test_an_empty_registry_has_issued_nothing(self, registry: Registry) -> None:
        assert await registry.last_serial() == 0
        assert await registry.find([ANN]) == {}
        assert await registry.keys([1]) == {}

    async def test_each_student_gets_a_random_ref_and_a_key_of_their_own(self, registry: Registry) -> None:
        keys = await registry.enrol([ANN, BEN])

        assert keys.keys() == {ANN, BEN}
        assert {key.owner.version for key in keys.values()} == {4}
        assert {len(key.material) for key in keys.values()} == {32}
        assert keys[ANN].owner != keys[BEN].owner
        assert keys[ANN].material != keys[BEN].material
        assert {key.serial for key in keys.values()} == {1, 2}

    async def test_enrolling_again_gives_the_same(self, registry: Registry) -> None:
        first = await registry.enrol([ANN, BEN])

        assert await registry.enrol([BEN, ANN]) == first
        assert await registry.find([ANN, BEN]) == first
        assert await registry.last_serial() == 2

    async def test_known_and_unknown_ids_are_enrolled_together(self, registry: Registry) -> None:
        known = await registry.enrol([BEN])
        keys = await registry.enrol([ANN, BEN, CAM])

        assert keys[BEN] == known[BEN]
        assert keys.keys() == {ANN, BEN, CAM}
        assert await registry.last_serial() == 3

    async def test_an_id_given_twice_is_one_student(self, registry: Registry) -> None:
        assert (await registry.enrol([ANN, ANN])).keys() == {ANN}
        assert await registry.last_serial() == 1

    async def test_enrolling_nobody_is_allowed(self, registry: Registry) -> None:
        assert await registry.enrol([]) == {}
        assert await registry.keys([]) == {}
        assert await registry.last_serial() == 0

    async def test_ids_differ_where_their_text_differs(self, registry: Registry) -> None:
        keys = await registry.enrol(["12", "012", " 12", "12 ", "é", "e\u0301"])
        assert len({key.owner for key in keys.values()}) == 6

    @pytest.mark.parametrize("blank", ["", "   "])
    async def test_a_blank_id_is_refused_and_the_others_are_not_enrolled(self, registry: Registry, blank: str) -> None:
        with pytest.raises(ValueError, match="must not be blank"):
            await registry.enrol([ANN, blank])
        assert await registry.find([ANN]) == {}

    async def test_finding_creates_nothing(self, registry: Registry) -> None:
        ann = await registry.enrol([ANN])

        assert await registry.find([ANN, BEN]) == ann
        assert await registry.last_serial() == 1

    async def test_an_owner_that_is_no_student_gets_one_key(self, registry: Registry) -> None:
        upload = uuid4()
        key = await registry.issue(upload)

        assert key.owner == upload
        assert await registry.issue(upload) == key
        assert await registry.keys([key.serial]) == {key.serial: key}

    async def test_a_students_own_key_is_issued_for_their_ref(self, registry: Registry) -> None:
        ann = (await registry.enrol([ANN]))[ANN]
        assert await registry.issue(ann.owner) == ann

    async def test_keys_are_had_by_serial_and_unknown_serials_are_left_out(self, registry: Registry) -> None:
        keys = {key.serial: key for key in (await registry.enrol([ANN, BEN, CAM])).values()}

        assert await registry.keys([1, 3, 3]) == {1: keys[1], 3: keys[3]}
        assert await registry.keys([-1, 0, 2, 4, 2**63, 2**70]) == {2: keys[2]}
        assert await registry.keys([1, 2, 3]) == keys

    async def test_serials_grow(self, registry: Registry) -> None:
        serials = [(await registry.enrol([ANN]))[ANN].serial, (await registry.issue(uuid4())).serial]
        serials += sorted(key.serial for key in (await registry.enrol([BEN, CAM])).values())

        assert serials == [1, 2, 3, 4]
        assert await registry.last_serial() == 4

    async def test_an_erased_student_is_gone_and_the_others_stay(self, registry: Registry) -> None:
        before = await registry.enrol([ANN, BEN])
        await registry.keys([1, 2])  # into whatever cache there is
        await registry.erase(before[ANN].owner)

        assert await registry.find([ANN, BEN]) == {BEN: before[BEN]}
        assert await registry.keys([1, 2]) == {before[BEN].serial: before[BEN]}
        assert await registry.last_serial() == 2

    async def test_an_erased_student_who_is_enrolled_again_is_somebody_new(self, registry: Registry) -> None:
        old = (await registry.enrol([ANN]))[ANN]
        await registry.erase(old.owner)
        new = (await registry.enrol([ANN]))[ANN]

        assert new.owner != old.owner
        assert new.material != old.material
        assert new.serial == 2
        assert await registry.keys([old.serial, new.serial]) == {new.serial: new}

    async def test_the_key_of_an_upload_can_be_erased(self, registry: Registry) -> None:
        old = await registry.issue(upload := uuid4())
        await registry.erase(upload)

        assert await registry.keys([old.serial]) == {}
        assert (await registry.issue(upload)).material != old.material
        assert await registry.last_serial() == 2

    async def test_erasing_twice_or_an_unknown_owner_does_nothing(self, registry: Registry) -> None:
        keys = await registry.enrol([ANN, BEN])
        for owner in (keys[ANN].owner, keys[ANN].owner, uuid4()):
            await registry.erase(owner)

        assert await registry.find([ANN, BEN]) == {BEN: keys[BEN]}

    async def test_calls_at_the_same_time_agree(self, registry: Registry) -> None:
        ids = [str(number) for number in range(100)]
        answers = await asyncio.gather(*(registry.enrol(ids[first:]) for first in range(20)))
        upload = uuid4()
        issued = await asyncio.gather(*(registry.issue(upload) for _ in range(8)))

        for answer in answers:
            assert answer.items() <= answers[0].items()
        assert len(set(issued)) == 1
        assert await registry.last_serial() == 101

    async def test_it_serves_one_ledger(self, registry: Registry) -> None:
        first, second = uuid4(), uuid4()
        await registry.bind(first)
        await registry.bind(first)

        with pytest.raises(RegistryUnfit, match=f"belongs to ledger {first}, not to {second}"):
            await registry.bind(second)
        await registry.bind(first)

    async def test_a_key_does_not_show_its_material(self, registry: Registry) -> None:
        key = await registry.issue(uuid4())
        assert repr(key.material) not in repr(key)
        assert "material" not in repr(key)

    async def test_it_may_be_closed_twice(self, registry: Registry) -> None:
        await registry.close()
        await registry.close()

    async def test_any_sequence_of_calls_agrees_with_a_model(self, registry: Registry) -> None:
        seed = random.randrange(2**32)
        await Walk(registry, random.Random(seed)).go(steps=150, told=f"seed {seed}")


class Walk:
    """Random calls over a few ids, each compared with a model that remembers what was answered."""

    def __init__(self, registry: Registry, dice: random.Random) -> None:
        self.registry = registry
        self.dice = dice
        self.students: dict[str, Key] = {}
        self.seen: dict[int, Key] = {}
        self.erased: set[UUID] = set()
        self.highest = 0

    async def go(self, *, steps: int, told: str) -> None:
        for step in range(steps):
            ids = self.dice.sample([ANN, BEN, CAM, "9000000004", "9000000005"], self.dice.randint(1, 4))
            await self.dice.choice([self.enrol, self.find, self.erase, self.read])(ids, f"{told}, step {step}")

    async def enrol(self, ids: list[str], told: str) -> None:
        keys = await self.registry.enrol(ids)
        new = {state_id: key for state_id, key in keys.items() if state_id not in self.students}
        assert keys.items() - new.items() == {(known, self.students[known]) for known in ids if known in self.students}
        assert {key.serial for key in new.values()} == set(range(self.highest + 1, self.highest + len(new) + 1)), told
        assert not {key.owner for key in new.values()} & {key.owner for key in self.seen.values()}, told
        self.students |= new
        self.seen |= {key.serial: key for key in new.values()}
        self.highest += len(new)

    async def find(self, ids: list[str], told: str) -> None:
        assert await self.registry.find(ids) == {one: self.students[one] for one in ids if one in self.students}, told

    async def erase(self, ids: list[str], told: str) -> None:
        if key := self.students.pop(ids[0], None):
            await self.registry.erase(key.owner)
            self.erased.add(key.owner)
            assert await self.registry.last_serial() == self.highest, told

    async def read(self, _ids: list[str], told: str) -> None:
        held = {serial: key for serial, key in self.seen.items() if key.owner not in self.erased}
        assert await self.registry.keys(range(self.highest + 2)) == held, told


class TestMemoryRegistry(RegistryContract):
    @pytest.fixture
    def registry(self) -> Registry:
        return MemoryRegistry()


@pytest.mark.postgres
class TestPostgresRegistry(RegistryContract):
    @pytest.fixture
    async def registry(self, registry_dsn: str) -> AsyncIterator[Registry]:
        opened = await PostgresRegistry.open(registry_dsn, master=MasterKey.random())
        yield opened
        await opened.close()
