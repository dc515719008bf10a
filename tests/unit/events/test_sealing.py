"""Sealed bytes open for the right key and place only, stay readable for ever, and give nothing away."""

import os
from io import BytesIO
from pathlib import Path
from uuid import UUID

import pytest
import zstandard
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from events.sealing import (
    FRAME_BYTES,
    MAX_OPENED_BYTES,
    SealBroken,
    context_of,
    derive_key,
    event_context,
    keyed_digest,
    read_exactly,
    seal,
    seal_stream,
    unseal,
    unseal_stream,
)

GOLDEN = Path(__file__).parents[2] / "golden" / "sealing"
KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
NONCE = bytes(range(100, 112))
SALT = bytes(range(200, 232))
LEDGER = UUID("6f1c3f0e-4a51-4c1e-9d7a-0a3c5b1f2e4d")
CONTEXT = event_context(LEDGER, "student/123/6f1c3f0e-4a51-4c1e-9d7a-0a3c5b1f2e4d/2025", 7)
SHORT = b'{"n":"Q"}'
RECORD = b'{"courses":[' + b",".join(b'{"code":"%06d","title":"ENGLISH I"}' % n for n in range(40)) + b"]}"


class Dribble:
    """A reader that gives fewer bytes than asked for, as a pipe may."""

    def __init__(self, data: bytes) -> None:
        self._source = BytesIO(data)

    def read(self, size: int, /) -> bytes:
        return self._source.read(min(size, 7))


def golden(name: str) -> bytes:
    return bytes.fromhex((GOLDEN / f"{name}.hex").read_text())


def sealed_file(data: bytes, *, key: bytes = KEY, context: bytes = CONTEXT, salt: bytes | None = None) -> list[bytes]:
    """The head of the stream and its frames, each as one item."""
    return list(seal_stream(key, BytesIO(data), context=context, salt=salt))


def opened_file(pieces: list[bytes], *, key: bytes = KEY, context: bytes = CONTEXT) -> bytes:
    return b"".join(unseal_stream(key, BytesIO(b"".join(pieces)), context=context))


# One event part


@given(st.binary(max_size=3000), st.binary(max_size=50))
def test_what_was_sealed_opens(plaintext: bytes, context: bytes) -> None:
    assert unseal(KEY, seal(KEY, plaintext, context=context), context=context) == plaintext


def test_a_changed_bit_anywhere_breaks_the_seal() -> None:
    sealed = seal(KEY, SHORT, context=CONTEXT)
    for position in range(len(sealed) * 8):
        damaged = bytearray(sealed)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            unseal(KEY, bytes(damaged), context=CONTEXT)


def test_a_part_that_was_cut_off_anywhere_does_not_open() -> None:
    sealed = seal(KEY, SHORT, context=CONTEXT)
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            unseal(KEY, sealed[:length], context=CONTEXT)


def test_another_key_does_not_open_it() -> None:
    with pytest.raises(SealBroken, match="under another key"):
        unseal(OTHER_KEY, seal(KEY, SHORT, context=CONTEXT), context=CONTEXT)


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param(event_context(UUID(int=1), "student/1/a/2025", 7), id="other ledger"),
        pytest.param(event_context(LEDGER, "student/1/b/2025", 7), id="other stream"),
        pytest.param(event_context(LEDGER, "student/1/a/2025", 8), id="other version"),
    ],
)
def test_an_event_does_not_open_in_another_events_place(elsewhere: bytes) -> None:
    sealed = seal(KEY, SHORT, context=event_context(LEDGER, "student/1/a/2025", 7))
    with pytest.raises(SealBroken):
        unseal(KEY, sealed, context=elsewhere)


def test_sealing_twice_gives_different_bytes() -> None:
    assert seal(KEY, SHORT, context=CONTEXT) != seal(KEY, SHORT, context=CONTEXT)


def test_sealed_bytes_hold_no_run_of_the_plaintext() -> None:
    name = os.urandom(12).hex().encode()
    assert name[:6] not in seal(KEY, b'{"name":"' + name + b'"}', context=CONTEXT)


def test_a_key_of_another_length_is_refused_and_never_a_weaker_cipher_taken() -> None:
    with pytest.raises(ValueError, match="32 bytes, not 16"):
        seal(KEY[:16], SHORT, context=CONTEXT)
    with pytest.raises(ValueError, match="32 bytes, not 16"):
        sealed_file(SHORT, key=KEY[:16])


def sealed_by_hand(packed: bytes) -> bytes:
    return NONCE + AESGCM(KEY).encrypt(NONCE, packed, CONTEXT)


def test_a_frame_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(MAX_OPENED_BYTES + 1))
    with pytest.raises(SealBroken, match=f"unpacks to {MAX_OPENED_BYTES + 1} bytes"):
        unseal(KEY, sealed_by_hand(bomb), context=CONTEXT)


def test_a_frame_of_unstated_size_is_refused() -> None:
    packer = zstandard.ZstdCompressor(write_content_size=False)
    with pytest.raises(SealBroken, match="allowed"):
        unseal(KEY, sealed_by_hand(packer.compress(SHORT)), context=CONTEXT)


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(SHORT, id="no zstd"),
        pytest.param(zstandard.ZstdCompressor().compress(RECORD)[:-3], id="cut off"),
        pytest.param(zstandard.ZstdCompressor().compress(SHORT) + b"x", id="more behind it"),
    ],
)
def test_a_sealed_part_that_is_no_zstd_frame_is_refused(packed: bytes) -> None:
    with pytest.raises(SealBroken):
        unseal(KEY, sealed_by_hand(packed), context=CONTEXT)


def test_messages_hold_no_data() -> None:
    secret = b"CANARY-NAME"
    with pytest.raises(SealBroken) as broken:
        unseal(KEY, sealed_by_hand(secret), context=CONTEXT)
    assert "CANARY" not in str(broken.value)
    assert broken.value.__suppress_context__


# Contexts, keys, digests


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_different_parts_never_share_a_context(some: list[bytes], others: list[bytes]) -> None:
    assert (context_of("event", *some) == context_of("event", *others)) == (some == others)


def test_derived_keys_are_those_of_rfc_5869() -> None:
    """The first 32 bytes of its test cases 1 and 3."""
    with_salt = derive_key(bytes([0x0B] * 22), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"), salt=bytes(range(13)))
    without = derive_key(bytes([0x0B] * 22), b"")

    assert with_salt.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
    assert without.hex() == "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"


def test_a_keyed_digest_depends_on_key_data_and_purpose_alone() -> None:
    digest = keyed_digest(KEY, b"19990101", purpose="record")

    assert digest == keyed_digest(KEY, b"19990101", purpose="record")
    assert len(digest) == 64
    assert digest != keyed_digest(OTHER_KEY, b"19990101", purpose="record")
    assert digest != keyed_digest(KEY, b"19990102", purpose="record")
    assert digest != keyed_digest(KEY, b"19990101", purpose="identity")


# Streams


@pytest.mark.parametrize("size", [0, 1, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES])
def test_a_sealed_stream_opens_in_pieces_of_one_frame(size: int) -> None:
    data = os.urandom(size)
    sealed = BytesIO(b"".join(sealed_file(data)))
    pieces = list(unseal_stream(KEY, sealed, context=CONTEXT))

    assert b"".join(pieces) == data
    assert max(map(len, pieces)) <= FRAME_BYTES


def test_a_reader_may_give_fewer_bytes_than_asked_for() -> None:
    data = os.urandom(5000)
    sealed = b"".join(seal_stream(KEY, Dribble(data), context=CONTEXT))

    assert b"".join(unseal_stream(KEY, Dribble(sealed), context=CONTEXT)) == data
    assert read_exactly(Dribble(data), 1000) == data[:1000]
    assert read_exactly(Dribble(data), 6000) == data


def test_a_stream_that_was_cut_off_anywhere_does_not_open_to_its_end() -> None:
    head, *frames = sealed_file(os.urandom(2 * FRAME_BYTES + 10))
    whole = b"".join([head, *frames])
    ends = [len(head), len(head) + len(frames[0]), len(head) + len(frames[0]) + len(frames[1])]

    for length in [0, 5, 20, *ends, *(end + extra for end in ends for extra in (1, 4, 5, 30)), len(whole) - 1]:
        with pytest.raises(SealBroken):
            opened_file([whole[:length]])


def test_frames_that_are_moved_doubled_left_out_or_added_are_detected() -> None:
    head, first, second, last = sealed_file(os.urandom(2 * FRAME_BYTES + 10))

    assert len(opened_file([head, first, second, last])) == 2 * FRAME_BYTES + 10
    for frames in (
        [second, first, last],
        [first, last],
        [first, second],
        [first, second, second, last],
        [first, second, last, last],
        [first, last, second],
        [last],
    ):
        with pytest.raises(SealBroken):
            opened_file([head, *frames])


def test_a_frame_of_another_file_of_the_same_key_and_place_is_detected() -> None:
    data = os.urandom(FRAME_BYTES + 10)
    head, _, last = sealed_file(data)
    _, foreign, _ = sealed_file(data)

    with pytest.raises(SealBroken):
        opened_file([head, foreign, last])


def test_a_stream_opens_under_its_own_key_and_context_only() -> None:
    pieces = sealed_file(SHORT)
    with pytest.raises(SealBroken):
        opened_file(pieces, key=OTHER_KEY)
    with pytest.raises(SealBroken):
        opened_file(pieces, context=b"elsewhere")


def test_a_changed_byte_anywhere_in_a_stream_is_detected() -> None:
    whole = b"".join(sealed_file(SHORT))
    for position in range(len(whole)):
        damaged = bytearray(whole)
        damaged[position] ^= 0x10
        with pytest.raises(SealBroken):
            opened_file([bytes(damaged)])


def test_a_crafted_frame_length_is_refused_before_it_is_read() -> None:
    head, _ = sealed_file(SHORT)
    asked: list[int] = []

    class Watched(BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            asked.append(size or 0)
            return super().read(size)

    with pytest.raises(SealBroken, match="length is damaged"):
        list(unseal_stream(KEY, Watched(head + b"\xff\xff\xff\xff"), context=CONTEXT))
    assert max(asked) < 2 * FRAME_BYTES


# Golden bytes: what was once written must open for ever. Files are added, never changed.


def test_golden_event_parts_open() -> None:
    assert unseal(KEY, golden("event-short"), context=CONTEXT) == SHORT
    assert unseal(KEY, golden("event-record"), context=CONTEXT) == RECORD


def test_golden_streams_open() -> None:
    assert opened_file([golden("stream-short")]) == SHORT
    assert opened_file([golden("stream-two-frames")]) == bytes(FRAME_BYTES) + SHORT


def test_sealing_still_writes_the_golden_bytes() -> None:
    """Only for data too short to compress: another zstd release may pack the rest better, and may do so."""
    assert seal(KEY, SHORT, context=CONTEXT, nonce=NONCE) == golden("event-short")
    assert b"".join(sealed_file(SHORT, salt=SALT)) == golden("stream-short")


def test_golden_contexts_and_digests_are_unchanged() -> None:
    assert CONTEXT.hex() == (GOLDEN / "context.hex").read_text().strip()
    assert keyed_digest(KEY, SHORT, purpose="record") == (GOLDEN / "digest.hex").read_text().strip()
