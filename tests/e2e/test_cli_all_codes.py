"""`ledger check --reference` on files with every fault: each code that applies to the layout is shown."""

import csv
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from schemas.layout import Variant
from schemas.louisiana_sts.reference_csv import table_file
from tests.e2e.test_cli_check import checked
from tests.unit.schemas.builder import STATE_IDS, VARIANTS
from tests.unit.schemas.code_pairs import Pair, pairs
from tests.unit.schemas.tables import BY_NAME
from tests.unit.schemas.test_codes import APPLY, GUIDE, REPORTED_AS, UNDECIDABLE

REFUSING = {"503", "504"}
NOT_OFFLINE = {"213", *REPORTED_AS}
"""213 takes the user's security profile, which no folder holds."""

FILLED = {
    "source": "made for a test",
    "name": "Heron",
    "description": "Heron",
    "first_bssy": "1990",
    "ib": "N",
    "five_point": "N",
    "experience_only": "N",
}


def new_id(variant: Variant, number: int) -> str:
    return f"77{number:08d}" if variant == "public" else f"666{number:06d}"


def faulty(variant: Variant) -> tuple[bytes, list[str]]:
    """One student for each way to raise a code, and their state ids."""
    chosen = [pair for pair in pairs() if pair.variant == variant and pair.code in set(GUIDE) - REFUSING]
    ids = [new_id(variant, number) for number in range(len(chosen))]
    base = STATE_IDS[variant].encode()
    sets = [pair.raises.replace(base, state_id.encode()) for pair, state_id in zip(chosen, ids, strict=True)]
    return b"".join(sets), ids


def reference(folder: Path, state_ids: Iterable[str]) -> Path:
    """The small tables as a folder of CSV files, with the base person under each state id."""
    folder.mkdir()
    (person,) = BY_NAME["identities"].rows
    people = [{**person, "state_identification_number": state_id} for state_id in state_ids]
    for name, table in BY_NAME.items():
        if name != "profile":
            write(folder / f"{name}.csv", name, people if name == "identities" else table.rows)
    return folder


def write(path: Path, name: str, rows: Iterable[Mapping[str, str]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, table_file(name).columns)
        writer.writeheader()
        for row in rows:
            filled = {column: FILLED[column] for column in table_file(name).columns if column in FILLED}
            writer.writerow(filled | dict(row))


def shown(data: bytes, variant: Variant, folder: Path) -> set[str]:
    file = folder.with_name("batch.txt")
    file.write_bytes(data)
    result = checked(file, "--layout", variant, "--reference", str(folder), "--json")
    assert result.exit_code in {1, 2}, result.stderr
    return {one["code"] for one in json.loads(result.stdout)["problems"]}


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_file_with_every_fault_shows_every_code_of_its_layout(variant: Variant, tmp_path: Path) -> None:
    data, state_ids = faulty(variant)
    folder = reference(tmp_path / "tables", [*state_ids, STATE_IDS[variant]] if variant == "public" else ["7712345678"])
    applying = {code for code, sector in APPLY - UNDECIDABLE if sector == variant}

    assert shown(data, variant, folder) & set(GUIDE) == applying - REFUSING - NOT_OFFLINE


@pytest.mark.parametrize("pair", [pair for pair in pairs() if pair.code in REFUSING and "profile" not in pair.tables])
def test_what_refuses_a_file_is_shown_of_a_file_of_its_own(pair: Pair, tmp_path: Path) -> None:
    assert pair.code in shown(pair.raises, pair.variant, reference(tmp_path / "tables", ["7712345678"]))
