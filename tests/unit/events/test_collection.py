"""Collection periods: what may happen to a school year, and who may write in it (R-020, R-026, R-027)."""

from datetime import date

import pytest

from events.collection import (
    Collection,
    CollectionClosed,
    CollectionEvent,
    CollectionOpened,
    PriorYearAccessGranted,
    decide,
    evolve,
)
from tests.support.spec import Spec

SPEC: Spec[Collection, CollectionEvent, CollectionEvent] = Spec(Collection(), evolve, decide)
OPENED, CLOSED = CollectionOpened("2025"), CollectionClosed("2025")
GRANTED = PriorYearAccessGranted("017", "2026-10-31", "request of 10/2")
LAST_DAY = date(2026, 10, 31)


def test_a_year_is_opened_and_closed_again() -> None:
    SPEC.given().when(OPENED).then(OPENED)
    SPEC.given(OPENED).when(CLOSED).then(CLOSED)
    SPEC.given(OPENED, CLOSED).when(OPENED).then(OPENED)


def test_a_year_that_was_never_opened_can_be_closed() -> None:
    """The first decision about a year puts it under the rule, whichever it is."""
    SPEC.given().when(CLOSED).then(CLOSED)


@pytest.mark.parametrize(
    ("given", "again"),
    [((OPENED,), OPENED), ((CLOSED,), CLOSED), ((GRANTED,), GRANTED), ((OPENED, GRANTED), GRANTED)],
)
def test_what_is_so_already_is_not_said_twice(given: tuple[CollectionEvent, ...], again: CollectionEvent) -> None:
    SPEC.given(*given).when(again).then_nothing()


def test_a_later_grant_replaces_the_sponsors_earlier_one_and_no_other() -> None:
    other = PriorYearAccessGranted("018", "2026-12-31", "another request")
    shorter = PriorYearAccessGranted("017", "2026-10-01", "done early")
    state = SPEC.given(GRANTED, other).when(shorter).then(shorter)

    assert not state.admits("017", date(2026, 10, 2))
    assert state.admits("018", date(2026, 12, 31))


def test_closing_a_year_leaves_its_grants() -> None:
    state = SPEC.given(OPENED, GRANTED).when(CLOSED).then(CLOSED)
    assert state.admits("017", LAST_DAY)


@pytest.mark.parametrize(
    ("given", "sponsor", "day", "admitted"),
    [
        ((), "017", LAST_DAY, False),
        ((OPENED,), "017", LAST_DAY, True),
        ((OPENED, CLOSED), "017", LAST_DAY, False),
        ((GRANTED,), "017", date(2026, 10, 30), True),
        ((GRANTED,), "017", LAST_DAY, True),
        ((GRANTED,), "017", date(2026, 11, 1), False),
        ((GRANTED,), "018", LAST_DAY, False),
        ((OPENED, GRANTED), "017", date(2026, 11, 1), True),
        ((CLOSED, GRANTED), "017", LAST_DAY, True),
    ],
)
def test_who_may_write_on_a_day(given: tuple[CollectionEvent, ...], sponsor: str, day: date, admitted: bool) -> None:
    assert SPEC.given(*given).state.admits(sponsor, day) is admitted
