"""Blobs: files kept sealed beside the log, each under the SHA-256 of its sealed bytes.

The name is a digest of what is stored, not of what was sealed: a plain digest of personal data can be guessed back.
A blob is `b"blob-1\\n"`, the length of its kind in one byte, its kind in clear, then the sealed stream. The owner and
the kind are bound to the seal.

A blob is written under `incoming/`, flushed to the disk and then moved to its name, so a name never holds half a blob.
On an object store the move is a copy on the server; there an unfinished write leaves nothing but what `sweep` finds.
"""

import asyncio
import errno
import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from uuid import uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from events.durable import make_folder, sync_folder
from events.registry.contract import Key
from events.sealing import (
    FRAME_BYTES,
    Reader,
    SealBroken,
    context_of,
    read_exactly,
    seal_stream,
    unseal_stream,
)

DEAD_AFTER = timedelta(days=1)
"""A write that has not grown for so long is dead."""

_MAGIC = b"blob-1\n"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,31}")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class BlobError(Exception):
    """Base of all blob errors. The message says what was refused, why, and what to do next."""


class BlobRefused(BlobError):
    """The blob was not stored, and nothing of it is left: disk full, no right to write, store unreachable."""


class BlobUnavailable(BlobError):
    """The store cannot be read or reached now. Nothing was lost; try again."""


class BlobMissing(BlobError):
    """No blob has this digest."""


class BlobDamaged(BlobError):
    """The stored bytes are not those of the digest, or do not open with the owner's key."""


@dataclass(frozen=True, slots=True)
class BlobRef:
    """Where a blob is: `digest` names it (64 hex digits), `size` is that of its content in bytes."""

    digest: str
    size: int


class BlobStore:
    """Sealed files in a folder or any other place that fsspec reaches. Any number of calls may be under way at once."""

    def __init__(self, files: fsspec.AbstractFileSystem, root: str) -> None:
        self._files = files
        self._root = root.rstrip("/")

    @classmethod
    def at(cls, url: str | Path, **options: Any) -> "BlobStore":
        """Return the store at a folder or a URL (`file:///...`, `s3://bucket/...`, `memory://...`).

        `options` are those of the file system of that URL (keys, endpoint).
        """
        files, root = fsspec.url_to_fs(str(url), use_listings_cache=False, **options)
        return cls(files, root)

    async def put(self, owner_key: Key, data: bytes | BinaryIO, *, kind: str) -> BlobRef:
        """Seal and store bytes, or a file read to its end; durable before return. Memory holds a few MiB of it.

        `kind` is a word such as "upload" or "manifest"; it stays readable. Storing the same data twice makes two
        blobs. Raises BlobRefused; what the given file raises on reading comes through as it is.
        """
        reader = io.BytesIO(data) if isinstance(data, bytes) else data
        return await asyncio.to_thread(self._put, owner_key, reader, kind)

    async def get(self, ref: BlobRef | str, key: Key) -> bytes:
        """Return the whole content. Raises BlobMissing or BlobDamaged."""
        return await asyncio.to_thread(lambda: b"".join(self.open(ref, key)))

    def open(self, ref: BlobRef | str, key: Key) -> Iterator[bytes]:
        """Yield the content in pieces of at most 1 MiB; it blocks, so iterate in a thread.

        Every piece is proven before it is yielded, and the end of the iteration proves the whole. Raises
        BlobMissing or BlobDamaged.
        """
        digest = _digest_of(ref)
        with self._reading(digest) as file:
            try:
                context = _context(key, _read_kind(file))
                yield from unseal_stream(key.material, file, context=context)
            except SealBroken:
                raise BlobDamaged(self._explain(digest)) from None
            if file.digest != digest:
                raise BlobDamaged(_damaged(digest))

    async def kind(self, ref: BlobRef | str) -> str:
        """Return the kind that was given to `put`, without any key. Raises BlobMissing or BlobDamaged."""
        return await asyncio.to_thread(self._kind, _digest_of(ref))

    async def exists(self, ref: BlobRef | str) -> bool:
        """Tell whether a blob has this name; `verify` tells whether it is sound."""
        return await asyncio.to_thread(self._files.exists, self._path(_digest_of(ref)))

    async def verify(self, ref: BlobRef | str) -> bool:
        """Tell whether the blob is there and its bytes are those of its digest; needs no key."""
        return await asyncio.to_thread(self._verify, _digest_of(ref))

    async def delete(self, ref: BlobRef | str) -> None:
        """Delete the blob. Safe to repeat."""
        await asyncio.to_thread(self._delete, _digest_of(ref))

    async def sweep(self, *, dead_after: timedelta = DEAD_AFTER) -> int:
        """Delete what dead writes left behind, and return how many there were."""
        return await asyncio.to_thread(self._sweep, datetime.now(UTC) - dead_after)

    def _put(self, key: Key, reader: Reader, kind: str) -> BlobRef:
        if not _KIND.fullmatch(kind):
            raise ValueError(f"the kind of a blob is a lower-case word, not {kind!r}")
        draft = f"{self._root}/incoming/{uuid4().hex}"
        content = _Counting(reader)
        try:
            with self._writing(draft) as sink:
                sink.write(_head(kind))
                for piece in seal_stream(key.material, content, context=_context(key, kind)):
                    sink.write(piece)
            with _refusals():
                self._publish(draft, self._path(sink.digest))
        except BaseException:
            with suppress(OSError):
                self._files.rm_file(draft)
            raise
        return BlobRef(sink.digest, content.size)

    @contextmanager
    def _writing(self, draft: str) -> Iterator["_Sink"]:
        with _refusals():
            self._make_folder_of(draft)
            file = self._files.open(draft, "wb")
        try:
            yield _Sink(file)
            with _refusals():
                if self._is_local:
                    file.flush()
                    os.fsync(file.fileno())
                file.close()
        except BaseException:
            with suppress(OSError):
                file.close()
            raise

    def _publish(self, draft: str, final: str) -> None:
        self._make_folder_of(final)
        if self._is_local:
            Path(draft).replace(final)
            sync_folder(Path(final).parent)
        else:
            self._files.mv(draft, final)

    def _make_folder_of(self, path: str) -> None:
        if self._is_local:
            make_folder(Path(path).parent)
        else:
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)

    @contextmanager
    def _reading(self, digest: str) -> Iterator["_Hashing"]:
        try:
            with self._files.open(self._path(digest), "rb") as file:
                yield _Hashing(file)
        except FileNotFoundError:
            raise BlobMissing(
                f"There is no blob {digest} in {self._root}. Restore the blobs that were kept together with this log."
            ) from None
        except OSError as error:
            raise BlobUnavailable(
                f"Blob {digest} cannot be read: {_said(error)}. Nothing was lost; try again."
            ) from error

    def _kind(self, digest: str) -> str:
        try:
            with self._reading(digest) as file:
                return _read_kind(file)
        except SealBroken:
            raise BlobDamaged(self._explain(digest)) from None

    def _verify(self, digest: str) -> bool:
        try:
            with self._reading(digest) as file:
                while file.read(FRAME_BYTES):
                    pass
                return file.digest == digest
        except BlobMissing:
            return False

    def _explain(self, digest: str) -> str:
        if self._verify(digest):
            return f"Blob {digest} is as it was stored, but does not open with this key. Give the key of its owner."
        return _damaged(digest)

    def _delete(self, digest: str) -> None:
        try:
            self._files.rm_file(self._path(digest))
        except FileNotFoundError:
            return
        except OSError as error:
            raise BlobRefused(f"Blob {digest} cannot be deleted: {_said(error)}. Repair the store; repeat.") from error

    def _sweep(self, before: datetime) -> int:
        try:
            return sum(
                self._is_swept(draft, before) for draft in self._files.ls(f"{self._root}/incoming", detail=False)
            )
        except FileNotFoundError:
            return 0  # nothing was ever stored
        except OSError as error:
            raise BlobUnavailable(f"{self._root} cannot be swept: {_said(error)}. Repair the store; repeat.") from error

    def _is_swept(self, draft: str, before: datetime) -> bool:
        try:
            if self._files.modified(draft) > before:
                return False
            self._files.rm_file(draft)
        except FileNotFoundError:  # its write has just ended
            return False
        return True

    def _path(self, digest: str) -> str:
        return f"{self._root}/{digest[:2]}/{digest}"

    @property
    def _is_local(self) -> bool:
        return isinstance(self._files, LocalFileSystem)


class _Writer(Protocol):
    def write(self, data: bytes, /) -> object: ...


class _Sink:
    """Writes and digests. What the disk refuses becomes BlobRefused; what the source raises is left alone."""

    def __init__(self, file: _Writer) -> None:
        self._file = file
        self._hash = sha256()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        with _refusals():
            self._file.write(data)

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


class _Counting:
    """Reads and counts the bytes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.size = 0

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        self.size += len(data)
        return data


class _Hashing:
    """Reads and digests the bytes."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._hash = sha256()

    def read(self, size: int, /) -> bytes:
        data = self._reader.read(size)
        self._hash.update(data)
        return data

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        cure = "Free space" if error.errno in _FULL else "Repair the store"
        raise BlobRefused(
            f"The file was not stored: the blob store says {_said(error)}. Nothing of it is left. {cure}, then repeat."
        ) from error


def _said(error: OSError) -> str:
    return error.strerror or type(error).__name__  # the text of others may hold keys of the store


def _damaged(digest: str) -> str:
    return f"Blob {digest} is damaged: the stored bytes have another digest. Restore it from its backup."


def _digest_of(ref: BlobRef | str) -> str:
    digest = ref.digest if isinstance(ref, BlobRef) else ref
    if not _DIGEST.fullmatch(digest):  # it becomes a path
        raise ValueError("a blob's digest is 64 hex digits in lower case")
    return digest


def _context(key: Key, kind: str) -> bytes:
    return context_of("blob", key.owner.bytes, kind.encode())


def _head(kind: str) -> bytes:
    return _MAGIC + bytes([len(kind)]) + kind.encode()


def _read_kind(reader: Reader) -> str:
    if read_exactly(reader, len(_MAGIC)) != _MAGIC or not (length := reader.read(1)):
        raise SealBroken("its head is none of a form that is known here")
    return read_exactly(reader, length[0]).decode("ascii", "replace")
