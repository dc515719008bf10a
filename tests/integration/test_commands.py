"""The only way to write to a student's stream: the same answer for the same id, and never a false one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID, uuid4

import msgspec
import pytest

from events.commit import Commit
from events.fold import NOTHING_KNOWN, fold, read_records
from events.log.contract import AppendRefused, AppendUnknown, LogUnfit
from events.log.memory import MemoryLog, MemoryStore
from events.sealing import event_context, unseal
from events.student import Present
from events.student_commands import (
    AddCourse,
    DeleteCourse,
    EditCourse,
    EditStudent,
    Refused,
    RemoveStudent,
    StudentCommand,
    SubmitSet,
)
from projections.views import drop_views
from services import ledger as ledger_module
from services.commands import Conflict, Outcome, Stored, Target, Unchanged, execute, loaded, look_up
from services.ledger import CommitTooLarge, Ledger, OutcomeUnknown
from tests.support.ledgers import House, Watched
from tests.support.uploads import Student, students, target_of

LOCAL_ID = "local_identification_number"
ONE: Student = students(1)[0]


def named(local_id: str) -> EditStudent:
    """An edit that can be told from others."""
    return EditStudent({LOCAL_ID: local_id})


@asynccontextmanager
async def opened(house: House, log: MemoryLog | None = None) -> AsyncIterator[tuple[Ledger, Target]]:
    """Open a ledger that holds one student."""
    async with house.open(log=log) as ledger:
        await ledger.registry.enrol([ONE.state_id])
        target = await target_of(ledger, ONE.state_id)
        await execute(ledger, target, SubmitSet(ONE.record_set()), command_id=UUID(int=1))
        yield ledger, target


async def state_of(ledger: Ledger, target: Target) -> Present:
    """Return the set as it stands."""
    state = loaded(await ledger.events_of(target.stream)).state
    assert isinstance(state, Present)
    return state


def verdicts(house: House) -> list[str]:
    """Fold the log."""
    return [item.verdict for item in fold(read_records(house.log.store.records), NOTHING_KNOWN)[0]]


# --- Answers -------------------------------------------------------------------------------------------------------


async def test_what_is_answered_is_already_visible(house: House) -> None:
    async with opened(house) as (ledger, target):
        command = uuid4()
        outcome = await execute(ledger, target, named("LC7"), command_id=command)
        assert outcome == Stored(command, 2, 2)
        async with ledger.pool.acquire() as connection:
            row = await connection.fetchrow("select local_id, version, position from transcript_students")
        assert tuple(row or ()) == ("LC7", 2, 2)


async def test_an_edit_that_changes_nothing_appends_nothing(house: House) -> None:
    async with opened(house) as (ledger, target):
        await execute(ledger, target, named("LC7"), command_id=uuid4())
        end = await ledger.log.end()
        assert await execute(ledger, target, named("LC7"), command_id=uuid4()) == Unchanged(2)
        assert await ledger.log.end() == end


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (EditCourse(99, {"letter_grade_code": "A"}), "S02"),
        (EditStudent({"sponsor_code": "018"}), "S03"),
        (EditCourse(1, {"letter_grade_code": "X"}), "305"),
        (EditStudent({LOCAL_ID: "x" * 80}), "V08"),
        (EditStudent({LOCAL_ID: "a\0b"}), "V08"),
        (EditStudent({LOCAL_ID: "a\r\nSTS020"}), "V08"),
        (EditStudent({LOCAL_ID: "日本"}), "V08"),
    ],
)
async def test_an_edit_that_would_bring_in_a_fault_is_refused_and_appends_nothing(
    house: House, command: StudentCommand, code: str
) -> None:
    async with opened(house) as (ledger, target):
        outcome = await execute(ledger, target, command, command_id=uuid4())
        assert isinstance(outcome, Refused)
        assert [problem.code for problem in outcome.problems] == [code]
        assert await ledger.log.end() == 2


async def test_a_field_that_no_record_has_is_refused(house: House) -> None:
    async with opened(house) as (ledger, target):
        for command in (EditStudent({"shoe_size": "9"}), EditCourse(1, {"shoe_size": "9"}), AddCourse({"x": "y"})):
            outcome = await execute(ledger, target, command, command_id=uuid4())
            assert isinstance(outcome, Refused)
            assert {problem.code for problem in outcome.problems} == {"S07"}


async def test_a_commit_says_who_and_by_what_rules_and_keeps_the_reason_sealed(house: House) -> None:
    async with opened(house) as (ledger, target):
        command = uuid4()
        reason = "asked for by Vorimquenda's parents"
        await execute(ledger, target, named("LC7"), command_id=command, reason=reason)
        (commit,) = [each.commit for each in await ledger.events_of(target.stream) if each.commit.command == command]
    assert commit.actor == "somebody"
    assert len(commit.rules) == len(commit.layout) == 64
    assert reason.encode() not in house.log.store.records[-1].data
    context = event_context(commit.ledger, commit.stream, 0) + command.bytes
    assert unseal(target.key.material, commit.sealed_reason, context=context).decode() == reason


async def test_a_removed_student_can_be_edited_no_more(house: House) -> None:
    async with opened(house) as (ledger, target):
        assert isinstance(await execute(ledger, target, RemoveStudent("request"), command_id=uuid4()), Stored)
        outcome = await execute(ledger, target, named("LC7"), command_id=uuid4())
        assert isinstance(outcome, Refused)
        assert [problem.code for problem in outcome.problems] == ["S01"]


# --- Repeats -------------------------------------------------------------------------------------------------------


async def test_the_same_command_again_gives_the_same_answer(house: House) -> None:
    async with opened(house) as (ledger, target):
        command = uuid4()
        first = await execute(ledger, target, named("LC7"), command_id=command)
        assert isinstance(first, Stored)
        await execute(ledger, target, named("LC8"), command_id=uuid4())
        end = await ledger.log.end()
        for stated in (None, 1, 2, 9):
            again = await execute(ledger, target, named("LC7"), command_id=command, stated=stated)
            assert again == replace(first, repeated=True)
        assert await ledger.log.end() == end


async def test_a_command_id_with_another_body_is_told_what_stands_under_it(house: House) -> None:
    """Case 6, one after the other."""
    async with opened(house) as (ledger, target):
        command = uuid4()
        first = await execute(ledger, target, named("LC7"), command_id=command)
        assert isinstance(first, Stored)
        assert await execute(ledger, target, named("LC8"), command_id=command) == replace(first, repeated=True)
        assert (await state_of(ledger, target)).student[LOCAL_ID] == "LC7"


@pytest.mark.parametrize("bodies", [("LC7", "LC7"), ("LC7", "LC8")], ids=["one body", "two bodies"])
async def test_a_command_sent_twice_at_once_stands_once_and_both_are_told_where(
    house: House, bodies: tuple[str, str]
) -> None:
    """Cases 6 and 7: neither had seen the other when it decided."""
    both = asyncio.Barrier(2)
    command = uuid4()

    async def together(commit: Commit) -> None:
        if commit.command == command:
            await both.wait()

    async with (
        opened(house, Watched(house.log.store, together)) as (one, target),
        house.open(log=Watched(house.log.store, together)) as other,
    ):
        await other.caught_up()
        answers = await asyncio.gather(
            execute(one, target, named(bodies[0]), command_id=command),
            execute(other, target, named(bodies[1]), command_id=command),
        )
        assert sorted(isinstance(each, Stored) and each.repeated for each in answers) == [False, True]
        assert {(each.position, each.version) for each in answers if isinstance(each, Stored)} == {(2, 2)}
        winner = next(body for body, each in zip(bodies, answers, strict=True) if each == Stored(command, 2, 2))
        assert (await state_of(one, target)).student[LOCAL_ID] == winner
    assert verdicts(house)[2:] == ["stands", "duplicate-command"]


# --- Races ---------------------------------------------------------------------------------------------------------


def once(step: Callable[[], Awaitable[object]], command: UUID) -> Callable[[Commit], Awaitable[None]]:
    """Take a step before the first attempt of a command is appended."""
    seen = False

    async def before(commit: Commit) -> None:
        nonlocal seen
        if commit.command == command and not seen:
            seen = True
            await step()

    return before


async def raced(house: House, *, stated: int | None) -> tuple[Outcome, Present]:
    """Edit a student while another edit comes in between."""
    command = uuid4()
    async with opened(house) as (other, target):
        step = once(lambda: execute(other, target, named("LC5"), command_id=uuid4()), command)
        async with house.open(log=Watched(house.log.store, step)) as ledger:
            await ledger.caught_up()
            late = EditCourse(1, {"course_site_name": "X"})
            outcome = await execute(ledger, target, late, command_id=command, stated=stated)
            return outcome, await state_of(ledger, target)


async def test_a_lost_race_is_decided_again_where_no_version_was_stated(house: House) -> None:
    outcome, state = await raced(house, stated=None)
    assert isinstance(outcome, Stored)
    assert (outcome.version, outcome.repeated) == (3, False)
    assert state.student[LOCAL_ID] == "LC5"
    assert state.courses[1]["course_site_name"] == "X"
    assert verdicts(house)[2:] == ["stands", "stale-version", "stands"]


async def test_a_lost_race_is_a_conflict_where_a_version_was_stated(house: House) -> None:
    """And it says which version stands since where."""
    outcome, state = await raced(house, stated=1)
    assert outcome == Conflict(stated=1, found=2, position=2)
    assert "course_site_name" not in state.courses[1]
    assert verdicts(house)[2:] == ["stands", "stale-version"]


async def test_a_stated_version_that_is_not_the_streams_appends_nothing(house: House) -> None:
    async with opened(house) as (ledger, target):
        for stated in (0, 2, 99):
            outcome = await execute(ledger, target, named("LC7"), command_id=uuid4(), stated=stated)
            assert outcome == Conflict(stated, 1, 1)
        assert await ledger.log.end() == 2
        assert isinstance(await execute(ledger, target, named("LC7"), command_id=uuid4(), stated=1), Stored)


async def test_many_race_for_one_stream_and_each_edit_stands_once(house: House) -> None:
    """Case 5, where nobody states a version."""
    async with opened(house) as (one, target), house.open() as other:
        await other.caught_up()
        outcomes = await asyncio.gather(
            *(
                execute(ledger, target, EditCourse(1, {"course_site_name": f"Site {n}"}), command_id=UUID(int=100 + n))
                for n, ledger in enumerate([one, other] * 10)
            )
        )
        assert sorted(each.version for each in outcomes if isinstance(each, Stored)) == list(range(2, 22))
        assert not any(isinstance(each, Stored) and each.repeated for each in outcomes)


async def test_many_race_for_one_version_and_exactly_one_wins(house: House) -> None:
    """Case 5, where everybody states the version."""
    async with opened(house) as (one, target), house.open() as other:
        await other.caught_up()
        for version in (1, 2, 3):
            outcomes = await asyncio.gather(
                *(
                    execute(ledger, target, named(f"LC{version}{n}"), command_id=uuid4(), stated=version)
                    for n, ledger in enumerate([one, other] * 6)
                )
            )
            (winner,) = [each for each in outcomes if isinstance(each, Stored)]
            assert winner.version == version + 1
            losers = [each for each in outcomes if isinstance(each, Conflict)]
            assert losers == [Conflict(version, version + 1, winner.position)] * 11


# --- Unknown outcomes ----------------------------------------------------------------------------------------------


class Unsure(MemoryLog):
    """A log that does not answer: it `keeps` the record, loses it, or delivers it later."""

    def __init__(self, store: MemoryStore, *, keeps: bool) -> None:
        super().__init__(store)
        self.keeps = keeps
        self.is_sure = True
        self.late: list[bytes] = []

    async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
        if self.is_sure:
            return await super().append(data, deadline=deadline)
        if self.keeps:
            await super().append(data, deadline=deadline)
        else:
            self.late.append(data)
        raise AppendUnknown("no answer in time")


@pytest.mark.parametrize("keeps", [True, False], ids=["it arrived", "it was lost"])
async def test_an_unknown_outcome_is_told_as_such_and_the_repetition_settles_it(house: House, keeps: bool) -> None:
    """Case 2."""
    log = Unsure(house.log.store, keeps=keeps)
    async with opened(house, log) as (ledger, target):
        command = uuid4()
        log.is_sure = False
        with pytest.raises(OutcomeUnknown) as unknown:
            await execute(ledger, target, named("LC7"), command_id=command)
        assert unknown.value.command == command
        assert f"--command-id {command}" in str(unknown.value)
        log.is_sure = True
        await ledger.caught_up()
        seen = await look_up(ledger, command)
        assert (seen is not None and seen.stands) == keeps
        outcome = await execute(ledger, target, named("LC7"), command_id=command)
        assert outcome == Stored(command, 2, 2, repeated=keeps)
        assert (await state_of(ledger, target)).student[LOCAL_ID] == "LC7"
    assert verdicts(house).count("stands") == 3


@pytest.mark.parametrize("stated", [None, 1])
async def test_a_repetition_never_hears_of_a_conflict_with_itself(house: House, stated: int | None) -> None:
    """What it did before, unheard, looks like somebody else's doing."""
    log = Unsure(house.log.store, keeps=True)
    async with opened(house, log) as (ledger, target):
        command = uuid4()
        log.is_sure = False
        with pytest.raises(OutcomeUnknown):
            await execute(ledger, target, DeleteCourse(1), command_id=command, stated=stated)
        log.is_sure = True
        for _ in range(2):
            outcome = await execute(ledger, target, DeleteCourse(1), command_id=command, stated=stated)
            assert isinstance(outcome, Stored)
            assert (outcome.position, outcome.version) == (2, 2)


@pytest.mark.parametrize("meanwhile", ["repeated", "another edit", "nothing"])
async def test_a_record_that_arrives_late_changes_no_answer(house: House, meanwhile: str) -> None:
    """Case 4."""
    log = Unsure(house.log.store, keeps=False)
    async with opened(house, log) as (ledger, target):
        command = uuid4()
        log.is_sure = False
        with pytest.raises(OutcomeUnknown):
            await execute(ledger, target, named("LC7"), command_id=command)
        assert await look_up(ledger, command) is None
        log.is_sure = True
        if meanwhile == "repeated":
            assert isinstance(await execute(ledger, target, named("LC7"), command_id=command), Stored)
        elif meanwhile == "another edit":
            assert isinstance(await execute(ledger, target, named("LC8"), command_id=uuid4()), Stored)
        await log.append(log.late[0])
        await ledger.caught_up()
        seen = await look_up(ledger, command)
        assert seen is not None
        expected = {"repeated": ("stands", 2), "another edit": ("stale-version", 3), "nothing": ("stands", 2)}
        assert (seen.verdict, seen.position) == expected[meanwhile]
        again = await execute(ledger, target, named("LC7"), command_id=command)
        assert isinstance(again, Stored)
        assert again.repeated == (meanwhile != "another edit")
        assert (await state_of(ledger, target)).student[LOCAL_ID] == "LC7"


async def test_an_append_that_is_refused_says_so_and_the_next_one_works(house: House) -> None:
    """Case 8."""

    class Full(MemoryLog):
        is_full = False

        async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
            if self.is_full:
                raise AppendRefused("the disk is full: nothing was stored")
            return await super().append(data, deadline=deadline)

    log = Full(house.log.store)
    async with opened(house, log) as (ledger, target):
        log.is_full = True
        with pytest.raises(AppendRefused, match="disk is full"):
            await execute(ledger, target, named("LC7"), command_id=UUID(int=9))
        log.is_full = False
        assert await execute(ledger, target, named("LC7"), command_id=UUID(int=9)) == Stored(UUID(int=9), 2, 2)


async def test_without_a_follower_the_outcome_stays_unknown_until_there_is_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = uuid4()
    async with opened(house) as (_, target):
        pass
    monkeypatch.setattr(ledger_module, "VERDICT_SECONDS", 0.2)
    async with house.open(follows=False) as ledger:
        with pytest.raises(OutcomeUnknown, match="in the log at position 2, but the views do not follow"):
            await execute(ledger, target, named("LC7"), command_id=command)
    monkeypatch.undo()
    async with house.open() as ledger:
        assert await execute(ledger, target, named("LC7"), command_id=command) == Stored(command, 2, 2, repeated=True)


async def test_where_the_verdict_cannot_be_read_the_outcome_is_unknown_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(command: UUID, position: int) -> None:
        raise ZeroDivisionError("a row's text")

    command = uuid4()
    async with opened(house) as (ledger, target):
        monkeypatch.setattr(ledger.verdicts, "of", broken)
        with pytest.raises(
            OutcomeUnknown, match="in the log at position 2, but the views cannot be asked: Zero"
        ) as told:
            await execute(ledger, target, named("LC7"), command_id=command)
        assert "a row's text" not in str(told.value)
        monkeypatch.undo()
        assert await execute(ledger, target, named("LC7"), command_id=command) == Stored(command, 2, 2, repeated=True)


async def test_a_command_cancelled_while_it_waits_has_stood_all_the_same(house: House) -> None:
    """Case 1, after send: cancelling is no undoing."""
    command, sent = uuid4(), asyncio.Event()

    class Telling(MemoryLog):
        async def append(self, data: bytes, *, deadline: float = 30.0) -> int:
            position = await super().append(data, deadline=deadline)
            if position == 2:
                sent.set()
                await asyncio.Event().wait()
            return position

    async with opened(house, Telling(house.log.store)) as (ledger, target):
        work = asyncio.create_task(execute(ledger, target, named("LC7"), command_id=command))
        await sent.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await execute(ledger, target, named("LC7"), command_id=command) == Stored(command, 2, 2, repeated=True)


# --- Views that are behind, and logs that are not ours -------------------------------------------------------------


async def test_no_answer_is_given_by_views_that_have_not_caught_up(house: House) -> None:
    """Case 31: restored from yesterday, the views know neither the student nor what the caller saw of them."""
    async with opened(house) as (ledger, target):
        await execute(ledger, target, named("LC7"), command_id=uuid4())
    async with house.views() as connection:
        await drop_views(connection)
    async with house.open() as ledger:
        assert isinstance(await execute(ledger, target, named("LC8"), command_id=uuid4(), stated=2), Stored)
    async with house.views() as connection:
        await drop_views(connection)
    async with house.open() as ledger:
        assert await execute(ledger, target, named("LC8"), command_id=uuid4()) == Unchanged(3)


async def test_on_another_ledgers_log_a_command_ends_with_a_fault_and_not_with_an_answer(house: House) -> None:
    async with opened(house) as (ledger, target):
        ledger.genesis = msgspec.structs.replace(ledger.genesis, ledger=uuid4())
        async with asyncio.timeout(20):
            with pytest.raises(LogUnfit, match="position 2 is void: other-ledger"):
                await execute(ledger, target, named("LC7"), command_id=uuid4())


async def test_a_set_that_no_record_can_hold_is_refused_before_anything_is_sent(house: House) -> None:
    async with opened(house) as (ledger, target):
        end, records = await ledger.log.end(), ONE.record_set()
        random = [{"course_code": uuid4().hex, "transcript_course_name": uuid4().hex} for _ in range(20_000)]
        with pytest.raises(CommitTooLarge, match="at most 921600"):
            await execute(ledger, target, SubmitSet(replace(records, courses=tuple(random))), command_id=uuid4())
        assert await ledger.log.end() == end
