"""The table as data: every code of the guide has its place, every finding its words."""

import tomllib
from pathlib import Path

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts import table as table_module
from schemas.louisiana_sts.graduates import REPORTED
from schemas.louisiana_sts.records import toml
from schemas.louisiana_sts.table import all_codes, rules_digest, table
from tests.unit.schemas.builder import VARIANTS

DATA = Path(table_module.__file__).parent
AGAINST_ESCHOLAR = {"U03", "U04", "U07", "U08"}


def guide_codes() -> set[str]:
    return {row["code"] for row in toml("error_codes.toml")["error"]}


def test_the_guide_has_81_codes() -> None:
    assert len(toml("error_codes.toml")["error"]) == len(guide_codes()) == 81


def test_each_of_the_81_is_checked_or_listed_as_undecided() -> None:
    content = toml("rules.toml")
    ruled = {row["code"] for row in content["rule"]}
    known = ruled | set(content["built_in"]) | set(content["reported_as"]) | {row["code"] for row in content["needs"]}

    assert guide_codes() - known == set()
    assert known - set(all_codes()) == set()


def test_undecided_wholly_are_exactly_the_codes_that_no_check_raises() -> None:
    """Without any table."""
    content = toml("rules.toml")
    ruled = {rule.code for variant in VARIANTS for rules in table(variant).deciding().values() for rule in rules}
    checked = ruled | (set(content["built_in"]) - AGAINST_ESCHOLAR) | set(REPORTED.values())
    checked_at_best = checked | {row["code"] for row in content["rule"]} | AGAINST_ESCHOLAR

    for row in content["needs"]:
        assert row.get("rest", False) is (row["code"] in (checked if row["tables"] else checked_at_best)), row["code"]


def test_a_code_reported_as_another_shares_its_condition() -> None:
    """214 and 230 have one rule in the guide; the report names 230 in the hint of 214."""
    rows = {row["code"]: row for row in toml("error_codes.toml")["error"]}
    (hint,) = [row["hint"] for row in toml("rules.toml")["rule"] if row["code"] == "214"]

    assert toml("rules.toml")["reported_as"] == {"230": "214"}
    assert rows["230"]["rule"] == rows["214"]["rule"]
    assert "230" in hint


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_rule_has_a_message_and_a_hint(variant: Variant) -> None:
    for rules in table(variant).rules.values():
        for rule in rules:
            assert rule.message, rule.code
            assert len(rule.hint) > 10, rule.code


def test_every_code_of_our_own_says_how_to_repair_it() -> None:
    for row in tomllib.loads((DATA / "own_codes.toml").read_text())["error"]:
        assert len(row["hint"]) > 10, row["code"]


def test_messages_and_effects_are_the_guides() -> None:
    codes = all_codes()

    assert codes["200"].message == "NO STUDENT RECORD FOR TRANSCIPT RECORD"
    assert codes["350"].message == "CDV Career Option must be entered online"
    assert {code for code in guide_codes() if codes[code].effect == "reject_file"} == {"503", "504"}
    assert {code for code in guide_codes() if codes[code].effect == "remove_graduation_date"} == {"223"}


def test_public_codes_are_not_asked_of_nonpublic_files() -> None:
    public_only = {"U01", "U06", "234", "241"}
    nonpublic = {rule.code for rules in table("nonpublic").rules.values() for rule in rules}

    assert public_only <= {rule.code for rules in table("public").rules.values() for rule in rules}
    assert not public_only & nonpublic
    assert not {"U02", "242", "349"} & {one.code for one in table("nonpublic").undecided()}


def test_the_digest_differs_by_sector_and_is_stable() -> None:
    assert rules_digest("public") == table("public").digest != rules_digest("nonpublic")
    assert len(rules_digest("public")) == 64
