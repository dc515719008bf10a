"""Official transcripts call schools and courses what the reference tables called them when they were certified."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from events.official_transcript import OfficialTranscriptRendered
from events.streams import official_stream
from events.transcript_content import Course, Transcript
from projections.feed_queries import FeedRow, rows_after
from schemas.louisiana_sts.reference_csv import demonstration_set, table_of
from schemas.reference import ReferenceTable
from services.auditing import audit
from services.certifying import uncertify
from services.commands import Stored
from services.feeds.content import content_at
from services.generate.courses import CATALOG
from services.ledger import Ledger
from services.ots.archive import Rejection, Version, answers_of
from services.ots.naming import Namings
from services.ots.worker import work_off
from services.reference_load import publish
from tests.support.graduates import BSSY, certify_all, in_june, settings_for, upload

pytestmark = pytest.mark.postgres

SETS = demonstration_set()
SITE = "017001"


@pytest.fixture
async def ledger(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Ledger]:
    """A ledger whose graduates are not certified yet; sound at the end."""
    async with in_june(settings_for(tmp_path / "home", views_dsn, registry_dsn)) as opened:
        await upload(opened, tmp_path)
        yield opened
        assert (await audit(opened)).differences == 0


def sites(name: str) -> ReferenceTable:
    """The sites, one of them with another name."""
    rows = [row | {"name": name} if row["site_code"] == SITE else row for row in map(dict, SETS["sites"].rows)]
    return table_of("sites", 2025, rows)


def surveys() -> ReferenceTable:
    """A table of all courses that are generated, each under another name in each year."""
    other = dict(SETS["courses"].rows[0]) | {"ap": "Y", "ib": "Y"}
    keys = product(range(2014, 2026), dict(CATALOG))
    rows = [other | {"bssy": str(year), "course_code": code, "description": f"Survey of {year}"} for year, code in keys]
    return table_of("courses", 2025, rows)


def courses_of(content: Transcript) -> list[tuple[str, Course]]:
    """Return a transcript's courses with their years."""
    return [(year.bssy, each) for year in content.years for each in year.courses]


async def published(ledger: Ledger, table: ReferenceTable) -> str:
    """Publish a table and return the digest that it is named by."""
    assert isinstance(await publish(ledger, table, command_id=uuid4()), Stored)
    await ledger.caught_up()
    return table.digest


async def certified(ledger: Ledger) -> list[FeedRow]:
    """Return what the feed tells of those certified at the site."""
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        return [row for row in await rows_after(connection, 0, 10_000) if row.site == SITE and row.kind == "certified"]


async def rendered(ledger: Ledger, ref: UUID) -> tuple[OfficialTranscriptRendered, Mapping[str, str]]:
    """Return a student's newest version and the tables that its commit names."""
    commit = (await ledger.events_of(official_stream(ref)))[-1]
    [event] = commit.events
    assert isinstance(event, OfficialTranscriptRendered)
    return event, commit.commit.references


async def told(ledger: Ledger, row: FeedRow) -> Transcript:
    """Return the transcript that the feed tells."""
    content = await content_at(ledger, row, Namings(ledger))
    assert content is not None
    return content


async def test_a_version_is_named_by_the_tables_that_were_in_force_when_its_list_was_certified(ledger: Ledger) -> None:
    digest = await published(ledger, sites("Heron Bayou High School"))
    await certify_all(ledger)
    await published(ledger, sites("Heron Lake High School"))

    await work_off(ledger)

    rows = await certified(ledger)
    assert len(rows) > 3
    for row in rows:
        event, references = await rendered(ledger, row.ref)
        assert event.content.school.site == "Heron Bayou High School"
        assert references == {"sites": digest}
        assert event.content.school.sponsor == ""


async def test_the_feed_tells_the_same_names_before_and_after_another_publication(ledger: Ledger) -> None:
    await published(ledger, sites("Heron Bayou High School"))
    await certify_all(ledger)
    row = (await certified(ledger))[0]
    before = await told(ledger, row)

    await published(ledger, sites("Heron Lake High School"))
    await work_off(ledger)

    event, _ = await rendered(ledger, row.ref)
    assert before.school.site == "Heron Bayou High School"
    assert await told(ledger, row) == before == event.content


async def test_a_table_published_after_the_list_names_nothing_on_it(ledger: Ledger) -> None:
    await certify_all(ledger)
    await published(ledger, sites("Heron Bayou High School"))
    await work_off(ledger)

    event, references = await rendered(ledger, (await certified(ledger))[0].ref)
    assert (event.content.school.site_code, event.content.school.site, references) == (SITE, "", {})


async def test_a_schools_name_that_cannot_be_printed_is_repaired_in_its_table(ledger: Ledger) -> None:
    await published(ledger, sites("明美高校"))
    await certify_all(ledger)
    await work_off(ledger)
    rejected = await answers_of(ledger, (await certified(ledger))[0].ref)

    await published(ledger, sites("Heron Bayou High School"))
    await uncertify(ledger, SITE, BSSY, "a school's name was corrected", command_id=uuid4())
    await certify_all(ledger)
    await work_off(ledger)

    row = (await certified(ledger))[0]
    [first, second] = await answers_of(ledger, row.ref)
    assert [first] == rejected
    assert isinstance(first, Rejection)
    assert first.event.reasons == ("not-printable",)
    assert isinstance(second, Version)
    assert second.event.content.school.site == "Heron Bayou High School"


async def test_a_course_sent_without_a_name_has_that_of_the_year_in_which_it_was_taken(ledger: Ledger) -> None:
    digest = await published(ledger, surveys())
    await certify_all(ledger)
    await work_off(ledger)

    years = set()
    for row in await certified(ledger):
        event, references = await rendered(ledger, row.ref)
        before = courses_of(await told(ledger, replace(row, certified_at=0)))
        unnamed = {(year, each.code) for year, each in before if each.name == each.code}
        after = {(year, each.code): each.name for year, each in courses_of(event.content)}
        assert references == {"courses": digest}
        assert {key: after[key] for key in unnamed} == {(year, code): f"Survey of {year}" for year, code in unnamed}
        assert "Survey" not in "".join(each.name for _, each in before)
        years |= {year for year, _ in unnamed}
    assert len(years) > 3


async def test_a_naming_is_that_of_its_school_year_and_position_and_found_once(ledger: Ledger) -> None:
    await published(ledger, sites("Heron Bayou High School"))
    await certify_all(ledger)
    row = (await certified(ledger))[0]
    namings = Namings(ledger)

    naming = await namings.at(row.bssy, row.certified_at)
    assert naming.names.sites[SITE] == "Heron Bayou High School"
    assert await namings.at(row.bssy, row.certified_at) is naming
    assert (await namings.at(row.bssy, 1)).references == {}
    assert (await namings.at("2024", row.certified_at)).references == {}
