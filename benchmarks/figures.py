"""Figures as values: what was measured, beside which peer, and with which target."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a figure, or on its ratio to the peer's."""

    bound: float
    unit: str
    at_most: bool = True
    of_ratio: bool = False

    def met(self, value: float) -> bool:
        """Whether a value keeps to the bound."""
        return value <= self.bound if self.at_most else value >= self.bound

    def __str__(self) -> str:
        return f"{'at most' if self.at_most else 'at least'} {self.bound:g}{self.unit}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. `ours` and `peer` are the runs' values in `unit`; the medians are what counts."""

    bench: str
    what: str
    unit: str
    ours: Sequence[float]
    peer_name: str = ""
    peer: Sequence[float] = field(default=())
    target: Target | None = None
    note: str = ""

    @property
    def value(self) -> float:
        """The median of our runs."""
        return median(self.ours)

    @property
    def peer_value(self) -> float | None:
        """The median of the peer's runs."""
        return median(self.peer) if self.peer else None

    @property
    def ratio(self) -> float | None:
        """Our median as a multiple of the peer's."""
        return self.value / self.peer_value if self.peer_value else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none, or nothing to compare with."""
        judged = self.ratio if self.target and self.target.of_ratio else self.value
        return None if self.target is None or judged is None else self.target.met(judged)

    def as_dict(self) -> dict[str, object]:
        """The figure as it is saved."""
        return asdict(self) | {
            "median": self.value,
            "peer_median": self.peer_value,
            "ratio": self.ratio,
            "met": self.met,
        }


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest-rank percentile: the smallest value that `share` of all values do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * round(share * 100) // 100) - 1)]
