"""The pixels of a PNG as typst writes them: 8 bits, RGBA, not interlaced. Enough to ask whether a margin is white."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BYTES = 4
"""Bytes of a pixel."""


def rows(image: bytes) -> list[bytes]:
    """The image's rows, top to bottom, four bytes a pixel. Raises ValueError for any other kind of PNG."""
    if image[:8] != SIGNATURE:
        raise ValueError("not a PNG")
    chunks = chunks_of(image)
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    if kind != [8, 6, 0, 0, 0]:
        raise ValueError(f"not 8-bit RGBA without interlacing: {kind}")
    return unfiltered(zlib.decompress(chunks[b"IDAT"]), width * BYTES, height)


def chunks_of(image: bytes) -> dict[bytes, bytes]:
    """The chunks by type; those of one type joined."""
    chunks: dict[bytes, bytes] = {}
    at = len(SIGNATURE)
    while at < len(image):
        (length,) = struct.unpack(">I", image[at : at + 4])
        name = image[at + 4 : at + 8]
        chunks[name] = chunks.get(name, b"") + image[at + 8 : at + 8 + length]
        at += length + 12
    return chunks


def unfiltered(raw: bytes, stride: int, height: int) -> list[bytes]:
    """Undo the filter of each row (PNG specification, section 9)."""
    above = bytes(stride)
    image = []
    for number in range(height):
        start = number * (stride + 1)
        row = bytearray(raw[start + 1 : start + 1 + stride])
        undo(raw[start], row, above)
        above = bytes(row)
        image.append(above)
    return image


def undo(kind: int, row: bytearray, above: bytes) -> None:
    for at in range(len(row)):
        left = row[at - BYTES] if at >= BYTES else 0
        corner = above[at - BYTES] if at >= BYTES else 0
        guess = (0, left, above[at], (left + above[at]) // 2, paeth(left, above[at], corner))[kind]
        row[at] = (row[at] + guess) & 255


def paeth(left: int, up: int, corner: int) -> int:
    guess = left + up - corner
    return min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
