"""The project's check and the oracle say the same of every file: the same codes on the same lines.

LEDGER_TEST_MUTATED_FILES sets how many mutated files of each sector are compared; CI takes a few.
"""

import json
import os
import tomllib
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import chain
from pathlib import Path
from random import Random

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.checks import check_file
from schemas.louisiana_sts.reference_csv import DEMONSTRATION as TABLES_OF_THE_PROJECT
from schemas.louisiana_sts.reference_csv import read_folder, table_of
from schemas.louisiana_sts.sponsors import profile
from schemas.reference import NO_TABLES, ReferenceTables
from services.generate import Spec, generate
from services.generate.extract import GeneratedExtract
from services.generate.tables import losfa_fafsa, special_education
from tests.oracle.oracle import Verdict, codes, verdict
from tests.support.mutations import broken, mutated, reframed
from tests.unit.schemas.builder import TODAY, VARIANTS
from tests.unit.schemas.code_pairs import pairs
from tests.unit.schemas.tables import TABLES

FILES = int(os.environ.get("LEDGER_TEST_MUTATED_FILES", "40"))
FIXTURES = Path(__file__).parents[1] / "fixtures" / "louisiana_sts"
DAYS = (TODAY, date(2025, 10, 1), date(2026, 4, 1), date(2026, 4, 2), date(2026, 8, 17))
DEMONSTRATION = read_folder(TABLES_OF_THE_PROJECT).in_force(2025)
PROFILES = (["017"], ["017"], ["017001", "018"], ["018"])
ERROR_CODES = Path(__file__).parents[2] / "schemas" / "louisiana_sts" / "error_codes.toml"
OF_THE_SHAPE = {"500", "503", "504"}
NOT_DECIDED = {
    "230": "the same condition as 214, and the same finding",
    "U05": "the extract of eScholar has no local id",
}
NOTES = "N"


def checked(data: bytes, variant: Variant, today: date, tables: ReferenceTables) -> Verdict:
    """What the project says, in the oracle's form."""
    _, found = check_file(data, "any.txt", today=today, variant=variant, tables=tables)
    told = sorted((one.line or 0, one.code) for one in found.problems if not one.code.startswith(NOTES))
    return Verdict(found.refused, tuple(told))


def compare(data: bytes, variant: Variant, today: date = TODAY, tables: ReferenceTables = NO_TABLES) -> Verdict:
    """Assert that both say the same; returns it."""
    ours = checked(data, variant, today, tables)
    theirs = verdict(data, variant, today, {name: table.rows for name, table in tables.items()})
    lines = data.split(b"\n")
    assert theirs.refused == ours.refused
    for one, other, who in ((theirs, ours, "the oracle alone"), (ours, theirs, "the check alone")):
        alone = Counter(one.found) - Counter(other.found)
        assert not alone, {f"{who}: {code} on {number}": lines[number - 1] for number, code in alone}
    return theirs


def tables_of(spec: Spec) -> ReferenceTables:
    """The tables that go with a file made of reference tables; with the ordinary file none."""
    if spec.reference is None or spec.layout == "nonpublic":
        return spec.reference or NO_TABLES
    identities = table_of("identities", spec.bssy, GeneratedExtract(spec).rows())
    persons = (identities, special_education(spec), losfa_fafsa(spec))
    return ReferenceTables({**spec.reference, **{table.name: table for table in persons}})


def few_courses(data: bytes) -> bytes:
    """The file with at most three courses a student, so that more of its lines are students and credentials."""
    kept, courses = [], Counter[bytes]()
    for line in data.splitlines(keepends=True):
        courses[line[3:22]] += 1
        if line[3:6] != b"030" or courses[line[3:22]] <= 3:
            kept.append(line)
    return b"".join(kept)


def some_lines(data: bytes, random: Random) -> bytes:
    """The file without its first lines, so that it may begin with any record."""
    lines = data.splitlines(keepends=True)
    return b"".join(lines[random.randrange(len(lines)) :])


def mutations(variant: Variant, seed: int) -> Iterator[tuple[bytes, date, ReferenceTables]]:
    """Damaged files of one seed, the day on which they are checked, and the tables: none, some, or all."""
    random = Random(f"{variant}/{seed}")
    spec = Spec(20, faults=0.3, unready=0.5, layout=variant, seed=seed, reference=DEMONSTRATION if seed % 2 else None)
    tables = {**tables_of(spec), "profile": profile(random.choice(PROFILES))}
    whole = generate(spec).data
    few = few_courses(whole)
    for data in (
        mutated(few, random, 0.5, variant),
        mutated(whole, random, 0.05, variant),
        broken(few, random),
        broken(mutated(few, random, 0.1, variant), random),
        reframed(mutated(some_lines(few, random), random, 0.1, variant), random),
    ):
        names = random.sample(sorted(tables), min(len(tables), random.choice((0, 1, 3, 99))))
        yield data, random.choice(DAYS), ReferenceTables({name: tables[name] for name in names})


def cases(variant: Variant) -> Iterator[tuple[bytes, date, ReferenceTables]]:
    """The smallest file that raises each code and the nearest that does not, with the tables they take and with all."""
    for pair in pairs():
        if pair.variant == variant:
            for data in (pair.raises, pair.clean):
                yield data, TODAY, pair.tables
                yield data, TODAY, TABLES


def test_the_oracle_decides_every_code_of_the_guide_that_its_data_can() -> None:
    rows = tomllib.loads(ERROR_CODES.read_text())["error"]
    applying = {row["code"] for row in rows}
    decided = codes("public") | codes("nonpublic") | OF_THE_SHAPE | {"223"}

    assert len(rows) == len(applying) == 81
    assert applying - decided == set(NOT_DECIDED)


@pytest.mark.parametrize("variant", VARIANTS)
def test_they_agree_on_the_pair_of_every_code(variant: Variant) -> None:
    for data, today, tables in cases(variant):
        compare(data, variant, today, tables)


@pytest.mark.parametrize("report", sorted(FIXTURES.glob("*.json")), ids=lambda path: path.stem)
def test_they_agree_on_every_fixture(report: Path) -> None:
    layout: Variant = json.loads(report.read_text())["layout"]
    compare(report.with_suffix(".txt").read_bytes(), layout)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("variant", VARIANTS)
def test_they_agree_on_generated_files(variant: Variant, seed: int) -> None:
    """Clean, and with a fault in every student."""
    for faults, unready in ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0)):
        for reference in (None, DEMONSTRATION):
            spec = Spec(40, faults=faults, unready=unready, layout=variant, seed=seed, reference=reference)
            compare(generate(spec).data, variant, tables=tables_of(spec))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("variant", VARIANTS)
def test_they_agree_on_mutated_files_and_every_code_is_met(variant: Variant) -> None:
    """A check that no mutation reaches would be compared with nothing."""
    files = chain(cases(variant), chain.from_iterable(mutations(variant, seed) for seed in range(FILES)))
    met = {code for data, today, tables in files for _, code in compare(data, variant, today, tables).found}

    assert codes(variant) <= met
