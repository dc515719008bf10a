"""What reference tables decide beyond a single field: who sends, who a student is, and which halves join."""

from dataclasses import replace

import pytest

from schemas.layout import Variant, load_layout
from schemas.louisiana_sts.batch import Batch, read_batch
from schemas.louisiana_sts.checks import check_file, check_set, compiled
from schemas.louisiana_sts.records import toml
from schemas.louisiana_sts.sponsors import profile
from schemas.louisiana_sts.table import table
from schemas.reference import ReferenceTable, ReferenceTables
from tests.unit.schemas.builder import STATE_IDS, TODAY, VARIANTS, base_file, codes, findings, line, lines
from tests.unit.schemas.tables import COURSES, SITES, SPONSORS, TABLES, given, identities

HALF = {"credit_attempted_count": "050", "credit_earned_count": "050"}


def only(*tables: ReferenceTable) -> ReferenceTables:
    return ReferenceTables({one.name: one for one in tables})


# --- Tables -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_table_decides_its_codes_and_leaves_the_others_undecided(variant: Variant) -> None:
    before = {one.code for one in table(variant).undecided()}
    after = {one.code for one in table(variant).undecided(only(SITES))}

    assert before - after == {"201", "321", "342", "515"}
    assert findings(base_file(variant), variant, tables=only(SITES)).undecided == table(variant).undecided(only(SITES))


def test_every_lookup_names_a_table_and_columns_that_there_are() -> None:
    columns = {name: set(one.rows[0]) for name, one in TABLES.items()}

    for lookups in toml("rules.toml")["lookup"].values():
        for lookup in lookups.values():
            assert set(lookup["key"]) | set(lookup.get("decimals", {})) <= columns[lookup["table"]]
    for need in toml("rules.toml")["needs"]:
        assert set(need["tables"]) <= set(columns)


def test_a_report_names_the_digest_of_each_table() -> None:
    digests = findings(base_file("public"), tables=only(SITES, COURSES)).digests

    assert {name: digest for name, digest in digests.items() if name.startswith("reference/")} == {
        "reference/courses": COURSES.digest,
        "reference/sites": SITES.digest,
    }


def test_a_report_says_which_tables_are_a_demonstration() -> None:
    shown = replace(SITES, demonstration=True)

    assert findings(base_file("public"), tables=only(shown, COURSES)).demonstration == ("sites",)
    refused = base_file("public").replace(b"STS0302025", b"STS0302024", 1)
    assert findings(refused, tables=only(shown)).demonstration == ("sites",)


def test_tables_may_be_given_by_year() -> None:
    asked: list[int] = []

    def of_year(bssy: int) -> ReferenceTables:
        asked.append(bssy)
        return only(replace(SITES, digest="less", rows=SITES.rows[1:]))

    _, found = check_file(base_file("public"), "f", today=TODAY, tables=of_year)

    assert asked == [2025]
    assert {one.code for one in found.problems} == {"201", "321", "515"}


def test_checks_are_compiled_once_for_tables_of_one_content() -> None:
    first = compiled("public", 2025, TODAY, only(SITES))

    assert compiled("public", 2025, TODAY, only(replace(SITES))) is first
    assert compiled("public", 2025, TODAY, only(replace(SITES, digest="other"))) is not first
    assert compiled("public", 2025, TODAY) is not first


def test_of_checks_that_know_persons_only_the_last_are_kept() -> None:
    one, two = only(identities()), only(identities(sex_code="M"))
    first = compiled("public", 2025, TODAY, one)

    assert compiled("public", 2025, TODAY, one) is first
    compiled("public", 2025, TODAY, two)
    assert compiled("public", 2025, TODAY, one) is not first


# --- Who sends --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_unknown_sponsor_refuses_the_file_and_is_said_once_for_each_kind_of_record(variant: Variant) -> None:
    data = base_file(variant) + base_file(variant)
    found = findings(data, variant, tables=only(replace(SPONSORS, digest="less", rows=SPONSORS.rows[1:])))

    assert found.refused
    assert [(one.code, one.line, one.columns, one.found) for one in found.problems] == [
        ("F09", 1, (11, 13), b"017"),
        ("504", 3, (11, 13), b"017"),
    ]


def test_credentials_alone_of_an_unknown_sponsor_are_504() -> None:
    data = lines(line("050", "public", {"sponsor_code": "999"}))

    assert codes(data, tables=only(SPONSORS)) == ["504"]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "byte-order mark"])
def test_credentials_first_are_504_and_the_first_other_record_is_f09(mark: bytes) -> None:
    rows = (line(code, "public", {"sponsor_code": "999"}) for code in ("050", "050", "020", "030"))
    found = findings(mark + lines(*rows), tables=only(SPONSORS)).problems

    assert [(one.code, one.line) for one in found] == [("504", 1), ("F09", 3)]


def test_a_sponsor_that_is_not_the_users_is_told_to_ask_for_it() -> None:
    (found,) = findings(lines(line("050", "public")), tables=only(profile(["018"]))).problems

    assert found.code == "504"
    assert "security profile" in found.hint


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [(["017"], []), (["017001"], []), (["017002"], ["213"]), (["017002", "018"], ["213"]), (["017001", "018"], [])],
)
@pytest.mark.parametrize("variant", VARIANTS)
def test_a_profile_names_sites_or_whole_sponsors(allowed: list[str], expected: list[str], variant: Variant) -> None:
    assert codes(base_file(variant), variant, tables=only(profile(allowed))) == expected


# --- Who a student is -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "sent"),
    [
        ({"last_name": "O'Zyl"}, {"partial_last_name": "OZY"}),
        ({"last_name": "O'Zyl"}, {"partial_last_name": "O'Z"}),
        ({"last_name": "Z\u00fdlth"}, {"partial_last_name": "ZYL"}),
        ({"last_name": "Ng"}, {"partial_last_name": "Ng"}),
        ({"last_name": "", "first_name": "", "birth_date": ""}, {}),
        ({"first_name": "\u00c9mile"}, {"partial_first_name": "e"}),
    ],
)
def test_names_agree_as_districts_cut_them(held: dict[str, str], sent: dict[str, str]) -> None:
    assert codes(base_file("public", "020", sent), tables=only(identities(**held))) == []


def test_every_field_that_escholar_contradicts_is_said_at_its_place() -> None:
    changes = {"first_name": "Wo", "last_name": "Xy", "birth_date": "2008-03-10", "sex_code": "M"}
    found = findings(base_file("public"), tables=only(identities(**changes, white_race_flag="Y"))).problems

    assert [(one.code, one.line, one.record, one.columns) for one in found] == [
        ("U03", 1, "020", (39, 39)),
        ("U04", 1, "020", (68, 70)),
        ("U06", 1, "020", (93, 94)),
        ("U08", 1, "020", (100, 100)),
        ("U07", 1, "020", (139, 144)),
    ]
    assert {one.effect for one in found} == {"reject_student"}
    assert found[0].found == b"V"


def test_what_is_wrong_in_one_020_is_still_said_of_another() -> None:
    """The first day is none (U06 of the field), the second another than eScholar's (U06 of the person)."""
    rows = [line("020", "public", {"day_of_birth": day}) for day in ("32", "10")]
    found = findings(lines(*rows, line("030", "public")), tables=only(identities())).problems

    assert [(one.line, one.code) for one in found] == [(1, "205"), (1, "U06"), (2, "211"), (2, "U06")]


def test_nonpublic_students_are_not_in_escholar() -> None:
    nobody = replace(identities(), rows=[])

    assert codes(base_file("nonpublic"), "nonpublic", tables=only(nobody)) == []
    assert codes(base_file("public"), "public", tables=only(nobody)) == ["U02", "507"]


# --- Part numbers (STSQ08, R-084) -------------------------------------------------------------------------------


def courses(variant: Variant, *changes: dict[str, str]) -> bytes:
    return lines(line("020", variant), *(line("030", variant, {**HALF, **some}) for some in changes))


PART_1, PART_2 = {"course_part_number": "1"}, {"course_part_number": "2"}
NAMED = {"transcript_course_name": "Fables"}
OTHER = {"course_code": "990102"}
LATER = {"semester_code": "S2"}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([PART_1, PART_2], []),
        ([PART_1], [(2, "Q2")]),
        ([PART_2], [(2, "Q3")]),
        ([PART_1, {**PART_2, **OTHER}], [(2, "Q2"), (3, "Q3")]),
        ([PART_1, {**PART_2, **NAMED}], [(2, "Q2"), (3, "Q3")]),
        ([{**PART_1, **NAMED}, {**PART_2, **NAMED}], []),
        ([PART_1, {**PART_1, **LATER}], [(2, "Q2"), (3, "Q2")]),
        ([PART_1, {**PART_1, **LATER}, PART_2], []),
        ([{}], []),
        ([{}, LATER], [(3, "Q1")]),
        ([{}, LATER, {"semester_code": "S1"}], [(3, "Q1"), (4, "Q1")]),
        ([{}, {**LATER, **OTHER}], []),
        ([{}, {**LATER, **NAMED}], []),
        ([{}, {**LATER, "credit_attempted_count": "100", "credit_earned_count": "100"}], []),
        ([{"course_code": "990140"}, {"course_code": "990140", **LATER}], []),
        ([{**PART_1, "credit_attempted_count": "100", "credit_earned_count": "100"}, PART_2], [(2, "Q4")]),
    ],
)
@pytest.mark.parametrize("variant", VARIANTS)
def test_halves_that_do_not_join_are_warnings(
    rows: list[dict[str, str]], expected: list[tuple[int, str]], variant: Variant
) -> None:
    found = findings(courses(variant, *rows), variant, tables=only(COURSES))

    assert [(one.line, one.code) for one in found.problems] == expected
    assert {one.effect for one in found.problems} <= {"warning"}
    assert not found.held


def test_a_part_number_that_is_none_is_no_missing_one() -> None:
    odd = {"course_part_number": "3"}

    assert codes(courses("public", odd, {**odd, **LATER}), tables=only(COURSES)) == ["303", "303"]


def test_without_the_courses_nobody_knows_which_may_be_repeated() -> None:
    data = courses("public", {}, LATER)

    assert codes(data) == []
    assert "Q1" in {one.code for one in findings(data).undecided}


def test_the_first_of_two_halves_is_named() -> None:
    (found,) = findings(courses("public", {}, LATER), tables=only(COURSES)).problems

    assert found.hint.endswith("The first is line 2.")


# --- Online -----------------------------------------------------------------------------------------------------


def test_an_edit_is_told_what_every_table_says() -> None:
    batch = read_batch(base_file("public", "020", {"site_code": "017099", "sex_code": "M"}), variant="public")
    assert isinstance(batch, Batch)
    records = batch.record_set(STATE_IDS["public"])
    found = check_set(
        load_layout("public"), "2025", "017", STATE_IDS["public"], records, today=TODAY, tables=given(*TABLES)
    )

    assert [one.code for one in found] == ["201", "213", "U08"]
