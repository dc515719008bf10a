"""kill -9 of the feed's publisher, and of whoever takes answers, at each await point: no gap, each answer once."""

from collections.abc import AsyncIterator
from itertools import count
from uuid import uuid4

import pytest

from projections.feed_queries import rows_after
from services.feeds.topics import Feeds
from services.ots.archive import Version, answers_of
from tests.support.faults_feed import BY
from tests.support.faults_graduates import Site, graduating, nobody_waits, nothing_differs, ref_of
from tests.support.faults_job import AnswerOutside, Arm, Certify, Edit, Publish, Step, TakeAnswers
from tests.support.faults_kills import kill_at_each_point, of_an_append
from tests.support.faults_oracle import examine
from tests.support.faults_points import Fault
from tests.support.faults_processes import Nursery, open_nursery
from tests.support.faults_world import World
from tests.support.feeds import Heard, first_heard, heard_in

pytestmark = pytest.mark.parametrize("kind", [pytest.param("kafka", marks=pytest.mark.kafka)])

LOCAL_IDS = count()
OF_THE_PUBLISHER = (
    *("topics ready", "place found", "rows read", "message made", "message handed over", "sent, no answer"),
    *("messages kept", "place kept"),
)
OF_THE_TAKER = ("answer read", "case loaded", "answer settled", "before offset", "offset kept")


@pytest.fixture
async def nursery() -> AsyncIterator[Nursery]:
    """A nursery that knows the feed."""
    async with open_nursery("tests.support.faults_feed") as opened:
        yield opened


@pytest.fixture
def feeding(world: World) -> World:
    """A ledger whose feed is its own."""
    world.more = {"LEDGER_FEEDS_PREFIX": f"{world.topic}."}
    return world


def edit_of(site: Site, number: int) -> Edit:
    """Change one of a site's graduates."""
    return Edit(uuid4(), site.sent[number], f"F{next(LOCAL_IDS):06d}")


def certify(site: Site) -> Certify:
    """Certify a site as its graduates stand."""
    return Certify(uuid4(), site.code)


def as_told(message: Heard) -> tuple[object, ...]:
    """Return what must be the same of a message that is sent again."""
    told = {name: value for name, value in message.headers.items() if name.startswith("ce_")}
    return message.key, told, message.data


@pytest.mark.timeout(180)
async def test_a_publisher_killed_at_any_point_leaves_no_gap_and_repeats_the_same_messages_alone(
    feeding: World, nursery: Nursery
) -> None:
    async with feeding.open() as ledger:
        [site] = await graduating(ledger, feeding, 1, sent=2, rejected=1)

    def tell_more() -> tuple[list[Step], list[Step]]:
        return [edit_of(site, 0), certify(site)], [Publish()]

    await kill_at_each_point(nursery, feeding, OF_THE_PUBLISHER, tell_more, most=2)
    assert await nursery.run(feeding.job(Publish())) == 0, feeding.said()

    await tells_all_without_gap(feeding)


@pytest.mark.timeout(180)
async def test_a_publisher_that_stood_still_while_another_went_ahead_repeats_the_same_messages_and_leaves_no_gap(
    feeding: World, nursery: Nursery
) -> None:
    async with feeding.open() as ledger:
        [site] = await graduating(ledger, feeding, 1, sent=2, rejected=1)
    for point in OF_THE_PUBLISHER:
        late = await nursery.start(
            feeding.job(edit_of(site, 0), certify(site), Arm(Fault(1, point, "stop")), Publish())
        )
        await late.stopped()
        assert await nursery.run(feeding.job(edit_of(site, 1), certify(site), Publish())) == 0, feeding.said()
        late.go_on()
        assert await late.ended() == 0, f"at {point!r}: {feeding.said()}"

    assert await tells_all_without_gap(feeding) > len(OF_THE_PUBLISHER), "hardly any message was repeated"


async def tells_all_without_gap(world: World) -> int:
    """Check the whole feed against its rows, and return how many messages came again."""
    heard = await heard_in(world.kafka, Feeds.of(world.settings).ots)
    firsts = first_heard(heard)
    assert [each.sequence for each in firsts] == list(range(1, len(firsts) + 1))
    assert all(as_told(each) == as_told(firsts[each.sequence - 1]) for each in heard)
    async with world.open() as ledger:
        await ledger.caught_up()
        async with ledger.pool.acquire() as connection:
            rows = await rows_after(connection, 0, 10_000)
        told = [(each.sequence, each.id, each.kind, each.key) for each in firsts]
        assert told == [(row.sequence, str(row.event_id), row.kind, str(row.ref)) for row in rows]
        await examine(ledger, world.journal)
        await nothing_differs(ledger)
    return len(heard) - len(firsts)


@pytest.mark.timeout(180)
async def test_whoever_takes_answers_and_is_killed_at_any_point_takes_each_answer_once(
    feeding: World, nursery: Nursery
) -> None:
    """Also between the command and the offset. Each answer was sent twice, and is handed over again after a kill."""
    async with feeding.open() as ledger:
        [site] = await graduating(ledger, feeding, 1, sent=2)
    rounds: list[Site] = []

    def answer_once_more() -> tuple[list[Step], list[Step]]:
        rounds.append(site)
        return [TakeAnswers(), edit_of(site, 0), edit_of(site, 1), certify(site), AnswerOutside()], [TakeAnswers()]

    await kill_at_each_point(nursery, feeding, OF_THE_TAKER, answer_once_more, most=2)
    await kill_at_each_point(nursery, feeding, of_an_append(feeding), answer_once_more, most=1)
    assert await nursery.run(feeding.job(TakeAnswers())) == 0, feeding.said()

    async with feeding.open() as ledger:
        await examine(ledger, feeding.journal)
        await nobody_waits(ledger)
        for state_id in site.sent:
            versions = await answers_of(ledger, await ref_of(ledger, state_id))
            numbers = [(each.event.by, each.event.number) for each in versions if isinstance(each, Version)]
            assert numbers == [(BY, number) for number in range(1, len(rounds) + 1)]
        await nothing_differs(ledger)
