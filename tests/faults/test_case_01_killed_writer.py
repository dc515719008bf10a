"""Case 1: kill -9 of the writer at each await point of an edit and of an upload; restart, resume, nothing lost."""

import signal
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from services.ledger import Ledger
from tests.support.faults_job import Arm, Edit, Settle, Step, Upload
from tests.support.faults_oracle import examine, rows_of
from tests.support.faults_points import Fault
from tests.support.faults_processes import Nursery
from tests.support.faults_world import Sent, World, new_world

MOST = 200
"""More await points than any job here has."""
STUDENTS = 2


async def kill_at_each_point(nursery: Nursery, world: World, job: Callable[[], Step]) -> list[str]:
    """Run one process a point until one is not killed any more; each first settles what the last one left.

    Returns the points at which processes were killed, in order.
    """
    for at in range(1, MOST):
        code = await nursery.run(world.job(Settle(), Arm(Fault(at)), job()))
        if code == 0:
            return [line.body["point"] for line in world.journal.lines("fault")]
        assert code == -signal.SIGKILL, f"at point {at}: {world.said()}"
    raise AssertionError("the job has more points than were tried")


def has_points_of_every_edge(points: list[str]) -> bool:
    """Whether log, registry and views were each struck, before and after their effect."""
    stored = {"stored, not told", "sent, no answer"} & set(points)
    return bool(stored) and {"before append", "acknowledged", "index rows", "projection position", "advanced"} <= set(
        points
    )


@pytest.mark.timeout(180)
async def test_a_writer_killed_at_any_point_of_an_upload_loses_and_doubles_no_student(
    world: World, nursery: Nursery
) -> None:
    files: list[Sent] = []

    def upload() -> Upload:
        files.append(world.file(STUDENTS))
        return Upload(uuid4(), files[-1].path)

    points = await kill_at_each_point(nursery, world, upload)

    assert has_points_of_every_edge(points)
    assert {"registry issue", "registry enrol", "blob written, not named", "blob put"} <= set(points)
    async with world.open() as ledger:
        truth = await examine(ledger, world.journal)
        assert world.journal.unanswered() == {}
        assert set(truth.streams("student").values()) == {1}
        await each_student_is_there_once(ledger, files)
        await uploads_are_closed_with_right_tallies(ledger, len(files))


async def each_student_is_there_once(ledger: Ledger, files: list[Sent]) -> None:
    rows = await rows_of(ledger, "select state_id from transcript_students")
    assert sorted(row["state_id"] for row in rows) == sorted(one for file in files for one in file.state_ids)


async def uploads_are_closed_with_right_tallies(ledger: Ledger, files: int) -> None:
    """A file whose sender died before the answer was sent again: one sending stored, the others changed nothing."""
    rows = await rows_of(
        ledger,
        "select sha256, array_agg(distinct state) as states, sum(stored) as stored, sum(unchanged) as unchanged, "
        "sum(held) + sum(removed) + sum(overwritten) as others, count(*) as sendings from uploads group by sha256",
    )
    assert len(rows) == files
    for row in rows:
        assert row["states"] == ["closed"]
        assert (row["stored"], row["unchanged"]) == (STUDENTS, STUDENTS * (row["sendings"] - 1))
        assert row["others"] == 0


@pytest.mark.timeout(120)
async def test_a_writer_killed_at_any_point_of_an_edit_leaves_it_done_once_or_not_at_all(
    world: World, nursery: Nursery
) -> None:
    file = world.file(1)
    assert await nursery.run(world.job(Upload(uuid4(), file.path))) == 0
    [state_id] = file.state_ids
    edits: list[Edit] = []

    def edit() -> Edit:
        edits.append(Edit(uuid4(), state_id, f"E{len(edits):04d}"))
        return edits[-1]

    points = await kill_at_each_point(nursery, world, edit)

    assert has_points_of_every_edge(points)
    async with world.open() as ledger:
        truth = await examine(ledger, world.journal)
        assert world.journal.unanswered() == {}
        assert all(len(truth.of_command(each.command)) == 1 for each in edits)
        assert list(truth.streams("student").values()) == [1 + len(edits)]
        [row] = await rows_of(ledger, "select local_id, version from transcript_students")
        assert (row["local_id"], row["version"]) == (edits[-1].local_id, 1 + len(edits))


async def test_a_ledger_opens_after_its_maker_was_killed_at_any_point_of_the_first_opening(
    world: World, nursery: Nursery, tmp_path: Path
) -> None:
    struck: list[str] = []
    for at in range(1, MOST):
        async with new_world(tmp_path / f"home-{at}", world.server, world.kafka) as made:
            code = await nursery.run(made.job(Arm(Fault(at))))
            struck += [line.body["point"] for line in made.journal.lines("fault")]
            async with made.open() as ledger:
                truth = await examine(ledger, made.journal)
            assert [one.verdict for one in truth.judged].count("stands") == 1
        if code == 0:
            break
        assert code == -signal.SIGKILL, f"at point {at}: {made.said()}"
    assert {"before append", "acknowledged", "registry bind", "registry last_serial"} <= set(struck)
