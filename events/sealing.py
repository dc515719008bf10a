"""Sealing: zstd, then AES-256-GCM, so that personal data never lies readable in the log or in a blob.

A sealed event part is `nonce (12 bytes) || ciphertext || tag (16 bytes)` (NIST SP 800-38D). There is no dictionary: a
trained one would hold names verbatim. A sealed stream (a file) is

    b"sealed-stream-1\\n" || salt (32 bytes) || frames, each: length (4 bytes, big-endian) || ciphertext || tag

Its frames follow the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance, 2015): a key of its own, derived from the salt, and a nonce made of the frame's number
and a flag on the last one. So a frame that is missing, doubled, moved, or taken from another file is detected.
"""

import hmac
import os
import threading
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID

import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
ZSTD_LEVEL = 3

MAX_OPENED_BYTES = 16 * 1024 * 1024
"""An event part that says it unpacks to more is refused before anything is unpacked."""

FRAME_BYTES = 1024 * 1024
"""Plaintext bytes in each frame of a sealed stream but the last."""

_STREAM_MAGIC = b"sealed-stream-1\n"
_SALT_BYTES = 32
_MAX_SEALED_FRAME_BYTES = FRAME_BYTES + 64 * 1024  # zstd grows random bytes by far less than this


class SealBroken(Exception):
    """The sealed bytes do not open: damaged, sealed under another key, or moved from another place."""


class Reader(Protocol):
    """What is read from: an open binary file, a socket, `io.BytesIO`."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, and none at the end only."""
        ...


class _Codec(threading.local):
    """A zstd context takes 20 us to make and serves one thread at a time."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_codec = _Codec()


def seal(key: bytes, plaintext: bytes, *, context: bytes, nonce: bytes | None = None) -> bytes:
    """Return the sealed form of `plaintext`; `context` is bound to it and must be given again to open it.

    `nonce` is for golden files only: one nonce used twice under one key gives both plaintexts away.
    """
    nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
    return nonce + _cipher(key).encrypt(nonce, _codec.compressor.compress(plaintext), context)


def unseal(key: bytes, sealed: bytes, *, context: bytes) -> bytes:
    """Return the plaintext of `seal`. Raises SealBroken, whose message never holds data."""
    if len(sealed) < NONCE_BYTES + TAG_BYTES:
        raise SealBroken(f"sealed data of {len(sealed)} bytes is shorter than its nonce and tag: it was cut off")
    packed = _decrypt(_cipher(key), sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    return _unpack(packed, MAX_OPENED_BYTES)


def context_of(label: str, *parts: bytes) -> bytes:
    """Return an encoding of label and parts that no other label and parts share (each is length-prefixed)."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in (label.encode(), *parts))


def event_context(ledger: UUID, stream: str, version: int) -> bytes:
    """Return the context of the event that brings `stream` to `version`, so that no event opens in another's place."""
    return context_of("event", ledger.bytes, stream.encode(), version.to_bytes(8, "big"))


def derive_key(key: bytes, info: bytes, *, salt: bytes | None = None) -> bytes:
    """Return a 32-byte key for one use of `key` (HKDF-SHA256, RFC 5869); other uses tell nothing about it."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=info).derive(key)


def keyed_digest(key: bytes, data: bytes, *, purpose: str) -> str:
    """Return the hex HMAC-SHA256 (RFC 2104) of `data` under a key derived for `purpose`.

    Personal data is short and can be guessed, so a plain digest would give it away; this one tells nothing to
    those without the key, and nothing to anybody once the key is erased.
    """
    return hmac.digest(derive_key(key, context_of("digest", purpose.encode())), data, "sha256").hex()


def seal_stream(key: bytes, reader: Reader, *, context: bytes, salt: bytes | None = None) -> Iterator[bytes]:
    """Yield the sealed form of all that `reader` gives, piece by piece; memory holds a few frames at most.

    `salt` is for golden files only.
    """
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    cipher = _stream_cipher(key, salt, context)
    yield _STREAM_MAGIC + salt
    number, frame = 0, read_exactly(reader, FRAME_BYTES)
    while True:
        following = read_exactly(reader, FRAME_BYTES) if len(frame) == FRAME_BYTES else b""
        packed = _codec.compressor.compress(frame)
        body = cipher.encrypt(_frame_nonce(number, last=not following), packed, context)
        yield len(body).to_bytes(4, "big") + body
        if not following:
            return
        number, frame = number + 1, following


def unseal_stream(key: bytes, reader: Reader, *, context: bytes) -> Iterator[bytes]:
    """Yield the plaintext of `seal_stream` in frames of 1 MiB, the last one shorter and possibly empty.

    Each frame is proven before it is yielded, but only the end of the iteration proves that none is missing.
    Raises SealBroken, whose message never holds data.
    """
    magic, salt = read_exactly(reader, len(_STREAM_MAGIC)), read_exactly(reader, _SALT_BYTES)
    if magic != _STREAM_MAGIC or len(salt) != _SALT_BYTES:
        raise SealBroken("this is no sealed stream of a form that is known here")
    cipher = _stream_cipher(key, salt, context)
    number, body = 0, _read_frame(reader)
    while body is not None:
        following = _read_frame(reader)
        nonce = _frame_nonce(number, last=following is None)
        yield _unpack(_decrypt(cipher, nonce, body, context), FRAME_BYTES)
        number, body = number + 1, following
    if number == 0:
        raise SealBroken("the sealed stream ends before its first frame: it was cut off")


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:  # AESGCM itself would quietly take 16 bytes and be AES-128
        raise ValueError(f"a sealing key has {KEY_BYTES} bytes, not {len(key)}")
    return AESGCM(key)


def _stream_cipher(key: bytes, salt: bytes, context: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a sealing key has {KEY_BYTES} bytes, not {len(key)}")
    return AESGCM(derive_key(key, context_of("stream", context), salt=salt))


def _frame_nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + bytes([last])


def _decrypt(cipher: AESGCM, nonce: bytes, body: bytes, context: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, body, context)
    except InvalidTag:
        raise SealBroken(
            "the seal does not hold: the bytes are damaged, or were sealed under another key or for another place"
        ) from None


def _unpack(packed: bytes, limit: int) -> bytes:
    # zstandard ignores max_output_size when the frame states its size, so the statement is judged first.
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 <= size <= limit:
            raise SealBroken(f"the sealed data says that it unpacks to {size} bytes; at most {limit} are allowed")
        return _codec.decompressor.decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError:
        raise SealBroken("the seal holds, but what is in it is no zstd frame") from None


def _read_frame(reader: Reader) -> bytes | None:
    head = read_exactly(reader, 4)
    if not head:
        return None
    size = int.from_bytes(head, "big")
    body = read_exactly(reader, size) if size <= _MAX_SEALED_FRAME_BYTES else b""
    if len(head) < 4 or size < TAG_BYTES or len(body) < size:
        raise SealBroken("a frame of the sealed stream is cut off, or its length is damaged")
    return body


def read_exactly(reader: Reader, size: int) -> bytes:
    """Read until `size` bytes or the end: a pipe or a network file may give fewer bytes than asked for."""
    piece = reader.read(size)
    if len(piece) == size or not piece:
        return piece
    pieces, missing = [piece], size - len(piece)
    while missing and (piece := reader.read(missing)):
        pieces.append(piece)
        missing -= len(piece)
    return b"".join(pieces)
