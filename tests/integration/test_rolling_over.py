"""Non-graduates begin the next school year with what the last one ended with (R-024, R-025)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from events.student_commands import EditStudent, RemoveStudent
from services.commands import Stored, execute
from services.history import CopiedFrom, history
from services.rolling_over import Asked, RolledOver, roll_students_over
from tests.support.sending import Desk, open_desk, sponsor

pytestmark = pytest.mark.postgres

FILE = sponsor(60)
PEOPLE = [made.person for made in FILE.students()]
GRADUATES = {one.state_id for one in PEOPLE if one.graduation}
REST = [one.state_id for one in PEOPLE if not one.graduation]
YEAR = Asked("017", "2025")


@pytest.fixture
async def desk(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, views_dsn, registry_dsn) as opened:
        await opened.send(FILE.data)
        yield opened


async def rolled(desk: Desk, asked: Asked = YEAR, *, dry_run: bool = False) -> RolledOver:
    done = await roll_students_over(desk.ledger, asked, dry_run=dry_run)
    assert isinstance(done, RolledOver)
    return done


async def held_in(desk: Desk, bssy: str) -> set[str]:
    return {str(row[0]) for row in await desk.rows("select state_id from transcript_students where bssy = $1", bssy)}


async def test_all_but_the_graduates_begin_the_new_year_and_the_old_one_stays(desk: Desk) -> None:
    assert 0 < len(GRADUATES) < len(PEOPLE)
    assert await rolled(desk) == RolledOver(len(REST), 0, len(GRADUATES))

    assert await held_in(desk, "2026") == set(REST)
    assert await held_in(desk, "2025") == {one.state_id for one in PEOPLE}


async def test_the_new_set_is_the_old_one_in_another_year_and_history_names_it(desk: Desk) -> None:
    source = await desk.target(REST[0], bssy="2025")
    done = await execute(desk.ledger, source, EditStudent({"local_identification_number": "LC9"}), command_id=uuid4())
    assert isinstance(done, Stored)
    await rolled(desk)

    columns = "site, local_id, grade, diploma_pathway, courses, credentials"
    rows = await desk.rows(f"select {columns} from transcript_students where state_id = $1 order by bssy", REST[0])
    assert rows[0] == rows[1]
    (entry,) = await history(desk.ledger, (await desk.target(REST[0], bssy="2026")).stream)
    assert entry.events == ("student-rolled-over",)
    assert entry.copied_from == CopiedFrom("017", "2025", 2, done.position)


async def test_a_repeat_changes_nothing(desk: Desk) -> None:
    await rolled(desk)
    end = await desk.end()

    assert await rolled(desk) == RolledOver(0, len(REST), len(GRADUATES))
    assert await desk.end() == end


async def test_a_dry_run_counts_and_stores_nothing(desk: Desk) -> None:
    end = await desk.end()

    assert await rolled(desk, dry_run=True) == RolledOver(len(REST), 0, len(GRADUATES))
    assert await desk.end() == end


async def test_one_site_alone(desk: Desk) -> None:
    at_site = [one for one in PEOPLE if one.site == "017002"]
    done = await rolled(desk, Asked("017", "2025", "017002"))

    assert done.rolled + done.graduates == len(at_site)
    assert await held_in(desk, "2026") == {one.state_id for one in at_site if not one.graduation}


async def test_who_holds_a_set_in_the_new_year_is_left_alone(desk: Desk) -> None:
    await desk.send(sponsor(10, bssy=2026).data)  # the first ten ids, sent by the school itself
    before = await desk.rows("select * from transcript_students where bssy = '2026' order by ref")
    there = {made.person.state_id for made in sponsor(10, bssy=2026).students()}

    done = await rolled(desk)

    assert done.held == len(there & set(REST)) > 0
    query = "select * from transcript_students where bssy = '2026' and state_id = any($1::text[]) order by ref"
    assert await desk.rows(query, sorted(there)) == before


async def test_who_was_rolled_over_and_removed_since_is_not_brought_back(desk: Desk) -> None:
    await rolled(desk)
    target = await desk.target(REST[0], bssy="2026")
    await execute(desk.ledger, target, RemoveStudent("request"), command_id=uuid4())
    end = await desk.end()

    assert await rolled(desk) == RolledOver(0, len(REST) - 1, len(GRADUATES), left=1)
    assert await desk.end() == end


async def test_a_change_in_the_old_year_does_not_reach_a_set_that_is_held(desk: Desk) -> None:
    await rolled(desk)
    source = await desk.target(REST[0], bssy="2025")
    await execute(desk.ledger, source, EditStudent({"local_identification_number": "LC9"}), command_id=uuid4())

    assert (await rolled(desk)).rolled == 0


async def test_a_rollover_that_was_stopped_is_simply_begun_again(desk: Desk) -> None:
    class Stopped(Exception):
        pass

    def stop(_step: str, done: int, _of: int) -> None:
        if done == 5:
            raise Stopped

    with pytest.raises(Stopped):
        await roll_students_over(desk.ledger, YEAR, told=stop)
    await desk.ledger.caught_up()
    already = len(await held_in(desk, "2026"))

    done = await rolled(desk)

    assert 5 <= already < len(REST) + 1
    assert done.rolled + done.held == len(REST)
    assert await held_in(desk, "2026") == set(REST)


async def test_two_at_once_roll_everybody_over_once(desk: Desk) -> None:
    await asyncio.gather(rolled(desk), rolled(desk))

    assert await held_in(desk, "2026") == set(REST)
    rows = await desk.rows("select distinct version from transcript_students where bssy = '2026'")
    assert rows == [(1,)]


async def test_nobody_to_roll_over(desk: Desk) -> None:
    assert await rolled(desk, Asked("018", "2025")) == RolledOver(0, 0, 0)
