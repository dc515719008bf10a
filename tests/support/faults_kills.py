"""Killing a process at each await point of what it does, one process a kill."""

import signal
from collections.abc import Callable, Iterable, Sequence

from tests.support.faults_job import Arm, Step
from tests.support.faults_points import Fault
from tests.support.faults_processes import Nursery
from tests.support.faults_world import World

Steps = Callable[[], tuple[Sequence[Step], Sequence[Step]]]
"""Makes what a process does in peace, and what it does while it may be killed."""

OF_THE_FOLLOWER = ("index rows", "projection rows", "projection position", "advanced")


def of_an_append(world: World) -> tuple[str, ...]:
    """Name the points of an append and of waiting for its verdict, but for the follower's."""
    unheard = "sent, no answer" if world.kafka else "stored, not told"
    return "before append", unheard, "acknowledged", "before verdict", "verdict known"


async def kill_at_each_point(nursery: Nursery, world: World, points: Iterable[str], steps: Steps, *, most: int) -> None:
    """Kill a process at each point: when it is reached first, then second, up to `most` or until it comes through."""
    for point in points:
        for at in range(1, most + 1):
            in_peace, struck = steps()
            code = await nursery.run(world.job(*in_peace, Arm(Fault(at, point)), *struck))
            assert code in (0, -signal.SIGKILL), f"at {point!r}, reached {at}: {world.said()}"
            assert code or at > 1, f"{point!r} was never reached"
            if code == 0:
                break
