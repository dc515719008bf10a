"""Plain or zip, within limits: no bomb is unpacked, no lie believed, no damage raises."""

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.louisiana_sts import unpack as unpack_module
from schemas.louisiana_sts.unpack import Unpacked, unpack
from schemas.problems import Problem
from tests.unit.schemas.builder import base_file, codes

DATA = base_file("public")


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


def refused(data: bytes, limit: int = unpack_module.LIMIT) -> str:
    problem = unpack(data, limit=limit)
    assert isinstance(problem, Problem)
    assert problem.effect == "reject_file"
    return problem.code


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_reads_as_the_file_in_it(method: int) -> None:
    unpacked = unpack(zipped(("batch.txt", DATA), method=method))

    assert isinstance(unpacked, Unpacked)
    assert unpacked.zipped
    assert unpacked.data[:] == DATA


def test_bytes_decide_not_the_name(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain.zip", tmp_path / "packed.txt"
    plain.write_bytes(DATA)
    packed.write_bytes(zipped(("x", DATA)))

    for path, is_zip in ((plain, False), (packed, True)):
        unpacked = unpack(path)
        assert isinstance(unpacked, Unpacked)
        assert (unpacked.data[:], unpacked.zipped) == (DATA, is_zip)


def test_a_folder_in_the_zip_is_no_second_file() -> None:
    assert isinstance(unpack(zipped(("upload/", b""), ("upload/batch.txt", DATA))), Unpacked)


@pytest.mark.parametrize(
    "members", [[], [("a/", b"")], [("a", DATA), ("b", DATA)], [("a", DATA), ("__MACOSX/._a", b"")]]
)
def test_a_zip_holds_exactly_one_file(members: list[tuple[str, bytes]]) -> None:
    assert refused(zipped(*members)) == "F13"


def test_a_zip_of_many_files_is_refused_before_its_directory_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = zipped(*((str(number), b"") for number in range(200)))
    monkeypatch.setattr(zipfile, "ZipFile", None)

    assert refused(packed) == "F13"


def test_a_zip_in_a_zip_is_refused() -> None:
    assert refused(zipped(("inner.zip", zipped(("a", DATA))))) == "F15"


def test_an_encrypted_zip_is_refused() -> None:
    packed = bytearray(zipped(("a", DATA)))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1

    assert refused(bytes(packed)) == "F14"


def test_an_empty_file_in_a_zip_is_an_empty_file() -> None:
    assert codes(zipped(("a", b""))) == ["F02"]


def test_a_bomb_is_refused_by_its_directory_and_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb, small = zipped(("a", b"\0" * (64 << 20))), zipped(("a", DATA))
    monkeypatch.setattr(zipfile.ZipFile, "open", None)

    assert len(bomb) < 100_000
    assert refused(bomb) == "F16"
    assert refused(small, limit=len(DATA) - 1) == "F16"


def with_declared_size(packed: bytes, size: int) -> bytes:
    """The zip with another unpacked size in both of its headers."""
    lie = bytearray(packed)
    lie[22:26] = struct.pack("<I", size)
    entry = lie.index(b"PK\x01\x02")
    lie[entry + 24 : entry + 28] = struct.pack("<I", size)
    return bytes(lie)


def test_a_zip_that_understates_its_size_never_yields_more_than_it_says() -> None:
    lie = with_declared_size(zipped(("a", DATA)), 10)

    assert refused(lie) == "F12"


def test_the_limit_is_enforced_while_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the directory had passed."""
    monkeypatch.setattr(unpack_module, "only_member", lambda archive, _: archive.infolist()[0])

    assert refused(zipped(("a", DATA)), limit=len(DATA) - 1) == "F16"


@pytest.mark.parametrize("cut", [5, 40, 200])
def test_a_truncated_zip_is_refused(cut: int) -> None:
    assert refused(zipped(("a", DATA))[:-cut]) == "F12"


def test_a_file_over_the_limit_is_refused() -> None:
    problem = unpack(DATA, limit=100)

    assert isinstance(problem, Problem)
    assert (problem.code, problem.message) == ("F11", f"FILE TOO LARGE: {len(DATA):,} BYTES, THE LIMIT IS 100")


@given(
    position=st.integers(0, 1000),
    junk=st.binary(min_size=1, max_size=8),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]),
)
def test_a_damaged_zip_is_refused_or_read_but_never_raises(position: int, junk: bytes, method: int) -> None:
    packed = bytearray(zipped(("batch.txt", DATA), method=method))
    position %= len(packed)
    packed[position : position + len(junk)] = junk

    assert isinstance(unpack(bytes(packed)), Unpacked | Problem)


@given(st.binary(max_size=200))
def test_anything_after_a_zip_mark_is_refused_or_read_but_never_raises(junk: bytes) -> None:
    assert isinstance(unpack(b"PK\x03\x04" + junk), Unpacked | Problem)
    assert isinstance(unpack(b"PK\x05\x06" + junk), Unpacked | Problem)
