"""Certifying a site: what is shown is what is certified, and nothing is ever certified unseen."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from events.certification import Certified, Graduate
from events.collection import CollectionClosed, CollectionEvent, CollectionOpened, PriorYearAccessGranted
from events.identity import StudentErased
from events.streams import certification_stream, collection_stream, owner_of
from projections.certification_queries import Disagreement, SiteRow, graduates_of, list_sites
from services import certifying
from services.certifying import NotForCertification, Shown, certify, current_bssy, show, uncertify
from services.commands import Conflict, Stored, Unchanged
from services.generate import Spec
from services.ledger import Draft, Ledger, Written
from services.targets import find_key
from tests.support.ledgers import House
from tests.support.schools import BSSY, SCHOOL, SITE, GateLog, edit, remove, rename, school, upload

pytestmark = pytest.mark.postgres

Change = Callable[[Ledger, str], Awaitable[object]]


async def change_record(ledger: Ledger, state_id: str) -> Stored:
    return await edit(ledger, state_id, local_identification_number="LC9999999")


async def clear_date(ledger: Ledger, state_id: str) -> Stored:
    return await edit(ledger, state_id, graduation_date="")


CHANGES: dict[str, tuple[Change, str]] = {
    "the record is edited": (change_record, "record-changed"),
    "eScholar renames": (rename, "identity-changed"),
    "the date is cleared": (clear_date, "no-graduate-any-more"),
    "the set is removed": (remove, "no-graduate-any-more"),
}
each_change = pytest.mark.parametrize(("change", "what"), CHANGES.values(), ids=CHANGES)


async def sites(ledger: Ledger, bssy: str | None = None) -> tuple[tuple[SiteRow, ...], tuple[Disagreement, ...]]:
    await ledger.caught_up()
    async with ledger.pool.acquire() as connection:
        return await list_sites(connection, bssy)


async def standing_of(ledger: Ledger, site: str = SITE) -> str:
    found, _ = await sites(ledger)
    return next(one.standing for one in found if one.site == site)


async def disagreeing(ledger: Ledger) -> list[tuple[str, str]]:
    _, found = await sites(ledger)
    return [(one.state_id, one.what) for one in found]


async def list_that_counts(ledger: Ledger) -> set[Graduate]:
    _, state = await certifying.load(ledger, SITE, BSSY)
    assert isinstance(state, Certified)
    return set(state.graduates)


async def certified(ledger: Ledger) -> Shown:
    """Show and certify."""
    shown = await show(ledger, SITE, BSSY)
    assert isinstance(await certify(ledger, shown, command_id=uuid4()), Stored)
    return shown


@asynccontextmanager
async def two(house: House) -> AsyncIterator[tuple[Ledger, Ledger, GateLog]]:
    """A certifier's process and another one, and the gate at the certifier's log."""
    gate = GateLog(house.log.store, "certification")
    async with house.open(log=gate) as certifier, house.open() as other:
        yield certifier, other, gate


# --- Showing --------------------------------------------------------------------------------------------------------


async def test_the_graduates_are_shown_as_they_stand(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        graduates = await school(ledger, tmp_path)
        shown = await show(ledger, SITE, BSSY)

        assert len(graduates) >= 3
        assert sorted(one.state_id for one in shown.candidates) == graduates
        assert all(not one.held_back and not one.certified_before for one in shown.candidates)
        assert all(
            one.graduate.version == 1 and one.graduate.record and one.graduate.identity for one in shown.candidates
        )
        assert len(shown.graduates) == len(graduates)
        assert (shown.version, shown.leaving, shown.changes_nothing) == (0, (), False)


async def test_whom_the_ots_would_reject_is_shown_with_the_reasons_and_certified_all_the_same(
    house: House, tmp_path: Path
) -> None:
    async with house.open() as ledger:
        await upload(ledger, tmp_path, SCHOOL)  # nobody's identity is known
        shown = await show(ledger, SITE, BSSY)

        assert {one.will_be_rejected for one in shown.candidates} == {("identity-missing",)}
        assert len(shown.graduates) == len(shown.candidates) > 0


async def test_a_graduate_whom_escholar_contradicts_is_held_back(house: House, tmp_path: Path) -> None:
    """The document would carry eScholar's name above somebody else's courses."""
    async with house.open() as ledger:
        first, *rest = await school(ledger, tmp_path)
        await edit(ledger, first, partial_last_name="XXX", sex_code="M")
        await edit(ledger, first, partial_first_name="X")
        shown = await show(ledger, SITE, BSSY)
        assert isinstance(await certify(ledger, shown, command_id=uuid4()), Stored)

        held = {one.state_id: [each.code for each in one.held_back] for one in shown.candidates if one.held_back}
        assert held.keys() == {first}
        assert set(held[first]) >= {"U03", "U04"}
        assert len(await list_that_counts(ledger)) == len(rest)
        assert await disagreeing(ledger) == [(first, "not-in-list")]


async def test_nonpublic_sites_are_not_certified(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await upload(ledger, tmp_path, Spec(60, sites=1, layout="nonpublic", sponsor="506"))
        with pytest.raises(NotForCertification, match="nonpublic"):
            await show(ledger, "506001", BSSY)
        assert await sites(ledger) == ((), ())


@pytest.mark.parametrize("site", ["017009", "0 1", "../17"])
async def test_a_site_without_graduates_is_refused(house: House, site: str) -> None:
    async with house.open() as ledger:
        with pytest.raises(NotForCertification):
            await show(ledger, site, BSSY)


# --- Which year -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("today", "bssy"),
    [(date(2026, 8, 31), "2025"), (date(2026, 9, 1), "2026"), (date(2026, 12, 31), "2026"), (date(2027, 1, 1), "2026")],
)
def test_a_school_year_begins_on_september_1(today: date, bssy: str) -> None:
    assert current_bssy(today) == bssy


async def decide_collection(ledger: Ledger, bssy: str, event: CollectionEvent, version: int = 0) -> None:
    stream = collection_stream(bssy)
    key = await ledger.registry.issue(owner_of(stream))
    assert (await ledger.append(Draft(stream, version, uuid4(), [Written(event)], key))).stands


async def test_an_earlier_year_is_refused_until_it_is_open_or_granted(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await upload(ledger, tmp_path, Spec(60, sites=1, bssy=2023))
        await upload(ledger, tmp_path, Spec(60, sites=1, bssy=2024))
        for year in ("2023", "2024"):
            with pytest.raises(NotForCertification, match=rf"school year {year} is not the current one \(2025\)"):
                await show(ledger, SITE, year)
            with pytest.raises(NotForCertification):
                await uncertify(ledger, SITE, year, "wrong data", command_id=uuid4())

        await decide_collection(ledger, "2023", CollectionOpened("2023"))
        await decide_collection(ledger, "2024", PriorYearAccessGranted("018", "2026-12-31", "another sponsor's"))
        assert (await show(ledger, SITE, "2023")).graduates
        with pytest.raises(NotForCertification):
            await show(ledger, SITE, "2024")

        await decide_collection(ledger, "2024", PriorYearAccessGranted("017", "2026-06-14", "ended yesterday"), 1)
        with pytest.raises(NotForCertification):
            await show(ledger, SITE, "2024")
        await decide_collection(ledger, "2024", PriorYearAccessGranted("017", "2026-06-15", "ends today"), 2)
        assert (await show(ledger, SITE, "2024")).graduates


async def test_the_current_year_is_refused_once_its_collection_was_closed(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await upload(ledger, tmp_path, Spec(60, sites=1))
        await decide_collection(ledger, "2025", CollectionClosed("2025"))
        with pytest.raises(NotForCertification, match="2025 is the current one, but its collection is not open"):
            await show(ledger, SITE, "2025")
        await decide_collection(ledger, "2025", CollectionOpened("2025"), 1)
        assert (await show(ledger, SITE, "2025")).graduates


# --- Certifying -----------------------------------------------------------------------------------------------------


async def test_exactly_what_was_shown_is_certified(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        graduates = await school(ledger, tmp_path)
        assert await standing_of(ledger) == "never-certified"
        shown = await show(ledger, SITE, BSSY)
        command = uuid4()
        outcome = await certify(ledger, shown, command_id=command)

        assert isinstance(outcome, Stored)
        assert await list_that_counts(ledger) == set(shown.graduates)
        found, against = await sites(ledger)
        assert [(one.site, one.standing, one.graduates, one.agreeing) for one in found] == [
            (SITE, "certified", len(graduates), len(graduates))
        ]
        assert (found[0].position, found[0].since, against) == (outcome.position, None, ())
        assert await certify(ledger, shown, command_id=command) == Stored(command, outcome.position, 1, repeated=True)


async def test_certifying_the_same_again_changes_nothing(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await school(ledger, tmp_path)
        await certified(ledger)
        again = await show(ledger, SITE, BSSY)

        assert again.changes_nothing
        assert all(one.certified_before for one in again.candidates)
        assert await certify(ledger, again, command_id=uuid4()) == Unchanged(1)


async def test_sending_the_same_file_again_decertifies_nobody(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await school(ledger, tmp_path)
        await certified(ledger)
        await school(ledger, tmp_path)

        assert await standing_of(ledger) == "certified"


@each_change
async def test_a_change_afterwards_calls_for_recertification(
    house: House, tmp_path: Path, change: Change, what: str
) -> None:
    async with house.open() as ledger:
        first, *rest = await school(ledger, tmp_path)
        await certified(ledger)
        await change(ledger, first)
        first_change = await ledger.log.end() - 1
        if what == "record-changed":
            await edit(ledger, first, local_identification_number="LC8888888")

        found, against = await sites(ledger)
        assert [(one.standing, one.agreeing, one.disagreeing) for one in found] == [
            ("needs-recertification", len(rest), 1)
        ]
        assert [(one.what, one.position) for one in against] == [(what, first_change)]
        assert (found[0].since_position, found[0].since) == (first_change, against[0].changed_at)

        shown = await certified(ledger)
        assert await standing_of(ledger) == "certified"
        assert len(shown.graduates) == len(rest) + (what in {"record-changed", "identity-changed"})


async def test_a_new_graduate_is_not_in_the_list(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        first, *_ = await school(ledger, tmp_path)
        async with ledger.pool.acquire() as connection:
            day = await connection.fetchval(
                "select graduation_date from transcript_students where state_id = $1", first
            )
        await clear_date(ledger, first)
        await certified(ledger)
        assert await standing_of(ledger) == "certified"
        await edit(ledger, first, graduation_date=f"{day:%m%d%Y}")

        assert await disagreeing(ledger) == [(first, "not-in-list")]


async def test_whoever_would_leave_the_list_is_shown(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        first, *_ = await school(ledger, tmp_path)
        await certified(ledger)
        await clear_date(ledger, first)
        shown = await show(ledger, SITE, BSSY)

        assert shown.leaving == ((await find_key(ledger, first)).owner,)
        assert not shown.changes_nothing


async def test_a_withdrawn_certification_does_not_count_and_its_reason_is_sealed(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        await school(ledger, tmp_path)
        await certified(ledger)
        command = uuid4()
        outcome = await uncertify(ledger, SITE, BSSY, "wrong data of Vorimquenda", command_id=command)

        assert isinstance(outcome, Stored)
        assert await standing_of(ledger) == "withdrawn"
        assert await disagreeing(ledger) == []
        assert b"Vorimquenda" not in house.log.store.records[outcome.position].data
        repeated = await uncertify(ledger, SITE, BSSY, "wrong data of Vorimquenda", command_id=command)
        assert repeated == Stored(command, outcome.position, 2, repeated=True)
        assert await uncertify(ledger, SITE, BSSY, "again", command_id=uuid4()) == Unchanged(2)
        await certified(ledger)
        assert await standing_of(ledger) == "certified"


async def test_a_command_id_that_did_something_else_is_refused(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        first, *_ = await school(ledger, tmp_path)
        other = await change_record(ledger, first)
        shown = await show(ledger, SITE, BSSY)
        with pytest.raises(NotForCertification, match="used for something else"):
            await certify(ledger, shown, command_id=other.command)
        assert await standing_of(ledger) == "never-certified"


async def test_an_erased_graduate_leaves_no_trace_in_the_list_of_disagreements(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        first, *rest = await school(ledger, tmp_path)
        shown = await certified(ledger)
        ref = (await find_key(ledger, first)).owner
        house.pen.versions[f"identity/{ref}"] = 1
        await house.pen.identity(first, StudentErased("docket 17"))

        assert await disagreeing(ledger) == []
        after = await show(ledger, SITE, BSSY)
        assert {one.state_id for one in after.candidates} == set(rest)
        assert ref in {one.ref for one in shown.graduates}


# --- Races ----------------------------------------------------------------------------------------------------------


async def test_an_edit_before_the_showing_is_shown_and_certified(house: House, tmp_path: Path) -> None:
    async with house.open() as ledger:
        first, *_ = await school(ledger, tmp_path)
        await change_record(ledger, first)
        shown = await certified(ledger)

        assert {one.graduate.version for one in shown.candidates if one.state_id == first} == {2}
        assert await standing_of(ledger) == "certified"


async def race_while_read(gate: GateLog, edit_now: Any, patch: pytest.MonkeyPatch, certifier: Ledger) -> Shown:
    """The edit lands while the showing reads: after the list of graduates, before their sets."""

    async def read_then_edited(*arguments: Any) -> Any:
        rows = await graduates_of(*arguments)
        await edit_now()
        return rows

    patch.setattr(certifying, "graduates_of", read_then_edited)
    shown = await show(certifier, SITE, BSSY)
    patch.undo()
    assert isinstance(await certify(certifier, shown, command_id=uuid4()), Stored)
    return shown


async def race_before_certify(gate: GateLog, edit_now: Any, patch: pytest.MonkeyPatch, certifier: Ledger) -> Shown:
    """The edit lands between the showing and the certifier's yes."""
    shown = await show(certifier, SITE, BSSY)
    await edit_now()
    assert isinstance(await certify(certifier, shown, command_id=uuid4()), Stored)
    return shown


async def race_before_append(gate: GateLog, edit_now: Any, patch: pytest.MonkeyPatch, certifier: Ledger) -> Shown:
    """The edit lands when the certification is decided and on its way, but not yet in the log."""
    shown = await show(certifier, SITE, BSSY)
    gate.before = edit_now
    assert isinstance(await certify(certifier, shown, command_id=uuid4()), Stored)
    assert gate.before is None
    return shown


async def race_before_verdict(gate: GateLog, edit_now: Any, patch: pytest.MonkeyPatch, certifier: Ledger) -> Shown:
    """The edit lands when the certification lies in the log and its verdict is awaited."""
    shown = await show(certifier, SITE, BSSY)
    gate.after = edit_now
    assert isinstance(await certify(certifier, shown, command_id=uuid4()), Stored)
    assert gate.after is None
    return shown


RACES = (race_while_read, race_before_certify, race_before_append, race_before_verdict)


@each_change
@pytest.mark.parametrize("race", RACES, ids=lambda race: race.__name__)
async def test_a_change_that_races_the_certification_is_never_certified_unseen(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, race: Any, change: Change, what: str
) -> None:
    """Wherever the change lands, the student is certified as shown, and needs recertification since that change."""
    async with two(house) as (certifier, other, gate):
        first, *rest = await school(other, tmp_path)
        ref = (await find_key(other, first)).owner
        before = next(one.graduate for one in (await show(certifier, SITE, BSSY)).candidates if one.state_id == first)
        changed: list[int] = []

        async def edit_now() -> None:
            await change(other, first)
            changed.append(max(commit.position for commit in await own_commits(other, first)))

        shown = await race(gate, edit_now, monkeypatch, certifier)

        assert next(one for one in shown.graduates if one.ref == ref) == before
        assert await list_that_counts(other) == set(shown.graduates)
        found, against = await sites(other)
        assert [(one.standing, one.agreeing) for one in found] == [("needs-recertification", len(rest))]
        assert [(one.ref, one.what, [one.position]) for one in against] == [(ref, what, changed)]


async def own_commits(ledger: Ledger, state_id: str) -> list[Any]:
    ref = (await find_key(ledger, state_id)).owner
    return [
        commit
        for stream in (f"student/017/{ref}/{BSSY}", f"identity/{ref}")
        for commit in await ledger.events_of(stream)
    ]


async def test_whose_earlier_sending_was_still_on_its_way_is_told_that_it_is_the_one_that_stands(
    house: House, tmp_path: Path
) -> None:
    """The process that sent it first was killed, so it was shown and sent again; what was shown first is certified."""
    async with two(house) as (certifier, other, gate):
        first, *_ = await school(other, tmp_path)
        command, shown_first = uuid4(), await show(other, SITE, BSSY)
        await change_record(other, first)
        shown_again = await show(certifier, SITE, BSSY)

        async def act() -> None:
            assert isinstance(await certify(other, shown_first, command_id=command), Stored)

        gate.before = act
        outcome = await certify(certifier, shown_again, command_id=command)

        [stands] = await other.events_of(certification_stream(SITE, BSSY))
        assert outcome == Stored(command, stands.position, 1, repeated=True)
        assert await list_that_counts(other) == set(shown_first.graduates)


@pytest.mark.parametrize("withdrawn", [False, True], ids=["certified meanwhile", "and withdrawn"])
async def test_a_site_that_was_certified_or_withdrawn_since_the_showing_is_a_conflict(
    house: House, tmp_path: Path, withdrawn: bool
) -> None:
    """A withdrawal because wrong data were sent is not undone by somebody who had looked before it."""
    async with two(house) as (certifier, other, gate):
        first, *_ = await school(other, tmp_path)
        shown = await show(certifier, SITE, BSSY)

        async def act() -> None:
            await change_record(other, first)
            await certified(other)
            if withdrawn:
                await uncertify(other, SITE, BSSY, "wrong data", command_id=uuid4())

        gate.before = act
        outcome = await certify(certifier, shown, command_id=uuid4())

        acts = await other.events_of(certification_stream(SITE, BSSY))
        assert outcome == Conflict(0, 2 if withdrawn else 1, acts[-1].position)
        assert await standing_of(other) == ("withdrawn" if withdrawn else "certified")
