"""Any bytes at all: a verdict, never an exception, and little memory."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.layout import Variant
from schemas.louisiana_sts.batch import Batch
from schemas.louisiana_sts.checks import Findings, check_file
from tests.unit.schemas.builder import BASE, TODAY, VARIANTS, base_file, line, lines

SECTORS = st.sampled_from([None, *VARIANTS])


def verdict(data: bytes, variant: Variant | None) -> Findings:
    """The findings on any bytes, with what must hold of all findings asserted."""
    batch, found = check_file(data, "any", today=TODAY, variant=variant)
    assert found.refused == (batch is None)
    assert found.refused == any(problem.effect == "reject_file" for problem in found.problems)
    assert list(found.problems) == sorted(found.problems, key=lambda one: one.line or 0) or found.refused
    for problem in found.problems:
        assert problem.hint
        assert problem.message
    if batch is not None:
        assert_sets_are_whole(batch, found)
    return found


def assert_sets_are_whole(batch: Batch, found: Findings) -> None:
    """Each line belongs to one student, each faulty line's student is held, and clean sets survive a round trip."""
    numbers = [one.number for state_id in batch.state_ids for one in batch.lines_of(state_id)]
    assert sorted(numbers) == list(range(1, batch.rows + 1))
    holding = {problem.line for problem in found.problems if problem.effect == "reject_student"}
    assert found.held == {
        state_id for state_id in batch.state_ids if any(one.number in holding for one in batch.lines_of(state_id))
    }
    for state_id in batch.state_ids:
        if state_id not in found.held:
            assert batch.record_set(state_id).kind in ("full", "credentials")


@given(data=st.binary(max_size=600), variant=SECTORS)
def test_any_bytes_get_a_verdict(data: bytes, variant: Variant | None) -> None:
    assert verdict(data, variant).refused


@given(
    pieces=st.lists(
        st.one_of(
            st.sampled_from(
                [b"STS020", b"STS030", b"STS050", b"sts030", b"2025017", b"\r\n", b"\n", b"\x1a", b"PK\x03\x04"]
            ),
            st.sampled_from([line(code, variant) for code in BASE for variant in VARIANTS]),
            st.binary(max_size=250),
        ),
        max_size=12,
    ),
    variant=SECTORS,
)
def test_pieces_of_files_get_a_verdict(pieces: list[bytes], variant: Variant | None) -> None:
    verdict(b"".join(pieces), variant)


@given(
    sector=st.sampled_from(VARIANTS),
    edits=st.lists(st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=9)), min_size=1, max_size=6),
    variant=SECTORS,
)
def test_a_file_overwritten_anywhere_gets_a_verdict(
    sector: Variant, edits: list[tuple[int, bytes]], variant: Variant | None
) -> None:
    data = bytearray(base_file(sector))
    for position, junk in edits:
        start = position % len(data)
        data[start : start + len(junk)] = junk

    verdict(bytes(data), variant)


@given(sector=st.sampled_from(VARIANTS), length=st.integers(0, 700))
def test_a_file_cut_anywhere_stores_no_torn_record(sector: Variant, length: int) -> None:
    """However little is missing from a record's end, its student is held; between records, nothing is missing."""
    whole = lines(*(line(code, sector) for code in ("020", "030")))
    cut = whole[: length % len(whole)]
    found = verdict(cut, sector)

    assert found.refused or found.held or len(cut) >= len(whole) - len(b"\r\n")


@pytest.mark.parametrize("row", [b"\xff" * 200, b"\x80\x81\xfe" * 60, bytes(range(256))])
def test_any_byte_value_may_stand_in_a_field(row: bytes) -> None:
    text = row.translate(None, b"\0\n\r")
    whole = line("030", "nonpublic")
    data = lines(line("020", "nonpublic"), whole[:102] + text[:60].ljust(60) + whole[162:])

    assert verdict(data, "nonpublic").problems == ()


CHECK_IN_LITTLE_MEMORY = """
import resource, sys
from datetime import date
from pathlib import Path
from schemas.louisiana_sts.checks import check_file
resource.setrlimit(resource.RLIMIT_AS, (256 << 20, 256 << 20))
batch, found = check_file(Path(sys.argv[1]), "big", today=date(2026, 6, 30))
print(batch, [problem.code for problem in found.problems])
"""


def checked_in_little_memory(path: Path) -> str:
    command = [sys.executable, "-c", CHECK_IN_LITTLE_MEMORY, str(path)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


def test_a_2_gib_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    """The process may not even map so much."""
    path = tmp_path / "big.txt"
    with path.open("wb") as file:
        file.truncate(2 << 30)

    assert checked_in_little_memory(path) == "None ['F11']"


def test_a_bomb_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.txt", "w", force_zip64=True) as file,
    ):
        for _ in range(300):
            file.write(b"\0" * (1 << 20))

    assert checked_in_little_memory(path) == "None ['F16']"


def test_a_file_of_nul_bytes_under_the_limit_is_refused_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "zeros.txt"
    with path.open("wb") as file:
        file.truncate(100 << 20)

    assert checked_in_little_memory(path) == "None ['F01']"
