"""Every row of the rule table, on the smallest record that raises it and the nearest that does not."""

from datetime import date

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.table import table
from tests.unit.schemas.builder import TODAY, VARIANTS, base_file, codes, findings, line, lines
from tests.unit.schemas.rule_cases import ALL_CASES, Case
from tests.unit.schemas.tables import TABLES, given

PAIRS = [(case, variant) for case in ALL_CASES for variant in case.sectors]
NAMES = ["-".join((case.code, variant, *case.given, "+".join(case.bad))) for case, variant in PAIRS]

# Raised by the state id, which is also the key of the set: see test_state_ids.py.
BY_STATE_ID = {"U01", "U02", "V02", "V03", "507", "349"}


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_base_set_is_clean(variant: Variant) -> None:
    assert codes(base_file(variant), variant) == []
    assert codes(base_file(variant), variant, tables=TABLES) == []


@pytest.mark.parametrize(("case", "variant"), PAIRS, ids=NAMES)
def test_a_bad_record_raises_its_code_alone(case: Case, variant: Variant) -> None:
    found = codes(base_file(variant, case.record, case.bad), variant, tables=given(*case.given))

    assert sorted(found) == sorted({case.code, *case.beside})


@pytest.mark.parametrize(("case", "variant"), PAIRS, ids=NAMES)
def test_the_nearest_good_record_is_clean(case: Case, variant: Variant) -> None:
    assert codes(base_file(variant, case.record, case.good), variant, tables=given(*case.given)) == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_row_of_the_table_has_a_case(variant: Variant) -> None:
    """A row that no case raises would be a check that cannot fail."""
    rows = {(rule.code, rule.field, rule.when) for rules in table(variant).rules.values() for rule in rules}
    raised: set[tuple[str, str, str]] = set()
    for case, sector in PAIRS:
        if sector == variant:
            rules, broken = table(variant).compile(2025, TODAY, given(*case.given))[case.record]
            raw = line(case.record, variant, case.bad)
            raised |= {(rules[hit].code, rules[hit].field, rules[hit].when) for hit in broken(raw)}

    assert {row for row in rows if row[0] not in BY_STATE_ID} == {row for row in raised if row[0] not in BY_STATE_ID}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_finding_shows_the_columns_and_the_bytes_as_they_came(variant: Variant) -> None:
    (problem,) = findings(base_file(variant, "030", {"credit_earned_count": "0\xff0"}), variant).problems
    first = 41 if variant == "public" else 40

    assert (problem.line, problem.record, problem.field) == (2, "030", "credit_earned_count")
    assert (problem.columns, problem.found) == ((first, first + 2), b"0\xff0")
    assert (problem.code, problem.message) == ("310", "INVALID CREDIT EARNED COUNT")


def test_a_span_of_fields_is_marked_as_a_whole() -> None:
    (problem,) = findings(base_file("public", "020", {"asian_race_flag": "X"})).problems

    assert problem.field == "hispanic_latino_ethnicity_flag..white_race_flag"
    assert (problem.columns, problem.found) == ((139, 144), b"NNXNNN")


@pytest.mark.parametrize(
    ("today", "expected"), [(date(2026, 3, 31), []), (date(2026, 4, 1), []), (date(2026, 4, 2), ["233"])]
)
def test_an_undeclared_path_ends_on_april_1_of_grade_10(today: date, expected: list[str]) -> None:
    data = base_file("public", "020", {"grade_placement_code": "10", "diploma_pathway": "ND"})

    assert codes(data, today=today) == expected


@pytest.mark.parametrize(("today", "expected"), [(date(2026, 5, 1), []), (date(2026, 4, 30), ["210"])])
def test_a_graduation_date_lies_at_most_two_weeks_ahead(today: date, expected: list[str]) -> None:
    data = base_file("public", "020", {"graduation_date": "05152026", "met_gee_eoc_flag": "Y"})

    assert codes(data, today=today) == expected


def test_the_school_year_ends_on_august_31() -> None:
    after = {"graduation_date": "09012026", "met_gee_eoc_flag": "Y"}
    within = {**after, "graduation_date": "08312026"}

    assert codes(base_file("public", "020", after), today=date(2026, 9, 9)) == ["215"]
    assert codes(base_file("public", "020", within), today=date(2026, 9, 9)) == []


def test_one_unreadable_number_does_not_cascade() -> None:
    """Nothing is said of credit earned because the credit attempted cannot be read."""
    assert codes(base_file("public", "030", {"credit_attempted_count": "ABC"})) == ["306"]


def test_an_accented_letter_is_a_letter() -> None:
    data = lines(line("020", "public", {"partial_first_name": "\xd6", "partial_last_name": "\xd1\xe9"}))

    assert codes(data) == ["300"]


def test_hints_name_the_years_and_values_of_the_file() -> None:
    (date_problem,) = findings(base_file("public", "020", {"graduation_date": "08312025"})).problems
    (grade_problem,) = findings(base_file("public", "030", {"letter_grade_code": "X"})).problems

    assert "from 09/01/2025 to 08/31/2026" in date_problem.hint
    assert grade_problem.hint == "Send one of A, B, C, D, F, P, E."
