"""Outside an open collection nothing is written, and the reason is told (R-020, R-026, R-027)."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from events.student_commands import EditStudent, Refused, RemoveStudent
from schemas.problems import Problem
from services.collecting import close_year, grant, open_year
from services.collections import refusal
from services.commands import Outcome, Stored, Unchanged, execute
from services.intake.work import carry_out
from services.reassigning import Asked, reassign_student
from services.rolling_over import Asked as Year
from services.rolling_over import roll_students_over
from tests.support.sending import Desk, open_desk, sponsor

pytestmark = pytest.mark.postgres

FILE = sponsor(20)
TODAY = date(2026, 6, 15)


@pytest.fixture
async def desk(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, views_dsn, registry_dsn) as opened:
        yield opened


def only(outcome: object) -> Problem:
    """The one problem of a refusal."""
    assert isinstance(outcome, Refused)
    (problem,) = outcome.problems
    return problem


async def any_student(desk: Desk) -> str:
    rows = await desk.rows("select min(state_id) from transcript_students where sponsor = '017'")
    return str(rows[0][0])


async def edited(desk: Desk, **changes: str) -> Outcome:
    target = await desk.target(await any_student(desk), bssy="2025")
    return await execute(desk.ledger, target, EditStudent(changes), command_id=uuid4())


# --- Who may write -------------------------------------------------------------------------------------------------


async def test_a_new_ledger_is_writable_at_once_and_a_grant_alone_puts_nothing_in_force(desk: Desk) -> None:
    assert await refusal(desk.ledger, "2025", "017") is None
    await grant(desk.ledger, "2024", "017", TODAY, "request", command_id=uuid4())

    assert await refusal(desk.ledger, "2025", "017") is None
    assert await refusal(desk.ledger, "2023", "018") is None


async def test_once_a_year_is_opened_every_other_one_is_closed(desk: Desk) -> None:
    await open_year(desk.ledger, "2026", command_id=uuid4())

    assert await refusal(desk.ledger, "2026", "017") is None
    problem = await refusal(desk.ledger, "2025", "017")
    assert problem is not None
    assert (problem.code, problem.effect) == ("S06", "reject_file")
    assert "Open now: 2026." in problem.hint


async def test_closing_the_only_year_closes_all(desk: Desk) -> None:
    await close_year(desk.ledger, "2025", command_id=uuid4())

    for year in ("2024", "2025", "2026"):
        problem = await refusal(desk.ledger, year, "017")
        assert problem is not None
        assert "No year is open now." in problem.hint


async def test_a_grant_holds_for_one_sponsor_up_to_and_with_its_day(desk: Desk) -> None:
    await open_year(desk.ledger, "2026", command_id=uuid4())
    await grant(desk.ledger, "2025", "017", TODAY + timedelta(days=1), "request", command_id=uuid4())

    assert await refusal(desk.ledger, "2025", "017") is None
    assert await refusal(desk.ledger, "2025", "018") is not None
    desk.clock.time += timedelta(days=1)
    assert await refusal(desk.ledger, "2025", "017") is None
    desk.clock.time += timedelta(days=1)
    problem = await refusal(desk.ledger, "2025", "017")
    assert problem is not None
    assert "ended on 2026-06-16" in problem.hint


async def test_what_is_said_twice_is_stored_once(desk: Desk) -> None:
    command = uuid4()
    first = await open_year(desk.ledger, "2025", command_id=command)
    again = await open_year(desk.ledger, "2025", command_id=command)

    assert isinstance(first, Stored)
    assert again == Stored(command, first.position, 1, repeated=True)
    assert await open_year(desk.ledger, "2025", command_id=uuid4()) == Unchanged(1)
    assert await desk.end() == first.position + 1


# --- What is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["replace", "delete-all-and-replace", "validate-only"])
async def test_an_upload_is_received_and_refused_so_that_its_history_stays(desk: Desk, mode: Any) -> None:
    await desk.send(FILE.data)
    students = await desk.rows("select * from transcript_students order by ref")
    await close_year(desk.ledger, "2025", command_id=uuid4())

    sent = await desk.send(sponsor(20, seed=2).data, mode=mode)

    assert (sent.state, sent.bssy, sent.sponsor) == ("refused", "2025", "017")
    (problem,) = await desk.problems(sent)
    assert problem.code == "S06"
    assert await desk.rows("select * from transcript_students order by ref") == students


async def test_a_file_that_is_refused_for_itself_says_that(desk: Desk) -> None:
    await close_year(desk.ledger, "2025", command_id=uuid4())
    sent = await desk.send(FILE.data.replace(b"STS0302025", b"STS0302024", 1))

    assert [problem.code for problem in await desk.problems(sent)] == ["F03"]


async def test_an_upload_that_was_checked_in_time_is_finished(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its verdict is frozen at the check."""

    async def closed_meanwhile(*arguments: Any) -> None:
        await close_year(desk.ledger, "2025", command_id=uuid4())
        await carry_out(*arguments)

    monkeypatch.setattr("services.intake.work.carry_out", closed_meanwhile)
    sent = await desk.send(FILE.data)

    assert (sent.state, sent.stored) == ("closed", 20)
    assert await refusal(desk.ledger, "2025", "017") is not None


async def test_nothing_else_is_written_either(desk: Desk) -> None:
    await desk.send(FILE.data)
    state_id = await any_student(desk)
    target = await desk.target(state_id)
    await open_year(desk.ledger, "2027", command_id=uuid4())
    end = await desk.end()

    assert only(await edited(desk, sex_code="F")).code == "S06"
    assert only(await execute(desk.ledger, target, RemoveStudent("request"), command_id=uuid4())).code == "S06"
    for site in ("017002", "018001"):
        asked = Asked(state_id, site)
        assert only((await reassign_student(desk.ledger, asked, command_id=uuid4())).outcome).code == "S06"
    assert only(await roll_students_over(desk.ledger, Year("017", "2025"))).code == "S06"
    assert await desk.end() == end


async def test_a_repeated_edit_is_answered_although_the_year_is_closed_now(desk: Desk) -> None:
    await desk.send(FILE.data)
    target, command = await desk.target(await any_student(desk)), uuid4()
    await execute(desk.ledger, target, EditStudent({"local_identification_number": "LC9"}), command_id=command)
    await close_year(desk.ledger, "2025", command_id=uuid4())

    again = await execute(desk.ledger, target, EditStudent({"local_identification_number": "LC9"}), command_id=command)

    assert isinstance(again, Stored)
    assert again.repeated


async def test_with_a_grant_the_sponsor_writes(desk: Desk) -> None:
    await desk.send(FILE.data)
    await open_year(desk.ledger, "2026", command_id=uuid4())
    await grant(desk.ledger, "2025", "017", TODAY, "request", command_id=uuid4())

    assert isinstance(await edited(desk, local_identification_number="LC9"), Stored)
    assert (await desk.send(FILE.data)).state == "closed"
    assert (await desk.send(sponsor(5, code="018").data)).state == "refused"


async def test_a_rollover_needs_the_new_year_and_not_the_old_one(desk: Desk) -> None:
    await desk.send(FILE.data)
    await open_year(desk.ledger, "2026", command_id=uuid4())

    assert not isinstance(await roll_students_over(desk.ledger, Year("017", "2025")), Refused)
