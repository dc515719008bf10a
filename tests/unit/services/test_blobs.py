"""The blob store keeps files whole, sealed and under the digest of what is stored: in a folder and in memory."""

import asyncio
import errno
import hashlib
import os
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fsspec.implementations.local import LocalFileOpener

from events.registry.contract import Key
from events.sealing import FRAME_BYTES
from services.blobs import BlobDamaged, BlobMissing, BlobRef, BlobRefused, BlobStore, BlobUnavailable

KEY = Key(1, UUID(int=7), bytes(range(32)))
OTHER_OWNER = Key(2, UUID(int=8), bytes(range(32)))
OTHER_KEY = Key(1, UUID(int=7), bytes(32))
NOBODY = "0" * 64
AT_ONCE = timedelta(0)

DIE_IN_MID_WRITE = """
import asyncio, sys
from uuid import UUID
from events.registry.contract import Key
from services.blobs import BlobStore

class Halting:
    pieces = 3
    def read(self, size):
        if not self.pieces:
            print("halfway", flush=True)
            sys.stdin.readline()
        self.pieces -= 1
        return bytes(size)

asyncio.run(BlobStore.at(sys.argv[1]).put(Key(1, UUID(int=7), bytes(range(32))), Halting(), kind="upload"))
"""


@pytest.fixture(params=["folder", "file URL", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    urls: dict[str, str | Path] = {
        "folder": tmp_path / "blobs",
        "file URL": f"file://{tmp_path}/blobs",
        "memory": f"memory://{uuid4()}",
    }
    return BlobStore.at(urls[request.param])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


def file_of(folder: Path, ref: BlobRef) -> Path:
    return folder / ref.digest[:2] / ref.digest


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# Whatever the place


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES, 2 * FRAME_BYTES + 5])
async def test_what_was_put_is_got(store: BlobStore, size: int) -> None:
    data = os.urandom(size)
    from_bytes = await store.put(KEY, data, kind="upload")
    from_file = await store.put(KEY, BytesIO(data), kind="upload")

    assert await store.get(from_bytes, KEY) == data
    assert await store.get(from_file.digest, KEY) == data
    assert from_bytes.size == from_file.size == size


async def test_a_large_blob_is_opened_piece_by_piece(store: BlobStore) -> None:
    data = os.urandom(3 * FRAME_BYTES)
    ref = await store.put(KEY, data, kind="upload")
    pieces = list(store.open(ref, KEY))

    assert [len(piece) for piece in pieces] == [FRAME_BYTES] * 3
    assert b"".join(pieces) == data


async def test_the_name_is_no_digest_of_the_content(store: BlobStore) -> None:
    """The same data twice is two blobs, and nobody can tell from a name what is in it."""
    first, second = await store.put(KEY, b"19990101", kind="upload"), await store.put(KEY, b"19990101", kind="upload")

    assert first.digest != second.digest
    assert hashlib.sha256(b"19990101").hexdigest() not in (first.digest, second.digest)
    await store.delete(first)
    assert await store.get(second, KEY) == b"19990101"


async def test_another_owner_or_key_does_not_open_it(store: BlobStore) -> None:
    ref = await store.put(KEY, b"x", kind="upload")
    for key in (OTHER_OWNER, OTHER_KEY):
        with pytest.raises(BlobDamaged, match=r"as it was stored, but does not open with this key\. Give the key of"):
            await store.get(ref, key)


async def test_the_kind_is_told_without_a_key(store: BlobStore) -> None:
    assert await store.kind(await store.put(KEY, b"x", kind="official-transcript")) == "official-transcript"


@pytest.mark.parametrize("kind", ["", "Upload", "../x", "a" * 33, "é"])
async def test_a_kind_that_is_no_word_is_refused(store: BlobStore, kind: str) -> None:
    with pytest.raises(ValueError, match="lower-case word"):
        await store.put(KEY, b"x", kind=kind)


async def test_a_blob_that_is_not_there_is_missing(store: BlobStore) -> None:
    assert not await store.exists(NOBODY)
    assert not await store.verify(NOBODY)
    with pytest.raises(BlobMissing, match=f"no blob {NOBODY} in .* Restore the blobs"):
        await store.get(NOBODY, KEY)
    with pytest.raises(BlobMissing):
        await store.kind(NOBODY)


async def test_a_deleted_blob_is_gone_and_may_be_deleted_again(store: BlobStore) -> None:
    ref = await store.put(KEY, b"x", kind="upload")
    assert await store.exists(ref)
    assert await store.verify(ref)
    await store.delete(ref)
    await store.delete(ref)

    assert not await store.exists(ref)
    with pytest.raises(BlobMissing):
        await store.get(ref, KEY)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "A" * 64, "0" * 63, f"{NOBODY}/x", f"{NOBODY}\n"])
async def test_a_name_that_is_no_digest_never_becomes_a_path(store: BlobStore, digest: str) -> None:
    for call in (store.exists, store.verify, store.delete, store.kind):
        with pytest.raises(ValueError, match="64 hex digits"):
            await call(digest)
    with pytest.raises(ValueError, match="64 hex digits"):
        await store.get(digest, KEY)


async def test_many_are_put_at_once(store: BlobStore) -> None:
    refs = await asyncio.gather(*(store.put(KEY, b"%d" % number, kind="upload") for number in range(40)))
    assert [await store.get(ref, KEY) for ref in refs] == [b"%d" % number for number in range(40)]


async def test_a_source_that_fails_leaves_nothing_and_its_error_comes_through(store: BlobStore) -> None:
    class Failing(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 2 * FRAME_BYTES:
                raise OSError(errno.EIO, "the source is broken")
            return super().read(size)

    with pytest.raises(OSError, match="the source is broken") as failed:
        await store.put(KEY, Failing(bytes(5 * FRAME_BYTES)), kind="upload")
    assert not isinstance(failed.value, BlobRefused)
    assert await store.sweep(dead_after=AT_ONCE) == 0


async def test_sweeping_an_empty_store_finds_nothing(store: BlobStore) -> None:
    assert await store.sweep() == 0


# On the disk


async def test_only_sealed_bytes_lie_in_the_folder(folder: Path) -> None:
    canary = os.urandom(16).hex().encode()
    ref = await BlobStore.at(folder).put(KEY, b"020" + canary, kind="upload")
    stored = file_of(folder, ref).read_bytes()

    assert files_in(folder) == [file_of(folder, ref)]
    assert hashlib.sha256(stored).hexdigest() == ref.digest
    assert canary[:6] not in stored


async def test_every_changed_byte_and_every_cut_is_damage(folder: Path) -> None:
    store = BlobStore.at(folder)
    ref = await store.put(KEY, b"the content", kind="upload")
    path = file_of(folder, ref)
    whole = path.read_bytes()
    changed = [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(len(whole))]

    for damaged in [*changed, *(whole[:at] for at in range(len(whole))), whole + b"x"]:
        path.write_bytes(damaged)
        with pytest.raises(BlobDamaged, match="stored bytes have another digest"):
            await store.get(ref, KEY)
        assert not await store.verify(ref)
    path.write_bytes(whole)
    assert await store.get(ref, KEY) == b"the content"


async def test_a_blob_in_the_place_of_another_of_the_same_owner_is_damage(folder: Path) -> None:
    store = BlobStore.at(folder)
    wanted, foreign = [await store.put(KEY, data, kind="upload") for data in (b"wanted", b"foreign")]
    file_of(folder, wanted).write_bytes(file_of(folder, foreign).read_bytes())

    with pytest.raises(BlobDamaged, match="another digest"):
        await store.get(wanted, KEY)


async def test_a_process_killed_in_mid_write_leaves_no_blob_and_what_it_leaves_is_swept(folder: Path) -> None:
    store = BlobStore.at(folder)
    kept = await store.put(KEY, b"kept", kind="upload")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DIE_IN_MID_WRITE, str(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"halfway\n"
    process.kill()
    await process.communicate()

    left = [path for path in files_in(folder) if path != file_of(folder, kept)]
    assert [path.parent.name for path in left] == ["incoming"]
    assert await store.sweep() == 0  # it might still be alive
    assert await store.sweep(dead_after=AT_ONCE) == 1
    assert files_in(folder) == [file_of(folder, kept)]
    assert await store.get(kept, KEY) == b"kept"


async def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = BlobStore.at(folder)
    await store.put(KEY, b"first", kind="upload")
    steps: list[str] = []

    def spied(name: str, call: Callable[..., Any], told: Callable[..., str]) -> Callable[..., Any]:
        def spy(*arguments: Any) -> Any:
            steps.append(f"{name} {told(*arguments)}")
            return call(*arguments)

        return spy

    def what(descriptor: int) -> str:
        return Path(f"/proc/self/fd/{descriptor}").readlink().relative_to(folder).as_posix()

    monkeypatch.setattr(os, "fsync", spied("flush", os.fsync, what))
    monkeypatch.setattr(Path, "replace", spied("move", Path.replace, lambda old, _: old.parent.name))
    ref = await store.put(KEY, b"second", kind="upload")

    kinds = [re.sub(r"incoming/.*", "incoming/*", step) for step in steps]
    last = ["move incoming", f"flush {ref.digest[:2]}"]
    assert kinds in (["flush incoming/*", *last], ["flush incoming/*", "flush .", *last])  # . when its folder is new


async def test_a_full_disk_refuses_and_nothing_is_left(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = BlobStore.at(folder)
    room = FRAME_BYTES

    def write_until_full(file: LocalFileOpener, data: bytes) -> int:
        nonlocal room
        room -= len(data)
        if room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return int(file.f.write(data))

    monkeypatch.setattr(LocalFileOpener, "write", write_until_full)
    with pytest.raises(BlobRefused, match=r"No space left on device\. Nothing of it is left\. Free space, then repeat"):
        await store.put(KEY, os.urandom(3 * FRAME_BYTES), kind="upload")

    assert files_in(folder) == []
    room = FRAME_BYTES
    assert await store.get(await store.put(KEY, b"small", kind="upload"), KEY) == b"small"


async def test_the_kernels_own_refusal_is_told_and_nothing_is_left(folder: Path) -> None:
    """A limit on the size of files makes the real write fail, part of it being done."""
    store = BlobStore.at(folder)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FRAME_BYTES + 1000, limits[1]))
    try:
        with pytest.raises(BlobRefused, match="File too large"):
            await store.put(KEY, os.urandom(3 * FRAME_BYTES), kind="upload")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files_in(folder) == []


async def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file")
    store = BlobStore.at(tmp_path / "blobs")
    with pytest.raises(BlobRefused, match=r"Not a directory|File exists"):
        await store.put(KEY, b"x", kind="upload")
    with pytest.raises(BlobUnavailable, match="Not a directory"):
        await store.get(NOBODY, KEY)


async def test_memory_stays_small_for_a_large_file(folder: Path) -> None:
    """200 MiB go through a process that may not have so much."""
    program = """
import asyncio, re, sys
from pathlib import Path
from tests.unit.services.test_blobs import KEY
from services.blobs import BlobStore

class Source:
    left = 200
    def read(self, size):
        self.left -= 1
        return (self.left % 251).to_bytes(1) * size if self.left >= 0 else b""

async def main():
    store = BlobStore.at(sys.argv[1])
    ref = await store.put(KEY, Source(), kind="upload")
    read = await asyncio.to_thread(lambda: sum(map(len, store.open(ref, KEY))))
    # not ru_maxrss, which begins with what the process that started this one had used
    peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())
    print(ref.size == read == 200 * 2**20, int(peak[1]) // 1024)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(folder), stdout=asyncio.subprocess.PIPE
    )
    whole, megabytes = (await process.communicate())[0].split()

    assert whole == b"True"
    assert int(megabytes) < 150
