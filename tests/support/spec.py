"""Given, when, then: tests of decisions and folds as sentences that compare whole events.

spec.given(submitted).when(EditStudent({"sex_code": "F"})).then(StudentEdited({"sex_code": "F"}))
spec.given().when(DeleteCourse(1)).then_refused("S01")
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from schemas.problems import Problem

State = TypeVar("State")
Event = TypeVar("Event")
Command = TypeVar("Command")


@dataclass(frozen=True)
class Spec(Generic[State, Event, Command]):
    """A decider: where a stream begins, how it is folded, and what is decided on it.

    `decide` returns events, or an object with `problems` for a refusal.
    """

    initial: State
    evolve: Callable[[State, Event], State]
    decide: Callable[[Command, State], Any]

    def given(self, *events: Event) -> "Given[State, Event, Command]":
        """What has happened."""
        return Given(self, self.fold(self.initial, events))

    def fold(self, state: State, events: Sequence[Event]) -> State:
        """Fold events into a state."""
        for event in events:
            state = self.evolve(state, event)
        return state


@dataclass(frozen=True)
class Given(Generic[State, Event, Command]):
    """A stream as it stands."""

    spec: Spec[State, Event, Command]
    state: State

    def when(self, command: Command) -> "When[State, Event, Command]":
        """What is asked for."""
        return When(self.spec, self.state, self.spec.decide(command, self.state))


@dataclass(frozen=True)
class When(Generic[State, Event, Command]):
    """A decision, to be compared."""

    spec: Spec[State, Event, Command]
    state: State
    decision: Any

    def then(self, *expected: Event) -> State:
        """Exactly these events happen; returns the state that they lead to."""
        assert self.decision == expected
        return self.spec.fold(self.state, expected)

    def then_nothing(self) -> None:
        """Nothing happens, and nothing is refused."""
        assert self.decision == ()

    def then_refused(self, *codes: str) -> Sequence[Problem]:
        """Refused with problems of exactly these codes, each with a repair; returns them."""
        problems: Sequence[Problem] = self.decision.problems
        assert [problem.code for problem in problems] == list(codes)
        assert all(problem.message and problem.hint for problem in problems)
        return problems
