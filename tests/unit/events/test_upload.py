"""An upload's life: every step once and in its turn, whoever does it and however often."""

from typing import get_args

import pytest

from events.upload import (
    Done,
    NotReceived,
    UploadChecked,
    UploadClosed,
    UploadEvent,
    UploadReceived,
    UploadRefused,
    UploadState,
    Waiting,
    Working,
    decide,
    evolve,
)
from tests.support.spec import Spec

RECEIVED = UploadReceived("b" * 64, 600, "replace", "2025", "017", "public", "some file.txt", "f" * 64)
REFUSED = UploadRefused({"F03": 2}, "r" * 64)
CHECKED = UploadChecked("2026-06-15", 3, {"305": 1}, ("U01",), "r" * 64, "m" * 64, 1, 0, 1, 0)
CLOSED = UploadClosed(1, 0, 1, 0, 0)

NOTHING: tuple[UploadEvent, ...] = ()
STAGES: dict[str, tuple[UploadEvent, ...]] = {
    "not received": NOTHING,
    "waiting": (RECEIVED,),
    "working": (RECEIVED, CHECKED),
    "refused": (RECEIVED, REFUSED),
    "closed": (RECEIVED, CHECKED, CLOSED),
}
NEXT: dict[str, tuple[UploadEvent, ...]] = {
    "not received": (RECEIVED,),
    "waiting": (CHECKED, REFUSED),
    "working": (CLOSED,),
}
DONE_ALREADY: dict[str, tuple[UploadEvent, ...]] = {
    "waiting": (RECEIVED,),
    "working": (RECEIVED, CHECKED, REFUSED),
    "refused": (RECEIVED, CHECKED, REFUSED, CLOSED),
    "closed": (RECEIVED, CHECKED, REFUSED, CLOSED),
}
EVENTS = (RECEIVED, REFUSED, CHECKED, CLOSED)
CASES = [(stage, event) for stage in STAGES for event in EVENTS]

SPEC: Spec[UploadState, UploadEvent, UploadEvent] = Spec(NotReceived(), evolve, decide)


def test_these_are_all_events() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(UploadEvent))


@pytest.mark.parametrize(
    ("events", "state"),
    [
        (STAGES["not received"], NotReceived()),
        (STAGES["waiting"], Waiting(RECEIVED)),
        (STAGES["working"], Working(RECEIVED, CHECKED)),
        (STAGES["refused"], Done(RECEIVED, REFUSED)),
        (STAGES["closed"], Done(RECEIVED, CLOSED)),
    ],
)
def test_an_uploads_events_fold_to_where_it_stands(events: tuple[UploadEvent, ...], state: UploadState) -> None:
    assert SPEC.given(*events).state == state


@pytest.mark.parametrize(("stage", "event"), CASES, ids=lambda value: getattr(value, "stored_name", value))
def test_each_step_happens_in_its_turn_and_only_once(stage: str, event: UploadEvent) -> None:
    given = SPEC.given(*STAGES[stage])
    if event in NEXT.get(stage, ()):
        given.when(event).then(event)
    elif event in DONE_ALREADY.get(stage, ()):
        given.when(event).then_nothing()
    else:
        with pytest.raises(ValueError, match="cannot happen"):
            given.when(event)


@pytest.mark.parametrize(("stage", "event"), CASES, ids=lambda value: getattr(value, "stored_name", value))
def test_what_was_never_decided_cannot_be_folded(stage: str, event: UploadEvent) -> None:
    """Such a log was written by somebody else: stop, never guess."""
    if event not in NEXT.get(stage, ()):
        with pytest.raises(ValueError, match="cannot follow"):
            SPEC.given(*STAGES[stage], event)
