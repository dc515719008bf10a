"""An upload whose process ends at any point of it: a fresh one goes on, and the end is the same.

Each point gets a sponsor of its own in one ledger, so that the crashes of all of them lie in one log.
"""

import asyncio
from collections import Counter
from itertools import count
from pathlib import Path
from typing import cast

import pytest

from events.upload import UploadClosed
from projections.database import Pool
from services.intake.work import work_queue
from services.ledger import Ledger
from tests.support.crashes import Crash, CrashingBlobs, CrashingLog, CrashingPool, CrashingRegistry, Killed
from tests.support.ledgers import House
from tests.support.uploads import closed, present_ids, send, students, upload

DONE = UploadClosed(stored=2, unchanged=1, held=1, removed=1, overwritten=0)


class Case:
    """A sponsor with four students at one site, and the file that is to replace them."""

    def __init__(self, number: int, folder: Path) -> None:
        self.sponsor = f"{chr(ord('A') + number // 100)}{number % 100:02d}"
        self.students = students(5, sites=1, sponsor=self.sponsor, seed=number)
        self.folder = folder
        one, other, faulty, _gone, new = self.students
        self.before = self.students[:4]
        self.file = [one.changed("020", local_identification_number="LC9"), other, faulty.faulty(), new]

    @property
    def after(self) -> set[str]:
        """Who holds a set in the end."""
        one, other, faulty, _gone, new = self.students
        return {each.state_id for each in (one, other, faulty, new)}

    async def send_and_work(self, ledger: Ledger) -> None:
        """Upload the file."""
        await work_queue(ledger, await send(ledger, self.folder, self.file, "delete-all-and-replace"))


async def crashes(house: House, case: Case, crash: Crash) -> None:
    """Be a process that ends at the crash's point, with its follower."""
    log, registry = CrashingLog(house.log.store, crash), CrashingRegistry(house.registry, crash)
    blobs = CrashingBlobs.at(house.blobs_url)
    assert isinstance(blobs, CrashingBlobs)
    blobs.crash = crash
    async with house.open(log=log, registry=registry, blobs=blobs) as ledger:
        ledger.pool = cast("Pool", CrashingPool(ledger.pool, crash))
        crash.process = asyncio.create_task(case.send_and_work(ledger))
        (ended,) = (await asyncio.wait([crash.process]))[0]
        if not ended.cancelled() and (error := ended.exception()) and not isinstance(error, Killed):
            raise error


async def resume(ledger: Ledger, case: Case) -> UploadClosed:
    """Go on where the upload stands; where it never came in, send the file again."""
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        received = await connection.fetchval(
            "select upload from uploads where sponsor = $1 and mode <> 'replace' order by position desc limit 1",
            case.sponsor,
        )
    if received is None:
        received = await send(ledger, case.folder, case.file, "delete-all-and-replace")
    done = closed(await work_queue(ledger, received))
    assert await present_ids(ledger, sponsor=case.sponsor) == case.after
    return done


@pytest.mark.timeout(400)
@pytest.mark.parametrize("cancels", [True, False], ids=["cancelled", "killed"])
async def test_an_upload_that_ends_anywhere_is_finished_by_the_next_process(
    house: House, tmp_path: Path, cancels: bool
) -> None:
    """Case 1, in one process: every point before and after each append, blob, key and look at the views."""
    met: Counter[str] = Counter()
    case = Case(1, tmp_path)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, case.before)
    for number in count(1):
        crash = Crash(number, cancels=cancels)
        await crashes(house, case, crash)
        async with house.open() as ledger:
            assert await resume(ledger, case) == DONE, crash.where
            if not crash.has_happened:
                break
            met[crash.where] += 1
            case = Case(number + 1, tmp_path)
            await upload(ledger, tmp_path, case.before)
    assert {"before append", "after append", "before put manifest", "after put manifest", "after enrol"} <= set(met)
    assert met["after append"] == 6  # received, checked, two stored, one removed, closed
    assert met.total() > 40


async def test_an_upload_that_ends_again_and_again_is_finished_in_the_end(house: House, tmp_path: Path) -> None:
    """Each process gets a little further."""
    case = Case(1, tmp_path)
    async with house.open() as ledger:
        await upload(ledger, tmp_path, case.before)
        received = await send(ledger, tmp_path, case.file, "delete-all-and-replace")
    for number in count(3, 3):
        crash = Crash(number, cancels=False)

        class Resumed(Case):
            async def send_and_work(self, ledger: Ledger) -> None:
                await work_queue(ledger, received)

        await crashes(house, Resumed(1, tmp_path), crash)
        if not crash.has_happened:
            break
    async with house.open() as ledger:
        assert await resume(ledger, case) == DONE
