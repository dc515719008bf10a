"""What is folded under a cause is mended with it: for every folded finding there is a value that mends both."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import combinations, product

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.causes import Whose, follows, roots
from schemas.louisiana_sts.records import RACE_FLAGS
from schemas.problems import Problem
from schemas.reference import NO_TABLES, ReferenceTables
from tests.unit.schemas.builder import base_file, findings
from tests.unit.schemas.tables import TABLES

Values = Mapping[str, tuple[str, ...]]
Pair = tuple[str, str]

STUDENT: Values = {
    "site_code": ("017001", "017 01", "0 7001", "018001", "999001"),
    "grade_placement_code": ("12", "09", "08", "77"),
    "grade_9_entry_year": ("2022", "2013", "2099", ""),
    "graduation_date": ("", "05152026", "99999999"),
    "diploma_pathway": ("TU", "C4", "ZZ", ""),
    "career_option_code": ("", "CDV", "R01", "Z99"),
}
STUDENT_OF: Mapping[Variant, Values] = {
    "public": {
        "state_identification_number": ("7712345678", "771234567X", "7712345600"),
        "partial_first_name": ("V", "7", "Q"),
        "partial_last_name": ("ZYL", "1AB", "QQQ"),
        "day_of_birth": ("09", "32", "10"),
        "sex_code": ("F", "X", "M"),
        "asian_race_flag": ("Y", "X", "N"),
    },
    "nonpublic": {
        "state_identification_number": ("666123456", "66612345X"),
        "birth_date": ("03092008", "02302008"),
    },
}
COURSE: Values = {
    "course_beginning_school_session_year": ("2025", "2099", "20X5"),
    "course_part_number": (" ", "1", "3"),
    "letter_grade_code": ("B", "A", "E", "F", "P", "X"),
    "credit_attempted_count": ("100", "000", "1.0", "150"),
    "credit_earned_count": ("100", "000", "1.0", "150"),
    "quality_points_awarded_count": ("300", "000", "400", "3.0"),
    "core_curriculum_waiver_flag": ("N", "Y", "X"),
    "course_sponsor_code": ("017", "", "9 9", "018", "999"),
    "course_site_code": ("017001", "", "9 9001", "018001", "999001"),
    "course_type_code": ("RG", "DE", "ZZ"),
    "dual_enrollment_postsecondary_credit_hours_earned": ("", "0300"),
    "dual_enrollment_secondary_site": ("", "017001"),
}
CREDENTIAL: Values = {
    "ibc_earned_sponsor_code": ("017", "9 9", "999"),
    "ibc_earned_site_code": ("017001", "9 9001", "999001"),
}


@dataclass(frozen=True)
class Case:
    """A record's fields with the values that they are given, one and two at a time."""

    variant: Variant
    record: str
    values: Values
    tables: ReferenceTables = NO_TABLES


PUBLIC_STUDENT = {**STUDENT, **STUDENT_OF["public"]}
CASES = {
    "public 020": Case("public", "020", PUBLIC_STUDENT),
    "public 020 with tables": Case("public", "020", PUBLIC_STUDENT, TABLES),
    "nonpublic 020": Case("nonpublic", "020", {**STUDENT, **STUDENT_OF["nonpublic"]}),
    "030": Case("public", "030", COURSE),
    "030 with tables": Case("public", "030", COURSE, TABLES),
    "050": Case("public", "050", CREDENTIAL),
    "050 with tables": Case("public", "050", CREDENTIAL, TABLES),
}


def changes_of(values: Values, number: int) -> Iterator[dict[str, str]]:
    """Every combination of values in every so many fields."""
    for names in combinations(values, number):
        for chosen in product(*(values[name] for name in names)):
            yield dict(zip(names, chosen, strict=True))


def found_on(case: Case, changes: Mapping[str, str]) -> list[Problem]:
    """The findings on the changed record."""
    problems = findings(base_file(case.variant, case.record, changes), case.variant, tables=case.tables).problems
    return [one for one in problems if one.record == case.record]


def mended(case: Case, changes: Mapping[str, str], finding: Problem, cause: Problem) -> bool:
    """Whether some value of the cause's field mends both; where one code shows in two fields, of both fields."""
    row = next(one for one in follows()[finding.code] if one.holds(finding, cause))
    fields = {cause.field, finding.field} if row.starts else {cause.field}
    names = [name for name in case.values if any(name in spanned(field) for field in fields)]
    both = {(finding.code, finding.field), (cause.code, cause.field)}
    for chosen in product(*(case.values[name] for name in names)):
        left = found_on(case, {**changes, **dict(zip(names, chosen, strict=True))})
        if not both & {(one.code, one.field) for one in left}:
            return True
    return False


def spanned(field: str | None) -> tuple[str, ...]:
    """The fields of a finding; the six flags are one."""
    return RACE_FLAGS if field and field.startswith(RACE_FLAGS[0]) else (field or "",)


def folded_pairs(problems: list[Problem]) -> Iterator[tuple[Problem, Problem]]:
    """Each folded finding with the cause that it is folded under; over several steps, each is met by itself."""
    for index, root in enumerate(roots(problems, Whose(None))):
        finding, cause = problems[index], problems[root]
        if root != index and any(row.holds(finding, cause) for row in follows()[finding.code]):
            yield finding, cause


@cache
def tried(name: str) -> tuple[frozenset[Pair], frozenset[tuple[str, str, str]]]:
    """Which pairs were folded, and which of them one repair does not mend, with the values that show it."""
    case, seen, wrong = CASES[name], set[Pair](), set[tuple[str, str, str]]()
    for changes in (*changes_of(case.values, 1), *changes_of(case.values, 2)):
        for finding, cause in folded_pairs(found_on(case, changes)):
            seen.add((finding.code, cause.code))
            if not mended(case, changes, finding, cause):
                wrong.add((finding.code, cause.code, str(changes)))
    return frozenset(seen), frozenset(wrong)


@pytest.mark.parametrize("name", CASES)
def test_one_repair_mends_what_is_folded(name: str) -> None:
    seen, wrong = tried(name)

    assert seen
    assert wrong == frozenset()


def test_every_row_of_the_table_was_tried() -> None:
    """A row that can never fold anything would be a claim that nobody has looked at."""
    rows = {
        (code, cause) for code, rows in follows().items() for row in rows if row.where == "line" for cause in row.causes
    }

    assert set().union(*(tried(name)[0] for name in CASES)) == rows
