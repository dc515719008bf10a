"""Whether a public 020 and eScholar speak of the same student (U03, U04, U06, U07, U08; R-008).

What eScholar does not know is not compared. Names are compared as districts cut them: without accents and case, with
or without what is no letter ("O'N" and "ONE" both begin O'Neil).
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from schemas.louisiana_sts.records import RACE_FLAGS, STUDENT, Fields
from schemas.louisiana_sts.table import problem
from schemas.problems import Problem


@dataclass(frozen=True, slots=True)
class Person:
    """What eScholar says. `birth_date` is YYYY-MM-DD, `ethnicity` six Y or N; "" is not known."""

    first_name: str
    last_name: str
    birth_date: str
    sex: str
    ethnicity: str


def mismatches(student: Fields, person: Person) -> tuple[Problem, ...]:
    """Return each field of a public 020 that eScholar contradicts."""
    return tuple(found for found in compared(student, person) if found is not None)


def compared(student: Fields, person: Person) -> Iterator[Problem | None]:
    """Compare field by field."""
    get = student.get
    flags = "".join(get(flag, "") for flag in RACE_FLAGS)
    yield unlike("U03", "partial_first_name", begins_so(person.first_name, get("partial_first_name", ""), 1))
    yield unlike("U04", "partial_last_name", begins_so(person.last_name, get("partial_last_name", ""), 3))
    yield unlike("U06", "day_of_birth", person.birth_date[8:] in {"", get("day_of_birth", "")})
    yield unlike("U07", RACE_FLAGS[0], person.ethnicity in {"", flags})
    yield unlike("U08", "sex_code", person.sex in {"", get("sex_code", "")})


REPAIR = (
    "The record and eScholar must speak of the same student. Correct the one that is wrong: eScholar, then load a new "
    "extract; or the student information system, then send the student again (R-193)."
)


def unlike(code: str, field: str, agrees: bool) -> Problem | None:
    """Return the finding on a field that disagrees."""
    return None if agrees else problem(code, record=STUDENT, field=field, hint=REPAIR)


def begins_so(name: str, sent: str, length: int) -> bool:
    """Whether a name begins with what was sent of it."""
    whole, part = folded(name), folded(sent)
    return not name or part in {whole[:length].strip(), letters(whole)[:length]}


def folded(text: str) -> str:
    """Return a text without accents and case."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold().strip()


def letters(text: str) -> str:
    """Return a text's letters alone."""
    return "".join(char for char in text if char.isalpha())
