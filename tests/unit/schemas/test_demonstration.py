"""The demonstration set: it calls itself so, it is as its script makes it, and it reaches every category."""

from collections import defaultdict

import pytest

from schemas.louisiana_sts.demonstration import files
from schemas.louisiana_sts.labels import labels
from schemas.louisiana_sts.reference_csv import DEMONSTRATION, NAMES, demonstration_set, is_personal
from schemas.reference import ReferenceTables

CATEGORIES = {
    "TU": [f"{number:02d}" for number in range(1, 21) if number != 18],
    "CA": [f"{number:02d}" for number in range(1, 14) if number != 11],
    "L1": ["01", "02", "03", "04", "06", "13"],
}
"""Of the guide, pp. 44-46."""


@pytest.fixture(scope="module")
def tables() -> ReferenceTables:
    return demonstration_set()


def test_the_files_are_as_the_script_makes_them() -> None:
    assert {path.name: path.read_bytes() for path in DEMONSTRATION.glob("*.csv")} == files()


def test_it_holds_every_table_but_those_of_persons_and_each_calls_itself_demonstration(tables: ReferenceTables) -> None:
    assert set(tables) == {name for name in NAMES if not is_personal(name)}
    assert all(row["source"].startswith("demonstration: ") for table in tables.values() for row in table.rows)
    assert all(table.demonstration for table in tables.values())


def test_every_category_of_every_pathway_can_be_filled(tables: ReferenceTables) -> None:
    held = defaultdict(set)
    for row in tables["core"].rows:
        if not row["career_option_code"]:
            held[row["curriculum"], row["category"]].add((row["course_code"], int(row["credit_allowed"])))
    asked = {
        (row["curriculum"], row["category"]): int(row["credit_required"]) for row in tables["core_categories"].rows
    }
    for pathway, categories in CATEGORIES.items():
        assert {category for curriculum, category in held if curriculum == pathway} == set(categories)
    assert asked.keys() == held.keys()
    assert all(sum(credit for _, credit in held[place]) >= credit for place, credit in asked.items())
    assert {pathway: sum(asked[pathway, one] for one in CATEGORIES[pathway]) for pathway in CATEGORIES} == {
        "TU": 2100,
        "CA": 2300,
        "L1": 2300,
    }
    assert {category for award, category in held if award == "TC"} == set(CATEGORIES["TU"]) - {"20"}
    assert {category for award, category in held if award == "TJ"} == set(CATEGORIES["CA"]) - {"12"}


def test_what_a_table_names_in_another_one_is_there(tables: ReferenceTables) -> None:
    codes = {name: {row[column] for row in tables[name].rows} for name, column in KEYS.items()}
    for name, column, other in FOREIGN:
        assert {row[column] for row in tables[name].rows} - {""} <= codes[other], name


KEYS = {
    "sponsors": "sponsor_code",
    "courses": "course_code",
    "credentials": "ibc_code",
    "career_options": "code",
}
FOREIGN = (
    ("sites", "sponsor_code", "sponsors"),
    ("core", "course_code", "courses"),
    ("core", "career_option_code", "career_options"),
    ("credential_vendors", "ibc_code", "credentials"),
)


def test_what_the_guide_prints_is_there(tables: ReferenceTables) -> None:
    courses = tables["courses"].by("course_code")
    experience = {code for (code,), row in courses.items() if row["experience_only"] == "Y"}

    assert courses["160321",]["description"] == "Algebra I"
    assert courses["220501",]["description"] == "Civics - 1st semester"
    assert len(experience) == 22
    assert all(code.startswith("500") for code in experience)
    assert tables["sponsors"].by("sponsor_code")["504",]["name"] == "Lafayette Diocese"
    assert tables["sites"].by("site_code")["399002",]["name"] == "Arthur Ashe Charter School"
    assert {code for (code,) in tables["career_options"].by("code")} == {*labels().career_options, "CDV"}
    assert [row["code"] for row in tables["fafsa"].rows] == ["1", "2", "3", "4"]


def test_every_flag_and_kind_occurs(tables: ReferenceTables) -> None:
    flags = ("ap", "ib", "name_required", "repeatable", "five_point", "experience_only")

    assert all({row[flag] for row in tables["courses"].rows} == {"Y", "N"} for flag in flags)
    assert {row["credit"] for row in tables["courses"].rows} == {"050", "100", "200"}
    assert {row["kind"] for row in tables["sites"].rows} == {"high", "lower", "postsecondary"}
    assert {row["kind"] for row in tables["sponsors"].rows} == {
        "public",
        "charter",
        "nonpublic",
        "postsecondary",
        "other",
    }
    assert all(any(row["last_bssy"] for row in tables[name].rows) for name in ("sponsors", "sites", "credentials"))
