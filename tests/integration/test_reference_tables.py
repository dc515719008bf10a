"""Reference tables in the ledger: published whole or not at all, in force by year, sealed, named by every verdict."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest

from events.streams import certification_stream, reference_stream, upload_stream
from events.student_commands import EditCourse, Refused
from schemas.louisiana_sts.escholar import read_extract
from schemas.louisiana_sts.reference_csv import content_of, demonstration_set, table_of
from schemas.problems import Problem
from schemas.reference import ReferenceTable, ReferenceTables
from services.auditing import audit
from services.blobs import BlobMissing
from services.certifying import certify, show
from services.commands import Stored, Unchanged, execute
from services.generate import GeneratedFile, Spec, generate
from services.generate.extract import GeneratedExtract
from services.generate.tables import losfa_fafsa, special_education
from services.identity_load import load as load_identities
from services.identity_load import plan as plan_identities
from services.reference import opened, publications, tables_in_force
from services.reference_load import LoadPlan, plan, plan_table, publish
from tests.support.sending import Desk, open_desk

pytestmark = pytest.mark.postgres

SETS = demonstration_set()
SPEC = Spec(12, reference=SETS)
FILE = generate(SPEC)


@pytest.fixture
async def desk(tmp_path: Path, views_dsn: str, registry_dsn: str) -> AsyncIterator[Desk]:
    """At the end every row and every blob is what the log says."""
    async with open_desk(tmp_path, views_dsn, registry_dsn) as made:
        yield made


async def publish_all(desk: Desk, *, effective: int = 2014, tables: ReferenceTables = SETS) -> None:
    for table in tables.values():
        await publish(desk.ledger, replace(table, effective=effective), command_id=uuid4())


async def loaded(desk: Desk, name: str, data: bytes, effective: int = 2025) -> Stored | Unchanged:
    """Load a file that has no fault."""
    planned = await plan(desk.ledger, name, data, effective)
    assert isinstance(planned, LoadPlan)
    return await publish(desk.ledger, planned.table, command_id=uuid4())


def sites(*changes: tuple[str, str]) -> bytes:
    """The demonstration set's sites with texts replaced."""
    text = content_of(SETS["sites"]).decode()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return text.encode()


def without(table: ReferenceTable, **cells: str) -> ReferenceTable:
    """A table without the rows that have these cells."""
    rows = [row for row in table.rows if any(row[column] != cell for column, cell in cells.items())]
    assert len(rows) < len(table.rows)
    return table_of(table.name, 2025, rows)


# --- Publishing -----------------------------------------------------------------------------------------------------


async def test_a_table_is_published_with_its_digest_and_comes_back_as_it_was(desk: Desk) -> None:
    outcome = await loaded(desk, "sites", sites())
    [row] = await publications(desk.ledger)

    assert isinstance(outcome, Stored)
    assert (row.name, row.effective, row.rows, row.demonstration) == ("sites", 2025, 50, True)
    assert row.digest == SETS["sites"].digest == hashlib.sha256(sites()).hexdigest()
    assert row.position == outcome.position
    assert await opened(desk.ledger, row) == replace(SETS["sites"], effective=2025)


async def test_a_plan_says_what_would_change_and_writes_nothing(desk: Desk) -> None:
    await loaded(desk, "sites", sites())
    end = await desk.end()

    changed = sites(("Heron Old High School", "Heron New High School"), ("017031", "017032"))
    planned = await plan(desk.ledger, "sites", changed, 2026)

    assert isinstance(planned, LoadPlan)
    assert planned.held is not None
    assert planned.held.effective == 2025
    assert [row["site_code"] for row in planned.difference.added] == ["017032"]
    assert [row["site_code"] for row in planned.difference.removed] == ["017031"]
    assert [(one.after["site_code"], one.columns) for one in planned.difference.changed] == [("017021", ("name",))]
    assert await desk.end() == end


async def test_a_faulty_table_is_refused_whole_with_every_fault(desk: Desk) -> None:
    faulty = sites(("017001,017", "017001,018"), ("Heron Elementary School,lower", "Heron Elementary School,x"))
    before = await desk.end()

    refused = await plan(desk.ledger, "sites", faulty, 2025)

    assert isinstance(refused, tuple)
    assert sorted((one.code, one.field) for one in refused) == [("T05", "kind"), ("T08", "site_code")]
    assert await desk.end() == before
    assert await publications(desk.ledger) == ()


async def test_a_table_that_changes_nothing_makes_no_event(desk: Desk) -> None:
    await loaded(desk, "sites", sites(), 2024)
    end = await desk.end()

    windows = sites().replace(b"\n", b"\r\n")
    assert await loaded(desk, "sites", windows, 2024) == Unchanged(1)
    assert await loaded(desk, "sites", sites(), 2026) == Unchanged(1)
    assert await desk.end() == end
    assert isinstance(await loaded(desk, "sites", sites(), 2023), Stored)


async def test_each_year_has_its_table_and_a_correction_counts_from_its_year_on(desk: Desk) -> None:
    await loaded(desk, "sites", sites(), 2024)
    await loaded(desk, "sites", sites(("Heron Old", "Heron New")), 2026)
    await loaded(desk, "sites", sites(("Heron Old", "Heron Elder")), 2024)

    async def name(bssy: int) -> str:
        return (await tables_in_force(desk.ledger, bssy))["sites"].by("site_code")["017021",]["name"]

    assert "sites" not in await tables_in_force(desk.ledger, 2023)
    assert await name(2024) == await name(2025) == "Heron Elder High School"
    assert await name(2026) == await name(2030) == "Heron New High School"
    assert [(row.effective, row.name) for row in await publications(desk.ledger, "sites")] == [
        (2026, "sites"), (2024, "sites"), (2024, "sites"),
    ]  # fmt: skip


async def test_a_repeated_load_is_stored_once(desk: Desk) -> None:
    command = uuid4()
    planned = await plan_table(desk.ledger, SETS["sponsors"])
    first = await publish(desk.ledger, planned.table, command_id=command)
    again = await publish(desk.ledger, planned.table, command_id=command)

    assert isinstance(first, Stored)
    assert again == replace(first, repeated=True)
    assert len(await publications(desk.ledger)) == 1


async def test_of_many_loads_at_once_one_is_published(desk: Desk) -> None:
    outcomes = await asyncio.gather(*(publish(desk.ledger, SETS["sponsors"], command_id=uuid4()) for _ in range(5)))

    assert sorted(type(one).__name__ for one in outcomes) == ["Stored", *["Unchanged"] * 4]
    [row] = await publications(desk.ledger)
    blobs = [path.name for path in (desk.folder / "home" / "blobs").rglob("*") if path.is_file()]
    assert blobs == [row.blob]


async def test_identities_are_not_published(desk: Desk) -> None:
    refused = await plan(desk.ledger, "identities", GeneratedExtract(SPEC).data, 2025)

    assert isinstance(refused, tuple)
    assert [one.code for one in refused] == ["T10"]
    assert "ledger identities load" in refused[0].hint


# --- What is sealed -------------------------------------------------------------------------------------------------


async def test_nobody_of_a_personal_table_can_be_read_or_guessed_in_log_view_or_blob(desk: Desk) -> None:
    table = special_education(replace(SPEC, students=60))
    ids = [row["state_identification_number"].encode() for row in table.rows]
    await publish(desk.ledger, table, command_id=uuid4())
    [row] = await publications(desk.ledger)

    lying = b"".join(path.read_bytes() for path in desk.folder.rglob("*") if path.is_file())
    assert len(ids) > 1
    assert not any(one in lying for one in ids)
    assert table.digest.encode() not in lying
    assert table.digest not in repr(row)
    assert row.digest == row.blob
    assert (await opened(desk.ledger, row)).rows == table.rows
    assert (await tables_in_force(desk.ledger, 2025)).digests == {"special_education": row.blob}


async def test_a_missing_blob_is_told_by_the_reader_and_by_fsck(desk: Desk) -> None:
    await loaded(desk, "sites", sites())
    [row] = await publications(desk.ledger)
    [commit] = await desk.ledger.events_of(reference_stream("sites"))
    assert commit.key is not None
    kept = desk.folder / "kept"
    [stored] = desk.folder.rglob(row.blob)
    stored.rename(kept)

    with pytest.raises(BlobMissing):
        await tables_in_force(desk.ledger, 2025)
    found = await audit(desk.ledger)

    assert [(one.kind, one.fault) for one in found.blob_differences] == [("reference table", "missing")]
    kept.rename(stored)
    assert "sites" in await tables_in_force(desk.ledger, 2025)


# --- Checks ---------------------------------------------------------------------------------------------------------


async def references(desk: Desk, stream: str) -> list[dict[str, str]]:
    """What each commit of a stream says it was checked against."""
    return [dict(one.commit.references) for one in await desk.ledger.events_of(stream)]


async def stream_of(desk: Desk, state_id: str) -> str:
    return (await desk.target(state_id, bssy="2025")).stream


async def test_without_a_published_table_nothing_is_named_and_nothing_decided(desk: Desk) -> None:
    row = await desk.send(FILE.data)

    assert (row.stored, row.held) == (12, 0)
    assert await references(desk, upload_stream(row.upload)) == [{}, {}, {}]
    assert ("302",) in await desk.rows("select code from upload_codes where undecided")


async def test_a_file_that_names_only_what_is_listed_is_clean_and_every_commit_names_the_tables(desk: Desk) -> None:
    await publish_all(desk)
    row = await desk.send(FILE.data)
    some_id = next(FILE.students()).person.state_id

    assert (row.stored, row.held) == (12, 0)
    received, checked, closed = await references(desk, upload_stream(row.upload))
    assert received == {}
    assert checked == closed == SETS.digests
    assert await references(desk, await stream_of(desk, some_id)) == [SETS.digests]
    assert ("302",) not in await desk.rows("select code from upload_codes where undecided")


async def test_a_course_that_no_table_lists_holds_its_student(desk: Desk) -> None:
    await publish_all(desk)
    taken = {course for made in FILE.students() for line in made.lines if (course := code_of(line))}
    gone = max(taken)
    await publish(desk.ledger, without(SETS["courses"], course_code=gone), command_id=uuid4())

    row = await desk.send(FILE.data)

    having = {made.person.state_id for made in FILE.students() if gone in {code_of(line) for line in made.lines}}
    assert having
    assert (row.stored, row.held) == (12 - len(having), len(having))
    assert {one.code for one in await desk.problems(row) if one.effect == "reject_student"} == {"302"}


def code_of(line: bytes) -> str:
    """The course code of a 030, else nothing."""
    return line[27:33].decode() if line[3:6] == b"030" else ""


async def test_a_verdict_names_the_tables_of_its_day_which_can_still_be_opened(desk: Desk) -> None:
    await publish_all(desk)
    row = await desk.send(FILE.data)
    later = without(SETS["courses"], course_code="990804")
    await publish(desk.ledger, later, command_id=uuid4())

    checked = (await references(desk, upload_stream(row.upload)))[1]
    named = [one for one in await publications(desk.ledger, "courses") if one.digest == checked["courses"]]
    assert [one.effective for one in named] == [2014]
    assert (await opened(desk.ledger, named[0])).rows == SETS["courses"].rows
    assert (await tables_in_force(desk.ledger, 2025))["courses"].rows == later.rows


async def test_an_edit_is_checked_with_the_tables_and_its_commit_names_them(desk: Desk) -> None:
    await publish_all(desk)
    await desk.send(FILE.data)
    some_id = next(FILE.students()).person.state_id
    target = await desk.target(some_id, bssy="2025")

    refused = await execute(desk.ledger, target, EditCourse(1, {"course_code": "998999"}), command_id=uuid4())
    stored = await execute(desk.ledger, target, EditCourse(1, {"course_code": "990805"}), command_id=uuid4())

    assert isinstance(refused, Refused)
    assert "302" in {one.code for one in refused.problems}
    assert isinstance(stored, Stored)
    assert (await references(desk, target.stream))[-1] == SETS.digests


async def test_a_certification_is_judged_with_the_tables_and_names_them(desk: Desk) -> None:
    await publish_all(desk)
    await desk.send(generate(Spec(60, sites=1, reference=SETS)).data)

    shown = await show(desk.ledger, "017001", "2025")
    assert shown.graduates
    await certify(desk.ledger, shown, command_id=uuid4())

    assert await references(desk, certification_stream("017001", "2025")) == [SETS.digests]


async def test_students_are_matched_with_escholar_where_the_extract_holds_any_of_them(desk: Desk) -> None:
    """Whoever is not in it does not exist there (U02); without an extract that is not decided."""
    await publish_all(desk)
    extract = read_extract(GeneratedExtract(SPEC).data, today=date(2026, 6, 15))
    assert isinstance(extract, tuple)
    before = await desk.send(FILE.data)
    missing, changed, *rest = extract
    await load_identities(
        desk.ledger,
        await plan_identities(desk.ledger, [replace(changed, last_name="Qqq"), *rest]),
        uuid4(),
    )

    row = await desk.send(FILE.data)

    assert (before.stored, before.held) == (12, 0)
    found = {(one.code, whose(FILE, one)) for one in await desk.problems(row) if one.record == "020"}
    assert found == {("U02", missing.state_id), ("U04", changed.state_id)}
    named = (await references(desk, upload_stream(row.upload)))[1]
    assert set(named) == {*SETS, "identities"}
    assert len(named["identities"]) == 64


def whose(file: GeneratedFile, problem: Problem) -> str:
    """The state id on the problem's line."""
    assert problem.line is not None
    return file.data.split(b"\r\n")[problem.line - 1][13:23].decode()


async def test_personal_tables_decide_and_are_named_by_their_blob(desk: Desk) -> None:
    spec = replace(SPEC, students=60)
    file = generate(spec)
    await publish_all(desk)
    await publish(desk.ledger, losfa_fafsa(spec), command_id=uuid4())
    flags = special_education(spec)
    some = next(row for row in flags.rows if row["laa1"] == "Y")
    await publish(
        desk.ledger, without(flags, state_identification_number=some["state_identification_number"]), command_id=uuid4()
    )

    row = await desk.send(file.data)

    held = [(one.code, whose(file, one)) for one in await desk.problems(row) if one.effect == "reject_student"]
    assert held == [("349", some["state_identification_number"])]
    named = (await references(desk, upload_stream(row.upload)))[1]
    blobs = {one.name: one.blob for one in await publications(desk.ledger)}
    assert {name: named[name] for name in ("special_education", "losfa_fafsa")} == {
        name: blobs[name] for name in ("special_education", "losfa_fafsa")
    }
