"""What is wrong in a file: every code with its line."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import ModuleType

from tests.oracle import courses, credentials, graduates, sets, students
from tests.oracle.facts import Facts
from tests.oracle.reading import File, Finding, Row, by_student, read

WARNINGS = frozenset({"V03", "V04", "V05", "V06", "V07", "Q1", "Q2", "Q3", "Q4"})
"""Found on a student who is stored all the same."""


@dataclass(frozen=True)
class Verdict:
    """The findings by line and code; of a refused file the refusals, each on the first of its lines."""

    refused: bool
    found: tuple[Finding, ...]


def verdict(data: bytes, variant: str, today: date, tables: Mapping[str, Sequence[Mapping[str, str]]]) -> Verdict:
    """The findings on the bytes of a file of this sector, as of a day, with these reference tables."""
    taken = read(data, variant)
    if taken.refusals:
        return Verdict(True, tuple(sorted(taken.refusals)))
    first = taken.rows[0].raw
    facts = Facts(tables)
    if strangers := list(wrong_sponsor(taken.rows, first[10:13], facts)):
        return Verdict(True, tuple(sorted(strangers)))
    file = File(variant, int(first[6:10]), first[10:13], today, facts)
    broken = frozenset(number for number, _ in taken.faults)
    found = list(taken.faults)
    for rows in by_student(taken.rows, variant).values():
        found += of_student(rows, broken, file)
    return Verdict(False, tuple(sorted(found)))


def of_student(rows: Sequence[Row], broken: frozenset[int], file: File) -> list[Finding]:
    """The findings of one set. The fields of a broken line are not looked at, but it counts as sent."""
    whole = [row for row in rows if row.number not in broken]
    found = [finding for row in whole for finding in of_row(row, file)]
    found += [*sets.code_200(rows), *sets.code_300(rows), *sets.code_211(rows)]
    found += [*sets.code_326(whole), *sets.code_513(whole)]
    found += [*sets.code_q1(whole, file.facts), *sets.code_q2(whole), *sets.code_q3(whole)]
    held = len(whole) < len(rows) or any(code not in WARNINGS for _, code in found)
    student = next((row for row in whole if row.code == "020"), None)
    return found if held or student is None else found + list(graduates.findings(student, rows, file))


def wrong_sponsor(rows: Sequence[Row], sponsor: bytes, facts: Facts) -> Iterator[Finding]:
    """A sponsor not in SPS, or not of the user's: 504 on the first 050, F09 on the first other record (R-037)."""
    by_code = {"sponsor_code": sponsor}
    if facts.lacks("sponsors", **by_code) or facts.lacks("profile", **by_code):
        for code, is_credential in (("504", True), ("F09", False)):
            yield from [(row.number, code) for row in rows if (row.code == "050") is is_credential][:1]


def of_row(row: Row, file: File) -> Iterator[Finding]:
    """The findings of one record."""
    module = MODULES[row.code]
    for code, times in checks(module, file.variant).items():
        yield from [(row.number, code)] * times(row, file)
    yield from ((row.number, code) for code in module.faults_outside_the_guide(row, file))


def checks(module: ModuleType, variant: str) -> Mapping[str, Callable[[Row, File], int]]:
    """The functions of a module by the code in their name, those of the other sector left out.

    True is once; a code that stands on several fields of a record says how often.
    """
    other = "NONPUBLIC_ONLY" if variant == "public" else "PUBLIC_ONLY"
    left_out: frozenset[str] = getattr(module, other, frozenset())
    named = {name.removeprefix("code_").upper(): one for name, one in vars(module).items() if name.startswith("code_")}
    return {code: one for code, one in named.items() if code not in left_out}


def codes(variant: str) -> frozenset[str]:
    """Every code of a record or a set that the oracle decides in this sector."""
    return frozenset(code for module in (*MODULES.values(), sets) for code in checks(module, variant))


MODULES = {"020": students, "030": courses, "050": credentials}
