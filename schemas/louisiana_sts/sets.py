"""The checks of one student's lines: the rule table on each, and the kinds of finding that need several."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from schemas.layout import RecordLayout
from schemas.louisiana_sts.batch import Line
from schemas.louisiana_sts.parts import PartChecks
from schemas.louisiana_sts.persons import Persons
from schemas.louisiana_sts.records import COURSE, CREDENTIAL, STUDENT, readings
from schemas.louisiana_sts.table import Table, problem
from schemas.problems import Problem
from schemas.reference import NO_TABLES, ReferenceTables
from schemas.rules import FileConstants, Rule

# How a record is reported that is the same as another one of its student (R-039, 326, R-161): code, and field marked.
REPEATED = {
    STUDENT: ("211", "state_identification_number"),
    COURSE: ("326", "course_code"),
    CREDENTIAL: ("513", "pass_fail"),
}

BrokenRules = Mapping[int, Sequence[int]]
"""By line (1-based) the places of rules among those of its record type."""


class SetChecks:
    """The compiled table of one sector, year and day, applied to the lines of one student at a time."""

    def __init__(self, rules: Table, bssy: int, today: date, tables: ReferenceTables = NO_TABLES) -> None:
        self.layout = rules.layout
        self.constants = FileConstants(bssy, today)
        self.tables = tables
        self.compiled = rules.compile(bssy, today, tables)
        public = self.layout.variant == "public" and "identities" in tables
        self.persons = Persons(tables["identities"], self.layout[STUDENT]) if public else None
        self.parts = PartChecks(self.layout[COURSE], tables)
        self.same = {code: spans(self.layout[code], readings()["same"][code]) for code in REPEATED}

    def student(
        self, lines: Sequence[Line], faults: Mapping[int, Sequence[Problem]], known: BrokenRules | None = None
    ) -> list[Problem]:
        """The findings on one student. A line with faults is there, a 020 is one more, but neither is looked into.

        `known` has the broken rules of each line that breaks any, where they have been found before.
        """
        found: list[Problem] = []
        for line in lines:
            if line.number in faults:
                found.extend(faults[line.number])
                continue
            rules, broken = self.compiled[line.code]
            if hits := broken(line.raw) if known is None else known.get(line.number):
                found.extend(finding(rules[index], line) for index in hits)
            if line.code == STUDENT and self.persons:
                told = {one.code for one in found if one.line == line.number}
                found.extend(one for one in self.persons.mismatches(line) if one.code not in told)
        found.extend(self.missing(lines))
        found.extend(self.repeated([line for line in lines if line.number not in faults or line.code == STUDENT]))
        found.extend(self.parts.findings([line for line in lines if line.number not in faults]))
        return found

    def missing(self, lines: Sequence[Line]) -> Iterator[Problem]:
        """200 and 300: courses without their student, a student without courses. Credentials stand alone (R-042)."""
        codes = {line.code for line in lines}
        if (STUDENT in codes) != (COURSE in codes):
            for line in lines:
                if line.code != CREDENTIAL:
                    code = "300" if line.code == STUDENT else "200"
                    yield self.at(line, code, "state_identification_number")

    def repeated(self, lines: Sequence[Line]) -> Iterator[Problem]:
        """211, 326 and 513: each record after the first that is the same, naming the first."""
        seen: dict[tuple[str, bytes], int] = {}
        for line in lines:
            same = b"".join([line.raw[span] for span in self.same[line.code]]).rstrip(b" ")
            first = seen.setdefault((line.code, same), line.number)
            if first != line.number and self.is_countable(line):
                code, field = REPEATED[line.code]
                yield self.at(line, code, field, hint=f"{problem(code).hint} The first is line {first}.")

    def is_countable(self, line: Line) -> bool:
        """A credential counts once as passed and once as failed; without P or F, 513 stands for it already."""
        return line.code != CREDENTIAL or line.raw[self.layout[CREDENTIAL]["pass_fail"].span] in (b"P", b"F")

    def at(self, line: Line, code: str, name: str, hint: str | None = None) -> Problem:
        field = self.layout[line.code][name]
        return problem(
            code,
            line=line.number,
            record=line.code,
            field=name,
            columns=field.columns,
            found=line.raw[field.span],
            hint=hint,
        )


def spans(record: RecordLayout, names: Sequence[str]) -> tuple[slice, ...]:
    """Where the named fields stand, neighbours joined into one slice."""
    joined: list[slice] = []
    for name in names:
        span = record[name].span
        if joined and joined[-1].stop == span.start:
            joined[-1] = slice(joined[-1].start, span.stop)
        else:
            joined.append(span)
    return tuple(joined)


def finding(rule: Rule, line: Line) -> Problem:
    first, last = rule.columns
    return Problem(
        code=rule.code,
        message=rule.message,
        effect=rule.effect,
        hint=rule.hint,
        line=line.number,
        record=line.code,
        field=rule.field,
        columns=rule.columns,
        found=line.raw[first - 1 : last],
    )
