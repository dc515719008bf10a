"""A student goes to another site of the LEA, or another LEA takes a copy over (R-200 to R-203)."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from events.student_commands import EditStudent, Refused, RemoveStudent
from projections.certification_queries import list_sites
from services import certifying
from services.commands import Stored, Unchanged, execute
from services.history import CopiedFrom, history
from services.reassigning import Asked, Reassigned, reassign_student
from services.targets import NotHeld, SeveralSets
from tests.support.sending import Desk, open_desk, sponsor

pytestmark = pytest.mark.postgres

FILE = sponsor(60)
GRADUATE = next(
    made.person.state_id for made in FILE.students() if made.person.graduation and made.person.number % 2 == 0
)
OTHER = next(made.person.state_id for made in FILE.students() if made.person.grade == "10")


@pytest.fixture
async def desk(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path, views_dsn, registry_dsn) as opened:
        await opened.send(FILE.data)
        yield opened


async def reassigned(desk: Desk, asked: Asked, command: UUID | None = None) -> Reassigned:
    return await reassign_student(desk.ledger, asked, command_id=command or uuid4(), reason="the family moved")


def only(done: Reassigned) -> tuple[str, str]:
    """The one problem of a refusal: its code and hint."""
    assert isinstance(done.outcome, Refused)
    (problem,) = done.outcome.problems
    return problem.code, problem.hint


async def sites_of(desk: Desk, state_id: str) -> list[tuple[object, ...]]:
    return await desk.rows(
        "select bssy, sponsor, site, courses from transcript_students where state_id = $1 order by 1, 2, 3", state_id
    )


async def test_within_the_lea_the_student_is_moved_on_the_same_stream(desk: Desk) -> None:
    (before,) = await sites_of(desk, GRADUATE)
    done = await reassigned(desk, Asked(GRADUATE, "017002"))

    assert (done.how, done.bssy, done.from_sponsor, done.from_site) == ("moved", "2025", "017", "017001")
    assert await sites_of(desk, GRADUATE) == [("2025", "017", "017002", before[3])]
    first, second = await history(desk.ledger, (await desk.target(GRADUATE)).stream)
    assert (first.events, second.events) == (("student-record-submitted",), ("student-moved",))
    assert (second.version, second.reason) == (2, "the family moved")
    assert [(one.field, one.before, one.after) for one in second.changes] == [("site_code", "017001", "017002")]


async def test_from_another_lea_the_set_is_copied_and_both_histories_stay(desk: Desk) -> None:
    source = await desk.target(OTHER)
    await execute(desk.ledger, source, EditStudent({"local_identification_number": "LC9"}), command_id=uuid4())
    (before,) = await sites_of(desk, OTHER)

    done = await reassigned(desk, Asked(OTHER, "018003"))

    assert (done.how, done.from_sponsor) == ("copied", "017")
    assert any("Sponsor 018 holds no student here yet" in note for note in done.notes)
    assert await sites_of(desk, OTHER) == [before, ("2025", "018", "018003", before[3])]
    sending = await history(desk.ledger, source.stream)
    (entry,) = await history(desk.ledger, (await desk.target(OTHER, sponsor="018")).stream)
    assert [one.events for one in sending] == [("student-record-submitted",), ("student-edited",)]
    assert entry.events == ("student-reassigned-in",)
    assert entry.copied_from == CopiedFrom("017", "2025", 2, sending[-1].position)
    assert entry.reason == "the family moved"


async def test_what_happens_to_the_source_afterwards_does_not_reach_the_copy(desk: Desk) -> None:
    source = await desk.target(OTHER)
    await reassigned(desk, Asked(OTHER, "018003"))
    await execute(desk.ledger, source, RemoveStudent("request"), command_id=uuid4())

    ((bssy, code, site, _),) = await sites_of(desk, OTHER)
    assert (bssy, code, site) == ("2025", "018", "018003")


async def test_a_repeat_under_the_same_id_gives_the_same_answer(desk: Desk) -> None:
    for site, how in (("018003", "copied"), ("017002", "moved")):
        student = OTHER if how == "copied" else GRADUATE
        command = uuid4()
        first = await reassigned(desk, Asked(student, site), command)
        end = await desk.end()
        again = await reassigned(desk, Asked(student, site), command)

        assert isinstance(first.outcome, Stored)
        assert isinstance(again.outcome, Stored)
        assert (again.outcome.position, again.outcome.version) == (first.outcome.position, first.outcome.version)
        assert (again.how, again.bssy, again.from_sponsor, again.outcome.repeated) == (how, "2025", "017", True)
        assert await desk.end() == end


async def test_the_same_again_under_another_id_changes_nothing(desk: Desk) -> None:
    await reassigned(desk, Asked(OTHER, "018003"))
    end = await desk.end()

    again = await reassigned(desk, Asked(OTHER, "018003", from_sponsor="017"))

    assert again.outcome == Unchanged(1)
    assert await desk.end() == end


async def test_where_two_hold_the_student_the_sender_must_be_named(desk: Desk) -> None:
    await reassigned(desk, Asked(OTHER, "018003"))

    with pytest.raises(SeveralSets, match="add --from-sponsor"):
        await reassigned(desk, Asked(OTHER, "019001"))
    assert (await reassigned(desk, Asked(OTHER, "019001", from_sponsor="018"))).from_sponsor == "018"


async def test_another_set_at_the_receiver_is_never_overwritten(desk: Desk) -> None:
    await reassigned(desk, Asked(OTHER, "018003"))
    there = await desk.target(OTHER, sponsor="018")
    await execute(desk.ledger, there, EditStudent({"local_identification_number": "LC9"}), command_id=uuid4())

    code, hint = only(await reassigned(desk, Asked(OTHER, "018003", from_sponsor="017")))

    assert code == "S07"
    assert "ledger delete student" in hint


async def test_the_prior_year_is_tried_and_it_is_said(desk: Desk) -> None:
    done = await reassigned(desk, Asked(OTHER, "018003", bssy="2026"))

    assert done.bssy == "2025"
    assert any("the prior year was tried" in note for note in done.notes)
    with pytest.raises(NotHeld):
        await reassigned(desk, Asked(OTHER, "018003", bssy="2027"))


async def test_the_site_that_is_named_must_be_the_students(desk: Desk) -> None:
    with pytest.raises(NotHeld, match=r"at site 01700[12], not at 017009"):
        await reassigned(desk, Asked(OTHER, "018003", from_site="017009"))
    (before,) = await sites_of(desk, OTHER)
    assert (await reassigned(desk, Asked(OTHER, "018003", from_site=str(before[2])))).how == "copied"


async def test_who_was_never_stored_is_not_found(desk: Desk) -> None:
    with pytest.raises(NotHeld):
        await reassigned(desk, Asked("1234567890", "018003"))


async def test_public_and_nonpublic_do_not_mix(desk: Desk) -> None:
    private = sponsor(10, code="501", layout="nonpublic")
    await desk.send(private.data)
    await desk.send(sponsor(5, code="502", layout="nonpublic", seed=9).data)
    student = next(private.students()).person.state_id
    end = await desk.end()

    assert only(await reassigned(desk, Asked(OTHER, "501001")))[0] == "S08"
    assert only(await reassigned(desk, Asked(student, "017001")))[0] == "S08"
    assert await desk.end() == end
    done = await reassigned(desk, Asked(student, "502001"))
    assert isinstance(done.outcome, Stored)
    assert done.notes == ()


async def test_a_moved_graduate_leaves_both_sites_in_need_of_recertification(desk: Desk) -> None:
    for site in ("017001", "017002"):
        shown = await certifying.show(desk.ledger, site, "2025")
        await certifying.certify(desk.ledger, shown, command_id=uuid4())
    assert await standings(desk) == {"017001": "certified", "017002": "certified"}

    await reassigned(desk, Asked(GRADUATE, "017002"))

    assert await standings(desk) == {"017001": "needs-recertification", "017002": "needs-recertification"}


async def test_a_graduate_who_is_copied_needs_certification_where_they_arrive_and_not_where_they_left(
    desk: Desk,
) -> None:
    shown = await certifying.show(desk.ledger, "017001", "2025")
    await certifying.certify(desk.ledger, shown, command_id=uuid4())

    done = await reassigned(desk, Asked(GRADUATE, "018003"))

    assert isinstance(done.outcome, Stored)
    assert done.outcome.removed is None
    found = await standings(desk)
    assert (found["017001"], found["018003"]) == ("certified", "never-certified")


async def standings(desk: Desk) -> dict[str, str]:
    await desk.ledger.caught_up()
    async with desk.ledger.pool.acquire() as connection:
        sites, _ = await list_sites(connection, "2025")
    return {one.site: one.standing for one in sites}
