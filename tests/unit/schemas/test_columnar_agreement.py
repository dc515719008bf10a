"""Many lines at once or line by line: the same batch and the same findings, one by one and in order, on any bytes.

`LEDGER_MUTATED_ROWS=1000000 pytest tests/unit/schemas/test_columnar_agreement.py` compares on that many rows.
"""

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columnar.lines import lines_of
from schemas.columnar.rules import Chunk, compile_columns
from schemas.layout import Variant, load_layout
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import Findings, check_file
from schemas.louisiana_sts.reference_csv import demonstration_set, read_folder
from schemas.louisiana_sts.table import table
from schemas.reference import NO_TABLES, ReferenceTables
from schemas.rules import FileConstants
from services.generate import Spec, generate
from services.generate.tables import write_tables
from tests.support.mutations import CHANGES, broken, mutated
from tests.unit.schemas.builder import BASE, GRADUATE, HALF, TODAY, VARIANTS, base_file, line, lines

ROWS = int(os.environ.get("LEDGER_MUTATED_ROWS", "20000"))
BSSY, STUDENTS, BATCH = 2025, 60, 2500
Judged = tuple[Batch | None, Findings]
JUNK = b"\0\t\r\n \x1a\xff\xd1\xe9\xb2\xa009AZazNYSTP'-."


def judged(data: bytes, variant: Variant | None, tables: ReferenceTables, *, columnar: bool) -> Judged:
    return check_file(data, "any", today=TODAY, variant=variant, tables=tables, columnar=columnar)


def assert_agreed(data: bytes, variant: Variant | None = None, tables: ReferenceTables = NO_TABLES) -> Judged:
    """Both compilations place and judge these bytes alike; returns how."""
    batch, found = judged(data, variant, tables, columnar=False)
    other, at_once = judged(data, variant, tables, columnar=True)
    for one, another in zip(found.problems, at_once.problems, strict=False):
        assert one == another
    assert found == at_once
    assert (batch is None) == (other is None)
    if batch and other:
        assert batch.offsets == other.offsets
        assert list(batch.runs.items()) == list(other.runs.items())
        assert (batch.faults, batch.notes, batch.bssy, batch.sponsor) == (
            other.faults,
            other.notes,
            other.bssy,
            other.sponsor,
        )
    return batch, found


def assert_rules_agree(rows: list[bytes], variant: Variant, tables: ReferenceTables) -> int:
    """Each rule is true of the same lines; returns how many findings that makes."""
    data, found = b"".join(row + b"\n" for row in rows), 0
    starts = np.cumsum([0, *(len(row) + 1 for row in rows)])[:-1]
    lines = lines_of(data, starts, len(data))
    for code, (rules, ask) in table(variant).compile(BSSY, TODAY, tables).items():
        which = np.array([place for place, row in enumerate(rows) if row[3:6] == code.encode()], np.int64)
        chunk = Chunk(lines.rows(which, load_layout(variant)[code].length))
        at_once = compile_columns(rules, FileConstants(BSSY, TODAY), tables).broken(chunk)
        for place, broken_rules in zip(which.tolist(), at_once.T, strict=True):
            broken_alone = list(ask(rows[place]))
            assert np.flatnonzero(broken_rules).tolist() == broken_alone, rows[place]
            found += len(broken_alone)
    return found


def overwritten(row: bytes, random: Random) -> bytes:
    """The line with one to three bytes anywhere after its record type overwritten by any bytes."""
    changed = bytearray(row)
    for _ in range(random.choice((1, 2, 3))):
        changed[random.randrange(6, len(row))] = random.choice(JUNK) if random.random() < 0.7 else random.randrange(256)
    return bytes(changed).replace(b"\n", b" ").removesuffix(b"\r")


def shaken(data: bytes, random: Random) -> bytes:
    """The file with bytes overwritten, lines moved to other places, trimmed, and its line ends or its end changed."""
    rows = [bytearray(row) for row in data.removesuffix(b"\r\n").split(b"\r\n")]
    for _ in range(len(rows) // 8):
        row = random.choice(rows)
        first = 0 if random.random() < 0.001 else 23
        if len(row) > first:
            row[random.randrange(first, len(row))] = random.choice(JUNK.translate(None, b"\n"))
    for _ in range(random.choice((0, 0, 5, 50))):
        rows.insert(random.randrange(1, len(rows)), rows.pop(random.randrange(1, len(rows))))
    if random.random() < 0.2:
        rows = [row.rstrip(b" ") for row in rows]
    end = random.choice((b"\r\n", b"\r\n", b"\n"))
    last = random.choice((end, end, b"", b"\r\n\r\n", b"\n\x1a", b"   "))
    return random.choice((b"", b"", b"", b"\xef\xbb\xbf")) + end.join(rows) + last


def mutations(spec: Spec, random: Random) -> Iterator[bytes]:
    """Files of which most are damaged here and there, and the last one so that it may be refused."""
    whole = generate(spec).data
    yield mutated(whole, random, random.choice((0.01, 0.1, 0.5)), spec.layout)
    yield shaken(mutated(whole, random, random.choice((0.0, 0.1)), spec.layout), random)
    yield broken(whole[: random.randrange(400, 20_000)], random)


@cache
def tables_of(variant: Variant, folder: Path) -> ReferenceTables:
    """Every table that can be given: the demonstration set, and of the public sector those of the students."""
    write_tables(Spec(STUDENTS, layout=variant, reference=demonstration_set()), folder)
    return read_folder(folder).in_force(BSSY)


@pytest.mark.timeout(max(120, ROWS // 500))
@pytest.mark.parametrize("with_tables", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_mutated_files_are_judged_alike(
    variant: Variant, with_tables: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schemas.columnar.lines.BLOCK", 1 << 14)
    monkeypatch.setattr("schemas.columnar.lines.CHUNK", 500)
    tables = tables_of(variant, tmp_path) if with_tables else NO_TABLES
    seed, rows, codes = 0, 0, set[str]()
    while rows < ROWS // 4:
        seed += 1
        reference = demonstration_set() if with_tables and seed % 4 else None
        spec = Spec(STUDENTS, seed=seed, faults=0.2, unready=0.4, layout=variant, reference=reference)
        for data in mutations(spec, Random(f"{variant}/{with_tables}/{seed}")):
            batch, found = assert_agreed(data, variant, tables)
            codes |= {one.code for one in found.problems}
            rows += batch.rows if batch else 0

    assert len(codes) > 60


@pytest.mark.timeout(max(120, ROWS // 500))
@pytest.mark.parametrize("with_tables", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_each_rule_is_true_of_the_same_mutated_lines(variant: Variant, with_tables: bool, tmp_path: Path) -> None:
    """Every one of these lines is mutated."""
    tables = tables_of(variant, tmp_path) if with_tables else NO_TABLES
    spec = Spec(STUDENTS, seed=5, faults=0.2, unready=0.4, layout=variant, reference=demonstration_set())
    whole = [row for row in generate(spec).data.split(b"\r\n") if row]
    students = [row for row in whole if row[3:6] != b"030"]
    random, found = Random(f"{variant}/{with_tables}"), 0
    for _ in range(0, ROWS // 4, BATCH):
        rows = [random.choice(random.choice((whole, students))) for _ in range(BATCH)]
        rows = [overwritten(random.choice(CHANGES)(row, random, variant), random) for row in rows]
        found += assert_rules_agree(rows, variant, tables)

    assert found > ROWS // 4


@pytest.mark.parametrize("variant", VARIANTS)
@settings(deadline=None)  # the first call starts numpy and compiles the rules
@given(data=st.data())
def test_files_overwritten_anywhere_are_judged_alike(variant: Variant, data: st.DataObject) -> None:
    whole = bytearray(base_file(variant) * data.draw(st.integers(1, 3)))
    for place, junk in data.draw(
        st.lists(st.tuples(st.integers(0, 2000), st.binary(min_size=1, max_size=9)), max_size=5)
    ):
        start = place % len(whole)
        whole[start : start + len(junk)] = junk

    assert_agreed(bytes(whole), data.draw(st.sampled_from([None, variant])))


@settings(deadline=None)
@given(
    rows=st.lists(
        st.one_of(
            st.sampled_from([line(code, variant) for code in BASE for variant in VARIANTS]),
            st.binary(max_size=250),
        ),
        max_size=8,
    ),
    end=st.sampled_from([b"\r\n", b"\n", b"\r\r\n", b" \r\n"]),
)
def test_lines_of_any_bytes_are_judged_alike(rows: list[bytes], end: bytes) -> None:
    assert_agreed(lines(*rows, end=end))


@pytest.mark.parametrize("pathway", ["TU", "CA", "L1", "C4", "CD", "ND"])
@pytest.mark.parametrize("courses", [22, 23, 24])
def test_graduates_at_the_edge_are_judged_alike(pathway: str, courses: int) -> None:
    """Each has a course twice, and one in two parts."""
    student = line("020", "public", {**GRADUATE, "diploma_pathway": pathway})
    whole = [line("030", "public", {"course_code": f"9901{number:02d}"}) for number in range(courses - 1)]
    again = line("030", "public", {"course_code": "990100", "semester_code": "S1"})
    parts = [line("030", "public", {"course_code": "990199", "course_part_number": part, **HALF}) for part in "12"]

    _, found = assert_agreed(lines(student, *whole, again, *parts), "public")

    if pathway == "TU":
        assert [one.code for one in found.problems] == {22: ["223"], 23: ["G1"], 24: []}[courses]


def test_keys_that_share_a_hash_are_judged_by_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a file that was made so that all of them do."""
    monkeypatch.setattr("schemas.louisiana_sts.columnar_sets.mixed", lambda key: np.zeros(len(key[0]), np.uint64))
    for seed in range(1, 5):
        random = Random(seed)
        data = mutated(generate(Spec(20, seed=seed, faults=0.3, unready=0.5)).data, random, 0.1)
        assert_agreed(data, "public")
    first = {"course_part_number": "1", **HALF}
    second = {**first, "course_part_number": "2", "state_identification_number": "7712345679"}
    students = (line("020", "public"), line("020", "public", {"state_identification_number": "7712345679"}))
    _, found = assert_agreed(lines(*students, line("030", "public", first), line("030", "public", second)), "public")

    assert [one.code for one in found.problems] == ["Q2", "Q3"]
