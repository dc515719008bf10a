"""A file as it arrives, plain or zipped, as mapped bytes within limits (R-030).

The first bytes decide, not the name. A zip is judged by its directory before anything is unpacked, and the declared
size is enforced while reading, so that neither a bomb nor a lie about its size costs more than the limit.
"""

import errno
import io
import lzma
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import IO

from schemas.louisiana_sts.lines import Data
from schemas.louisiana_sts.table import problem
from schemas.problems import Problem

LIMIT = 1 << 30
RATIO = 500
SMALL = 16 << 20
BLOCK = 1 << 20
MANY = 100
DIRECTORY_ENTRY = b"PK\x01\x02"
ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")

# What zipfile raises on damaged bytes, over all packing methods; and what is the disk's fault, not the file's.
DAMAGE = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    NotImplementedError,
    RuntimeError,
    ValueError,
    EOFError,
    IndexError,
    OverflowError,
)
DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The batch file's bytes; `zipped` says whether they came in a zip."""

    data: Data
    zipped: bool = False


def unpack(source: Path | bytes, *, limit: int = LIMIT) -> Unpacked | Problem:
    """The one file in `source`, of at most `limit` bytes unpacked, or the problem that refuses it.

    Raises OSError if the path cannot be read, or the disk cannot hold what a zip unpacks to.
    """
    if isinstance(source, bytes):
        return within(source, io.BytesIO(source), limit)
    with source.open("rb") as file:
        size = file.seek(0, io.SEEK_END)
        if size > limit:
            return too_large(size, limit)
        return within(mmap(file.fileno(), 0, access=ACCESS_READ) if size else b"", file, limit)


def within(data: Data, file: IO[bytes], limit: int) -> Unpacked | Problem:
    if len(data) > limit:
        return too_large(len(data), limit)
    if data[:4] not in ZIP_MARKS:
        return Unpacked(data)
    if has_many_entries(data):
        return problem("F13")
    try:
        return zipped(file, limit)
    except OSError as fault:
        if fault.errno in DISK_FAULTS:
            raise
        return problem("F12")
    except DAMAGE:
        return problem("F12")


def too_large(size: int, limit: int) -> Problem:
    return problem("F11", message=f"FILE TOO LARGE: {size:,} BYTES, THE LIMIT IS {limit:,}")


def has_many_entries(data: Data) -> bool:
    """Whether the zip's directory is so long that even reading it would cost memory."""
    at = -1
    for _ in range(MANY):
        at = data.find(DIRECTORY_ENTRY, at + 1)
        if at < 0:
            return False
    return True


def zipped(file: IO[bytes], limit: int) -> Unpacked | Problem:
    with zipfile.ZipFile(file) as archive:
        member = only_member(archive, limit)
        return member if isinstance(member, Problem) else read_member(archive, member, limit)


def only_member(archive: zipfile.ZipFile, limit: int) -> zipfile.ZipInfo | Problem:
    """The archive's one file, if what its directory declares is acceptable."""
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) != 1:
        return problem("F13", message=f"ZIP DOES NOT HOLD EXACTLY ONE FILE, BUT {len(members)}")
    member = members[0]
    if member.flag_bits & 0x1:
        return problem("F14")
    if member.file_size > limit or is_bomb(member):
        return problem("F16", message=f"ZIP UNPACKS TO MORE THAN IS ALLOWED: {member.file_size:,} BYTES DECLARED")
    return member


def is_bomb(member: zipfile.ZipInfo) -> bool:
    """Blanks pack well, up to some hundred times; no batch file reaches the ratio of a bomb."""
    return member.file_size > SMALL and member.file_size > RATIO * max(1, member.compress_size)


def read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> Unpacked | Problem:
    with tempfile.TemporaryFile() as plain, archive.open(member) as packed:
        size = 0
        while block := packed.read(BLOCK):
            if size == 0 and block.startswith(ZIP_MARKS):
                return problem("F15")
            size += len(block)
            if size > limit:
                return problem("F16", message=f"ZIP UNPACKS TO MORE THAN IS ALLOWED: OVER {limit:,} BYTES")
            plain.write(block)
        plain.flush()
        return Unpacked(mmap(plain.fileno(), 0, access=ACCESS_READ) if size else b"", zipped=True)
