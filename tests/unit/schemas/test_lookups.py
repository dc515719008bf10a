"""Lookups of the rule language: what a row of a reference table says about the record that points to it."""

from dataclasses import replace

import pytest

from schemas.expressions import Pointer, RuleError, lookups_in, parse
from schemas.lookups import index_of, keyed
from schemas.reference import NO_TABLES, ReferenceTable, ReferenceTables
from schemas.rules import Rule, bind, compile_record
from tests.unit.schemas.test_expressions import CONSTANTS, RECORD, SCOPE

POINTERS = {
    "course": Pointer("courses", {"year": "year", "code": "name"}, {"credit": 2}),
    "part": Pointer("parts", {"part": "other[0:2]"}),
    "now": Pointer("years", {"year": "bssy", "kind": "'AB'"}, {"last": 0}),
}
LOOKING = replace(SCOPE, pointers=POINTERS)
COURSES = ReferenceTable(
    "courses",
    2000,
    "1",
    [
        {"year": "2024", "code": "ab", "ap": "Y", "kind": "", "credit": "100"},
        {"year": "2025", "code": "ab", "ap": "N", "kind": "high", "credit": ""},
        {"year": "2025", "code": "ab", "ap": "Y", "kind": "second", "credit": "050"},
        {"year": "2025", "code": "toolong", "ap": "Y", "kind": "", "credit": "100"},
    ],
)
PARTS = ReferenceTable("parts", 2000, "2", [{"part": "xy"}, {"part": "z"}])
YEARS = ReferenceTable("years", 2000, "3", [{"year": "2025", "kind": "AB", "last": "2026"}])
TABLES = ReferenceTables({table.name: table for table in (COURSES, PARTS, YEARS)})


def rule(when: str, without: str = "") -> Rule:
    row = {"code": "X", "record": "999", "field": "name", "when": when, "hint": "h", "without": without}
    (bound,) = bind([row], {"999": LOOKING}, {"X": ("message", "reject_student")})
    return bound


def holds(when: str, **values: str) -> bool:
    return holds_with(TABLES, when, **values)


def holds_with(tables: ReferenceTables, when: str, **values: str) -> bool:
    line = bytearray(b" " * RECORD.length)
    for name, value in values.items():
        line[RECORD[name].span] = value.encode("latin-1").ljust(RECORD[name].length)
    return list(compile_record([rule(when)], RECORD.length, CONSTANTS, tables)(bytes(line))) == [0]


@pytest.mark.parametrize(
    ("when", "values"),
    [
        ("known(course)", {"year": "2024", "name": "ab"}),
        ("not known(course)", {"year": "2023", "name": "ab"}),
        ("not known(course)", {"year": "2024", "name": " ab"}),
        ("not known(course)", {}),
        ("course.ap == 'Y'", {"year": "2024", "name": "ab"}),
        ("course.ap != 'Y'", {"year": "2025", "name": "ab"}),
        ("course.kind in ('high', 'low')", {"year": "2025", "name": "ab"}),
        ("course.kind not in ('low', 'lower')", {"year": "2025", "name": "ab"}),
        ("course.kind in PASSING or course.credit == 100", {"year": "2024", "name": "ab"}),
        ("course.credit > credit", {"year": "2024", "name": "ab", "credit": "050"}),
        ("credit < course.credit", {"year": "2024", "name": "ab", "credit": "050"}),
        ("known(part)", {"other": "xy"}),
        ("known(part)", {"other": "z .."}),
        ("not known(part)", {"other": " z"}),
        ("known(now) and now.last == bssy + 1", {}),
        ("known(now) and not known(course) and now.last >= year", {"year": "2026"}),
    ],
)
def test_an_expression_is_true_of_the_row_that_is_pointed_to(when: str, values: dict[str, str]) -> None:
    assert holds(when, **values)


COMPARISONS = [
    "course.ap == 'Y'",
    "course.ap != 'Y'",
    "course.ap in ('Y', 'N')",
    "course.ap not in ('Y',)",
    *(f"course.credit {operator} 50" for operator in ("==", "!=", "<", "<=", ">", ">=")),
    *(f"course.credit {operator} credit" for operator in ("==", "!=", "<", "<=", ">", ">=")),
]


@pytest.mark.parametrize("when", COMPARISONS)
def test_every_comparison_with_a_row_that_is_not_there_is_false(when: str) -> None:
    assert not holds(when, year="1999", name="ab", credit="100")


@pytest.mark.parametrize("when", ["course.kind == 'Y'", "course.kind != 'Y'", "course.kind not in ('Y', 'N')"])
def test_every_comparison_with_an_empty_cell_is_false(when: str) -> None:
    assert not holds(when, year="2024", name="ab")


@pytest.mark.parametrize("when", [when for when in COMPARISONS if "credit" in when])
def test_every_comparison_with_an_empty_number_is_false(when: str) -> None:
    assert not holds(when, year="2025", name="ab", credit="100")


@pytest.mark.parametrize(
    "when",
    [
        "known(nobody)",
        "known('course')",
        "known(course, course)",
        "course",
        "course.ap",
        "course.ap == ' '",
        "course.ap < 'Y'",
        "course.ap == 1",
        "course.ap == name",
        "course.ap in ('Y', ' ')",
        "course.ap.kind == 'Y'",
        "course.credit == 'Y'",
        "course.credit in ('1', '2')",
        "course.credit == year",
        "course.credit > today",
        "nobody.ap == 'Y'",
        "not course.ap == 'Y'",
        "blank(course.ap)",
    ],
)
def test_what_is_not_in_the_language_is_refused(when: str) -> None:
    with pytest.raises(RuleError):
        parse(when, LOOKING)


def test_a_rule_decides_where_all_its_tables_are_given() -> None:
    both = rule("known(course) and not known(part)")
    some = ReferenceTables({"courses": COURSES})

    assert both.tables == {"courses", "parts"}
    assert both.decides(TABLES)
    assert not both.decides(some)
    assert rule("blank(name)").decides(NO_TABLES)


def test_a_rule_without_a_table_gives_way_where_it_is_given() -> None:
    fallback = rule("blank(name)", without="courses")

    assert fallback.decides(NO_TABLES)
    assert not fallback.decides(TABLES)


def test_a_rule_whose_table_is_not_given_is_never_compiled_in_silence() -> None:
    with pytest.raises(KeyError):
        holds_with(NO_TABLES, "known(course)")


def test_a_column_that_the_table_lacks_is_our_own_fault() -> None:
    with pytest.raises(KeyError):
        holds("course.nothing == 'Y'")


def test_of_two_rows_with_one_key_the_first_counts_and_one_that_is_too_long_never() -> None:
    (row, *_) = lookups_in(parse("known(course)", LOOKING))

    assert [key for key, _ in keyed(COURSES, row)] == [b"2024ab  ", b"2025ab  ", b"2025ab  "]
    assert not holds("course.ap == 'Y'", year="2025", name="ab")
    assert not holds("known(course)", year="2025", name="tool")


def test_tables_of_one_content_are_indexed_once_and_of_another_again() -> None:
    changed = replace(COURSES, digest="other", rows=[{**COURSES.rows[0], "ap": "N"}])
    given = ReferenceTables({"courses": changed})

    assert holds("course.ap == 'Y'", year="2024", name="ab")
    assert not holds_with(given, "course.ap == 'Y'", year="2024", name="ab")


def test_an_index_is_kept_but_that_of_identities() -> None:
    (row, *_) = lookups_in(parse("known(part)", LOOKING))
    passing = replace(PARTS, name="identities")

    assert index_of(PARTS, row, ()) is index_of(replace(PARTS), row, ())
    assert index_of(passing, row, ()) is not index_of(passing, row, ())
    assert index_of(passing, row, ()) == index_of(PARTS, row, ())
