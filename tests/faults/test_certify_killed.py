"""kill -9 of a certifier at each await point; certified again under the same id: once, and exactly what was shown."""

from itertools import count, pairwise
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from events.certification import Certified, Graduate, SiteCertified
from events.commit import Commit
from events.stored import read_clear
from services import certifying
from tests.support.faults_graduates import Site, graduating, nothing_differs
from tests.support.faults_job import BSSY, Certify, Edit, Settle, Step
from tests.support.faults_journal import Journal
from tests.support.faults_kills import OF_THE_FOLLOWER, kill_at_each_point, of_an_append
from tests.support.faults_oracle import examine
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World

OF_THE_CERTIFIER = ("graduates seen", "registry issue", "registry keys")


def certified_by(commit: Commit) -> Any:
    """Return the list that a commit certified."""
    [stored] = commit.events
    return as_written(read_clear(stored, SiteCertified).graduates)


def as_written(graduates: tuple[Graduate, ...]) -> Any:
    """Return a list as the journal writes it."""
    return msgspec.json.decode(msgspec.json.encode(graduates))


def shown_under(journal: Journal, command: UUID) -> list[Any]:
    """Return the lists that were shown before this command was sent, first to last."""
    return [line.body["graduates"] for line in journal.lines("shown") if line.command == command]


def is_told_of_as_repeated(journal: Journal, command: UUID) -> bool:
    """Whether the certifier heard that an earlier sending stood, so perhaps not what was shown last."""
    return [answer["repeated"] for answer in journal.answers()[command]] == [True]


@pytest.mark.timeout(180)
async def test_a_certifier_killed_at_any_point_certifies_once_and_exactly_what_was_shown(
    world: World, nursery: Nursery
) -> None:
    """A graduate is edited between each kill and the repetition, which is shown the edit if the first never stood."""
    async with world.open() as ledger:
        [site] = await graduating(ledger, world, 1, sent=3, rejected=1)
    commands: list[UUID] = []

    def certify_once_more() -> tuple[list[Step], list[Step]]:
        commands.append(uuid4())
        return [edit_of(site, 0), Settle(), edit_of(site, 1)], [Certify(commands[-1], site.code)]

    points = (*OF_THE_CERTIFIER, *of_an_append(world), *OF_THE_FOLLOWER)
    await kill_at_each_point(nursery, world, points, certify_once_more, most=2)
    assert await nursery.run(world.job(Settle())) == 0, world.said()

    async with world.open() as ledger:
        truth = await examine(ledger, world.journal)
        assert world.journal.unanswered() == {}
        showings = set()
        for command in commands:
            [(_, commit)] = truth.of_command(command)
            shown = shown_under(world.journal, command)
            assert certified_by(commit) in shown
            assert certified_by(commit) == shown[-1] or is_told_of_as_repeated(world.journal, command)
            assert len(shown[-1]) == 4
            assert all(one != other for one, other in pairwise(shown))
            showings.add(len(shown))
        assert showings == {1, 2}, "some kills came before the commit, after which it is shown again, and some later"
        _, state = await certifying.load(ledger, site.code, BSSY)
        assert isinstance(state, Certified)
        assert as_written(state.graduates) == shown_under(world.journal, commands[-1])[-1]
        await nothing_differs(ledger)


LOCAL_IDS = count()


def edit_of(site: Site, number: int) -> Edit:
    """Change one of a site's graduates."""
    return Edit(uuid4(), site.state_ids[number], f"F{next(LOCAL_IDS):06d}")
