"""Who a ref is, and that nothing happens to the erased."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from events.commit import Commit, StoredEvent
from events.identity import (
    Erased,
    IdentityEvent,
    IdentityStanding,
    IdentityState,
    StudentErased,
    StudentIdentified,
    Unknown,
    decide,
    evolve,
    is_erasure,
    standing,
)
from tests.support.spec import Spec

KEY, OTHER_KEY = bytes(32), bytes([1] * 32)
ADA = StudentIdentified("Vorimquendaaaaab", "Zylthmaropeaaaab", birth_date="2009-02-28", sex="F")
CORRECTED = msgspec.structs.replace(ADA, middle_name="Tholmeaaaab")
ERASED = StudentErased("docket 2026-17")

SPEC: Spec[IdentityState, IdentityEvent, IdentityEvent] = Spec(Unknown(), evolve, decide)


def test_a_student_is_identified_and_corrected() -> None:
    assert SPEC.given().when(ADA).then(ADA) == ADA
    assert SPEC.given(ADA).when(CORRECTED).then(CORRECTED) == CORRECTED
    SPEC.given(ADA, CORRECTED).when(ADA).then(ADA)


def test_what_is_known_already_is_no_event() -> None:
    SPEC.given(ADA).when(ADA).then_nothing()


def test_anybody_may_be_erased_even_one_who_was_never_identified() -> None:
    assert SPEC.given(ADA).when(ERASED).then(ERASED) == Erased("docket 2026-17")
    SPEC.given().when(ERASED).then(ERASED)


@pytest.mark.parametrize("asked", [ADA, ERASED, StudentErased("another order")])
def test_nothing_happens_to_the_erased(asked: IdentityEvent) -> None:
    SPEC.given(ADA, ERASED).when(asked).then_nothing()


def test_of_an_identity_only_a_keyed_digest_stands_in_clear() -> None:
    told = standing(ADA, KEY)
    assert len(bytes.fromhex(told.identity)) == 32
    assert standing(ADA, KEY) == told
    assert standing(CORRECTED, KEY) != told
    assert standing(ADA, OTHER_KEY) != told


@pytest.mark.parametrize("state", [Unknown(), Erased("docket 2026-17")])
def test_of_nobody_nothing_stands_in_clear(state: IdentityState) -> None:
    assert standing(state, KEY) == IdentityStanding(identity="")


@pytest.mark.parametrize(
    ("stream", "name", "erases"),
    [
        (f"identity/{UUID(int=1)}", "student-erased", True),
        (f"identity/{UUID(int=1)}", "student-identified", False),
        (f"student/017/{UUID(int=1)}/2025", "student-erased", False),
        ("identity/nobody", "student-erased", False),
    ],
)
def test_an_erasure_is_told_by_its_name_on_somebodys_identity(stream: str, name: str, erases: bool) -> None:
    """Whatever its version: a key must not stay because the code is old."""
    events = (StoredEvent("student-identified", 1), StoredEvent(name, 9))
    commit = Commit(UUID(int=2), stream, 0, UUID(int=3), events, "somebody", datetime(2026, 1, 1, tzinfo=UTC))
    assert is_erasure(commit) == erases
