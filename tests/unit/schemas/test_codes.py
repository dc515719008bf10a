"""All 81 codes of the guide in the layouts they apply to: a file that raises each, the nearest one, and the effect."""

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.batch import Batch, read_batch
from schemas.louisiana_sts.checks import check_file, check_set
from schemas.louisiana_sts.records import readings, toml
from schemas.louisiana_sts.table import all_codes, table
from tests.unit.schemas.builder import TODAY, VARIANTS, findings
from tests.unit.schemas.code_pairs import Pair, pairs
from tests.unit.schemas.tables import TABLES

GUIDE = [row["code"] for row in toml("error_codes.toml")["error"]]
APPLY = {(code, variant) for code in GUIDE for variant in VARIANTS if variant in all_codes()[code].sectors}
PAIRS = [pair for pair in pairs() if pair.code in GUIDE]
NAMES = [f"{pair.code}-{pair.variant}-{'+'.join(pair.tables) or 'alone'}" for pair in PAIRS]

UNDECIDABLE = {("U05", "public")}
"""The eScholar extract holds no local id."""

REPORTED_AS: dict[str, str] = toml("rules.toml")["reported_as"]
ONLY_IN_A_FILE = {"500", "503", "504", *readings()["wrong_only_in_a_file"]["codes"]}
"""What an edit of one set cannot raise: lines, and keys that the set has from its stream."""


def reported(code: str) -> str:
    return REPORTED_AS.get(code, code)


def found(pair: Pair, data: bytes) -> set[str]:
    """The codes; what is found twice at one place would be two findings of one fault."""
    problems = findings(data, pair.variant, tables=pair.tables).problems
    assert len({(one.code, one.line, one.field) for one in problems}) == len(problems)
    return {one.code for one in problems}


def found_online(pair: Pair, data: bytes) -> set[str]:
    """What an edit that made this set would be told."""
    batch = read_batch(data, variant=pair.variant)
    assert isinstance(batch, Batch)
    (state_id,) = batch.state_ids
    records = batch.record_set(state_id)
    problems = check_set(batch.layout, batch.bssy, batch.sponsor, state_id, records, today=TODAY, tables=pair.tables)
    return {one.code for one in problems}


def test_all_81_have_their_pair_in_each_layout_they_apply_to() -> None:
    assert len(GUIDE) == len(set(GUIDE)) == 81
    assert {(pair.code, pair.variant) for pair in PAIRS} == APPLY - UNDECIDABLE


@pytest.mark.parametrize("pair", PAIRS, ids=NAMES)
def test_the_one_file_raises_the_code_and_the_other_nothing(pair: Pair) -> None:
    assert reported(pair.code) in found(pair, pair.raises)
    assert found(pair, pair.clean) == set()


@pytest.mark.parametrize("pair", PAIRS, ids=NAMES)
def test_the_effect_is_the_guides(pair: Pair) -> None:
    """The file refused, the student held, or the rest stored without the graduation date."""
    result = findings(pair.raises, pair.variant, tables=pair.tables)
    effects = {one.effect for one in result.problems if one.code == reported(pair.code)}

    assert effects == {all_codes()[pair.code].effect}
    assert result.refused == (effects == {"reject_file"})
    if not result.refused:
        assert bool(result.held) == (effects == {"reject_student"})


FIRST = {(pair.code, pair.variant, *pair.tables): pair for pair in reversed(PAIRS)}


@pytest.mark.parametrize("pair", FIRST.values(), ids=["-".join(key) for key in FIRST])
def test_many_lines_at_once_tell_the_same(pair: Pair) -> None:
    """With the tables of the pair, and with every table."""
    for tables in (pair.tables, TABLES):
        one, other = (
            check_file(pair.raises, "f", today=TODAY, variant=pair.variant, tables=tables, columnar=columnar)[1]
            for columnar in (False, True)
        )
        assert one == other


def is_one_set(pair: Pair) -> bool:
    """Whether an edit can make this set: whole, one student, and numbers as an edit writes them, filled with zeros."""
    batch = read_batch(pair.raises, variant=pair.variant)
    if pair.code in ONLY_IN_A_FILE | {"200", "211", "300"} or not isinstance(batch, Batch):
        return False
    rows = [row for state_id in batch.state_ids for row in batch.lines_of(state_id)]
    return all(batch.layout[row.code].render(batch.layout[row.code].cut(row.raw)) == row.raw for row in rows)


ONLINE = [pair for pair in PAIRS if is_one_set(pair)]


@pytest.mark.parametrize("pair", ONLINE, ids=[f"{pair.code}-{pair.variant}-{'+'.join(pair.tables)}" for pair in ONLINE])
def test_an_edit_of_one_set_is_told_the_same(pair: Pair) -> None:
    assert reported(pair.code) in found_online(pair, pair.raises)
    assert found_online(pair, pair.clean) == set()


def test_every_code_that_an_edit_can_raise_is_tried() -> None:
    """A set has the state id of its stream: U01 and a nonpublic 507 are of files."""
    never = ONLY_IN_A_FILE | {"200", "211", "300", "U01"}
    expected = {(code, variant) for code, variant in APPLY - UNDECIDABLE if code not in never}

    assert {(pair.code, pair.variant) for pair in ONLINE} == expected - {("507", "nonpublic")}


def test_cdv_is_entered_online_and_not_in_a_file() -> None:
    (pair, *_) = [pair for pair in PAIRS if pair.code == "350"]

    assert "350" in found(pair, pair.raises)
    assert found_online(pair, pair.raises) == set()


@pytest.mark.parametrize("variant", VARIANTS)
def test_with_every_table_only_these_stay_undecided(variant: Variant) -> None:
    """For each there is nothing that could be given: see docs/reference/checks.md."""
    expected = {"public": ["U05", "U02", "507", "223", "G3"], "nonpublic": ["507", "223", "G3"]}

    assert [one.code for one in table(variant).undecided(TABLES)] == expected[variant]
