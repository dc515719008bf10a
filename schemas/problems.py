"""Problems are values: what is wrong, where it stands, what follows from it, and how to repair it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Effect = Literal["reject_file", "reject_student", "remove_graduation_date", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding.

    `line` is 1-based; `columns` are 1-based and inclusive; `found` holds the bytes as they came, never decoded
    away. All four place attributes are None where the finding has no such place (an empty file has no line).
    """

    code: str
    message: str
    effect: Effect
    hint: str
    line: int | None = None
    record: str | None = None
    field: str | None = None
    columns: tuple[int, int] | None = None
    found: bytes = b""


@dataclass(frozen=True, slots=True)
class Undecided:
    """A code that could not be decided, and the table that would decide it."""

    code: str
    needs: str


@dataclass(frozen=True, slots=True)
class Cause:
    """Findings that one repair mends, of which `first` stands for all: same code, field and value found.

    There are `times` of them; `lines` are the first ten places. `follows` counts by code what is folded under them:
    findings that only follow. `touches` and `frees` count students (see `causes` of the state system); both are None
    where it is not known whose line is which.
    """

    first: Problem
    times: int
    lines: tuple[int, ...]
    follows: Mapping[str, int]
    touches: int | None
    frees: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of checking one file. `refused` means that no record of the file is processed (R-037).

    `problems` is the full list; `causes` says the same by what has to be repaired. `demonstration` names the tables it
    was checked with that hold invented rows.
    """

    file: str
    layout: str
    refused: bool
    rows: int
    clean: int
    held: int
    digests: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[Problem] = ()
    undecided: Sequence[Undecided] = ()
    causes: Sequence[Cause] = ()
    demonstration: Sequence[str] = ()
