"""The OTS worker on a real ledger: each certified graduate is answered once, and every version is kept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest

from events.identity import StudentIdentified
from events.streams import identity_stream, student_stream
from events.student import Present
from events.student_commands import EditCourse, EditStudent, StudentCommand
from projections.ots_status import Status, statuses
from services import certifying
from services.auditing import audit
from services.blobs import BlobDamaged
from services.certifying import uncertify
from services.cli.ots_answers import read_status
from services.commands import Stored, Target, execute, loaded
from services.identities import identify, identity_of
from services.ledger import Ledger
from services.ots.archive import Rejection, Version, answers_of, changes, document_of, pick, rerender
from services.ots.naming import Namings
from services.ots.worker import SiteLists, judge, load_case, waiting_now, work_off
from services.targets import NoSuchVersion
from tests.support.graduates import BSSY, June, certify_all, erase, in_june, settings_for, upload

pytestmark = pytest.mark.postgres


@pytest.fixture
async def ledger(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Ledger]:
    """A ledger whose graduates were certified and wait, one without a birth date; sound at the end."""
    async with in_june(settings_for(tmp_path / "home", views_dsn, registry_dsn)) as opened:
        await upload(opened, tmp_path)
        await certify_all(opened)
        await identified_as(opened, (await all_statuses(opened, "Q"))[0].ref, birth_date="")
        await certify_all(opened)
        yield opened
        assert (await audit(opened)).differences == 0


async def all_statuses(ledger: Ledger, status: str | None = None) -> list[Status]:
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        return await statuses(connection, status=status)


async def status_of(ledger: Ledger, ref: UUID) -> str:
    return next(one.status for one in await all_statuses(ledger) if one.ref == ref)


async def versions_of(ledger: Ledger, ref: UUID) -> list[Version]:
    return [each for each in await answers_of(ledger, ref) if isinstance(each, Version)]


async def edit(ledger: Ledger, status: Status, command: StudentCommand) -> None:
    """Edit a graduate's record."""
    stream = student_stream(status.sponsor, status.ref, BSSY)
    commits = await ledger.events_of(stream)
    key, state = commits[-1].key, loaded(commits).state
    assert key is not None
    assert isinstance(state, Present)
    target = Target(stream, key, state.student["state_identification_number"], status.sponsor, BSSY)
    assert isinstance(await execute(ledger, target, command, command_id=uuid4()), Stored)


async def identified_as(ledger: Ledger, ref: UUID, **changes: str) -> None:
    """Let eScholar know a student by other words."""
    found = await identity_of(ledger, ref)
    assert isinstance(found.state, StudentIdentified)
    key = (await ledger.events_of(identity_stream(ref)))[-1].key
    assert key is not None
    proposed = msgspec.structs.replace(found.state, **changes)
    assert await identify(ledger, key, proposed, command=uuid4(), current=found)


async def first_birth_date(ledger: Ledger, ref: UUID) -> str:
    """Return the birth date that was known of a student at first."""
    event = (await ledger.events_of(identity_stream(ref)))[0].events[0]
    assert isinstance(event, StudentIdentified)
    assert event.birth_date
    return event.birth_date


# --- Q to S and R ---------------------------------------------------------------------------------------------------


async def test_everybody_who_waits_is_answered_once_sent_or_rejected_with_reasons(ledger: Ledger) -> None:
    waiting = await all_statuses(ledger, "Q")

    assert await work_off(ledger) == len(waiting) > 5
    assert await work_off(ledger) == 0

    assert await all_statuses(ledger, "Q") == []
    for status in await all_statuses(ledger):
        (answer,) = await answers_of(ledger, status.ref)
        assert answer.event.certified_at == status.certified_at
        if status.status == "S":
            assert isinstance(answer, Version)
            assert (await document_of(ledger, answer)).startswith(b"%PDF-")
            assert (answer.event.number, status.number, status.reasons) == (1, 1, ())
        else:
            assert isinstance(answer, Rejection)
            assert answer.event.reasons == status.reasons == ("identity-missing",)
    assert {status.status for status in await all_statuses(ledger)} == {"S", "R"}


async def test_two_workers_at_once_answer_nobody_twice(ledger: Ledger) -> None:
    waiting = await all_statuses(ledger, "Q")

    done = await asyncio.gather(work_off(ledger), work_off(ledger))

    assert sum(done) == len(waiting)
    assert [len(await answers_of(ledger, status.ref)) for status in waiting] == [1] * len(waiting)


async def test_a_rejected_one_waits_again_after_repair_and_recertification_only(ledger: Ledger) -> None:
    await work_off(ledger)
    rejected = (await all_statuses(ledger, "R"))[0]

    await identified_as(ledger, rejected.ref, birth_date=await first_birth_date(ledger, rejected.ref))
    assert await work_off(ledger) == 0
    assert await status_of(ledger, rejected.ref) == "R"
    await certify_all(ledger)
    assert await status_of(ledger, rejected.ref) == "Q"

    await work_off(ledger)
    assert await status_of(ledger, rejected.ref) == "S"
    assert [type(each) for each in await answers_of(ledger, rejected.ref)] == [Rejection, Version]


async def test_what_is_certified_again_unchanged_is_not_sent_again(ledger: Ledger) -> None:
    await work_off(ledger)
    sent, rejected = await all_statuses(ledger, "S"), await all_statuses(ledger, "R")
    await edit(ledger, sent[0], EditStudent({"local_identification_number": "LC7777777"}))
    await certify_all(ledger)

    again = {sent[0].ref, *(one.ref for one in rejected if one.site == sent[0].site)}
    assert {one.ref for one in await all_statuses(ledger, "Q")} == again
    await work_off(ledger)
    assert [len(await versions_of(ledger, one.ref)) for one in sent] == [2] + [1] * (len(sent) - 1)


async def test_a_list_withdrawn_between_queue_and_answer_is_a_reason_against(ledger: Ledger) -> None:
    lists, (first, *_) = SiteLists(ledger), await waiting_now(ledger)
    before = await load_case(ledger, first, lists, Namings(ledger))
    await uncertify(ledger, first.site, BSSY, "wrong data were sent", command_id=uuid4())
    after = await load_case(ledger, first, lists, Namings(ledger))

    assert before is not None
    assert after is not None
    assert "site-not-certified" not in judge(before)
    assert "site-not-certified" in judge(after)


async def test_a_name_that_no_font_has_is_rejected_and_said(ledger: Ledger) -> None:
    waiting = await all_statuses(ledger, "Q")
    await identified_as(ledger, waiting[-1].ref, middle_name="明美")
    await certify_all(ledger)
    await work_off(ledger)

    found = next(one for one in await all_statuses(ledger) if one.ref == waiting[-1].ref)
    assert (found.status, found.reasons) == ("R", ("not-printable",))


async def test_whoever_is_erased_while_waiting_is_not_answered(ledger: Ledger) -> None:
    waiting = await waiting_now(ledger)
    await erase(ledger, waiting[0].ref)
    await ledger.caught_up()

    assert await load_case(ledger, waiting[0], SiteLists(ledger), Namings(ledger)) is None
    assert await work_off(ledger) == len(waiting) - 1
    assert await answers_of(ledger, waiting[0].ref) == []


async def test_a_nonpublic_graduate_is_sent_without_any_certification(
    tmp_path: Path, views_dsn: str, registry_dsn: str
) -> None:
    """R-173."""
    async with in_june(settings_for(tmp_path / "home", views_dsn, registry_dsn)) as ledger:
        await upload(ledger, tmp_path, layout="nonpublic")
        await ledger.caught_up()
        assert await certify_all(ledger) == []

        assert await work_off(ledger) > 0

        sent = await all_statuses(ledger, "S")
        assert {one.sector for one in sent} == {"nonpublic"}
        assert (await versions_of(ledger, sent[0].ref))[0].event.sector == "nonpublic"


async def test_who_waits_longer_than_a_day_is_named(ledger: Ledger) -> None:
    """R-183."""
    assert isinstance(ledger.clock, June)
    fresh = await read_status(ledger, status="Q", site=None, limit=5)
    assert (fresh.late, len(fresh.graduates)) == (0, 5)

    ledger.clock.time += timedelta(hours=24)
    stale = await read_status(ledger, status="Q", site=None, limit=5)
    assert stale.late == stale.queued > 5
    assert all(one.late and one.age_seconds > 24 * 3600 for one in stale.graduates)


# --- Versions -------------------------------------------------------------------------------------------------------


async def test_a_changed_grade_makes_a_second_version_and_the_first_is_kept(ledger: Ledger) -> None:
    await work_off(ledger)
    sent = (await all_statuses(ledger, "S"))[0]
    (first,) = await versions_of(ledger, sent.ref)
    archived = await document_of(ledger, first)
    better = EditCourse(1, {"transcript_course_name": "Harbors of Our Own"})
    await edit(ledger, sent, better)
    assert await status_of(ledger, sent.ref) == "S"  # what was certified last was sent

    await certify_all(ledger)
    await work_off(ledger)

    versions = await versions_of(ledger, sent.ref)
    assert [one.event.number for one in versions] == [1, 2]
    assert await document_of(ledger, versions[0]) == archived
    told = changes(versions[0].event.content, versions[1].event.content)
    assert "Harbors of Our Own" in {after for _, _, after in told}
    assert versions[0].event.content_digest != versions[1].event.content_digest
    assert pick(list(versions), 0) == versions[0]
    assert pick(list(versions), None) == versions[1]
    with pytest.raises(NoSuchVersion, match=r"Versions: 0, 1\."):
        pick(list(versions), 2)


async def test_todays_template_gives_the_archived_bytes_again_or_says_what_made_them(ledger: Ledger) -> None:
    await work_off(ledger)
    (version,) = await versions_of(ledger, (await all_statuses(ledger, "S"))[0].ref)

    again = await asyncio.to_thread(rerender, ledger, version.event)
    assert again.same
    assert again.made_by == again.here

    older = msgspec.structs.replace(version.event, template="0" * 64, sha256="0" * 64, typst="0.1")
    different = await asyncio.to_thread(rerender, ledger, older)
    assert not different.same
    assert different.made_by == "template 000000000000, typst 0.1"


async def test_a_damaged_document_is_found_and_never_given_out(
    tmp_path: Path, views_dsn: str, registry_dsn: str
) -> None:
    async with in_june(settings_for(tmp_path / "home", views_dsn, registry_dsn)) as ledger:
        await upload(ledger, tmp_path)
        await certify_all(ledger)
        await work_off(ledger)
        (version,) = await versions_of(ledger, (await all_statuses(ledger, "S"))[0].ref)
        [stored] = [path for path in (tmp_path / "home").rglob("*") if version.event.pdf in path.name]
        stored.chmod(0o600)
        stored.write_bytes(stored.read_bytes()[:-1] + b"\0")

        with pytest.raises(BlobDamaged):
            await document_of(ledger, version)
        found = await audit(ledger)
        assert [(one.kind, one.digest) for one in found.blob_differences] == [
            ("official transcript", version.event.pdf)
        ]


async def test_a_certifier_is_told_beforehand_who_will_be_rejected(ledger: Ledger) -> None:
    await work_off(ledger)
    rejected = {one.ref for one in await all_statuses(ledger, "R")}
    sites = {one.site for one in await all_statuses(ledger)}

    shown = [await certifying.show(ledger, site, BSSY) for site in sorted(sites)]

    told = {one.graduate.ref for each in shown for one in each.candidates if one.will_be_rejected}
    assert told == rejected
