"""The project's check and the oracle say the same of every file: the same codes on the same lines.

LEDGER_TEST_MUTATED_FILES sets how many mutated files of each sector are compared; CI takes a few.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from random import Random

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.checks import check_file
from services.generate import Spec, generate
from tests.oracle.oracle import Verdict, codes, verdict
from tests.support.mutations import broken, mutated
from tests.unit.schemas.builder import TODAY, VARIANTS, base_file
from tests.unit.schemas.rule_cases import CASES

FILES = int(os.environ.get("LEDGER_TEST_MUTATED_FILES", "60"))
FIXTURES = Path(__file__).parents[1] / "fixtures" / "louisiana_sts"
DAYS = (TODAY, date(2025, 10, 1), date(2026, 4, 1), date(2026, 4, 2), date(2026, 8, 17))
NOTES = "N"


def checked(data: bytes, variant: Variant, today: date) -> Verdict:
    """What the project says, in the oracle's form."""
    _, found = check_file(data, "any.txt", today=today, variant=variant)
    told = sorted((one.line or 0, one.code) for one in found.problems if not one.code.startswith(NOTES))
    return Verdict(found.refused, tuple(told))


def compare(data: bytes, variant: Variant, today: date = TODAY) -> Verdict:
    """Assert that both say the same; returns it."""
    ours, theirs = checked(data, variant, today), verdict(data, variant, today)
    lines = data.split(b"\n")
    assert theirs.refused == ours.refused
    for one, other, who in ((theirs, ours, "the oracle alone"), (ours, theirs, "the check alone")):
        alone = Counter(one.found) - Counter(other.found)
        assert not alone, {f"{who}: {code} on {number}": lines[number - 1] for number, code in alone}
    return theirs


def few_courses(data: bytes) -> bytes:
    """The file with at most three courses a student, so that more of its lines are students and credentials."""
    kept, courses = [], Counter[bytes]()
    for line in data.splitlines(keepends=True):
        courses[line[3:22]] += 1
        if line[3:6] != b"030" or courses[line[3:22]] <= 3:
            kept.append(line)
    return b"".join(kept)


def mutations(variant: Variant, seed: int) -> Iterator[tuple[bytes, date]]:
    """Damaged files of one seed, and the day on which they are checked."""
    random = Random(f"{variant}/{seed}")
    whole = generate(Spec(20, faults=0.3, unready=0.5, layout=variant, seed=seed)).data
    few = few_courses(whole)
    for data in (
        mutated(few, random, 0.5, variant),
        mutated(whole, random, 0.05, variant),
        broken(few, random),
        broken(mutated(few, random, 0.1, variant), random),
    ):
        yield data, random.choice(DAYS)


def cases(variant: Variant) -> Iterator[tuple[bytes, date]]:
    """The smallest file that raises each row of the rule table, and the nearest that does not."""
    for case in CASES:
        if variant in case.sectors:
            for changes in (case.bad, case.good):
                yield base_file(variant, case.record, changes), TODAY


@pytest.mark.parametrize("variant", VARIANTS)
def test_they_agree_on_every_case_of_the_rule_table(variant: Variant) -> None:
    for data, today in cases(variant):
        compare(data, variant, today)


@pytest.mark.parametrize("report", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_they_agree_on_every_fixture(report: Path) -> None:
    layout: Variant = json.loads(report.read_text())["layout"]
    compare(report.with_suffix(".txt").read_bytes(), layout)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("variant", VARIANTS)
def test_they_agree_on_generated_files(variant: Variant, seed: int) -> None:
    """Clean, and with a fault in every student."""
    for faults, unready in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0)):
        compare(generate(Spec(60, faults=faults, unready=unready, layout=variant, seed=seed)).data, variant)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("variant", VARIANTS)
def test_they_agree_on_mutated_files_and_every_code_is_met(variant: Variant) -> None:
    """A check that no mutation reaches would be compared with nothing."""
    files = [*cases(variant), *(file for seed in range(FILES) for file in mutations(variant, seed))]
    met = {code for data, today in files for _, code in compare(data, variant, today).found}

    assert codes(variant) <= met
